// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: set writes columns of fixed width
// clang-19: set writes columns of fixed width
// clang-22: set writes columns of fixed width
// why: a string may change its size.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    row.set<&user::name>("x");
#else
    auto page = file.write<heap_page>(0);
    use(page->edit<user>(slot, [](user& u) { u.name = "x"; }));
#endif
}
