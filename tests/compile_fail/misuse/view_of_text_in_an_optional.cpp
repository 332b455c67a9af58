// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: (a std::string_view could outlive the page|no viable overloaded '=')
// clang-22: (a std::string_view could outlive the page|no viable overloaded '=')
// why: an optional outlives the text.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::optional<std::string_view> found;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        found = name;
    }
    use(*found);
#else
    std::optional<std::string> found;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        found = name;
    }
    use(*found);
#endif
}
