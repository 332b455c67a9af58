// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// form: elided
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a row is a borrow like any other.

#ifdef MISUSE
auto first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->row<user>(slot);
}
void misuse(file_type file) {
    use(first(file).get<&user::id>());
}
#else
auto first(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->row<user>(slot).load();
}
void misuse(file_type file) {
    use(first(file).id);
}
#endif
