// SPDX-License-Identifier: BSL-1.0
// why: a struct that has a row is there no longer than the page.
// clang-22: loan 'page->lent' is still held at the end

using row_type = decltype(std::declval<reader&>()->row<user>(slot));
struct found {
    int number;
    row_type row;
};
void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    found const one{1, page->row<user>(slot)};
    use(one.row.get<&user::id>());
}
