// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: a const view made from the mutable one shows the same page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto named = *page;
    reader::view_type look{named};
    auto row = look.row<user>(slot);
    named.compact();
    use(row.get<&user::id>());
#else
    auto page = file.write<heap_page>(0);
    auto named = *page;
    named.compact();
    reader::view_type look{named};
    auto row = look.row<user>(slot);
    use(row.get<&user::id>());
#endif
}
