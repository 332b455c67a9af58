// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'operator\*' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: a page is lent for changes only while no row of it is.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    auto same = *page;
    same.compact();
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    auto same = *page;
    same.compact();
    auto row = same.row<user>(slot);
    use(row.get<&user::id>());
#endif
}
