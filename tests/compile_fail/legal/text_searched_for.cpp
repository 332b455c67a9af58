// SPDX-License-Identifier: BSL-1.0
// why: a text is looked up without a copy.

void legal(file_type file) {
    std::map<std::string, int, std::less<>> ordered;
    std::unordered_map<std::string, int, quire::text_hash, std::equal_to<>> hashed;
    auto page = file.read<heap_page>(0);
    for (auto row : page->rows<user>()) {
        if (ordered.find(row.get<&user::name>()) == ordered.end()) {
            ordered.emplace(row.get<&user::name>(), 0);
        }
        if (!hashed.contains(row.get<&user::name>())) { hashed[row.get<&user::name>()] = 1; }
        auto const name = row.get<&user::name>();
        ++ordered[name];
        use(hashed.find(name)->second);
    }
}
