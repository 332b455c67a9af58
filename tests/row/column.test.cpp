// SPDX-License-Identifier: BSL-1.0
#include <quire/row/column.hpp>

#include "catch.hpp"

#include <array>
#include <limits>

using quire::column;
using quire::column_type;

namespace {

enum class scoped { a };
enum class scoped_bool : bool { no, yes };
enum fixed : std::int16_t { fixed_a };
enum loose { loose_a };

static_assert(quire::detail::fixed_enum<scoped> && quire::detail::fixed_enum<scoped_bool> &&
              quire::detail::fixed_enum<fixed> && quire::detail::fixed_enum<std::byte>);
static_assert(!quire::detail::fixed_enum<loose> && !quire::detail::fixed_enum<int>);

// What is refused: the sentence itself is a hard error, so the conditions stand here.
template <class M>
concept is_column = quire::detail::fixed_column<M> || quire::detail::string_column<M>;
static_assert(is_column<char> && is_column<unsigned long long> && is_column<double>);
static_assert(!is_column<loose> && !is_column<long double>);
static_assert(!is_column<char const*> && !is_column<int*> && !is_column<std::u16string>);
static_assert(!is_column<std::optional<std::optional<int>>>);
static_assert(!is_column<int const> && !is_column<std::string const>);

static_assert(column<std::int32_t>::type == column_type::integer);
static_assert(column<std::uint8_t>::type == column_type::natural);
static_assert(column<signed char>::type == column_type::integer);
static_assert(column<char>::type == column_type::character);
static_assert(column<char16_t>::type == column_type::character && column<char16_t>::width == 2);
static_assert(column<float>::type == column_type::floating && column<float>::width == 4);
static_assert(column<bool>::type == column_type::boolean && column<bool>::width == 1);
static_assert(column<scoped_bool>::type == column_type::boolean);
static_assert(column<fixed>::type == column_type::integer && column<fixed>::width == 2);
static_assert(column<std::string>::is_variable && column<std::string>::width == 0);
static_assert(!column<std::string>::borrows && column<std::string_view>::borrows);
static_assert(column<std::optional<std::string_view>>::borrows);

static_assert(std::same_as<column<std::optional<int>>::lent, std::optional<int>>);
static_assert(std::same_as<column<std::string>::lent, std::string_view>);
static_assert(
    std::same_as<column<std::optional<std::string>>::lent, std::optional<std::string_view>>);
static_assert(std::same_as<column<scoped>::lent, scoped>);

static_assert(quire::same_column<column<std::string>, column<std::string_view>>);
static_assert(quire::same_column<column<long>, column<long long>>);
static_assert(quire::same_column<column<fixed>, column<std::int16_t>>);
static_assert(!quire::same_column<column<std::int32_t>, column<std::uint32_t>>);
static_assert(!quire::same_column<column<std::int32_t>, column<std::int64_t>>);
static_assert(!quire::same_column<column<int>, column<std::optional<int>>>);
static_assert(!quire::same_column<column<char>, column<std::int8_t>>);
static_assert(!quire::same_column<column<float>, column<std::uint32_t>>);

template <class M>
M back_and_forth(M value) {
    std::array<std::byte, 9> bytes{};
    quire::detail::store_column(bytes.data() + 1, value);
    return quire::detail::load_column<M>(bytes.data() + 1);
}

}  // namespace

TEMPLATE_TEST_CASE("column: the extremes of a number come back", "", std::int8_t, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t,
                   std::uint64_t, char, wchar_t, char8_t, char16_t, char32_t, float, double) {
    CHECK((back_and_forth(std::numeric_limits<TestType>::lowest()) ==
           std::numeric_limits<TestType>::lowest()));
    CHECK((back_and_forth(std::numeric_limits<TestType>::max()) ==
           std::numeric_limits<TestType>::max()));
    CHECK((back_and_forth(TestType{1}) == TestType{1}));
}

TEST_CASE("column: enums stand as their underlying type") {
    CHECK(back_and_forth(scoped{-7}) == scoped{-7});
    CHECK(back_and_forth(fixed{-300}) == fixed{-300});
    CHECK(back_and_forth(scoped_bool::yes) == scoped_bool::yes);
    CHECK(back_and_forth(std::byte{200}) == std::byte{200});
}

TEST_CASE("column: any byte that is not zero is true") {
    for (int i = 0; i < 256; ++i) {
        auto const byte = static_cast<std::byte>(i);
        CHECK(quire::detail::load_column<bool>(&byte) == (i != 0));
        CHECK((quire::detail::load_column<scoped_bool>(&byte) == scoped_bool::yes) == (i != 0));
    }
}
