// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the text has ended, its view is still used, and the update wrote other text into its bytes.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    std::string_view view;
    {
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        view = name;
    }
    use(page->update(slot, user{1, "Ada", {}}));
    use(view);
#else
    auto page = file.write<heap_page>(0);
    std::string copy;
    {
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        copy = name;
    }
    use(page->update(slot, user{1, "Ada", {}}));
    use(copy);
#endif
}
