// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: names no described member of the struct
// clang-19: names no described member of the struct
// clang-22: names no described member of the struct
// why: the member belongs to another struct.

struct thing {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::int64_t> parent;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, name, parent))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    constexpr auto options = quire::options_of<thing>(quire::key<&user::id>);
    use(options);
#else
    constexpr auto options = quire::options_of<thing>(quire::key<&thing::id>);
    use(options);
#endif
}
