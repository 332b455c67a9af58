// SPDX-License-Identifier: BSL-1.0
// why: a view that outlives its text, where the page is held and not changed, says that it does.

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    std::string_view longest;
    for (auto row : page->rows<user>()) {
        auto const name = row.get<&user::name>();
        if (name.size() > longest.size()) { longest = name.unguarded_view(); }
    }
    use(longest);
}
