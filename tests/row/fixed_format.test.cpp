// SPDX-License-Identifier: BSL-1.0
#include <quire/row/fixed_format.hpp>

#include "catch.hpp"
#include "death.hpp"

#include <boost/describe/enum.hpp>

#include <array>
#include <limits>

using quire::detail::fixed_column;
using quire::detail::fixed_format;

namespace {

enum class scoped { a };
enum class scoped_bool : bool { no, yes };
enum fixed : std::int16_t { fixed_a };
enum loose { loose_a };
enum class lamp : std::uint8_t { red = 1, green = 4, also_green = 4, last = 255 };
BOOST_DESCRIBE_ENUM(lamp, red, green, also_green, last)
enum class described_bool : bool { yes = true };
BOOST_DESCRIBE_ENUM(described_bool, yes)

static_assert(quire::detail::fixed_enum<scoped> && quire::detail::fixed_enum<scoped_bool> &&
              quire::detail::fixed_enum<fixed> && quire::detail::fixed_enum<std::byte>);
static_assert(!quire::detail::fixed_enum<loose> && !quire::detail::fixed_enum<int>);

static_assert(fixed_column<char> && fixed_column<unsigned long long> && fixed_column<double>);
static_assert(fixed_column<bool> && fixed_column<scoped> && fixed_column<lamp>);
static_assert(!fixed_column<loose> && !fixed_column<long double>);
static_assert(!fixed_column<char const*> && !fixed_column<int*> && !fixed_column<int&>);
static_assert(!fixed_column<int const> && !fixed_column<bool const> && !fixed_column<lamp const>);
static_assert(!fixed_column<int volatile>);

// What cannot be wrong is not looked at.
static_assert(!fixed_format<int>::is_checked && !fixed_format<scoped>::is_checked);
static_assert(fixed_format<bool>::is_checked && fixed_format<scoped_bool>::is_checked);
static_assert(fixed_format<lamp>::is_checked);

template <class M>
struct speller {
    static constexpr void spell(quire::detail::text_writer& to) { fixed_format<M>::spell(to); }
};
template <class M>
constexpr std::string_view text = quire::detail::text_of<speller<M>>::value;

static_assert(text<bool> == "bool" && text<float> == "f32" && text<double> == "f64");
static_assert(text<signed char> == "i8" && text<short> == "i16" && text<int> == "i32");
static_assert(text<long> == "i64" && text<long long> == "i64");
static_assert(text<unsigned char> == "u8" && text<unsigned short> == "u16");
static_assert(text<unsigned> == "u32" && text<unsigned long long> == "u64");
static_assert(text<char> == "c8" && text<char8_t> == "c8" && text<char16_t> == "c16");
static_assert(text<char32_t> == "c32" && text<std::byte> == "u8");
static_assert(text<scoped> == "i32" && text<lamp> == "u8" && text<scoped_bool> == "bool");

template <class M>
M back_and_forth(M value) {
    std::array<std::byte, 9> bytes{};
    fixed_format<M>::store(bytes.data() + 1, value);
    CHECK(fixed_format<M>::holds(bytes.data() + 1));
    return fixed_format<M>::load(bytes.data() + 1);
}

}  // namespace

TEMPLATE_TEST_CASE("fixed_format: the extremes of a number come back", "", std::int8_t,
                   std::uint8_t, std::int16_t, std::uint16_t, std::int32_t, std::uint32_t,
                   std::int64_t, std::uint64_t, char, wchar_t, char8_t, char16_t, char32_t, float,
                   double) {
    CHECK((back_and_forth(std::numeric_limits<TestType>::lowest()) ==
           std::numeric_limits<TestType>::lowest()));
    CHECK((back_and_forth(std::numeric_limits<TestType>::max()) ==
           std::numeric_limits<TestType>::max()));
    CHECK((back_and_forth(TestType{1}) == TestType{1}));
}

TEST_CASE("fixed_format: enums stand as their underlying type") {
    CHECK(back_and_forth(scoped{-7}) == scoped{-7});
    CHECK(back_and_forth(fixed{-300}) == fixed{-300});
    CHECK(back_and_forth(scoped_bool::yes) == scoped_bool::yes);
    CHECK(back_and_forth(std::byte{200}) == std::byte{200});
    CHECK(back_and_forth(lamp::last) == lamp::last);
}

TEST_CASE("fixed_format: of 256 bytes two are a bool, and each of them can be loaded") {
    for (int i = 0; i < 256; ++i) {
        auto const byte = static_cast<std::byte>(i);
        CHECK(fixed_format<bool>::holds(&byte) == (i < 2));
        CHECK(fixed_format<bool>::load(&byte) == (i != 0));
        CHECK(fixed_format<scoped_bool>::holds(&byte) == (i < 2));
        CHECK((fixed_format<scoped_bool>::load(&byte) == scoped_bool::yes) == (i != 0));
        CHECK(fixed_format<described_bool>::holds(&byte) == (i == 1));
    }
}

TEST_CASE("fixed_format: a described enum is one of its enumerators, another is any number") {
    for (int i = 0; i < 256; ++i) {
        auto const byte = static_cast<std::byte>(i);
        CHECK(fixed_format<lamp>::holds(&byte) == (i == 1 || i == 4 || i == 255));
        CHECK(static_cast<int>(fixed_format<lamp>::load(&byte)) == i);
        CHECK(fixed_format<std::byte>::holds(&byte));
    }
}

TEST_CASE("fixed_format: what is no enumerator is not stored") {
    CHECK_THAT(quire_test::violation_of([] {
                   std::byte to{};
                   fixed_format<lamp>::store(&to, lamp{2});
               }),
               Catch::Matchers::ContainsSubstring("is one of its enumerators"));
}
