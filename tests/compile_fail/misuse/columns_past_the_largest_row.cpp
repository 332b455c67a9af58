// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: at most 65535 bytes
// clang-19: at most 65535 bytes
// clang-22: at most 65535 bytes
// why: end offsets have 16 bits.

struct thing {
    std::int64_t id;
#ifdef MISUSE
    std::array<char, 65536> member;
#else
    std::array<char, 1000> member;
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
