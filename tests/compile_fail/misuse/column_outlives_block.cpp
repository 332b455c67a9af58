// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the string is in a page that no guard holds any more.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view name;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    }
    use(name);
#else
    std::string name;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    }
    use(name);
#endif
}
