// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: laid out in place: its members
// clang-19: laid out in place: its members
// clang-22: laid out in place: its members
// why: a struct inside has no end offsets.

struct address {
    std::string city;
};
BOOST_DESCRIBE_STRUCT(address, (), (city))
struct place {
    double x = 0;
    double y = 0;
};
BOOST_DESCRIBE_STRUCT(place, (), (x, y))
struct thing {
    std::int64_t id;
#ifdef MISUSE
    address member;
#else
    place member;
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
