// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: use of deleted function .*use_with_span_or_unguarded_span
// clang-19: a std::span could outlive the page
// clang-22: a std::span could outlive the page
// why: a standard span may be kept by any code.

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
