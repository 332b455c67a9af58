// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: use of deleted function .*column_text::operator
// clang-19: a std::string_view could outlive the page
// clang-22: a std::string_view could outlive the page
// why: a vector of views outlives the loop that fills it.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::vector<std::string_view> names;
    for (std::uint64_t no = 0; no < file.pages(); ++no) {
        auto page = file.read<heap_page>(no);
        for (auto row : page->rows<user>()) { names.push_back(row.get<&user::name>()); }
    }
    for (auto name : names) { use(name); }
#else
    std::vector<std::string> names;
    for (std::uint64_t no = 0; no < file.pages(); ++no) {
        auto page = file.read<heap_page>(no);
        for (auto row : page->rows<user>()) { names.emplace_back(row.get<&user::name>()); }
    }
    for (auto const& name : names) { use(name); }
#endif
}
