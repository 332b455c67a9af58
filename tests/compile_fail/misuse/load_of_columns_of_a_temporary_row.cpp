// SPDX-License-Identifier: BSL-1.0
// group: borrow from a temporary
// rust: rejects
// g++: name_the_row_first
// clang-19: name it first
// clang-22: name it first
// why: name the row whose strings the struct shows.

struct peek {
    std::int64_t id = 0;
    std::string_view name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(peek, (), (id, name, balance))
void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto const kept = page->row<user>(slot).unguarded_load<peek>();
    page->erase(slot);
    use(kept.name);
#else
    auto page = file.write<heap_page>(0);
    auto const kept = page->row<user>(slot).load();
    page->erase(slot);
    use(kept.name);
#endif
}
