// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: describe the struct inside of a row
// clang-19: describe the struct inside of a row
// clang-22: describe the struct inside of a row
// why: its members are not guessed.

struct place {
    double x = 0;
    double y = 0;
};
#ifndef MISUSE
BOOST_DESCRIBE_STRUCT(place, (), (x, y))
#endif
struct thing {
    std::int64_t id = 0;
    place at;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, at))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#endif
}
