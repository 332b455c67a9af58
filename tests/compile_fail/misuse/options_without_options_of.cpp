// SPDX-License-Identifier: BSL-1.0
// group: wrong type
// rust: rejects
// g++: initialised with quire::options_of<T>\(
// clang-19: initialised with quire::options_of<T>\(
// clang-22: initialised with quire::options_of<T>\(
// why: a key alone is no list of options.

struct thing {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(thing, (), (name))
struct other {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(other, (), (text))

// As if quire::row_options<thing> were initialised with `options`: a specialisation needs a
// namespace that this file has not.
template <class Options>
constexpr bool options_of_thing(Options) {
    return quire::detail::has_row_options<thing, Options>();
}

void misuse([[maybe_unused]] file_type file) {
#ifdef MISUSE
    use(options_of_thing(quire::key<&thing::name>));
#else
    use(options_of_thing(quire::options_of<thing>(quire::key<&thing::name>)));
#endif
}
