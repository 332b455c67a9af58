// SPDX-License-Identifier: BSL-1.0
// group: threads
// rust: rejects
// g++: could not convert .*row_view
// clang-19: (static assertion failed|deleted|no matching)
// clang-22: (static assertion failed|deleted|no matching)
// why: a borrow does not leave its thread.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    std::thread other{[](auto const& mine) { use(mine.template get<&user::id>()); }, row};
    other.join();
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    std::thread other{[](std::int64_t mine) { use(mine); }, row.get<&user::id>()};
    other.join();
#endif
}
