// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// poison: (use-after-poison|stack-use-after)
// why: the closure refers to a row that ended with its function.

#ifdef MISUSE
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return [&row] { return row.get<&user::id>(); };
}
void misuse(file_type file) {
    use(later(file)());
}
#else
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return [id = row.get<&user::id>()] { return id; };
}
void misuse(file_type file) {
    use(later(file)());
}
#endif
