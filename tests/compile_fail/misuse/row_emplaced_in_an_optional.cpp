// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: elided
// form: elided
// rust: rejects
// g++: -
// clang-19: -
// clang-22: loan 'page->lent' is still held at the end of function
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a conversion makes what `emplace` makes in its place.

using row_type = decltype(std::declval<reader&>()->row<user>(slot));
#ifdef MISUSE
struct maker {
    reader& page;
    operator row_type() const { return page->row<user>(slot); }
};
void misuse(file_type file) {
    std::optional<row_type> row;
    {
        auto page = file.read<heap_page>(0);
        row.emplace(maker{page});
    }
    use(row->get<&user::name>().front());
}
#else
void misuse(file_type file) {
    auto page = file.read<heap_page>(0);
    auto const row = page->row<user>(slot);
    use(row.get<&user::name>().front());
}
#endif
