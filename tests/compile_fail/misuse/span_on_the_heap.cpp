// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: `span()` gives a standard span, which any code may keep.

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
        kept = std::make_unique<std::vector<std::byte>>(tuple.span().begin(), tuple.span().end());
    }
    use((*kept)[0]);
#endif
}
