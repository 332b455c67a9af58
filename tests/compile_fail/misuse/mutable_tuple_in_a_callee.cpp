// SPDX-License-Identifier: BSL-1.0
// group: mutable bytes are lent alone
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: what a page lends is used only until the page is next changed, or lent for changes
// why: a function that takes the guard lends its page's bytes once more.

void blank_out(writer& page) {
    auto bytes = page->tuple(slot);
    bytes.store<std::uint8_t>(bytes.size() - 1, ' ');
}
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    blank_out(page);
    use(row.get<&user::name>());
#else
    auto page = file.write<heap_page>(0);
    blank_out(page);
    auto row = page->row<user>(slot);
    use(row.get<&user::name>());
#endif
}
