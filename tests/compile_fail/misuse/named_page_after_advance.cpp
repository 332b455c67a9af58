// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'advance' while mutable loan 'page->lent_mutable' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a page by name ends before its guard goes on.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto view = *page;
    page.advance(file, 1);
    use(view.insert(user{6, "Emmy", {}}));
#else
    auto page = file.write<heap_page>(0);
    {
        auto view = *page;
        use(view.insert(user{6, "Emmy", {}}));
    }
    page.advance(file, 1);
#endif
}
