// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: (address of|reference to) stack memory
// clang-22: (address of|reference to) stack memory
// poison: use-after-poison
// why: a struct of string views borrows like one of them.

#ifdef MISUSE
struct peek {
    std::int64_t id = 0;
    std::string_view name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(peek, (), (id, name, balance))
peek first(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return row.unguarded_load<peek>();
}
void misuse(file_type file) {
    use(first(file).name);
}
#else
user first(file_type file) {
    auto page = file.read<heap_page>(0);
    auto row = page->row<user>(slot);
    return row.load();
}
void misuse(file_type file) {
    use(first(file).name);
}
#endif
