// SPDX-License-Identifier: BSL-1.0
#include <quire/row/schema.hpp>

#include "catch.hpp"

#include <chrono>
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

static_assert(schema<derived>::index_of<3>() == 3 && schema<derived>::index_of<3UL>() == 3);
static_assert(schema<derived>::index_of<4>() == schema<derived>::no_column);
static_assert(schema<derived>::index_of<-1>() == schema<derived>::no_column);

static_assert(!schema<mixed>::borrows);

// Two bases, one of them with a base.
struct tagged {
    std::optional<std::int8_t> tag;
};
BOOST_DESCRIBE_STRUCT(tagged, (), (tag))
struct more_derived : derived, tagged {
    std::vector<std::byte> blob;
};
BOOST_DESCRIBE_STRUCT(more_derived, (derived, tagged), (blob))
static_assert(schema<more_derived>::text == "a:i8,b:i64,c:bool,name:string,tag:i8?,blob:bytes");

static_assert(schema<mixed>::unused_null_bits == std::byte{0xFC});
static_assert(schema<nine_nullable>::unused_null_bits == std::byte{0xFE});
static_assert(schema<fixed_only>::unused_null_bits == std::byte{0});
struct eight_nullable {
    std::optional<bool> a, b, c, d, e, f, g, h;
};
BOOST_DESCRIBE_STRUCT(eight_nullable, (), (a, b, c, d, e, f, g, h))
static_assert(schema<eight_nullable>::unused_null_bits == std::byte{0});

// As many members as a description names, and more by a base and a struct inside.
#define QUIRE_TEST_MEMBERS(p) \
    p##00, p##01, p##02, p##03, p##04, p##05, p##06, p##07, p##08, p##09, p##10, p##11, p##12, \
        p##13, p##14, p##15, p##16, p##17, p##18, p##19, p##20, p##21, p##22, p##23, p##24, p##25, \
        p##26, p##27, p##28, p##29, p##30, p##31, p##32, p##33, p##34, p##35, p##36, p##37, p##38, \
        p##39, p##40, p##41, p##42, p##43, p##44, p##45, p##46, p##47, p##48, p##49, p##50, p##51
struct widest {
    std::int16_t QUIRE_TEST_MEMBERS(m);
};
BOOST_DESCRIBE_STRUCT(widest, (), (QUIRE_TEST_MEMBERS(m)))
static_assert(schema<widest>::size == 52 && schema<widest>::fixed_size == 104);
static_assert(schema<widest>::place<51>.offset == 102);
struct wider : widest {
    std::optional<std::int8_t> QUIRE_TEST_MEMBERS(n);
};
BOOST_DESCRIBE_STRUCT(wider, (widest), (QUIRE_TEST_MEMBERS(n)))
static_assert(schema<wider>::size == 104 && schema<wider>::null_bytes == 7);
static_assert(schema<wider>::fixed_size == 7 + 104 + 52);
static_assert(schema<wider>::index_of<&wider::n51>() == 103);
struct around {
    std::array<widest, 3> all;
};
BOOST_DESCRIBE_STRUCT(around, (), (all))
static_assert(schema<around>::size == 1 && schema<around>::fixed_size == 312);

// Golden: text and fingerprint are what a catalogue keeps, and do not change.
enum class kind : std::uint16_t { one = 1 };
BOOST_DESCRIBE_ENUM(kind, one)
struct position {
    double x;
    double y;
};
BOOST_DESCRIBE_STRUCT(position, (), (x, y))
struct user {
    std::int64_t id;
    std::string name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name, balance))
struct all_types {
    bool b;
    char c;
    wchar_t w;
    std::int8_t i;
    std::uint64_t u;
    float f;
    kind e;
    std::array<std::array<std::int32_t, 4>, 2> a;
    std::optional<position> p;
    std::chrono::duration<std::int64_t, std::milli> d;
    std::chrono::sys_time<std::chrono::duration<std::int64_t, std::nano>> t;
    std::optional<std::string_view> s;
    std::vector<std::byte> r;
};
BOOST_DESCRIBE_STRUCT(all_types, (), (b, c, w, i, u, f, e, a, p, d, t, s, r))
static_assert(schema<user>::text == "id:i64,name:string,balance:f64?");
static_assert(schema<user>::fingerprint == 0x93da7316e624a6dc);
static_assert(schema<all_types>::text ==
              "b:bool,c:c8,w:c32,i:i8,u:u64,f:f32,e:u16,a:i32[4][2],p:{x:f64,y:f64}?,"
              "d:duration<i64,1/1000>,t:time<i64,1/1000000000>,s:string?,r:bytes");
static_assert(schema<all_types>::fingerprint == 0x8a50fb515ba1e54c);
static_assert(schema<empty>::text.empty());
static_assert(schema<empty>::fingerprint == 0xcbf29ce484222325);

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
static_assert(schema<same::original>::fingerprint == schema<same::borrowing>::fingerprint);
static_assert(schema<same::original>::fingerprint != schema<same::other_name>::fingerprint);
static_assert(schema<same::original>::fingerprint != schema<same::other_order>::fingerprint);
static_assert(schema<same::original>::fingerprint != schema<same::other_null>::fingerprint);
static_assert(schema<same::original>::fingerprint != schema<same::shorter>::fingerprint);
static_assert(!same_schema<same::original, undescribed>);

}  // namespace

TEST_CASE("schema: for_each goes through the columns in order") {
    std::vector<std::string> names;
    schema<derived>::for_each(
        [&](auto i) { names.emplace_back(schema<derived>::member<i>::name); });
    CHECK(names == std::vector<std::string>{"a", "b", "c", "name"});
}
