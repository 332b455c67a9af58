// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the closure carries the view out.

#ifdef MISUSE
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    return [view = name.view()] { return view; };
}
void misuse(file_type file) {
    use(later(file)());
}
#else
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    return [copy = std::string{name}] { return copy; };
}
void misuse(file_type file) {
    use(later(file)());
}
#endif
