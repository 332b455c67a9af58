// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: no matching function for call to .*set
// clang-19: no matching member function for call to 'set'
// clang-22: no matching member function for call to 'set'
// net: -
// why: a row of a shared page is for reading.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    row.set<&user::id>(2);
#else
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    row.set<&user::id>(2);
#endif
}
