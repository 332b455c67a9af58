// SPDX-License-Identifier: BSL-1.0
// clang-22: does not live long enough
// why: a column is valid while the page is held and not changed; clang ties it to its row.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    std::string_view longest;
    for (auto row : page->rows<user>()) {
        auto const name = row.get<&user::name>();
        if (name.size() > longest.size()) { longest = name; }
    }
    use(longest);
}
