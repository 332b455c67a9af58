// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'edit' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: edit may move the row it changes.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    use(page->edit<user>(slot, [](user& u) { u.name += '!'; }));
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    use(page->edit<user>(slot, [](user& u) { u.name += '!'; }));
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
