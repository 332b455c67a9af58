// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*use_with_span_or_unguarded_span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: a standard span may be kept by any code.

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
    return tuple.size();
}
void misuse(file_type file) {
    use(first(file));
}
#endif
