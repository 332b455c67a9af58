// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: -
// g++: a page kind that is read without a latch
// clang-19: a page kind that is read without a latch
// clang-22: a page kind that is read without a latch
// why: rows lend bytes that do not change; without a latch they may.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.optimistic_read<heap_page>(0, [](auto const& page) { return page.size(); }));
#else
    use(file.with_read<heap_page>(0, [](auto const& page) { return page.size(); }));
#endif
}
