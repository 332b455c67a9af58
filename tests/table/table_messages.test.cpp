// SPDX-License-Identifier: BSL-1.0

/// What the errors of tables and trees say, word for word: which table and which index, which size
/// and which limit.

#include <quire/table/table.hpp>

#include "catch.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

#include <limits>

namespace table_messages {

using quire_test::item;

using world = quire_test::tree_world<512>;
using items = quire_test::item_table<world>;

std::string said(auto act) {
    try {
        act();
    } catch (quire::error const& why) { return why.what(); }
    return "nothing";
}

struct stay {
    std::uint32_t room = 0;
    std::string guest;
    double price = 0;
};
BOOST_DESCRIBE_STRUCT(stay, (), (room, guest, price))

/// A key whose codec has a limit of its own.
struct short_word {
    std::string text;
};

/// A value of 4 GiB, as its codec says.
struct endless {};

/// A key whose codec says that all have 2 bytes, which is not true of the large ones.
enum class mark : std::uint16_t {};
struct marked {
    std::uint32_t number = 0;
    mark its{};
};
BOOST_DESCRIBE_STRUCT(marked, (), (number, its))

}  // namespace table_messages

template <>
struct quire::key_codec<table_messages::mark> {
    static constexpr std::size_t fixed_size = 2;
    static void write(key_writer& to, table_messages::mark key) {
        auto const number = static_cast<std::uint16_t>(key);
        number > 100 ? to.put_number(std::uint32_t{number}) : to.put_number(number);
    }
    static table_messages::mark read(key_reader& from) {
        return static_cast<table_messages::mark>(from.number<std::uint16_t>());
    }
    static std::string name() { return "mark"; }
};

template <>
struct quire::key_codec<table_messages::short_word> {
    static void write(key_writer& to, table_messages::short_word const& key) {
        if (key.text.size() > 8) { throw error{errc::tuple_too_large, "a word of 8 letters"}; }
        key_codec<std::string>::write(to, key.text);
    }
    static table_messages::short_word read(key_reader& from) {
        return {key_codec<std::string>::read(from)};
    }
    static std::string name() { return "short_word"; }
};

template <>
struct quire::value_codec<table_messages::endless> {
    static std::size_t size(table_messages::endless) { return std::size_t{1} << 32; }
    static void encode(table_messages::endless, std::span<std::byte>) {}
    static table_messages::endless lend(std::span<std::byte const>) { return {}; }
    static table_messages::endless decode(std::span<std::byte const>) { return {}; }
    static std::string name() { return "endless"; }
};

namespace table_messages {

TEST_CASE("table messages: a key_codec whose fixed_size is not true", "[table]") {
    world w{false};
    quire::basic_table<world::pool_type, marked, quire::unique<&marked::number>,
                       quire::indexed<&marked::its>>
        table{*w.db, "all"};
    auto const small = table.insert({1, mark{1}});
    CHECK(said([&] { table.insert({2, mark{200}}); }) ==
          "a key of index its of table all (4 bytes, but its key_codec says that all have 2): a "
          "key that has no place in an order");
    std::size_t count = 0;
    table.scan([&](auto const&) { ++count; });
    CHECK(count == 1);
    CHECK(table.erase(small));
    CHECK(w.wrong(table) == "");
}

constexpr char const* too_large = ": tuple is larger than a page or its limits allow";

TEST_CASE("table messages: a key that is too long, with its index, its size and the limit",
          "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    auto const expected =
        std::string{"a key of index group of table items (62 bytes as stored, at most 48)"} +
        too_large;
    std::string const longer(60, 'k');  // and two bytes behind it
    CHECK(said([&] { table.insert({1, longer, ""}); }) == expected);
    auto const id = table.insert({1, std::string(46, 'k'), ""});
    CHECK(said([&] { table.update(id, [&](item& row) { row.group = longer; }); }) == expected);
    CHECK(said([&] { table.find<&item::group>(longer, [](auto const&) {}); }) == expected);
    CHECK(said([&] { static_cast<void>(table.lower_bound<&item::group>(longer)); }) == expected);

    quire::basic_table<world::pool_type, stay, quire::unique<&stay::guest, &stay::room>> stays{
        *w.db, "stays"};
    auto const of_two =
        std::string{"a key of index guest,room of table stays (306 bytes as stored, at most 56)"} +
        too_large;
    CHECK(said([&] { stays.insert({1, std::string(300, 'g'), 1.5}); }) == of_two);
    CHECK(said([&] { stays.erase<&stay::guest, &stay::room>({std::string(300, 'g'), 1}); }) ==
          of_two);
}

TEST_CASE("table messages: a key that has no place, with its index", "[table]") {
    world w{false};
    quire::basic_table<world::pool_type, stay, quire::indexed<&stay::price>> stays{*w.db, "stays"};
    CHECK(said([&] { stays.insert({1, "Ada", std::numeric_limits<double>::quiet_NaN()}); }) ==
          "a key of index price of table stays (NaN as a key of a tree): a key that has no place "
          "in an order");
}

TEST_CASE("table messages: rows and entries that are too large, with sizes and limits",
          "[table]") {
    world w{false};
    items table{*w.db, "items"};
    auto const fixed = quire::value_codec<item>::size({1, "g", ""});
    CHECK(said([&] { table.insert({1, "g", std::string(500, 't')}); }) ==
          "a row of a table (" + std::to_string(fixed + 500) + " bytes as stored, at most " +
              std::to_string(items::row_size_max) + ")" + too_large);
    world::tree<std::string, std::string> tree{*w.db, "tree"};
    CHECK(said([&] { tree.put(std::string(57, 'k'), ""); }) ==
          std::string{"a key of a tree (57 bytes as stored, at most 56)"} + too_large);
    world::tree<std::string, endless> large{*w.db, "large"};
    CHECK(said([&] { large.put("key", {}); }) ==
          std::string{"a value of a tree (4294967296 bytes, at most 4294967295)"} + too_large);
    world::tree<short_word, std::string> words{*w.db, "words"};
    words.put({"short"}, "");
    CHECK(said([&] { words.put({"not so short"}, ""); }) ==
          std::string{"a key of a tree (a word of 8 letters)"} + too_large);
}

TEST_CASE("table messages: a unique key that is there already, with its table and index",
          "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    table.insert({1, "a", "first"});
    auto const two = table.insert({2, "b", "second"});
    constexpr char const* expected =
        "unique index number of table items: a row with this key is there already";
    CHECK(said([&] { table.insert({1, "c", ""}); }) == expected);
    CHECK(said([&] { table.update(two, [](item& row) { row.number = 1; }); }) == expected);
    quire::basic_table<world::pool_type, stay, quire::indexed<&stay::room>,
                       quire::unique<&stay::room, &stay::guest>>
        stays{*w.db, "stays of May"};
    stays.insert({1, "Ada", 9.5});
    stays.insert({1, "Grace", 9.5});
    CHECK(said([&] { stays.insert({1, "Ada", 8.5}); }) ==
          "unique index room,guest of table stays of May: a row with this key is there already");
}

TEST_CASE("table messages: what a root is, and what it was opened as", "[table]") {
    world w{false};
    { items table{*w.db, "items"}; }
    { world::tree<std::uint32_t, std::string> tree{*w.db, "counts"}; }
    auto const has = [](std::string const& text, char const* part) {
        INFO(text);
        CHECK(text.find(part) != std::string::npos);
    };
    has(said([&] { world::tree<std::uint32_t, std::string> tree{*w.db, "items"}; }),
        "(root items is a heap file, not a tree): the catalog has something else");
    has(said([&] { items table{*w.db, "counts"}; }), "(root counts is a tree, not a heap file)");
    has(said([&] { quire::heap_file<std::string, world::pool_type> lines{*w.db, "items"}; }),
        "(schema of root items is \"{");
    {
        auto page = w.file->write(0);  // the kind of the first root, behind its number
        auto const at = page->bytes().load<std::uint32_t>(104) >> 2U & 0x7FFFU;
        page->bytes().store(at + 4, std::uint8_t{9});
    }
    has(said([&] { items table{*w.db, "items"}; }), "(root items is of kind 9, not a heap file)");
}

}  // namespace table_messages
