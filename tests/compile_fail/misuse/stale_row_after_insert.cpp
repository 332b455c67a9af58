// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'insert' while loan 'page->lent' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: an insert may compact the page, and the row would look at other bytes.

void misuse(file_type file) {
    auto page = file.write<heap_page>(0);
#ifdef MISUSE
    auto row = page->row<user>(slot);
    use(page->insert(user{}));
    use(row.get<&user::id>());
#else
    {
        auto row = page->row<user>(slot);
        use(row.get<&user::id>());
    }
    use(page->insert(user{}));
#endif
}
