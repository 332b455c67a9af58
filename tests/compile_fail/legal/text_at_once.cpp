// SPDX-License-Identifier: BSL-1.0
// why: a text that is used at once needs no name, and neither does its row.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    std::string const ada{"Ada"};
    std::string_view const grace{"Grace"};
    std::ostringstream out;
    out << row.get<&user::name>() << page->row<user>(slot).get<&user::name>();
    bool same = row.get<&user::name>() == "Ada" || ada == row.get<&user::name>();
    same = same && row.get<&user::name>() != grace && grace <= row.get<&user::name>();
    same = same || row.get<&user::name>() < row.get<&user::name>();
    use(page->row<user>(slot).get<&user::name>() == page->row<user>(last_slot).get<&user::name>());
    use(same ? row.get<&user::name>().size() : 0);
    use(row.get<&user::name>().starts_with("A") && !row.get<&user::name>().empty());
    for (char const c : row.get<&user::name>()) { use(c); }
    use(std::hash<quire::column_text>{}(row.get<&user::name>()));
}
