// SPDX-License-Identifier: BSL-1.0
// group: borrow outlives its guard
// rust: rejects
// g++: -
// clang-19: -
// clang-22: -
// poison: use-after-poison
// why: a struct of string views borrows like one of them.

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
        auto row = page->row<user>(slot);
        kept = row.unguarded_load<peek>();
    }
    use(kept.name);
#else
    user kept;
    {
        auto page = file.read<heap_page>(0);
        auto row = page->row<user>(slot);
        kept = row.load();
    }
    use(kept.name);
#endif
}
