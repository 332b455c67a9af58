// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: a named text gives a view, which ends with it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::string_view view;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        view = name;
    }
    use(view);
#else
    std::string copy;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        copy = name;
    }
    use(copy);
#endif
}
