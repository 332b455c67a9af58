// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: fixed underlying type
// clang-19: fixed underlying type
// clang-22: fixed underlying type
// why: not every value of its bytes is a value of the enum.

enum color { red, green };
enum class named { red, green };
struct thing {
    std::int64_t id;
#ifdef MISUSE
    color member;
#else
    named member;
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
