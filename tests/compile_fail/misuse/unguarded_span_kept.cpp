// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: (does not live long enough|outlive|local variable)
// poison: use-after-poison
// why: nobody follows an `unguarded_span` far: the caller makes sure that it ends in time.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::span<std::byte const> kept;
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        kept = tuple.unguarded_span();
    }
    use(kept[0]);
#else
    std::vector<std::byte> kept;
    {
        auto page = file.read<heap_page>(0);
        auto tuple = page->tuple(slot);
        kept.assign(tuple.begin(), tuple.end());
    }
    use(kept[0]);
#endif
}
