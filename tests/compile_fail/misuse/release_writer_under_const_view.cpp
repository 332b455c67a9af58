// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'release' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a borrow for reading from a write guard ends first, too.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto view = page.view();
    auto row = view.row<user>(slot);
    page.release();
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    {
        auto view = page.view();
        auto row = view.row<user>(slot);
        use(row.get<&user::id>());
    }
    page.release();
#endif
}
