// SPDX-License-Identifier: BSL-1.0
// why: a named text is a std::string_view for whoever takes one.

std::size_t letters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return c >= 'a';
    }));
}
void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) {
        auto const name = row.get<&user::name>();
        std::string_view const view = name;
        use(letters(name) + letters(view) + letters(name.view()));
        use(std::ranges::count(name, 'a'));
        use(std::string{name.begin(), name.end()});
        use(name.find("a") != name.npos && name[0] == name.front());
    }
    for (auto const& [id, name, balance] : page->rows<user>()) { use(letters(name)); }
}
