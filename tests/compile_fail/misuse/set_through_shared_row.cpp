// SPDX-License-Identifier: BSL-1.0
// group: mutation through shared access
// rust: rejects
// g++: use of deleted function .*the_page_is_shared .*set
// clang-19: 'set': the page is shared
// clang-22: 'set': the page is shared
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
