// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'reclaim' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: reclaim changes the page like any other.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    page->reclaim(last_slot);
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    page->reclaim(last_slot);
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
