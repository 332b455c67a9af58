// SPDX-License-Identifier: BSL-1.0
#include <quire/row/row_view.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

#include <array>
#include <type_traits>

using quire::errc;
using quire::row_view;
using quire::slot_id;

namespace {

enum class level : std::uint8_t { low = 1, high = 9 };

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
        0x80,                                            // active
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
template <class R, class U>
concept loads = requires(R&& row) { static_cast<R&&>(row).template load<U>(); };

// What borrows is not lent from a temporary row; what does not, is.
static_assert(gets<reader&, &item::name> && !gets<reader, &item::name>);
static_assert(gets<reader&, &item::note> && !gets<reader, &item::note>);
static_assert(gets<reader, &item::id> && gets<reader, &item::price> && gets<reader, &item::next>);
static_assert(loads<reader, item> && loads<reader&, item_ref> && !loads<reader, item_ref>);

static_assert(sets<writer&, &item::id, int> && sets<writer&, &item::price, std::nullopt_t>);
static_assert(sets<writer&, &item::grade, level> && !sets<writer&, &item::grade, int>);
static_assert(!sets<reader&, &item::id, int> && !sets<writer const&, &item::id, int>);

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
    CHECK(static_cast<void const*>(row.get<&item::name>().data()) == bytes.data() + 20);
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
    item_ref const borrowed = row.load<item_ref>();
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
        CHECK(error_of([&] { (void)reader{all.first(size), slot_id{}}.slot(); }) ==
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

TEST_CASE("row_view: any bytes are a row or an error") {
    test_random random;
    std::size_t answers = 0;
    std::size_t errors = 0;
    for (int i = 0; i < 20000; ++i) {
        std::vector<std::byte> bytes(random.below(48));
        random.fill(bytes);
        if (bytes.size() >= 20 && random.chance(1, 2)) {
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
            item_ref const borrowed = row.load<item_ref>();
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
