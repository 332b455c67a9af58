// SPDX-License-Identifier: BSL-1.0
// why: all columns at once, the row being kept by their names.

void legal(file_type file) {
    {
        auto page = file.read<heap_page>(0);
        for (auto const& [id, name, balance] : page->rows<user>()) {
            if (balance.has_value()) { use(name); }
            use(id);
        }
    }
    auto page = file.write<heap_page>(0);
    {
        auto const& [id, name, balance] = page->row<user>(slot);
        use(name);
        use(balance.value_or(0) + static_cast<double>(id));
    }
    {
        auto row = page->row<user>(slot);
        auto const& [id, name, balance] = row;
        row.set<&user::balance>(balance.value_or(0) + 1);
        use(name);
        use(id);
    }
    use(page->insert(user{}));
}
