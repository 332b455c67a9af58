// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'insert' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: the string ends with its row, and the row before the insert.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    auto name = row.get<&user::name>();
    use(page->insert(user{}));
    use(name);
#else
    auto page = file.write<heap_page>(0);
    {
        auto row = page->row<user>(slot);
        use(row.get<&user::name>());
    }
    use(page->insert(user{}));
#endif
}
