// SPDX-License-Identifier: BSL-1.0
// why: two rows of one page at once.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    auto one = page->row<user>(slot);
    auto two = page->row<user>(slot_id{1});
    use(one.get<&user::name>() == two.get<&user::name>());
}
