// SPDX-License-Identifier: BSL-1.0
#include "examples/pagedump/values.hpp"

#include <quire/row/codec.hpp>
#include <quire/table/value_codec.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace {

using namespace pagedump;

struct point {
    std::int16_t x;
    double y;
    bool is_set;
    friend bool operator==(point const&, point const&) = default;
};
BOOST_DESCRIBE_STRUCT(point, (), (x, y, is_set))

enum class colour : std::uint8_t { red, green };

using millis = std::chrono::duration<std::int64_t, std::milli>;
using moment = std::chrono::time_point<std::chrono::system_clock,
                                       std::chrono::duration<std::int64_t, std::milli>>;

struct everything {
    bool flag;
    std::optional<std::uint16_t> maybe;
    std::string name;
    char letter;
    colour shade;
    std::int8_t small;
    std::uint64_t large;
    float part;
    std::optional<std::string> note;
    std::array<std::uint16_t, 3> three;
    std::array<char, 4> code;
    std::array<std::array<bool, 2>, 2> table;
    point where;
    std::optional<point> perhaps;
    millis took;
    moment at;
    std::vector<std::byte> blob;
    std::optional<bool> yes;
    std::optional<std::int32_t> a, b, c, d, e;
};
BOOST_DESCRIBE_STRUCT(everything, (),
                      (flag, maybe, name, letter, shade, small, large, part, note, three, code,
                       table, where, perhaps, took, at, blob, yes, a, b, c, d, e))

using columns = quire::schema<everything>;

everything sample() {
    everything one{};
    one.flag = true;
    one.name = "Ada \"L\"";
    one.letter = 'x';
    one.shade = colour::green;
    one.small = -5;
    one.large = 18'000'000'000'000'000'000ULL;
    one.part = 0.25F;
    one.note = "";
    one.three = {1, 2, 65'535};
    one.code = {'d', 'e', '\n', 0};
    one.table[1][0] = true;
    one.where = {-3, 1e300, true};
    one.took = millis{-1'500};
    one.at = moment{millis{1'795'867'200'250}};
    one.blob = {std::byte{1}, std::byte{'b'}};
    one.c = -7;
    return one;
}
std::vector<std::byte> encoded(everything const& one) {
    std::vector<std::byte> row(quire::tuple_codec<everything>::size(one));
    quire::tuple_codec<everything>::encode(one, row);
    return row;
}
bool is_read_by_quire(bytes_type row) {
    try {
        static_cast<void>(quire::tuple_codec<everything>::decode(row));
        return true;
    } catch (quire::error const&) { return false; }
}
bool is_shown(row_schema const& schema, bytes_type row) {
    item to{};
    try {
        add_row(to, schema, row);
        return true;
    } catch (misfit const&) { return false; }
}

}  // namespace

TEST_CASE("pagedump: a layout computed from a schema's text is that of the struct") {
    auto const read = row_schema::of(columns::text);
    REQUIRE(read.columns.size() == columns::size);
    CHECK(read.fixed_size == columns::fixed_size);
    CHECK((read.null_bits + 7) / 8 == columns::null_bytes);
    columns::for_each([&](auto i) {
        INFO(columns::member<i>::name);
        CHECK(read.columns[i].name == columns::member<i>::name);
        CHECK(read.places[i] == columns::place<i>.offset);
        CHECK(read.columns[i].is_nullable == columns::column_at<i>::is_nullable);
    });
    CHECK(read.indexes.empty());
    auto const table = row_schema::of("{a:u32,b:string} by b,a; unique a");
    REQUIRE(table.indexes.size() == 2);
    CHECK(table.indexes[0].columns == "b,a");
    CHECK(!table.indexes[0].is_unique);
    CHECK(table.indexes[1].columns == "a");
    CHECK(table.indexes[1].is_unique);
}

TEST_CASE("pagedump: a row is shown with its values") {
    item to{};
    add_row(to, row_schema::of(columns::text), encoded(sample()));
    std::vector<item::field> const wanted{
        {"flag", "true"},
        {"maybe", "null"},
        {"name", "\"Ada \"L\"\""},
        {"letter", "'x' 120"},
        {"shade", "1"},
        {"small", "-5"},
        {"large", "18000000000000000000"},
        {"part", "0.25"},
        {"note", "\"\""},
        {"three", "[1,2,65535]"},
        {"code", "\"de..\""},
        {"table", "[[false,false],[true,false]]"},
        {"where", "{x -3,y 1e+300,is_set true}"},
        {"perhaps", "null"},
        {"took", "-1500 ms"},
        {"at", "2026-11-28T12:00:00.250Z"},
        {"blob", "\".b\""},
        {"yes", "null"},
        {"a", "null"},
        {"b", "null"},
        {"c", "-7"},
        {"d", "null"},
        {"e", "null"}};
    CHECK(to.columns == wanted);
    CHECK(to.fields.empty());
    auto longer = encoded(sample());
    longer.resize(longer.size() + 3);
    item more{};
    add_row(more, row_schema::of(columns::text), longer);
    CHECK(more.has("bytes behind it"));
}

TEST_CASE("pagedump: any bytes are shown as a row, or are none, as quire reads them") {
    quire_test::test_random random;
    auto const schema = row_schema::of(columns::text);
    auto const row = encoded(sample());
    std::size_t shown_rows = 0;
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        auto bytes = row;
        for (auto n = random.below(3); n > 0; --n) {
            bytes[random.below(bytes.size())] = static_cast<std::byte>(random.bits());
        }
        if (random.below(4) == 0) { bytes.resize(random.below(bytes.size() + 8)); }
        std::vector<std::byte> const exact{bytes.begin(), bytes.end()};  // its end is guarded
        bool const is_row = is_read_by_quire(exact);
        REQUIRE(is_shown(schema, exact) == is_row);
        ++(is_row ? shown_rows : refused);
    }
    CHECK(shown_rows > 100);
    CHECK(refused > 100);
}

TEST_CASE("pagedump: a text that is no schema is refused") {
    for (char const* const text :
         {"", "a", "a:", ":u32", "a:u32,", "a:u32 ", "a:u7", "a:u32[", "a:u32[0]", "a:u32[70000]",
          "a:u8[65535],b:u8", "a:u32[3][99999999]", "a:u8[18446744073709551617]", "a:{}",
          "a:{b:string}", "a:{b:u32?}", "a:string[2]", "a:record", "a:nothing", "a:(u32,u32)",
          "a:duration<u32,1/0>", "a:duration<string,1/1>", "a:time<i64,1/1000",
          "{a:u32", "{a:u32}x",
          "a:{b:{c:{d:{e:{f:{g:{h:{i:{j:{k:{l:{m:{n:{o:{p:{q:{r:u8}}}}}}}}}}}}}}}}}"}) {
        INFO(text);
        CHECK_THROWS_AS(row_schema::of(text), std::runtime_error);
    }
    CHECK_THROWS_AS(tree_schema::of("u32"), std::runtime_error);
    CHECK_THROWS_AS(tree_schema::of("u32:u32:"), std::runtime_error);
    quire_test::test_random random;
    std::string const text{columns::text};
    std::size_t parsed = 0;
    for (int round = 0; round < 20'000; ++round) {
        auto changed = text;
        for (auto n = random.below(3); n > 0; --n) {
            changed[random.below(changed.size())] = text[random.below(text.size())];
        }
        try {
            auto const schema = row_schema::of(changed.substr(random.below(4)));
            ++parsed;
            static_cast<void>(is_shown(schema, encoded(sample())));
        } catch (std::runtime_error const&) {}
    }
    CHECK(parsed > 100);
}

TEST_CASE("pagedump: keys are shown by their schema, or as bytes") {
    using key_type = std::tuple<std::int32_t, std::string, point, double>;
    std::array<std::byte, 200> room;
    auto const key = [&](auto const& value) {
        quire::key_writer to{room};
        quire::key_codec<std::remove_cvref_t<decltype(value)>>::write(to, value);
        return to.written();
    };
    auto const text = quire::key_codec<key_type>::name() + ":" +
                      quire::value_codec<quire::record_id>::name();
    auto const schema = tree_schema::of(text);
    auto const bytes = key(key_type{-9, std::string{"a\0b", 3}, {1, -0.5, false}, 2.5});
    CHECK(key_text(&schema, bytes) == "(-9,\"a.b\",{x 1,y -0.5,is_set false},2.5)");
    CHECK(key_text(&schema, bytes.first(6)) == "\"....a.\" 6");
    CHECK(key_text(nullptr, bytes.first(2)) == "\"..\" 2");
    auto const of_names = tree_schema::of("string:{a:u16}");
    CHECK(key_text(&of_names, key(std::string{"Ada"})) == "\"Ada\"");
    auto const other = tree_schema::of("version:tuple");
    CHECK(key_text(&other, key(std::string{"Ada"})) == "\"Ada\" 3");

    std::array<std::byte, 8> value{};
    quire::value_codec<quire::record_id>::encode({70'000, quire::slot_id{3}}, value);
    auto const shown_value = [&](tree_schema const& of, bytes_type from) {
        item to{};
        add_value(to, &of, from);
        std::string all;
        for (auto const* const list : {&to.fields, &to.columns}) {
            for (auto const& [name, its] : *list) { all += name + ' ' + its + ';'; }
        }
        return all;
    };
    CHECK(shown_value(schema, value) == "value 70000:3;");
    CHECK(shown_value(schema, bytes_type{value}.first(7)) == "value \"..p....\" 7;");
    CHECK(shown_value(of_names, bytes_type{value}.first(2)) == "a 3;");
    CHECK(shown_value(of_names, bytes_type{value}.first(1)) ==
          "DOES NOT FIT the schema it is too short;content \".\" 1;");
    CHECK(shown_value(tree_schema::of("u8:nothing"), {}).empty());
    CHECK(shown_value(tree_schema::of("u8:u64"), value) == "value 4587520003;");
}

TEST_CASE("pagedump: what a file has reaches a terminal only as printable text") {
    CHECK(printable("a\x1b[31m\x7f\t") == "a.[31m..");
    CHECK(printable("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x90\xa6") ==
          "Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x90\xa6");
    CHECK(printable("\xc2\x9b\xc3\xe2\x82") == ".....");  // a C1 control, and characters cut off
    CHECK(printable("\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80\xff") ==
          std::string(13, '.'));
    CHECK(printable("\xe2\x80\xae") == "...");  // turns the direction of what follows
}

TEST_CASE("pagedump: points in time and durations say their units, whatever the count is") {
    auto const text = [](std::string const& type, std::int64_t count) {
        std::array<std::byte, 8> bytes{};
        quire::store_le(bytes.data(), count);
        return fixed_text(schema_reader{type}.type(), bytes.data());
    };
    CHECK(text("time<i64,1/1>", 0) == "1970-01-01T00:00:00Z");
    CHECK(text("time<i64,1/1000>", -1) == "1969-12-31T23:59:59.999Z");
    CHECK(text("time<i64,86400/1>", 20'000) == "2024-10-04T00:00:00Z");
    CHECK(text("time<i64,1/3>", 7) == "7 x 1/3 s since 1970");
    CHECK(text("duration<i64,60/1>", 7) == "7 min");
    CHECK(text("time<u64,1/1>", -1) == "18446744073709551615 s since 1970");
    for (char const* const unit : {"1/1", "1/1000000000", "604800/1", "999999/1",
                                   "18446744073709551615/18446744073709551615"}) {
        for (std::int64_t const count : {std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max()}) {
            CHECK(!text("time<i64," + std::string{unit} + ">", count).empty());
        }
    }
}
