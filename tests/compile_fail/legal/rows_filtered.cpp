// SPDX-License-Identifier: BSL-1.0
// why: rows may be passed through a filter.
// clang-22: that was not held

void legal(file_type file) {
    auto page = file.read<heap_page>(0);
    auto const rows = page->rows<user>();
    auto const wanted = [](auto const& row) { return row.template get<&user::id>() > 1; };
    for (auto const& row : rows | std::views::filter(wanted)) { use(row.get<&user::id>()); }
}
