// SPDX-License-Identifier: BSL-1.0
// why: a std::string is a copy, however it is made.

std::string first_name(file_type file) {
    auto page = file.read<heap_page>(0);
    return page->row<user>(slot).get<&user::name>();
}
void legal(file_type file) {
    std::vector<std::string> names;
    std::optional<std::string> found;
    std::string all = first_name(file);
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        std::string const a = row.get<&user::name>();
        std::string const b{page->row<user>(slot).get<&user::name>()};
        all = row.get<&user::name>();
        all += row.get<&user::name>();
        names.push_back(row.get<&user::name>());
        names.emplace_back(row.get<&user::name>());
        found = row.get<&user::name>();
        auto const name = row.get<&user::name>();
        names.push_back(name);
        names.insert(names.end(), {a, b, name});
    }
    use(all);
    use(names.back());
    use(*found);
}
