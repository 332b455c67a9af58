// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: max_bytes is at least 1
// clang-19: max_bytes is at least 1
// clang-22: max_bytes is at least 1
// why: a column that takes no bytes is none.

struct thing {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::int64_t> parent;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, name, parent))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::name, 0>);
    use(options);
#else
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::name, 1>);
    use(options);
#endif
}
