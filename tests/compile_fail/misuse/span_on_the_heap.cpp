// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*use_with_span_or_unguarded_span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: a standard span may be kept by any code.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::unique_ptr<std::span<std::byte const>> kept;
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        kept = std::make_unique<std::span<std::byte const>>(tuple.span());
    }
    use((*kept)[0]);
#else
    std::unique_ptr<std::vector<std::byte>> kept;
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        kept = std::make_unique<std::vector<std::byte>>(tuple.begin(), tuple.end());
    }
    use((*kept)[0]);
#endif
}
