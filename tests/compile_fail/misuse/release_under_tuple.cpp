// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'release' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a tuple is a borrow like a row.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    page.release();
    use(tuple[0]);
#else
    auto page = file.read<heap_page>(0);
    {
        auto tuple = page->tuple(slot);
        use(tuple[0]);
    }
    page.release();
#endif
}
