// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: cannot call function 'insert.*' while mutable loan 'page->lent_mutable' is held
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: the insert may move the tuple that it copies.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto tuple = page->tuple(slot);
    use(page->insert(tuple));
#else
    auto page = file.write<heap_page>(0);
    auto other = file.read<heap_page>(1);
    auto tuple = other->tuple(slot);
    use(page->insert(tuple));
#endif
}
