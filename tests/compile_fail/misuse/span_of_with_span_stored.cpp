// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: the function writes to a variable outside.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::span<std::byte const> kept;
    {
        auto page = file.read<heap_page>(0);
        page->tuple(slot).with_span([&](std::span<std::byte const> bytes) { kept = bytes; });
    }
    use(kept[0]);
#else
    std::byte kept{};
    {
        auto page = file.read<heap_page>(0);
        page->tuple(slot).with_span([&](std::span<std::byte const> bytes) { kept = bytes[0]; });
    }
    use(kept);
#endif
}
