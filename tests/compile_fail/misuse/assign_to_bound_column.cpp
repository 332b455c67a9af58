// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: assignment of read-only
// clang-19: cannot assign to variable .id.
// clang-22: cannot assign to variable .id.
// why: a bound column is a value that was read: only set writes.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    auto& [id, name, balance] = row;
    id = 1;
#else
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    row.set<&user::id>(1);
#endif
}
