// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the row has ended, its string is still used, and the tuple is erased.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    std::string_view name;
    {
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    }
    page->erase(slot);
    use(name);
#else
    auto page = file.write<heap_page>(0);
    std::string name;
    {
        auto row = page->row<user>(slot);
        name = row.get<&user::name>();
    }
    page->erase(slot);
    use(name);
#endif
}
