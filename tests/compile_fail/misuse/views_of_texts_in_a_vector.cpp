// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: a vector of views outlives the texts.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::vector<std::string_view> names;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        names.push_back(name);
    }
    use(names.front());
#else
    std::vector<std::string> names;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        names.push_back(name);
    }
    use(names.front());
#endif
}
