// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'compact' while loan 'page.lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: a row by `quire::row` is lent like one by the page's own function.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    file.with_write<heap_page>(0, [](auto& page) {
        auto row = quire::row<user>(page, slot);
        page.compact();
        use(quire::get<&user::id>(row));
    });
#else
    file.with_write<heap_page>(0, [](auto& page) {
        page.compact();
        auto row = quire::row<user>(page, slot);
        use(quire::get<&user::id>(row));
    });
#endif
}
