// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// net: poison
// why: the guard ends with the function, and the tuple with it.

#ifdef MISUSE
quire::byte_view<std::byte const> first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->tuple(slot);
}
#else
std::size_t first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->tuple(slot).size();
}
#endif
