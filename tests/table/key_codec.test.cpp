// SPDX-License-Identifier: BSL-1.0
#include <quire/table/key_codec.hpp>

#include <quire/row/codec.hpp>
#include <quire/table/detail/key_order.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace {

template <class Key>
std::string bytes_of_key(Key const& key) {
    std::array<std::byte, 64> room;
    quire::key_writer to{room};
    quire::key_codec<Key>::write(to, key);
    return text_of(to.written());
}
template <class Key>
Key key_of(std::string const& bytes) {
    quire::key_reader from{bytes_of(bytes)};
    Key key = quire::key_codec<Key>::read(from);
    from.expect_end();
    return key;
}
/// Keys in their order: so are their bytes, and each is found again.
template <class Key>
void expect_order(std::vector<Key> const& ascending) {
    for (std::size_t i = 0; i < ascending.size(); ++i) {
        auto const bytes = bytes_of_key(ascending[i]);
        CHECK(key_of<Key>(bytes) == ascending[i]);
        for (std::size_t j = 0; j < ascending.size(); ++j) {
            auto const order = quire::detail::compare_keys(
                bytes_of(bytes), bytes_of(bytes_of_key(ascending[j])));
            CHECK((order < 0) == (i < j));
            CHECK((order == 0) == (i == j));
        }
    }
}
template <class Fn>
quire::errc refusal(Fn fn) {
    try {
        fn();
    } catch (quire::error const& why) { return why.kind(); }
    return {};
}

struct place {
    std::string street;
    std::int32_t number;
    friend bool operator==(place const&, place const&) = default;
};
BOOST_DESCRIBE_STRUCT(place, (), (street, number))

enum class color : std::int8_t { red = -1, green, blue };
struct colored {
    color first;
    place second;
    friend bool operator==(colored const&, colored const&) = default;
};
BOOST_DESCRIBE_STRUCT(colored, (), (first, second))

struct hidden {
    int number;
};
struct half_described : hidden {
    int other;
};
BOOST_DESCRIBE_STRUCT(half_described, (hidden), (other))
struct no_key {
    void* member;
};
BOOST_DESCRIBE_STRUCT(no_key, (), (member))
struct with_no_key {
    int number;
    no_key other;
};
BOOST_DESCRIBE_STRUCT(with_no_key, (), (number, other))

static_assert(quire::tree_key<colored> && quire::tree_key<color>);
static_assert(!quire::tree_key<half_described> && !quire::tree_key<no_key> &&
              !quire::tree_key<with_no_key>);

/// Its keys descend.
struct latest_first {
    std::uint32_t moment;
    friend bool operator==(latest_first, latest_first) = default;
};

}  // namespace

template <>
struct quire::key_codec<latest_first> {
    static void write(key_writer& to, latest_first const& key) {
        key_codec<std::uint32_t>::write(to, ~key.moment);
    }
    static latest_first read(key_reader& from) {
        return {~key_codec<std::uint32_t>::read(from)};
    }
    static std::string name() { return "latest_first"; }
};

TEST_CASE("key_codec: golden bytes") {
    CHECK(bytes_of_key(std::uint16_t{0x0102}) == std::string("\x01\x02", 2));
    CHECK(bytes_of_key(std::int16_t{1}) == std::string("\x80\x01", 2));
    CHECK(bytes_of_key(std::int16_t{-1}) == std::string("\x7F\xFF", 2));
    CHECK(bytes_of_key(1.0F) == std::string("\xBF\x80\0\0", 4));
    CHECK(bytes_of_key(-1.0F) == std::string("\x40\x7F\xFF\xFF", 4));
    CHECK(bytes_of_key(std::string("a\0b", 3)) == std::string("a\0b", 3));
    CHECK(bytes_of_key(std::tuple<std::string, std::uint8_t>{std::string("a\0", 2), 7}) ==
          std::string("a\0\xFF\0\x01\x07", 6));
    CHECK(bytes_of_key(place{"b", 1}) == std::string("b\0\x01\x80\0\0\x01", 7));
}

TEST_CASE("key_codec: bytes are in the order of their keys") {
    using limits = std::numeric_limits<std::int64_t>;
    expect_order<std::int64_t>({limits::min(), -256, -255, -1, 0, 1, 255, 256, limits::max()});
    expect_order<std::uint8_t>({0, 1, 127, 128, 255});
    expect_order<bool>({false, true});
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    expect_order<double>({-infinity, -1e300, -2.5, -1e-310, 0.0, 1e-310, 2.5, 1e300, infinity});
    std::string const zero(1, '\0');
    expect_order<std::string>({"", zero, zero + zero, zero + "a", "a", "a" + zero, "aa", "b",
                               "\x7F", "\x80", "\xFF"});
    using pair = std::pair<std::string, std::string>;
    expect_order<pair>({{"", ""}, {"", zero}, {"", "\xFF"}, {zero, ""}, {zero, "\xFF"},
                        {zero + zero, ""}, {zero + "\x01", ""}, {"a", "\xFF"}, {"a" + zero, ""},
                        {"a" + zero, "a"}, {"aa", ""}, {"\xFF", ""}, {"\xFF\xFF", ""}});
    expect_order<place>({{"", -1}, {"a", -5}, {"a", 5}, {"a" + zero, -9}, {"b", 0}});
    expect_order<colored>(
        {{color::red, {"z", 1}}, {color::green, {"", 0}}, {color::blue, {"", 0}}});
    expect_order<latest_first>({{30}, {20}, {10}, {0}});
}

TEST_CASE("key_codec: random compound keys are in order, whatever their bytes") {
    quire_test::test_random random;
    using key = std::tuple<std::string, std::int32_t, std::string>;
    auto const text = [&] {
        std::string some(random.below(4), '\0');
        for (auto& c : some) { c = "\x00\x01\xFE\xFF"[random.below(4)]; }
        return some;
    };
    for (int i = 0; i < 20'000; ++i) {
        key const a{text(), static_cast<std::int32_t>(random.below(3)) - 1, text()};
        key const b{text(), static_cast<std::int32_t>(random.below(3)) - 1, text()};
        auto const by_bytes = quire::detail::compare_keys(bytes_of(bytes_of_key(a)),
                                                          bytes_of(bytes_of_key(b)));
        // std::string compares as std::memcmp does.
        REQUIRE(by_bytes == (a <=> b));
        REQUIRE(key_of<key>(bytes_of_key(a)) == a);
    }
}

TEST_CASE("key_codec: what has no order, no room or no meaning is an error") {
    auto const nan = std::numeric_limits<float>::quiet_NaN();
    CHECK(refusal([&] { bytes_of_key(nan); }) == quire::errc::bad_key);
    CHECK(bytes_of_key(-0.0) == bytes_of_key(0.0));
    CHECK(refusal([] { bytes_of_key(std::string(65, 'x')); }) == quire::errc::tuple_too_large);
    CHECK(bytes_of_key(std::string(64, 'x')).size() == 64);
    CHECK(refusal([] { key_of<std::uint32_t>("123"); }) == quire::errc::corrupt_page);
    CHECK(refusal([] { key_of<std::uint32_t>("12345"); }) == quire::errc::corrupt_page);
    using pair = std::pair<std::string, std::string>;
    CHECK(refusal([] { key_of<pair>("ab"); }) == quire::errc::corrupt_page);
    CHECK(refusal([] { key_of<pair>(std::string("a\0\x02", 3)); }) == quire::errc::corrupt_page);
}

TEST_CASE("key_codec: keys of fixed members have a fixed size, which is that of their bytes") {
    using quire::detail::key_size;
    STATIC_REQUIRE(key_size<bool>() == 1);
    STATIC_REQUIRE(key_size<std::int16_t>() == 2);
    STATIC_REQUIRE(key_size<double>() == 8);
    STATIC_REQUIRE(key_size<std::tuple<std::uint8_t, std::pair<float, std::uint64_t>>>() == 13);
    STATIC_REQUIRE_FALSE(key_size<std::string>().has_value());
    STATIC_REQUIRE_FALSE(key_size<std::pair<int, std::string>>().has_value());
    STATIC_REQUIRE_FALSE(key_size<place>().has_value());
    using key = std::tuple<std::uint8_t, std::pair<float, std::uint64_t>>;
    CHECK(bytes_of_key(key{1, {2.0F, 3}}).size() == 13);
    CHECK(bytes_of_key(true).size() == 1);
}

TEST_CASE("key_codec: names are those of the types") {
    using key = std::tuple<std::uint64_t, std::pair<std::string, double>, std::vector<std::byte>>;
    CHECK(quire::key_codec<key>::name() == "(u64,(string,f64),bytes)");
    CHECK(quire::key_codec<place>::name() == "{street:string,number:i32}");
}
