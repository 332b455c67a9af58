// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: a global outlives every guard.

#ifdef MISUSE
std::string_view last_name;
void misuse(file_type file) {
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        last_name = row.get<&user::name>();
    }
    use(last_name);
}
#else
std::string last_name;
void misuse(file_type file) {
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        last_name = row.get<&user::name>();
    }
    use(last_name);
}
#endif
