// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: two columns have one name
// clang-19: two columns have one name
// clang-22: two columns have one name
// why: one of them would hide the other.

struct base {
    int id = 0;
};
BOOST_DESCRIBE_STRUCT(base, (), (id))
struct thing : base {
#ifdef MISUSE
    int id = 1;
#else
    int own_id = 1;
#endif
};
#ifdef MISUSE
BOOST_DESCRIBE_STRUCT(thing, (base), (id))
#else
BOOST_DESCRIBE_STRUCT(thing, (base), (own_id))
#endif

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#endif
}
