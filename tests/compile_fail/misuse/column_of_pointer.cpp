// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: store the value, or the id
// clang-19: store the value, or the id
// clang-22: store the value, or the id
// why: a pointer means nothing in a file.

struct thing {
    std::int64_t id;
#ifdef MISUSE
    user const* member;
#else
    std::int64_t member;
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
