// SPDX-License-Identifier: BSL-1.0
// group: a page by another name
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'transfer' while loan 'page->lent' is held
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: nor may it be held while the page is handed on.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto view = *page;
    auto next = page.transfer();
    next.release();
    use(view.size());
#else
    auto page = file.read<heap_page>(0);
    auto next = page.transfer();
    auto view = *next;
    use(view.size());
#endif
}
