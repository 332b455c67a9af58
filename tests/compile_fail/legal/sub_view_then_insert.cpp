// SPDX-License-Identifier: BSL-1.0
// why: a borrow that has ended does not prevent a change.

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    for (auto row : page->rows<user>()) { use(row.get<&user::name>()); }
    {
        auto row = page->row<user>(slot);
        row.set<&user::id>(2);
    }
    use(page->insert(user{}));
    page->compact();
}
