// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: drop the const
// clang-19: drop the const
// clang-22: drop the const
// why: a row is assigned to members.

struct thing {
    std::int64_t id;
#ifdef MISUSE
    std::int64_t const member = 0;
#else
    std::int64_t member = 0;
#endif
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, member))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->row<thing>(slot).get<&thing::member>());
#else
    auto page = file.write<heap_page>(0);
    use(page->row<thing>(slot).get<&thing::member>());
#endif
}
