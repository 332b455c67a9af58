// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: a column has one max_bytes
// clang-19: a column has one max_bytes
// clang-22: a column has one max_bytes
// why: one of them would be ignored.

struct thing {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::int64_t> parent;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, name, parent))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::name, 4>,
                                                      quire::max_bytes<&thing::name, 5>);
    use(options);
#else
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::name, 4>);
    use(options);
#endif
}
