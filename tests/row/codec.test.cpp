// SPDX-License-Identifier: BSL-1.0
#include <quire/row/codec.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <limits>

using quire::errc;
using quire::heap_page;
using quire::slot_id;
using quire::tuple_codec;

namespace {

enum class color : std::uint16_t { red = 0x0102 };

struct user {
    std::int64_t id;
    std::string name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name, balance))

struct user_ref {
    std::int64_t id;
    std::string_view name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user_ref, (), (id, name, balance))

struct every {
    bool flag;
    char letter;
    std::int8_t i8;
    std::uint16_t u16;
    std::int32_t i32;
    std::uint64_t u64;
    float f32;
    double f64;
    color shade;
    std::string text;
    std::optional<bool> flag_or;
    std::optional<std::uint32_t> u32_or;
    std::optional<color> shade_or;
    std::optional<std::string> text_or;
    std::string last;

    friend bool operator==(every const&, every const&) = default;
};
BOOST_DESCRIBE_STRUCT(every, (),
                      (flag, letter, i8, u16, i32, u64, f32, f64, shade, text, flag_or, u32_or,
                       shade_or, text_or, last))

enum class state : std::uint8_t { off, on, held = 7 };
BOOST_DESCRIBE_ENUM(state, off, on, held)
struct file_state {
    state now;
};
BOOST_DESCRIBE_STRUCT(file_state, (), (now))
struct point {
    std::int16_t x;
    state how;
    friend bool operator==(point const&, point const&) = default;
};
BOOST_DESCRIBE_STRUCT(point, (), (x, how))
struct sample_base {
    std::array<std::uint16_t, 2> range;
    std::optional<point> first;
    friend bool operator==(sample_base const&, sample_base const&) = default;
};
BOOST_DESCRIBE_STRUCT(sample_base, (), (range, first))
struct sample : sample_base {
    std::vector<std::byte> data;
    std::chrono::sys_time<std::chrono::duration<std::int32_t>> when;
    std::array<point, 2> ends;
    std::optional<std::vector<std::byte>> extra;
    std::optional<std::array<bool, 2>> flags;
    std::string note;
    friend bool operator==(sample const&, sample const&) = default;
};
BOOST_DESCRIBE_STRUCT(sample, (sample_base), (data, when, ends, extra, flags, note))
struct sample_ref : sample_base {
    std::span<std::byte const> data;
    std::chrono::sys_time<std::chrono::duration<std::int32_t>> when;
    std::array<point, 2> ends;
    std::optional<std::span<std::byte const>> extra;
    std::optional<std::array<bool, 2>> flags;
    std::string_view note;
};
BOOST_DESCRIBE_STRUCT(sample_ref, (sample_base), (data, when, ends, extra, flags, note))
static_assert(quire::same_schema<sample, sample_ref>);
static_assert(tuple_codec<sample>::owns && !tuple_codec<sample_ref>::owns);

struct limited {
    std::int64_t id;
    std::string name;
    std::optional<std::vector<std::byte>> blob;
};
BOOST_DESCRIBE_STRUCT(limited, (), (id, name, blob))

struct undescribed {
    int a;
};
struct empty {};
BOOST_DESCRIBE_STRUCT(empty, (), ())

static_assert(quire::tuple_type<user> && quire::tuple_type<user_ref> && quire::tuple_type<every>);
static_assert(!quire::tuple_type<undescribed>);
static_assert(tuple_codec<user>::owns && !tuple_codec<user_ref>::owns);

template <class P>
concept lends_rows = requires(P&& p) {
    static_cast<P&&>(p).template rows<user>();
    static_cast<P&&>(p).template row<user>(slot_id{});
};
using shared = heap_page<std::byte const, 512>;
static_assert(lends_rows<shared&> && !lends_rows<shared>);
template <class P>
concept edits = requires(P& p) { p.template edit<user>(slot_id{}, [](user&) {}); };
template <class P>
concept inserts = requires(P& p, user const& u) { p.insert(u); };
static_assert(edits<heap_page<std::byte, 512>> && !edits<shared>);
static_assert(inserts<heap_page<std::byte, 512>> && !inserts<shared>);

std::vector<std::byte> random_bytes(generator& random, std::size_t size) {
    std::vector<std::byte> bytes(size);
    random.fill(bytes);
    return bytes;
}
point random_point(generator& random) {
    constexpr std::array states{state::off, state::on, state::held};
    return {static_cast<std::int16_t>(random.bits()), states[random.below(3)]};
}
sample random_sample(generator& random) {
    sample v{};
    v.range = {static_cast<std::uint16_t>(random.bits()), 1};
    if (random.chance(1, 2)) { v.first = random_point(random); }
    v.data = random_bytes(random, random.below(20));
    v.when += std::chrono::duration<std::int32_t>{static_cast<std::int32_t>(random.below(1000))};
    v.ends = {random_point(random), random_point(random)};
    if (random.chance(1, 2)) { v.extra = random_bytes(random, random.below(5)); }
    if (random.chance(1, 2)) { v.flags = {random.chance(1, 2), random.chance(1, 2)}; }
    v.note = random.text(random.below(9));
    return v;
}

std::vector<unsigned> numbers(std::span<std::byte const> bytes) {
    std::vector<unsigned> out;
    for (auto b : bytes) { out.push_back(std::to_integer<unsigned>(b)); }
    return out;
}
template <class T>
std::vector<std::byte> encoded(T const& value) {
    std::vector<std::byte> bytes(tuple_codec<T>::size(value), std::byte{0xEE});
    tuple_codec<T>::encode(value, bytes);
    return bytes;
}

every random_value(generator& random) {
    every v{.flag = random.chance(1, 2),
            .letter = static_cast<char>(random.below(256)),
            .i8 = static_cast<std::int8_t>(random.bits()),
            .u16 = static_cast<std::uint16_t>(random.bits()),
            .i32 = static_cast<std::int32_t>(random.bits()),
            .u64 = random.bits(),
            .f32 = static_cast<float>(random.below(1000)) / 3.0F,
            .f64 = -static_cast<double>(random.below(1000)) / 7.0,
            .shade = static_cast<color>(random.below(65536)),
            .text = random.text(random.below(20)),
            .flag_or = {},
            .u32_or = {},
            .shade_or = {},
            .text_or = {},
            .last = random.text(random.below(5))};
    if (random.chance(1, 2)) { v.flag_or = random.chance(1, 2); }
    if (random.chance(1, 2)) { v.u32_or = static_cast<std::uint32_t>(random.bits()); }
    if (random.chance(1, 2)) { v.shade_or = color::red; }
    if (random.chance(1, 2)) { v.text_or = random.text(random.below(20)); }
    return v;
}

}  // namespace

template <>
inline constexpr auto quire::row_options<limited> =
    quire::options_of<limited>(quire::key<&limited::id>, quire::max_bytes<&limited::name, 5>,
                               quire::max_bytes<&limited::blob, 2>);

TEST_CASE("codec: a row has the bytes of the map") {
    every const value{.flag = true,
                      .letter = 'Q',
                      .i8 = -2,
                      .u16 = 0x0304,
                      .i32 = -2,
                      .u64 = 0x0102030405060708,
                      .f32 = 1.5F,
                      .f64 = -2.0,
                      .shade = color::red,
                      .text = "text",
                      .flag_or = true,
                      .u32_or = std::nullopt,
                      .shade_or = std::nullopt,
                      .text_or = std::nullopt,
                      .last = "!"};
    std::vector<unsigned> const golden{
        0x0E,                                            // null: u32_or, shade_or, text_or
        1,                                               // flag
        'Q',                                             // letter
        0xFE,                                            // i8
        0x04, 0x03,                                      // u16
        0xFE, 0xFF, 0xFF, 0xFF,                          // i32
        0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,  // u64
        0x00, 0x00, 0xC0, 0x3F,                          // f32
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xC0,  // f64
        0x02, 0x01,                                      // shade
        1,                                               // flag_or
        0,    0,    0,    0,                             // u32_or, null
        0,    0,                                         // shade_or, null
        49,   0,                                         // text ends
        49,   0,                                         // text_or ends, null
        50,   0,                                         // last ends
        't',  'e',  'x',  't',  '!',
    };
    CHECK(numbers(encoded(value)) == golden);
    CHECK(tuple_codec<every>::decode(encoded(value)) == value);
}

TEST_CASE("codec: arrays, structs, times and byte strings have the bytes of the map") {
    sample value{};
    value.range = {0x0102, 0x0304};
    value.first = {-2, state::held};
    value.data = {std::byte{0xDA}, std::byte{0x7A}};
    value.when += std::chrono::seconds{0x01020304};
    value.ends = {point{1, state::on}, point{2, state::off}};
    value.flags = {true, false};
    value.note = "ok";
    std::vector<unsigned> const golden{
        0x02,                    // null: extra
        0x02, 0x01, 0x04, 0x03,  // range, of the base
        0xFE, 0xFF, 0x07,        // first, of the base
        0x04, 0x03, 0x02, 0x01,  // when
        1,    0,    1,           // ends[0]
        2,    0,    0,           // ends[1]
        1,    0,                 // flags
        28,   0,                 // data ends
        28,   0,                 // extra ends, null
        30,   0,                 // note ends
        0xDA, 0x7A, 'o',  'k',
    };
    CHECK(numbers(encoded(value)) == golden);
    CHECK(tuple_codec<sample>::decode(encoded(value)) == value);
    value.first.reset();
    value.flags.reset();
    auto const nulls = numbers(encoded(value));
    CHECK(nulls[0] == 0x07);
    for (std::size_t const at : {5U, 6U, 7U, 18U, 19U}) { CHECK(nulls[at] == 0); }
}

TEST_CASE("codec: a borrowed struct makes the same row as one that owns") {
    test_random random;
    for (int i = 0; i < 1000; ++i) {
        sample const value = random_sample(random);
        auto const bytes = encoded(value);
        quire::row_view<sample, std::byte const> const row{bytes, slot_id{}};
        auto const borrowed = row.unguarded_load<sample_ref>();
        if (row.load() != value) { FAIL("a value came back changed"); }
        if (encoded(borrowed) != bytes) { FAIL("bytes came back changed"); }
        if (!borrowed.data.empty() && (borrowed.data.data() < bytes.data() ||
                                       borrowed.data.data() >= bytes.data() + bytes.size())) {
            FAIL("borrowed bytes are not the row's");
        }
    }
}

TEST_CASE("codec: past its max_bytes a column is too large, and the error names it") {
    using Catch::Matchers::ContainsSubstring;
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const slot = page.insert(limited{1, "12345", std::vector<std::byte>(2)}).value();
    auto const before = buffer.bytes();
    CHECK(errc_of([&] { (void)page.insert(limited{2, "123456", {}}); }) == errc::tuple_too_large);
    CHECK_THROWS_WITH(page.insert(limited{2, "123456", {}}), ContainsSubstring("name"));
    CHECK_THROWS_WITH(page.update(slot, limited{2, "", std::vector<std::byte>(3)}),
                      ContainsSubstring("blob"));
    CHECK(errc_of([&] { (void)page.edit<limited>(slot, [](limited& l) { l.name += '6'; }); }) ==
          errc::tuple_too_large);
    CHECK(buffer.bytes() == before);
}

TEST_CASE("codec: what is no enumerator of a described enum does not go into a row") {
    CHECK_THAT(violation_of([] {
                   sample value{};
                   value.ends[1].how = state{3};
                   (void)encoded(value);
               }),
               Catch::Matchers::ContainsSubstring("is one of its enumerators"));
}

TEST_CASE("codec: whatever goes in comes out") {
    test_random random;
    for (int i = 0; i < 2000; ++i) {
        every const value = random_value(random);
        auto const bytes = encoded(value);
        if (tuple_codec<every>::decode(bytes) != value) { FAIL("a value came back changed"); }
        if (encoded(tuple_codec<every>::decode(bytes)) != bytes) {
            FAIL("bytes came back changed");
        }
    }
}

TEST_CASE("codec: rows, row and get are the page's and the row's, for generic code") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const ada = page.insert(user{1, "Ada", 9.5}).value();
    (void)page.insert(user{2, "Bob", std::nullopt}).value();
    auto const names = [](auto const& any) {
        std::string all;
        for (auto row : quire::rows<user>(any)) { all += quire::get<&user::name>(row); }
        return all;
    };
    CHECK(names(page) == "AdaBob");
    {
        auto row = quire::row<user>(page, ada);
        row.set<&user::balance>(2.5);
        CHECK(quire::get<&user::balance>(row) == 2.5);
    }
    quire::heap_page<std::byte const, 512> const seen{page};
    CHECK(quire::get<&user::id>(quire::row<user>(seen, ada)) == 1);
    page.compact();  // nothing is lent now
}

TEST_CASE("codec: a struct without columns is a tuple of no bytes") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const slot = page.insert(empty{}).value();
    CHECK(page.tuple(slot).empty());
    (void)page.row<empty>(slot).load();
}

TEST_CASE("codec: a row past 65535 bytes is too large") {
    user value{1, std::string(65535 - 19, 'x'), 1.0};
    CHECK(tuple_codec<user>::size(value) == 65535);
    CHECK(tuple_codec<user>::decode(encoded(value)).name == value.name);
    value.name += 'x';
    CHECK(errc_of([&] { (void)tuple_codec<user>::size(value); }) == errc::tuple_too_large);
    // A length near the end of the address space must not wrap around.
    user_ref const huge{1, {"x", std::numeric_limits<std::size_t>::max() - 10}, {}};
    CHECK(errc_of([&] { (void)tuple_codec<user_ref>::size(huge); }) == errc::tuple_too_large);
}

TEST_CASE("codec: rows go into a page and are read in place") {
    auto buffer = make_heap_page<4096>();
    heap_page page{buffer.span()};
    auto const ada = page.insert(user{1, "Ada", 9.5}).value();
    auto const bob = page.insert(user_ref{2, "Bob", std::nullopt}).value();
    std::string names;
    double sum = 0;
    for (auto row : page.rows<user>()) {
        auto const name = row.get<&user::name>();
        names += name;
        sum += row.get<&user::balance>().value_or(0.25);
        auto const* at = reinterpret_cast<std::byte const*>(name.unguarded_view().data());
        CHECK((at >= buffer.bytes().data() && at < buffer.bytes().data() + 4096));
    }
    CHECK(names == "AdaBob");
    CHECK(sum == 9.75);
    CHECK(page.row<user>(bob).get<&user::id>() == 2);
    CHECK(page.row<user>(ada).load().name == "Ada");

    auto row = page.row<user>(bob);
    row.set<&user::balance>(100.0);
    heap_page<std::byte const, 4096> const reader = page;
    auto const same = reader.row<user>(bob);
    CHECK(same.get<&user::balance>() == 100.0);
    page.validate();
}

TEST_CASE("codec: a row asked for by a redirect keeps the name it was asked by") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const old_slot = page.insert(user{1, "old", {}}).value();
    auto const new_slot = page.insert(user{1, "new", {}}).value();
    REQUIRE(page.redirect(old_slot, new_slot));
    auto const row = page.row<user>(old_slot);
    CHECK(row.slot() == old_slot);
    CHECK(row.get<&user::name>() == "new");
}

TEST_CASE("codec: a tuple that is no such row is an error and changes nothing") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const slot = page.insert(bytes_of("short")).value();
    auto const before = buffer.bytes();
    CHECK(errc_of([&] { (void)page.row<user>(slot).slot(); }) == errc::row_mismatch);
    CHECK(errc_of([&] { (void)page.edit<user>(slot, [](user&) {}); }) == errc::row_mismatch);
    CHECK(errc_of([&] {
              for (auto row : page.rows<user>()) { (void)row.slot(); }
          }) == errc::row_mismatch);
    CHECK(buffer.bytes() == before);
}

namespace {

template <class Fn>
std::string words_of(Fn&& fn) {
    try {
        fn();
    } catch (quire::error const& e) { return e.what(); }
    return {};
}

}  // namespace

TEST_CASE("codec: an error says which column of which slot and page, where there is one") {
    auto buffer = make_heap_page<512>(7);
    heap_page page{buffer.span()};
    page.insert(user{1, "Ada", {}}).value();
    auto const slot = page.insert(bytes_of("short")).value();
    std::string const said = "row in slot 1 of page 7: tuple is not a row of this type";
    CHECK(words_of([&] { (void)page.row<user>(slot).slot(); }) == said);
    CHECK(words_of([&] {
              for (auto row : page.rows<user>()) { (void)row.slot(); }
          }) == said);
    CHECK(words_of([&] { (void)page.edit<user>(slot, [](user&) {}); }) == said);
    CHECK(words_of([&] { (void)tuple_codec<user>::decode({}); }) ==
          "row: tuple is not a row of this type");
    CHECK(words_of([&] { (void)tuple_codec<user>::decode({}, slot_id{3}); }) ==
          "row in slot 3: tuple is not a row of this type");

    std::vector<std::byte> broken = encoded(user{1, "Ada", {}});
    REQUIRE(page.update(slot, std::span{broken}.first(broken.size() - 1)));
    auto const row = page.row<user>(slot);
    CHECK(words_of([&] { (void)row.get<&user::name>(); }) ==
          "name in slot 1 of page 7: tuple is not a row of this type");
    heap_page<std::byte const, 512> const shared = page;
    quire::row_view<user, std::byte const> const converted = row;
    for (auto const& fn : {std::function<void()>{[&] { (void)converted.load(); }},
                           std::function<void()>{[&] {
                               for (auto each : shared.rows<user>()) { (void)each.load(); }
                           }}}) {
        CHECK(words_of(fn) == "name in slot 1 of page 7: tuple is not a row of this type");
    }
}

TEST_CASE("codec: an error of a column that a wrong byte breaks has its page") {
    auto buffer = make_heap_page<512>(7);
    heap_page page{buffer.span()};
    REQUIRE(page.insert(user{1, "Ada", {}}));
    auto const slot = page.insert(file_state{state::on}).value();
    page.tuple(slot).store(0, std::uint8_t{3});
    try {
        (void)page.row<file_state>(slot).get<&file_state::now>();
        FAIL("3 is no state");
    } catch (quire::error const& e) {
        CHECK(e.kind() == errc::row_mismatch);
        CHECK(e.operation() == "now in slot 1");
        CHECK(e.page() == quire::page_id{quire::file_no::unknown, 7});
        CHECK(std::string{e.what()} ==
              "now in slot 1 of page 7: tuple is not a row of this type");
    }
    // A header may have any number; one that no page has is left out.
    std::ranges::fill(buffer.span().subspan(4, 8), std::byte{0xFF});
    CHECK(words_of([&] { (void)page.row<file_state>(slot).get<&file_state::now>(); }) ==
          "now in slot 1: tuple is not a row of this type");
}

TEST_CASE("codec: a column past its max_bytes is not called too large for a page") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    CHECK(words_of([&] { (void)page.insert(limited{1, "123456", {}}); }) ==
          "name, past its max_bytes: tuple is larger than a page or its limits allow");
}

TEST_CASE("codec: edit writes back what fn made of the row") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const a = page.insert(user{1, "Ada", 9.5}).value();
    auto const b = page.insert(user{2, std::string(300, 'b'), {}}).value();
    CHECK(page.edit<user>(a, [](user& u) {
        u.name = "Augusta Ada King, Countess of Lovelace";
        u.balance.reset();
    }));
    CHECK(page.row<user>(a).load().name == "Augusta Ada King, Countess of Lovelace");
    CHECK(page.row<user>(a).get<&user::balance>() == std::nullopt);
    page.validate();
    auto const before = buffer.bytes();
    CHECK_FALSE(page.edit<user>(a, [](user& u) { u.name.assign(200, 'a'); }));
    CHECK_THROWS_AS(page.edit<user>(a,
                                    [](user& u) {
                                        u.id = 77;
                                        throw 1;
                                    }),
                    int);
    CHECK(buffer.bytes() == before);
    CHECK(page.row<user>(b).load().name == std::string(300, 'b'));
}

TEST_CASE("codec: names bound to columns are used only until their page is next changed") {
    if (!quire::checked_build) { return; }
    auto const rule = violation_of([] {
        auto buffer = make_heap_page<512>();
        heap_page page{buffer.span()};
        auto const slot = page.insert(user{1, "Ada", 9.5}).value();
        auto const& [id, name, balance] = page.row<user>(slot);
        (void)page.insert(user{id, std::string{name}, balance});  // a last use
        (void)name.size();
    });
    CHECK_THAT(rule, Catch::Matchers::ContainsSubstring("used only until the page is next"));
}

TEST_CASE("codec: a string from the page itself may be part of the row that goes in") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const dropped = page.insert(user{0, std::string(120, 'd'), {}}).value();
    auto const source = page.insert(user{1, "a name that is long enough to matter", {}}).value();
    page.insert(user{2, std::string(200, 'o'), {}}).value();
    page.erase(dropped);
    auto const name = [&] {  // lent no more
        auto const bytes = bytes_in(page, source);
        std::size_t const size = 36;
        return std::string_view{reinterpret_cast<char const*>(bytes.data()), bytes.size()}.substr(
            bytes.size() - size);
    }();
    REQUIRE(name == "a name that is long enough to matter");
    SECTION("inserted by compaction") {
        auto const copy = page.insert(user_ref{3, name, 1.0}).value();
        CHECK(page.row<user>(copy).load().name == "a name that is long enough to matter");
    }
    SECTION("updated in place from the row itself") {
        auto const shorter = name.substr(7, 20);
        REQUIRE(page.update(source, user_ref{4, shorter, 1.0}));
        CHECK(page.row<user>(source).load().name == "that is long enough ");
    }
    SECTION("updated by compaction from the row itself") {
        std::string_view const with_end{name.data() - 10, name.size() + 10};
        std::string const expected{with_end};
        REQUIRE(page.free_space() >= 10);
        REQUIRE(page.update(source, user_ref{5, with_end, 1.0}));
        CHECK(page.row<user>(source).load().name == expected);
    }
    page.validate();
}
