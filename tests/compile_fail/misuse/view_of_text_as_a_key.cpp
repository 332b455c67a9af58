// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: (use of deleted function .*column_text::(operator|view)|no match for .operator=)
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: the keys of a map outlive the texts.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::unordered_map<std::string_view, int> counts;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        ++counts[name];
    }
    use(counts.begin()->first);
#else
    std::unordered_map<std::string, int> counts;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        ++counts[name];
    }
    use(counts.begin()->first);
#endif
}
