// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// chosen: elided
// form: elided
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// checked: a guard ends, or goes on, only while no row, tuple or range of its page is lent
// poison: use-after-poison
// why: a member of an aggregate is made in its place, and so is the struct that is returned.

#ifdef MISUSE
struct hit {
    std::int64_t id;
    quire::column_text name;
};
hit find(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return {row.get<&user::id>(), row.get<&user::name>()};
}
#else
struct hit {
    std::int64_t id;
    std::string name;
};
hit find(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return {row.get<&user::id>(), row.get<&user::name>()};
}
#endif
void misuse(file_type file) {
    auto const found = find(file);
    use(found.name);
}
