// SPDX-License-Identifier: BSL-1.0
// why: a range may be walked by hand, and its rows taken from its iterators.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    std::optional<std::int64_t> found;
    {
        auto rows = page->rows<user>();
        for (auto it = rows.begin(); it != rows.end(); ++it) {
            auto row = *it;
            if (row.get<&user::name>() == "Ada") { found = row.get<&user::id>(); }
        }
    }
    page->compact();
    use(found);
}
