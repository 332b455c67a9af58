// SPDX-License-Identifier: BSL-1.0
#include <quire/row/row_view.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

using Catch::Matchers::ContainsSubstring;
using quire::errc;
using quire::row_view;
using quire::slot_id;

namespace {

enum class level : std::uint8_t { low = 1, high = 9 };
BOOST_DESCRIBE_ENUM(level, low, high)

struct item {
    std::int32_t id;
    std::optional<double> price;
    std::string name;
    bool active;
    level grade;
    std::optional<std::string> note;
    std::optional<level> next;
};
BOOST_DESCRIBE_STRUCT(item, (), (id, price, name, active, grade, note, next))

struct item_ref {
    std::int32_t id;
    std::optional<double> price;
    std::string_view name;
    bool active;
    std::uint8_t grade;
    std::optional<std::string_view> note;
    std::optional<level> next;
};
BOOST_DESCRIBE_STRUCT(item_ref, (), (id, price, name, active, grade, note, next))

// 0 null bits, 1 id, 5 price, 13 active, 14 grade, 15 next, 16 end of name, 18 end of note, 20 ...
std::vector<std::byte> good_row() {
    constexpr std::array<unsigned char, 26> bytes{
        0x04,                                            // next is null
        0xD6, 0xFF, 0xFF, 0xFF,                          // id: -42
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x23, 0x40,  // price: 9.5
        0x01,                                            // active
        0x09,                                            // grade: high
        0x00,                                            // next
        0x18, 0x00,                                      // name ends at 24
        0x1A, 0x00,                                      // note ends at 26
        'n',  'a',  'm',  'e',  'o',  'k',
    };
    auto const view = std::as_bytes(std::span{bytes});
    return {view.begin(), view.end()};
}

using reader = row_view<item, std::byte const>;
using writer = row_view<item, std::byte>;

static_assert(!std::is_copy_constructible_v<reader> && !std::is_move_constructible_v<reader> &&
              !std::is_copy_assignable_v<reader> && !std::is_default_constructible_v<reader>);
static_assert(std::is_constructible_v<reader, writer&>);
static_assert(!std::is_constructible_v<writer, reader&>);

template <class R, auto M>
concept gets = requires(R&& row) { static_cast<R&&>(row).template get<M>(); };
template <class R, auto M, class V>
concept sets = requires(R&& row, V value) { static_cast<R&&>(row).template set<M>(value); };
template <class R>
concept binds_a_string = requires(R&& row) { static_cast<R&&>(row).template get<2>(); };
template <class R, class U>
concept loads = requires(R&& row) { static_cast<R&&>(row).template load<U>(); };
template <class R, class U>
concept loads_unguarded =
    requires(R&& row) { static_cast<R&&>(row).template unguarded_load<U>(); };

// Columns are read from a temporary row too; but not by number, as structured bindings do, and not
// into a struct that borrows.
static_assert(gets<reader&, &item::name> && gets<reader, &item::name>);
static_assert(gets<reader&, &item::note> && gets<reader, &item::note>);
static_assert(gets<reader, &item::id> && gets<reader, &item::price> && gets<reader, &item::next>);
static_assert(binds_a_string<reader&> && binds_a_string<reader const&>);
static_assert(!binds_a_string<reader> && !binds_a_string<reader const>);
static_assert(loads<reader, item> && !loads<reader&, item_ref> && !loads<reader, item_ref>);
static_assert(loads_unguarded<reader&, item_ref> && !loads_unguarded<reader, item_ref> &&
              !loads_unguarded<reader&, item>);

static_assert(sets<writer&, &item::id, int> && sets<writer&, &item::price, std::nullopt_t>);
static_assert(sets<writer&, &item::grade, level> && !sets<writer&, &item::grade, int>);
static_assert(!sets<reader&, &item::id, int> && !sets<writer const&, &item::id, int>);

// What cannot be wrong is read without a check.
static_assert(noexcept(std::declval<reader&>().get<&item::id>()));
static_assert(noexcept(std::declval<reader&>().get<&item::price>()));
static_assert(!noexcept(std::declval<reader&>().get<&item::active>()));
static_assert(!noexcept(std::declval<reader&>().get<&item::grade>()));

static_assert(std::tuple_size_v<reader> == 7 && std::tuple_size_v<writer const> == 7);
static_assert(std::same_as<std::tuple_element_t<0, writer>, std::int32_t const>);
static_assert(std::same_as<std::tuple_element_t<2, reader>, quire::column_text const>);

struct spot {
    std::int16_t x = 7;
    bool known = true;
    friend bool operator==(spot const&, spot const&) = default;
};
BOOST_DESCRIBE_STRUCT(spot, (), (x, known))
struct drawing {
    std::optional<spot> at;
    std::array<level, 2> levels;
    std::vector<std::byte> pixels;
    std::optional<std::vector<std::byte>> mask;
};
BOOST_DESCRIBE_STRUCT(drawing, (), (at, levels, pixels, mask))
struct drawing_ref {
    std::optional<spot> at;
    std::array<std::uint8_t, 2> levels;
    std::span<std::byte const> pixels;
    std::optional<std::span<std::byte const>> mask;
};
BOOST_DESCRIBE_STRUCT(drawing_ref, (), (at, levels, pixels, mask))
static_assert(quire::same_schema<drawing, drawing_ref>);

struct nine_nullable {
    std::optional<bool> a, b, c, d, e, f, g, h, i;
};
BOOST_DESCRIBE_STRUCT(nine_nullable, (), (a, b, c, d, e, f, g, h, i))

// 0 null bits, 1 at, 4 levels, 6 end of pixels, 8 end of mask, 10 ...
std::vector<std::byte> drawing_bytes() {
    constexpr std::array<unsigned char, 13> bytes{0, 3, 0, 1, 9, 1, 12, 0, 13, 0, 0xAA, 0xBB, 0xCC};
    auto const view = std::as_bytes(std::span{bytes});
    return {view.begin(), view.end()};
}

template <class Fn>
bool is_mismatch(Fn&& fn) {
    try {
        fn();
        return false;
    } catch (quire::error const& e) { return e.kind() == errc::row_mismatch; }
}

}  // namespace

TEST_CASE("row_view: columns are read where they stand") {
    auto const bytes = good_row();
    reader const row{bytes, slot_id{3}};
    CHECK(row.slot() == slot_id{3});
    CHECK(row.get<&item::id>() == -42);
    CHECK(row.get<&item::price>() == 9.5);
    CHECK(row.get<&item::name>() == "name");
    CHECK(row.get<&item::active>());
    CHECK(row.get<&item::grade>() == level::high);
    CHECK(row.get<&item::note>() == "ok");
    CHECK(row.get<&item::next>() == std::nullopt);
    auto const name = row.get<&item::name>();
    CHECK(static_cast<void const*>(name.unguarded_view().data()) == bytes.data() + 20);
}

TEST_CASE("row_view: a null string is null whatever its end offset says") {
    auto bytes = good_row();
    bytes[0] |= std::byte{2};
    reader const row{bytes, slot_id{}};
    CHECK(row.get<&item::note>() == std::nullopt);
    CHECK(row.get<&item::name>() == "name");
}

TEST_CASE("row_view: a row becomes a struct of its schema that owns or borrows") {
    auto const bytes = good_row();
    reader const row{bytes, slot_id{}};
    item const owned = row.load();
    CHECK(owned.id == -42);
    CHECK(owned.price == 9.5);
    CHECK(owned.name == "name");
    CHECK(owned.active);
    CHECK(owned.grade == level::high);
    CHECK(owned.note == "ok");
    CHECK(owned.next == std::nullopt);
    item_ref const borrowed = row.unguarded_load<item_ref>();
    CHECK(borrowed.grade == 9);
    CHECK(static_cast<void const*>(borrowed.name.data()) == bytes.data() + 20);
    CHECK(static_cast<void const*>(borrowed.note->data()) == bytes.data() + 24);
}

TEST_CASE("row_view: set writes fixed columns in place") {
    auto bytes = good_row();
    writer row{bytes, slot_id{}};
    row.set<&item::id>(7);
    row.set<&item::price>(std::nullopt);
    row.set<&item::active>(false);
    row.set<&item::grade>(level::low);
    row.set<&item::next>(level::high);
    auto expected = good_row();
    expected[0] = std::byte{1};
    for (std::size_t i = 1; i < 16; ++i) { expected[i] = std::byte{0}; }
    expected[1] = std::byte{7};
    expected[14] = std::byte{1};
    expected[15] = std::byte{9};
    CHECK(bytes == expected);
    row.set<&item::price>(2.5);
    reader const same = row;
    CHECK(same.get<&item::price>() == 2.5);
    CHECK(same.get<&item::name>() == "name");
}

TEST_CASE("row_view: a tuple shorter than the fixed part is refused") {
    auto const bytes = good_row();
    std::span const all{bytes};
    for (std::size_t size = 0; size < 20; ++size) {
        CHECK(errc_of([&] { (void)reader{all.first(size), slot_id{}}.slot(); }) ==
              errc::row_mismatch);
    }
}

TEST_CASE("row_view: end offsets that contradict the tuple are errors for their columns") {
    auto bytes = good_row();
    auto const put = [&](std::size_t at, std::uint16_t end) {
        quire::store_le(bytes.data() + at, end);
    };
    bool name_is_good = true;
    bool note_is_good = true;
    SECTION("name ends before it begins") {
        put(16, 19);
        name_is_good = note_is_good = false;
    }
    SECTION("note ends before it begins") {
        put(18, 23);
        note_is_good = false;
    }
    SECTION("note ends behind the tuple") {
        put(18, 27);
        note_is_good = false;
    }
    SECTION("name ends behind the tuple") {
        put(16, 65535);
        name_is_good = note_is_good = false;
    }
    SECTION("the tuple is longer than its columns") { bytes.push_back(std::byte{1}); }
    std::vector<std::byte> const exact = bytes;
    reader const row{exact, slot_id{}};
    auto const works = [](auto&& fn) {
        try {
            return fn(), true;
        } catch (quire::error const& e) {
            CHECK(e.kind() == errc::row_mismatch);
            return false;
        }
    };
    CHECK(works([&] { (void)row.get<&item::name>(); }) == name_is_good);
    CHECK(works([&] { (void)row.get<&item::note>(); }) == note_is_good);
    CHECK(works([&] { (void)row.load(); }) == (name_is_good && note_is_good));
    CHECK(row.get<&item::id>() == -42);
}

TEST_CASE("row_view: structured bindings give the columns") {
    auto bytes = good_row();
    reader const row{bytes, slot_id{}};
    auto const& [id, price, name, active, grade, note, next] = row;
    CHECK(id == -42);
    CHECK(price == 9.5);
    CHECK(static_cast<void const*>(name.unguarded_view().data()) == bytes.data() + 20);
    CHECK(active);
    CHECK(grade == level::high);
    CHECK(note == "ok");
    CHECK(next == std::nullopt);
    bytes[13] = std::byte{2};
    CHECK(is_mismatch([&] {
        auto const& [i, p, n, a, g, t, x] = row;
        (void)a;
    }));
}

TEST_CASE("row_view: structured bindings keep the row that they take apart") {
    auto const buffer_bytes = drawing_bytes();
    auto const make = [&] { return row_view<drawing, std::byte const>{buffer_bytes, slot_id{}}; };
    auto const& [at, levels, pixels, mask] = make();
    CHECK(at == spot{3, true});
    CHECK(levels == std::array{level::high, level::low});
    CHECK(pixels.unguarded_span().data() == buffer_bytes.data() + 10);
    CHECK(pixels.size() == 2);
    CHECK(mask->unguarded_span().data() == buffer_bytes.data() + 12);
}

TEST_CASE("row_view: structs, arrays and byte strings are loaded, owned or borrowed") {
    auto bytes = drawing_bytes();
    row_view<drawing, std::byte> row{bytes, slot_id{}};
    drawing const owned = row.load();
    CHECK(owned.at == spot{3, true});
    CHECK(owned.levels == std::array{level::high, level::low});
    CHECK(owned.pixels == std::vector{std::byte{0xAA}, std::byte{0xBB}});
    CHECK(owned.mask == std::vector{std::byte{0xCC}});
    drawing_ref const borrowed = row.unguarded_load<drawing_ref>();
    CHECK(borrowed.levels == std::array<std::uint8_t, 2>{9, 1});
    CHECK(borrowed.pixels.data() == bytes.data() + 10);
    CHECK(borrowed.mask->size() == 1);

    row.set<&drawing::levels>({level::low, level::low});
    row.set<&drawing::at>(spot{-1, false});
    auto expected = drawing_bytes();
    expected[1] = expected[2] = std::byte{0xFF};
    expected[3] = std::byte{0};
    expected[4] = std::byte{1};
    CHECK(bytes == expected);
    // Null is zeros, whatever an empty struct would be.
    row.set<&drawing::at>(std::nullopt);
    expected[0] = std::byte{1};
    expected[1] = expected[2] = std::byte{0};
    CHECK(bytes == expected);
    CHECK(row.get<&drawing::at>() == std::nullopt);
}

TEST_CASE("row_view: bytes that are no value are an error for their column") {
    auto bytes = good_row();
    reader const row{bytes, slot_id{}};
    SECTION("bool") {
        bytes[13] = std::byte{2};
        CHECK(is_mismatch([&] { (void)row.get<&item::active>(); }));
        CHECK(row.get<&item::grade>() == level::high);
        CHECK(is_mismatch([&] { (void)row.load(); }));
    }
    SECTION("described enum") {
        bytes[14] = std::byte{2};
        CHECK(is_mismatch([&] { (void)row.get<&item::grade>(); }));
        CHECK(is_mismatch([&] { (void)row.load(); }));
        CHECK(row.unguarded_load<item_ref>().grade == 2);  // there it is a number
    }
    SECTION("null is not looked at") {
        bytes[15] = std::byte{2};
        CHECK(row.get<&item::next>() == std::nullopt);
        bytes[0] = std::byte{0};
        CHECK(is_mismatch([&] { (void)row.get<&item::next>(); }));
    }
}

TEST_CASE("row_view: the error names the column") {
    auto bytes = good_row();
    bytes[13] = std::byte{0xFF};
    reader const row{bytes, slot_id{}};
    CHECK_THROWS_WITH((void)row.get<&item::active>(), Catch::Matchers::ContainsSubstring("active"));
}

TEST_CASE("row_view: parts of structs and arrays are checked too") {
    auto bytes = drawing_bytes();
    row_view<drawing, std::byte const> const row{bytes, slot_id{}};
    bytes[3] = std::byte{2};
    CHECK(is_mismatch([&] { (void)row.get<&drawing::at>(); }));
    CHECK(row.get<&drawing::levels>() == std::array{level::high, level::low});
    bytes[5] = std::byte{0};
    CHECK(is_mismatch([&] { (void)row.get<&drawing::levels>(); }));
}

TEST_CASE("row_view: null bits of no column are an error for the row") {
    auto bytes = good_row();
    for (unsigned bit = 0; bit < 8; ++bit) {
        bytes[0] = std::byte{static_cast<std::uint8_t>(1U << bit)};
        CHECK(is_mismatch([&] { (void)reader{bytes, slot_id{}}.slot(); }) == (bit >= 3));
    }
}

TEST_CASE("row_view: all null bytes but the last belong to columns") {
    std::vector<std::byte> bytes(11);
    bytes[0] = std::byte{0xFF};
    bytes[1] = std::byte{1};
    using nine = row_view<nine_nullable, std::byte const>;
    CHECK(nine{bytes, slot_id{}}.get<&nine_nullable::h>() == std::nullopt);
    CHECK(nine{bytes, slot_id{}}.get<&nine_nullable::i>() == std::nullopt);
    bytes[1] = std::byte{2};
    CHECK(is_mismatch([&] { (void)nine{bytes, slot_id{}}.slot(); }));
}

TEST_CASE("row_view: any bytes are a row or an error") {
    test_random random;
    std::size_t answers = 0;
    std::size_t errors = 0;
    for (int i = 0; i < 20000; ++i) {
        std::vector<std::byte> bytes(random.below(48));
        random.fill(bytes);
        if (bytes.size() >= 20 && random.chance(3, 4)) {
            bytes[0] &= std::byte{0x0F};
            bytes[13] &= std::byte{0x01};
            bytes[14] = bytes[15] =
                std::byte{random.chance(1, 8) ? std::uint8_t{2} : std::uint8_t{9}};
            quire::store_le(bytes.data() + 16, static_cast<std::uint16_t>(random.between(18, 50)));
            quire::store_le(bytes.data() + 18, static_cast<std::uint16_t>(random.between(18, 50)));
        }
        try {
            reader const row{bytes, slot_id{}};
            (void)row.get<&item::id>();
            (void)row.get<&item::price>();
            (void)row.get<&item::active>();
            (void)row.get<&item::grade>();
            (void)row.get<&item::next>();
            item const owned = row.load();
            item_ref const borrowed = row.unguarded_load<item_ref>();
            CHECK(owned.name == borrowed.name);
            CHECK(owned.note == borrowed.note);
            ++answers;
        } catch (quire::error const& e) {
            CHECK(e.kind() == errc::row_mismatch);
            ++errors;
        }
    }
    CHECK(answers > 1000);
    CHECK(errors > 1000);
}

TEST_CASE("row_view: any bytes are a row of structs and byte strings, or an error") {
    test_random random;
    std::size_t answers = 0;
    std::size_t errors = 0;
    for (int i = 0; i < 20000; ++i) {
        auto bytes = drawing_bytes();
        bytes.resize(random.between(8, 20));
        for (auto changes = random.below(3); changes > 0 && !bytes.empty(); --changes) {
            bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(16));
        }
        std::vector<std::byte> const exact = bytes;
        try {
            row_view<drawing, std::byte const> const row{exact, slot_id{}};
            auto const& [at, levels, pixels, mask] = row;
            drawing const owned = row.load();
            CHECK(owned.at == at);
            CHECK(owned.levels == levels);
            CHECK(
                std::equal(pixels.begin(), pixels.end(), owned.pixels.begin(), owned.pixels.end()));
            CHECK(owned.mask.has_value() == mask.has_value());
            ++answers;
        } catch (quire::error const& e) {
            CHECK(e.kind() == errc::row_mismatch);
            ++errors;
        }
    }
    CHECK(answers > 1000);
    CHECK(errors > 1000);
}

#if QUIRE_CHECKED

TEST_CASE("row_view: in checked builds it is used only until its page is next changed") {
    auto const after_change = [](auto act) {
        return violation_of([&] {
            auto bytes = good_row();
            quire::lender const page;
            writer row{bytes, slot_id{}, quire::borrow{page, quire::lending::shared}};
            page.expect_unlent();
            act(row);
        });
    };
    auto const rule = ContainsSubstring("used only until the page is next changed");
    static constexpr auto use = [](auto const&) {};
    CHECK_THAT(after_change([](auto& row) { use(row.template get<&item::id>()); }), rule);
    CHECK_THAT(after_change([](auto& row) { use(row.template get<&item::price>()); }), rule);
    CHECK_THAT(after_change([](auto& row) { use(row.template get<&item::name>()); }), rule);
    CHECK_THAT(after_change([](auto& row) { use(row.template get<&item::note>()); }), rule);
    CHECK_THAT(after_change([](auto& row) { row.template set<&item::id>(2); }), rule);
    CHECK_THAT(after_change([](auto& row) { row.template set<&item::price>({}); }), rule);
    CHECK_THAT(after_change([](auto& row) { static_cast<void>(row.load()); }), rule);
    CHECK_THAT(after_change([](auto& row) {
                   static_cast<void>(row.template unguarded_load<item_ref>());
               }),
               rule);
    auto bytes = good_row();
    quire::lender const page;
    writer const row{bytes, slot_id{}, quire::borrow{page, quire::lending::shared}};
    CHECK(row.get<&item::id>() == -42);
    page.expect_unlent();  // stops at nothing: it is not used again
}

#endif
