// SPDX-License-Identifier: BSL-1.0
// group: const turned mutable
// rust: rejects
// g++: (no matching function|deleted)
// clang-19: (no matching constructor|deleted)
// clang-22: (no matching constructor|deleted)
// why: a const view does not become mutable.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    heap_page<std::byte, 4096> mine{*page};
    use(mine.size());
#else
    auto page = file.read<heap_page>(0);
    auto const& mine = *page;
    use(mine.size());
#endif
}
