// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the view shows the page of a guard that has ended.

#ifdef MISUSE
std::string_view name_in(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    return name;
}
void misuse(file_type file) {
    use(name_in(file));
}
#else
std::string name_in(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    return name;
}
void misuse(file_type file) {
    use(name_in(file));
}
#endif
