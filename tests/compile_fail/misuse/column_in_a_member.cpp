// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: an object in an outer scope keeps the string.

#ifdef MISUSE
struct record {
    std::string_view name;
};
void misuse(file_type file) {
    record found;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        found.name = row.get<&user::name>();
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
        found.name = row.get<&user::name>();
    }
    use(found.name);
}
#endif
