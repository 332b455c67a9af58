// SPDX-License-Identifier: BSL-1.0
// why: a name for the view saves the arrow.

void legal(file_type file) {
    {
        auto guard = file.write<heap_page>(0);
        auto page = *guard;
        use(page.insert(user{}));
        page.compact();
        for (auto row : page.rows<user>()) { use(row.get<&user::id>()); }
    }
    auto guard = file.read<heap_page>(0);
    auto const& page = *guard;
    auto row = page.row<user>(slot);
    use(guard->size() + page.size());
    use(row.get<&user::id>());
}
