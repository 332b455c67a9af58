// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: a key is not optional
// clang-19: a key is not optional
// clang-22: a key is not optional
// why: a row without its key could not be found.

struct thing {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::int64_t> parent;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, name, parent))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    constexpr auto options = quire::options_of<thing>(quire::key<&thing::parent>);
    use(options);
#else
    constexpr auto options = quire::options_of<thing>(quire::key<&thing::id>);
    use(options);
#endif
}
