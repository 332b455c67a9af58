// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: and at most 65535, as a row has no more
// clang-19: and at most 65535, as a row has no more
// clang-22: and at most 65535, as a row has no more
// why: a row has 16 bits for its offsets.

struct thing {
    std::int64_t id = 0;
    std::string name;
    std::optional<std::int64_t> parent;
};
BOOST_DESCRIBE_STRUCT(thing, (), (id, name, parent))

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::name, 65536>);
    use(options);
#else
    constexpr auto options = quire::options_of<thing>(quire::max_bytes<&thing::name, 65535>);
    use(options);
#endif
}
