// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: pointer to reference member
// clang-19: pointer-to-member to member .member. of reference type
// clang-22: pointer-to-member to member .member. of reference type
// why: a reference has no pointer to member.

struct thing {
    std::int64_t id;
#ifdef MISUSE
    std::int64_t& member;
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
