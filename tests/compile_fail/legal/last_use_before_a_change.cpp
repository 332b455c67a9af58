// SPDX-License-Identifier: BSL-1.0
// why: a row, a tuple and a text that are not used again do not keep their page from changing.
// clang-22: cannot call function 'insert' while loan 'page->lent' is held

void legal(file_type file) {
    auto page = file.write<heap_page>(0);
    auto row = page->row<user>(slot);
    auto const name = row.get<&user::name>();
    use(name.size());
    use(page->insert(user{9, "Eve", {}}));
}
