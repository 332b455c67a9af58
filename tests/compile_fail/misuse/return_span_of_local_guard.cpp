// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// poison: use-after-poison
// why: a span from `span()` leaves with the function.

#ifdef MISUSE
std::span<std::byte const> first(file_type file) {
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    return tuple.span();
}
void misuse(file_type file) {
    use(first(file)[0]);
}
#else
std::size_t first(file_type file) {
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    return tuple.span().size();
}
void misuse(file_type file) {
    use(first(file));
}
#endif
