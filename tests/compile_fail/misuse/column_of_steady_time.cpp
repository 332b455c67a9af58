// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: point of system_clock
// clang-19: point of system_clock
// clang-22: point of system_clock
// why: a steady clock starts again when the machine does.

struct thing {
    std::int64_t id;
#ifdef MISUSE
    std::chrono::steady_clock::time_point member;
#else
    std::chrono::system_clock::time_point member;
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
