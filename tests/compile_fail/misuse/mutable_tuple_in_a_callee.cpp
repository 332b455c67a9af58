// SPDX-License-Identifier: BSL-1.0
// group: mutable bytes are lent alone
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: mutable bytes of a page are lent alone
// why: a function that takes the page lends its bytes once more.

#ifdef MISUSE
void blank_out(writer::view_type& page) {
    auto bytes = page.tuple(slot);
    bytes.store<std::uint8_t>(bytes.size() - 1, ' ');
}
void misuse(file_type file) {
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    blank_out(*page);
    use(row.get<&user::name>());
}
#else
void blank_out(writer::view_type& page) {
    auto bytes = page.tuple(slot);
    bytes.store<std::uint8_t>(bytes.size() - 1, ' ');
}
void misuse(file_type file) {
    auto page = file.write<heap_page>(0);
    blank_out(*page);
    auto row = page->row<user>(slot);
    use(row.get<&user::name>());
}
#endif
