// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: a struct has one key
// clang-19: a struct has one key
// clang-22: a struct has one key
// why: one column identifies a row.

struct thing {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::int64_t> parent;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, name, parent))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    constexpr auto options =
        quire::options_of<thing>(quire::key<&thing::id>, quire::key<&thing::name>);
    use(options);
#else
    constexpr auto options = quire::options_of<thing>(quire::key<&thing::id>);
    use(options);
#endif
}
