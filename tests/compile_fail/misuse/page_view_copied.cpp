// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a page has as many names as were asked of its guard.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto view = *page;
    auto copy = view;
    use(copy.size());
#else
    auto page = file.read<heap_page>(0);
    auto view = *page;
    auto again = *page;
    use(view.size() + again.size());
#endif
}
