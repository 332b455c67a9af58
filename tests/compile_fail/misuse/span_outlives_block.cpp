// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*use_with_span_or_unguarded_span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: a standard span may be kept by any code.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::span<std::byte const> bytes;
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        bytes = tuple.span();
    }
    use(bytes.size() > 0 ? bytes[0] : std::byte{});
#else
    std::byte first{};
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        first = tuple[0];
    }
    use(first);
#endif
}
