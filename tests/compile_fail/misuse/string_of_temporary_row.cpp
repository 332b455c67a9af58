// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: use of deleted function
// clang-19: deleted
// clang-22: deleted
// why: name the row whose string is used.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    use(page->row<user>(slot).get<&user::name>());
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    use(row.get<&user::name>());
#endif
}
