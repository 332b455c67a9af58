// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'release' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a page by name ends before its guard does.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto view = *page;
    page.release();
    use(view.size());
#else
    auto page = file.read<heap_page>(0);
    {
        auto view = *page;
        use(view.size());
    }
    page.release();
#endif
}
