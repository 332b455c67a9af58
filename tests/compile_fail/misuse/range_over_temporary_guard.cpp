// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: the guard would end before the first row.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    for (auto row : file.read<heap_page>(0)->rows<user>()) { use(row.get<&user::id>()); }
#else
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) { use(row.get<&user::id>()); }
#endif
}
