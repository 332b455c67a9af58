// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: deleted
// clang-19: deleted
// clang-22: deleted
// why: a text cannot get into a container.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    std::vector<quire::column_text> names;
    {
        auto page = file.read<heap_page>(0);
        for (auto row : page->rows<user>()) { names.push_back(row.get<&user::name>()); }
    }
    use(names.front());
#else
    std::vector<std::string> names;
    {
        auto page = file.read<heap_page>(0);
        for (auto row : page->rows<user>()) { names.push_back(row.get<&user::name>()); }
    }
    use(names.front());
#endif
}
