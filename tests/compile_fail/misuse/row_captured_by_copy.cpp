// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: a closure would carry the row away.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto later = [row] { use(row.get<&user::id>()); };
    later();
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto later = [id = row.get<&user::id>()] { use(id); };
    later();
#endif
}
