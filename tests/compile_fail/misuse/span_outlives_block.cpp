// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: (does not live long enough|outlive|local variable)
// poison: use-after-poison
// why: `span()` gives a standard span: it must end first.

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
