// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// chosen: elided
// form: elided
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'insert' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: the elements of an array are made in their places.

using row_type = decltype(std::declval<writer&>()->row<user>(slot));
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    std::array<row_type, 2> rows{page->row<user>(slot), page->row<user>(last_slot)};
    use(page->insert(user{}));
    use(rows[1].get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(user{}));
    auto const row = page->row<user>(last_slot);
    use(row.get<&user::id>());
#endif
}
