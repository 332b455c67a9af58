// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'compact' while mutable loan 'page->lent_mutable' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: the operation may move tuples under the borrow.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto tuple = page->tuple(slot);
    page->compact();
    use(tuple.size());
#else
    auto page = file.write<heap_page>(0);
    {
        auto tuple = page->tuple(slot);
        use(tuple.size());
    }
    page->compact();
#endif
}
