// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// net: poison
// why: a row is a borrow like any other.

#ifdef MISUSE
auto first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->row<user>(slot);
}
#else
auto first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->row<user>(slot).load();
}
#endif
