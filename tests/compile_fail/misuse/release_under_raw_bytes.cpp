// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'release' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: raw bytes are a borrow, too.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read(0);
    auto bytes = page->bytes();
    page.release();
    use(bytes[0]);
#else
    auto page = file.read(0);
    {
        auto bytes = page->bytes();
        use(bytes[0]);
    }
    page.release();
#endif
}
