// SPDX-License-Identifier: BSL-1.0
// group: guard ended under a borrow
// rust: rejects
// g++: -
// clang-19: state of variable 'page' must match at the entry and exit of loop
// clang-22: cannot call function 'release' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the loop continues over a page that is not held.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) {
        use(row.get<&user::id>());
        page.release();
    }
#else
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) { use(row.get<&user::id>()); }
    page.release();
#endif
}
