// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: has its width already
// clang-19: has its width already
// clang-22: has its width already
// why: a number has a width and no limit.

struct thing {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::int64_t> parent;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, name, parent))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::id, 4>);
    use(options);
#else
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::name, 4>);
    use(options);
#endif
}
