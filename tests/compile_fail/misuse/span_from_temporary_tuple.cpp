// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function .*operator std::span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: a tuple does not turn into a span by itself.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    std::span<std::byte const> bytes = page->tuple(slot);
    use(bytes);
#else
    auto page = file.read<heap_page>(0);
    auto tuple = page->tuple(slot);
    std::span<std::byte const> bytes = tuple.unguarded_span();
    use(bytes);
#endif
}
