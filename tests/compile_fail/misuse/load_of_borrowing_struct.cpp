// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: load_a_struct_that_owns
// clang-19: is loaded by unguarded_load
// clang-22: is loaded by unguarded_load
// why: the struct is an ordinary value, and its strings are in the page.

struct peek {
    std::int64_t id = 0;
    std::string_view name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(peek, (), (id, name, balance))
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    peek kept;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<peek>(slot);
        kept = row.load();
    }
    use(kept.name);
#else
    user kept;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<peek>(slot);
        kept = row.load<user>();
    }
    use(kept.name);
#endif
}
