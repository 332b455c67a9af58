// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: a global outlives every guard.

#ifdef MISUSE
std::string_view last_view;
void misuse(file_type file) {
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        last_view = name.view();
    }
    use(last_view);
}
#else
std::string last_copy;
void misuse(file_type file) {
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        last_copy = name;
    }
    use(last_copy);
}
#endif
