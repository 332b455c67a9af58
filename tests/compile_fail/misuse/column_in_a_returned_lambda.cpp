// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*column_text\(
// clang-19: what a page lends stays where it was made
// clang-22: what a page lends stays where it was made
// why: the closure carries the string out.

#ifdef MISUSE
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return [name = row.get<&user::name>()] { return name; };
}
void misuse(file_type file) {
    use(later(file)());
}
#else
auto later(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return [name = std::string{row.get<&user::name>()}] { return name; };
}
void misuse(file_type file) {
    use(later(file)());
}
#endif
