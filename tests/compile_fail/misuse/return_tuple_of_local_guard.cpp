// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// form: elided
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the guard ends with the function, and the tuple with it.

#ifdef MISUSE
quire::byte_view<std::byte const> first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->tuple(slot);
}
void misuse(file_type file) {
    use(first(file)[0]);
}
#else
std::size_t first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->tuple(slot).size();
}
void misuse(file_type file) {
    use(first(file));
}
#endif
