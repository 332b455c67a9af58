// SPDX-License-Identifier: BSL-1.0
// group: stale sub-view
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// checked: a page is changed only while no row, tuple or range of it is lent
// why: the iterators of a range are part of its loan.

#ifdef MISUSE
using rows_type = decltype(std::declval<writer::view_type&>().rows<user>());
using iterator = rows_type::iterator;
void misuse(file_type file) {
    auto page = file.write<heap_page>(0);
    std::vector<iterator> kept;
    {
        auto rows = page->rows<user>();
        kept.push_back(rows.begin());
    }
    page->compact();
    auto row = *kept.front();
    use(row.get<&user::id>());
}
#else
using rows_type = decltype(std::declval<writer::view_type&>().rows<user>());
using iterator = rows_type::iterator;
void misuse(file_type file) {
    auto page = file.write<heap_page>(0);
    {
        std::vector<iterator> kept;
        auto rows = page->rows<user>();
        kept.push_back(rows.begin());
        auto row = *kept.front();
        use(row.get<&user::id>());
    }
    page->compact();
}
#endif
