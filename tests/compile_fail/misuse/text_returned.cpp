// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// form: elided
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: the text is in a frame that the pool may evict now.

#ifdef MISUSE
auto name_in(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return row.get<&user::name>();
}
void misuse(file_type file) {
    use(name_in(file));
}
#else
std::string name_in(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return row.get<&user::name>();
}
void misuse(file_type file) {
    use(name_in(file));
}
#endif
