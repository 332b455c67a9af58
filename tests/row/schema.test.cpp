// SPDX-License-Identifier: BSL-1.0
#include <quire/row/schema.hpp>

#include "catch.hpp"

#include <vector>

using quire::described;
using quire::same_schema;
using quire::schema;

namespace {

struct fixed_only {
    std::int8_t a;
    std::int64_t b;
    bool c;
};
BOOST_DESCRIBE_STRUCT(fixed_only, (), (a, b, c))

struct mixed {
    std::string text;
    std::optional<std::int32_t> number;
    std::uint16_t code;
    std::optional<std::string> note;
    double ratio;
    int not_described = 5;
};
BOOST_DESCRIBE_STRUCT(mixed, (), (text, number, code, note, ratio))

struct derived : fixed_only {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(derived, (fixed_only), (name))

struct empty {};
BOOST_DESCRIBE_STRUCT(empty, (), ())

struct nine_nullable {
    std::optional<bool> a, b, c, d, e, f, g, h, i;
};
BOOST_DESCRIBE_STRUCT(nine_nullable, (), (a, b, c, d, e, f, g, h, i))

struct undescribed {
    int a;
};

static_assert(described<mixed> && described<derived> && described<empty>);
static_assert(!described<undescribed> && !described<int> && !described<std::string>);

// No padding: offsets are sums of widths.
static_assert(schema<fixed_only>::size == 3);
static_assert(schema<fixed_only>::null_bytes == 0 && schema<fixed_only>::variable == 0);
static_assert(schema<fixed_only>::place<0>.offset == 0);
static_assert(schema<fixed_only>::place<1>.offset == 1);
static_assert(schema<fixed_only>::place<2>.offset == 9);
static_assert(schema<fixed_only>::fixed_size == 10);

// Null bits, fixed columns, end offsets.
static_assert(schema<mixed>::size == 5 && schema<mixed>::null_bytes == 1);
static_assert(schema<mixed>::place<1>.offset == 1 && schema<mixed>::place<1>.null_bit == 0);
static_assert(schema<mixed>::place<2>.offset == 5);
static_assert(schema<mixed>::place<4>.offset == 7);
static_assert(schema<mixed>::table == 15 && schema<mixed>::variable == 2);
static_assert(schema<mixed>::place<0>.offset == 15 && schema<mixed>::place<0>.order == 0);
static_assert(schema<mixed>::place<3>.offset == 17 && schema<mixed>::place<3>.order == 1);
static_assert(schema<mixed>::place<3>.null_bit == 1);
static_assert(schema<mixed>::fixed_size == 19);

static_assert(schema<nine_nullable>::null_bytes == 2);
static_assert(schema<nine_nullable>::place<8>.null_bit == 8);
static_assert(schema<nine_nullable>::fixed_size == 2 + 9);
static_assert(schema<empty>::size == 0 && schema<empty>::fixed_size == 0);

// Bases come first; a pointer to a base's member names its column.
static_assert(schema<derived>::size == 4);
static_assert(schema<derived>::index_of<&derived::a>() == 0);
static_assert(schema<derived>::index_of<&fixed_only::c>() == 2);
static_assert(schema<derived>::index_of<&derived::name>() == 3);

static_assert(schema<mixed>::index_of<&mixed::ratio>() == 4);
static_assert(schema<mixed>::index_of<&mixed::not_described>() == schema<mixed>::no_column);
static_assert(schema<mixed>::index_of<&fixed_only::a>() == schema<mixed>::no_column);
static_assert(schema<mixed>::index_of<42>() == schema<mixed>::no_column);

static_assert(!schema<mixed>::borrows);

namespace same {
struct original {
    std::int64_t id;
    std::optional<std::string> name;
};
BOOST_DESCRIBE_STRUCT(original, (), (id, name))
struct borrowing {
    long long id;
    std::optional<std::string_view> name;
};
BOOST_DESCRIBE_STRUCT(borrowing, (), (id, name))
struct other_name {
    std::int64_t key;
    std::optional<std::string> name;
};
BOOST_DESCRIBE_STRUCT(other_name, (), (key, name))
struct other_order {
    std::int64_t id;
    std::optional<std::string> name;
};
BOOST_DESCRIBE_STRUCT(other_order, (), (name, id))
struct other_null {
    std::int64_t id;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(other_null, (), (id, name))
struct shorter {
    std::int64_t id;
};
BOOST_DESCRIBE_STRUCT(shorter, (), (id))
}  // namespace same

static_assert(schema<same::borrowing>::borrows);
static_assert(same_schema<same::original, same::original>);
static_assert(same_schema<same::original, same::borrowing>);
static_assert(!same_schema<same::original, same::other_name>);
static_assert(!same_schema<same::original, same::other_order>);
static_assert(!same_schema<same::original, same::other_null>);
static_assert(!same_schema<same::original, same::shorter>);
static_assert(!same_schema<same::original, undescribed>);

}  // namespace

TEST_CASE("schema: for_each goes through the columns in order") {
    std::vector<std::string> names;
    schema<derived>::for_each(
        [&](auto i) { names.emplace_back(schema<derived>::member<i>::name); });
    CHECK(names == std::vector<std::string>{"a", "b", "c", "name"});
}
