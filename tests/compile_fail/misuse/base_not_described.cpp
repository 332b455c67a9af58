// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: describe the bases too
// clang-19: describe the bases too
// clang-22: describe the bases too
// why: columns of a base are not guessed.

struct base {
    int a = 0;
};
#ifndef MISUSE
BOOST_DESCRIBE_STRUCT(base, (), (a))
#endif
struct thing : base {
    int b = 0;
};
BOOST_DESCRIBE_STRUCT(thing, (base), (b))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(thing{}));
#endif
}
