// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the string is in a frame that the pool may evict now.

#ifdef MISUSE
std::string_view name(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return row.get<&user::name>();
}
void misuse(file_type file) {
    use(name(file));
}
#else
std::string name(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return std::string{row.get<&user::name>()};
}
void misuse(file_type file) {
    use(name(file));
}
#endif
