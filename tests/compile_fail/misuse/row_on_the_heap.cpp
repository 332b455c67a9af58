// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (deleted|no matching function)
// clang-19: (deleted|no matching function)
// clang-22: (deleted|no matching function)
// why: a borrow on the heap has no scope that could end it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto kept = std::make_unique<decltype(row)>(row);
    use(kept);
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto kept = std::make_unique<user>(row.load());
    use(kept);
#endif
}
