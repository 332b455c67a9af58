// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'insert' while loan 'page->lent' is held
// checked: a page is changed only while no row, tuple or range of it is lent
// why: the const view of a write guard shows the same page.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto view = page.view();
    auto row = view.row<user>(slot);
    use(page->insert(user{9, "Eve", {}}));
    use(row.get<&user::name>());
#else
    auto page = file.write<heap_page>(0);
    {
        auto view = page.view();
        auto row = view.row<user>(slot);
        use(row.get<&user::name>());
    }
    use(page->insert(user{9, "Eve", {}}));
#endif
}
