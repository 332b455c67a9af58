// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a page is changed only while no row, tuple or range of it is lent
// why: the address of the view is another name of the page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto* const same = page.operator->();
    auto row = page->row<user>(slot);
    same->compact();
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    auto* const same = page.operator->();
    same->compact();
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
