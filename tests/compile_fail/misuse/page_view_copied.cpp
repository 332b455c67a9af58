// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a view is used where its guard is.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto view = *page;
    use(view.size());
#else
    auto page = file.read<heap_page>(0);
    auto const& view = *page;
    use(view.size());
#endif
}
