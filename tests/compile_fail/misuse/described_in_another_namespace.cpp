// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: in its own namespace
// clang-19: in its own namespace
// clang-22: in its own namespace
// why: a description is found by its namespace.

namespace inner {
struct thing {
    int a = 0;
};
#ifndef MISUSE
BOOST_DESCRIBE_STRUCT(thing, (), (a))
#endif
}  // namespace inner
#ifdef MISUSE
BOOST_DESCRIBE_STRUCT(inner::thing, (), (a))
#endif

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    auto page = file.write<heap_page>(0);
    use(page->insert(inner::thing{}));
#else
    auto page = file.write<heap_page>(0);
    use(page->insert(inner::thing{}));
#endif
}
