// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a view is not copied out of its guard.

#ifdef MISUSE
reader::view_type first(file_type file) {
    auto page = file.read<heap_page>(0);
    return *page;
}
#else
std::size_t first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->size();
}
#endif
