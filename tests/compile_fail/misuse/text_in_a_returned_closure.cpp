// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: elided
// form: elided
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a closure may capture a text that is made in its place, and be returned likewise.

#ifdef MISUSE
auto first_letter(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return [name = row.get<&user::name>()] { return name.front(); };
}
#else
auto first_letter(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return [name = std::string{row.get<&user::name>()}] { return name.front(); };
}
#endif
void misuse(file_type file) {
    use(first_letter(file)());
}
