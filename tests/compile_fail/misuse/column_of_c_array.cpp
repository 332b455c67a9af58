// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: use std::array
// clang-19: use std::array
// clang-22: use std::array
// why: no function returns a C array.

struct thing {
    std::int64_t id;
#ifdef MISUSE
    int member[4];
#else
    std::array<int, 4> member;
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
