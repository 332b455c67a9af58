// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (no match for 'operator='|use of deleted function)
// clang-19: no viable overloaded '='
// clang-22: no viable overloaded '='
// why: the tuple is used after the block that held the guard.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::optional<quire::byte_view<std::byte const>> kept;
    {
        auto page = file.read<heap_page>(0);
        kept = page->tuple(slot);
    }
    use(kept->size());
#else
    auto page = file.read<heap_page>(0);
    auto kept = page->tuple(slot);
    use(kept.size());
#endif
}
