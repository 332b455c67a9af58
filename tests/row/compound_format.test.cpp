// SPDX-License-Identifier: BSL-1.0
#include <quire/row/compound_format.hpp>

#include "catch.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <chrono>
#include <span>
#include <vector>

using quire::detail::fixed_column;
using quire::detail::fixed_format;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::sys_time;

namespace {

enum class suit : char { clubs = 'c', hearts = 'h' };
BOOST_DESCRIBE_ENUM(suit, clubs, hearts)

struct point {
    std::int16_t x;
    std::int16_t y;
    int not_described = 5;
    friend bool operator==(point const&, point const&) = default;
};
BOOST_DESCRIBE_STRUCT(point, (), (x, y))

struct place : point {
    bool known;
    std::array<suit, 2> suits;
    std::array<point, 2> corners;
    friend bool operator==(place const&, place const&) = default;
};
BOOST_DESCRIBE_STRUCT(place, (point), (known, suits, corners))

struct marked {
    point where;  // has more in memory than in the row
    std::uint8_t mark;
};
BOOST_DESCRIBE_STRUCT(marked, (), (where, mark))

struct with_string {
    std::string text;
};
BOOST_DESCRIBE_STRUCT(with_string, (), (text))
struct with_null {
    std::optional<int> number;
};
BOOST_DESCRIBE_STRUCT(with_null, (), (number))
struct with_const {
    int const number = 0;
};
BOOST_DESCRIBE_STRUCT(with_const, (), (number))
struct empty {};
BOOST_DESCRIBE_STRUCT(empty, (), ())
struct undescribed {
    int a;
};
struct of_undescribed : undescribed {
    int b;
};
BOOST_DESCRIBE_STRUCT(of_undescribed, (undescribed), (b))
struct no_default {
    explicit no_default(int of) : a{of} {}
    int a;
};
BOOST_DESCRIBE_STRUCT(no_default, (), (a))

using float_seconds = std::chrono::duration<double>;

static_assert(fixed_column<std::array<int, 3>> && fixed_column<std::array<point, 1>>);
static_assert(fixed_column<point> && fixed_column<place>);
static_assert(fixed_column<milliseconds> && fixed_column<float_seconds>);
static_assert(fixed_column<sys_days> && fixed_column<std::chrono::system_clock::time_point>);
static_assert(!fixed_column<std::array<int, 0>> && !fixed_column<std::array<std::string, 2>>);
static_assert(!fixed_column<std::array<int, 3> const> && !fixed_column<point const>);
static_assert(!fixed_column<milliseconds const> && !fixed_column<int[3]>);
static_assert(!fixed_column<with_string> && !fixed_column<with_null> && !fixed_column<with_const>);
static_assert(!fixed_column<empty> && !fixed_column<undescribed> && !fixed_column<of_undescribed>);
static_assert(!fixed_column<no_default> && !fixed_column<std::chrono::duration<long double>>);
static_assert(!fixed_column<std::chrono::steady_clock::time_point>);
static_assert(!fixed_column<std::chrono::local_seconds>);

static_assert(fixed_format<std::array<std::int16_t, 3>>::width == 6);
static_assert(fixed_format<point>::width == 4 && fixed_format<place>::width == 15);
static_assert(fixed_format<milliseconds>::width == 8);
static_assert(!fixed_format<point>::is_checked && fixed_format<place>::is_checked);
static_assert(!fixed_format<std::array<point, 2>>::is_checked);
static_assert(fixed_format<std::array<bool, 2>>::is_checked);

template <class M>
struct speller {
    static constexpr void spell(quire::detail::text_writer& to) { fixed_format<M>::spell(to); }
};
template <class M>
constexpr std::string_view text = quire::detail::text_of<speller<M>>::value;

static_assert(text<std::array<std::array<int, 4>, 2>> == "i32[4][2]");
static_assert(text<place> == "{x:i16,y:i16,known:bool,suits:c8[2],corners:{x:i16,y:i16}[2]}");
static_assert(text<std::chrono::duration<int, std::ratio<60>>> == "duration<i32,60/1>");
static_assert(text<milliseconds> == "duration<i64,1/1000>");
static_assert(text<sys_time<milliseconds>> == "time<i64,1/1000>");

// x, y, known, two suits, two corners of two.
std::vector<std::byte> place_bytes() {
    constexpr std::array<unsigned char, 15> bytes{0x02, 0x01, 0xFE, 0xFF, 1,    'h',  'c', 1,
                                                  0,    2,    0,    3,    0x00, 0x04, 0x80};
    auto const view = std::as_bytes(std::span{bytes});
    return {view.begin(), view.end()};
}

}  // namespace

TEST_CASE("compound_format: the parts stand one behind the other, without padding") {
    place const value{{0x0102, -2}, true, {suit::hearts, suit::clubs}, {{{1, 2}, {3, -32764}}}};
    std::vector<std::byte> bytes(15, std::byte{0xEE});
    fixed_format<place>::store(bytes.data(), value);
    CHECK(bytes == place_bytes());
    CHECK(fixed_format<place>::holds(bytes.data()));
    CHECK(fixed_format<place>::load(bytes.data()) == value);
}

TEST_CASE("compound_format: what is not described takes no room") {
    std::vector<std::byte> bytes(5);
    fixed_format<marked>::store(bytes.data(), {{1, 2, 9}, 3});
    CHECK(bytes ==
          std::vector{std::byte{1}, std::byte{0}, std::byte{2}, std::byte{0}, std::byte{3}});
    CHECK(fixed_format<marked>::load(bytes.data()).mark == 3);
    CHECK(fixed_format<marked>::load(bytes.data()).where.not_described == 5);
}

TEST_CASE("compound_format: a value is held when each part is") {
    auto const good = place_bytes();
    for (std::size_t at = 0; at < good.size(); ++at) {
        auto bytes = good;
        bytes[at] ^= std::byte{0x40};
        bool const any_goes = at < 4 || at > 6;
        CHECK(fixed_format<place>::holds(bytes.data()) == any_goes);
        (void)fixed_format<place>::load(bytes.data());
    }
}

TEST_CASE("compound_format: durations and points in time are their counts") {
    std::array<std::byte, 8> bytes{};
    fixed_format<milliseconds>::store(bytes.data(), milliseconds{-2});
    CHECK(quire::load_le<std::int64_t>(bytes.data()) == -2);
    CHECK(fixed_format<milliseconds>::load(bytes.data()) == milliseconds{-2});
    sys_time<milliseconds> const point{milliseconds{1'700'000'000'123}};
    fixed_format<sys_time<milliseconds>>::store(bytes.data(), point);
    CHECK(quire::load_le<std::int64_t>(bytes.data()) == 1'700'000'000'123);
    CHECK(fixed_format<sys_time<milliseconds>>::load(bytes.data()) == point);
    fixed_format<float_seconds>::store(bytes.data(), float_seconds{0.5});
    CHECK(fixed_format<float_seconds>::load(bytes.data()) == float_seconds{0.5});
}
