// SPDX-License-Identifier: BSL-1.0
// why: a text lends a std::string_view to a function that takes one.

std::size_t letters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return c >= 'a';
    }));
}
void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) {
        auto const name = row.get<&user::name>();
        use(name.with_view(letters) + row.get<&user::name>().with_view(letters));
        use(name.with_view([](std::string_view view) { return std::string{view.substr(1)}; }));
        use(std::ranges::count(name, 'a'));
        use(std::string{name.begin(), name.end()});
        use(name.find("a") != name.npos && name[0] == name.front());
    }
    for (auto const& [id, name, balance] : page->rows<user>()) { use(name.with_view(letters)); }
}
