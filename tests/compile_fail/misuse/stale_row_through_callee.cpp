// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: a function that takes the guard may change its page.

void tidy(writer& page) { page->compact(); }
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    tidy(page);
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    tidy(page);
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
