// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: an object in an outer scope keeps the view.

#ifdef MISUSE
struct record {
    std::string_view name;
};
void misuse(file_type file) {
    record found;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        found.name = name;
    }
    use(found.name);
}
#else
struct record {
    std::string name;
};
void misuse(file_type file) {
    record found;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        auto const name = row.get<&user::name>();
        found.name = name;
    }
    use(found.name);
}
#endif
