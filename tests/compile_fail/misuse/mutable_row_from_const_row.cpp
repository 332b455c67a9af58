// SPDX-License-Identifier: BSL-1.0
// group: const turned mutable
// rust: rejects
// g++: (no matching function|deleted)
// clang-19: (no matching constructor|deleted)
// clang-22: (no matching constructor|deleted)
// why: a row for reading does not become one for writing.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    quire::row_view<user, std::byte> mine{row};
    use(mine.get<&user::id>());
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    use(row.get<&user::id>());
#endif
}
