// SPDX-License-Identifier: BSL-1.0
// why: closures over any page read rows without `template`.

void legal(file_type file) {
    auto const sum = file.with_read<heap_page>(0, [](auto const& page) {
        std::size_t letters = 0;
        for (auto row : quire::rows<user>(page)) { letters += quire::get<&user::name>(row).size(); }
        return letters + quire::get<&user::name>(quire::row<user>(page, slot)).size();
    });
    use(sum);
    file.with_write<heap_page>(0, [](auto& page) {
        {
            auto row = quire::row<user>(page, slot);
            row.template set<&user::balance>(quire::get<&user::balance>(row).value_or(0) + 1);
        }
        page.compact();
    });
}
