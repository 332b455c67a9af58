// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'compact' while mutable loan 'page->lent_mutable' is held
// checked: a page is changed only while no row, tuple or range of it is lent
// why: a row by one name of the page, and a change by the other.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto same = *page;
    auto row = same.row<user>(slot);
    page->compact();
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    page->compact();
    auto same = *page;
    auto row = same.row<user>(slot);
    use(row.get<&user::id>());
#endif
}
