// SPDX-License-Identifier: BSL-1.0
// group: closure that keeps a borrow
// rust: rejects
// g++: the result of fn may borrow from the page
// clang-19: the result of fn may borrow from the page
// clang-22: the result of fn may borrow from the page
// why: a container hides them.

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        std::vector<std::string_view> names;
        for (auto row : page.rows<user>()) {
            auto const name = row.get<&user::name>();
            names.push_back(name.unguarded_view());
        }
        return names;
    }));
#else
    use(file.with_read<heap_page>(0, [](reader::view_type const& page) {
        std::vector<std::string> names;
        for (auto row : page.rows<user>()) { names.emplace_back(row.get<&user::name>()); }
        return names;
    }));
#endif
}
