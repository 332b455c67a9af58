// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: accepts
// g++: use of deleted function .*column_text\(
// clang-19: what a page lends stays where it was made
// clang-22: what a page lends stays where it was made
// why: a text is not copied: std::string is a copy.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    auto const copy = name;
    use(copy);
#else
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    std::string const copy = name;
    use(copy);
#endif
}
