// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: use a type that a column can have, .* describe the class .* a column is a bool
// clang-19: use a type that a column can have, .* describe the class .* a column is a bool
// clang-22: use a type that a column can have, .* describe the class .* a column is a bool
// why: a row knows no such class.

struct thing {
    std::int64_t id;
#ifdef MISUSE
    std::vector<std::string> member;
#else
    std::string member;
#endif
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, member))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    auto row = page->row<thing>(slot);
    use(row.get<&thing::member>());
#else
    auto page = file.write<heap_page>(0);
    auto row = page->row<thing>(slot);
    use(row.get<&thing::member>());
#endif
}
