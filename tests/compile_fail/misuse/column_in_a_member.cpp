// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: an object in an outer scope keeps the string.

#ifdef MISUSE
struct record {
    std::string_view name;
};
void misuse(file_type file) {
    record found;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        found.name = row.get<&user::name>();
    }
    use(found.name);
}
#else
struct record {
    std::string name;
};
void misuse(file_type file) {
    record found;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        found.name = row.get<&user::name>();
    }
    use(found.name);
}
#endif
