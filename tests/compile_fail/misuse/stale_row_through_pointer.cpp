// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: what a page lends is used only until the page is next changed, or lent for changes
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
