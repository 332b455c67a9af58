// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a page is changed only while no row, tuple or range of it is lent
// why: a function that takes the page may change it.

#ifdef MISUSE
void tidy(writer::view_type& page) { page.compact(); }
void misuse(file_type file) {
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    tidy(*page);
    use(row.get<&user::id>());
}
#else
void tidy(writer::view_type& page) { page.compact(); }
void misuse(file_type file) {
    auto page = file.write<heap_page>(0);
    tidy(*page);
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
}
#endif
