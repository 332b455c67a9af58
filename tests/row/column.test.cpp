// SPDX-License-Identifier: BSL-1.0
#include <quire/row/column.hpp>

#include "catch.hpp"

#include <boost/describe/class.hpp>

#include <chrono>

using quire::column;
using quire::column_type;

namespace {

enum class scoped { a };
enum class scoped_bool : bool { no, yes };
enum fixed : std::int16_t { fixed_a };
struct point {
    std::int32_t x;
    std::int32_t y;
};
BOOST_DESCRIBE_STRUCT(point, (), (x, y))

using bytes = std::vector<std::byte>;
using bytes_view = std::span<std::byte const>;

// What is refused: the sentence itself is a hard error, so the conditions stand here.
template <class M>
concept is_column = quire::detail::fixed_column<M> || quire::detail::variable_column<M>;
static_assert(is_column<std::string> && is_column<bytes> && is_column<bytes_view>);
static_assert(!is_column<char const*> && !is_column<std::u16string>);
static_assert(!is_column<std::optional<std::optional<int>>> && !is_column<std::optional<int>>);
static_assert(!is_column<std::string const> && !is_column<bytes const>);
static_assert(!is_column<std::vector<unsigned char>> && !is_column<std::span<std::byte>>);
static_assert(!is_column<std::span<std::byte const, 4>> && !is_column<std::pair<int, int>>);

static_assert(column<std::int32_t>::type == column_type::integer);
static_assert(column<std::uint8_t>::type == column_type::natural);
static_assert(column<signed char>::type == column_type::integer);
static_assert(column<char>::type == column_type::character);
static_assert(column<char16_t>::type == column_type::character && column<char16_t>::width == 2);
static_assert(column<float>::type == column_type::floating && column<float>::width == 4);
static_assert(column<bool>::type == column_type::boolean && column<bool>::width == 1);
static_assert(column<scoped_bool>::type == column_type::boolean);
static_assert(column<fixed>::type == column_type::integer && column<fixed>::width == 2);
static_assert(column<point>::type == column_type::structure && column<point>::width == 8);
static_assert(column<std::array<point, 3>>::type == column_type::array);
static_assert(column<std::array<point, 3>>::width == 24);
static_assert(column<std::chrono::seconds>::type == column_type::duration);
static_assert(column<std::chrono::sys_days>::type == column_type::time_point);
static_assert(column<std::string>::is_variable && column<std::string>::width == 0);
static_assert(column<bytes>::is_variable && column<bytes>::type == column_type::bytes);
static_assert(!column<std::string>::borrows && column<std::string_view>::borrows);
static_assert(!column<bytes>::borrows && column<bytes_view>::borrows);
static_assert(column<std::optional<std::string_view>>::borrows);
static_assert(column<bool>::is_checked && column<std::string>::is_checked);
static_assert(!column<int>::is_checked && !column<std::optional<point>>::is_checked);

static_assert(std::same_as<column<std::optional<int>>::lent, std::optional<int>>);
static_assert(std::same_as<column<std::string>::lent, quire::column_text>);
static_assert(
    std::same_as<column<std::optional<std::string>>::lent, quire::nullable<quire::column_text>>);
static_assert(std::same_as<column<scoped>::lent, scoped>);
static_assert(std::same_as<column<bytes>::lent, quire::byte_view<std::byte const>>);
static_assert(std::same_as<column<std::optional<bytes>>::lent,
                           quire::nullable<quire::byte_view<std::byte const>>>);
static_assert(std::same_as<column<std::optional<point>>::lent, std::optional<point>>);

using quire::same_column;
static_assert(same_column<column<std::string>, column<std::string_view>>);
static_assert(same_column<column<bytes>, column<bytes_view>>);
static_assert(!same_column<column<bytes>, column<std::string>>);
static_assert(same_column<column<long>, column<long long>>);
static_assert(same_column<column<fixed>, column<std::int16_t>>);
static_assert(!same_column<column<std::int32_t>, column<std::uint32_t>>);
static_assert(!same_column<column<std::int32_t>, column<std::int64_t>>);
static_assert(!same_column<column<int>, column<std::optional<int>>>);
static_assert(!same_column<column<char>, column<std::int8_t>>);
static_assert(!same_column<column<float>, column<std::uint32_t>>);
static_assert(!same_column<column<std::array<int, 2>>, column<std::array<int, 3>>>);
static_assert(!same_column<column<std::chrono::seconds>, column<std::chrono::milliseconds>>);
static_assert(!same_column<column<std::chrono::days>, column<std::chrono::sys_days>>);

template <class M>
constexpr std::string_view text = quire::detail::text_of<column<M>>::value;
static_assert(text<std::optional<std::string>> == "string?" && text<bytes_view> == "bytes");
static_assert(text<std::optional<std::array<point, 2>>> == "{x:i32,y:i32}[2]?");

}  // namespace

TEST_CASE("column: each type of the table has a format") {
    CHECK(column<std::optional<std::array<point, 2>>>::width == 16);
}
