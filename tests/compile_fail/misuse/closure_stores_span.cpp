// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: `span()` gives a standard span, which leaves.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::span<std::byte> kept;
    file.with_write<heap_page>(0, [&](writer::view_type& page) {
        auto tuple = page.tuple(slot);
        kept = tuple.span();
    });
    use(kept[0]);
#else
    std::byte first{};
    file.with_write<heap_page>(0, [&](writer::view_type& page) {
        auto tuple = page.tuple(slot);
        first = tuple[0];
    });
    use(first);
#endif
}
