// SPDX-License-Identifier: BSL-1.0
#include <quire/table/table.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

using quire::record_id;
using quire_test::item;

namespace {

using world = quire_test::tree_world<512>;
using items = quire_test::item_table<world>;

constexpr auto number = &item::number;
constexpr auto group = &item::group;

/// The numbers of the rows from where a cursor is on.
template <class Cursor>
std::string ahead(Cursor at) {
    std::string all;
    for (; at; at.next()) { all += std::to_string(at.row().template get<number>()) + ' '; }
    return all;
}
template <class Cursor>
std::string back(Cursor at) {
    std::string all;
    for (; at; at.previous()) { all += std::to_string(at.row().template get<number>()) + ' '; }
    return all;
}
/// Numbers 10, 20 ... in groups "a", "b", "c", "a" ...
std::vector<record_id> fill(items& table, std::uint32_t count) {
    std::vector<record_id> ids;
    for (std::uint32_t i = 1; i <= count; ++i) {
        ids.push_back(table.insert({10 * i, std::string(1, "cab"[i % 3]), "text"}));
    }
    return ids;
}

}  // namespace

TEST_CASE("table_cursor: goes both ways by each index, from any key", "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    CHECK_FALSE(table.first<number>());
    CHECK_FALSE(table.last<group>());
    auto const ids = fill(table, 6);
    CHECK(ahead(table.first<number>()) == "10 20 30 40 50 60 ");
    CHECK(back(table.last<number>()) == "60 50 40 30 20 10 ");
    CHECK(ahead(table.lower_bound<number>(30)) == "30 40 50 60 ");
    CHECK(ahead(table.lower_bound<number>(31)) == "40 50 60 ");
    CHECK(back(table.lower_bound<number>(31)) == "40 30 20 10 ");
    CHECK(ahead(table.lower_bound<number>(61)).empty());
    CHECK(ahead(table.first<group>()) == "10 40 20 50 30 60 ");
    CHECK(back(table.last<group>()) == "60 30 50 20 40 10 ");
    CHECK(ahead(table.lower_bound<group>("b")) == "20 50 30 60 ");
    CHECK(ahead(table.lower_bound<group>("bb")) == "30 60 ");
    CHECK(table.lower_bound<number>(35).id() == ids[3]);
    auto at = table.lower_bound<number>(30);
    auto const copy = at;
    at.next();
    CHECK(at.id() == ids[3]);
    CHECK(copy.id() == ids[2]);
    CHECK(copy.row().get<number>() == 30U);
}

TEST_CASE("table_cursor: scans have one end, too", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    fill(table, 6);
    auto const told = [](auto scan) {
        std::string all;
        scan([&](auto const& row) { all += std::to_string(row.template get<number>()) + ' '; });
        return all;
    };
    CHECK(told([&](auto fn) { table.scan_from<number>(40, fn); }) == "40 50 60 ");
    CHECK(told([&](auto fn) { table.scan_below<number>(40, fn); }) == "10 20 30 ");
    CHECK(told([&](auto fn) { table.scan_from<group>("b", fn); }) == "20 50 30 60 ");
    CHECK(told([&](auto fn) { table.scan_below<group>("b", fn); }) == "10 40 ");
    CHECK(told([&](auto fn) { table.scan_below<number>(10, fn); }).empty());
}

TEST_CASE("table_cursor: the loop changes and erases what it is shown", "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    fill(table, 60);
    std::uint32_t seen = 0;
    for (auto at = table.first<number>(); at; at.next()) {
        ++seen;
        if (seen % 2 == 0) {
            CHECK(table.erase(at.id()));
        } else {  // it moves to another page, and keeps id and key
            CHECK(table.update(at.id(), [](item& row) { row.text.assign(300, 'x'); }));
        }
        CHECK(at.row().get<&item::text>() == "text");  // as it was
    }
    CHECK(seen == 60);
    std::uint32_t left = 0;
    for (auto at = table.last<number>(); at; at.previous()) {
        CHECK(at.row().get<&item::text>().size() == 300);
        ++left;
    }
    CHECK(left == 30);
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table_cursor: rows that others add and erase meanwhile", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    auto const ids = fill(table, 6);
    auto at = table.lower_bound<number>(20);
    table.erase(ids[1]);             // the one that it shows
    table.erase(ids[2]);             // the next one
    table.insert({25, "z", "new"});  // and another
    CHECK(at.row().get<number>() == 20U);
    CHECK(ahead(at) == "20 25 40 50 60 ");
    CHECK(back(at) == "20 10 ");
}

TEST_CASE("table_cursor: in a change it shows what that change has", "[table]") {
    world w{true};
    items table{*w.db, "items"};
    auto const ids = fill(table, 6);
    struct no {};
    auto const edit = [&](world::change_type& change) {
        table.erase(change, ids[1]);
        table.insert(change, {25, "aa", "new"});
        table.update(change, ids[4], [](item& row) { row = {5, "z", std::string(400, 'x')}; });
        CHECK(ahead(table.first<number>(change)) == "5 10 25 30 40 60 ");
        CHECK(back(table.last<number>(change)) == "60 40 30 25 10 5 ");
        CHECK(ahead(table.first<group>(change)) == "10 40 25 30 60 5 ");
        CHECK(back(table.lower_bound<number>(change, 26)) == "30 25 10 5 ");
        CHECK_FALSE(table.lower_bound<number>(change, 61));
        // The loop writes meanwhile: what is ahead of it is shown, what is behind it is not.
        std::string seen;
        for (auto at = table.lower_bound<number>(change, 20); at; at.next()) {
            seen += std::to_string(at.row().get<number>()) + ' ';
            if (at.row().get<number>() == 40U) {
                table.insert(change, {45, "b", "ahead"});
                table.insert(change, {35, "b", "behind"});
                table.erase(change, at.id());
            }
        }
        CHECK(seen == "25 30 40 45 60 ");
        CHECK(back(table.last<number>(change)) == "60 45 35 30 25 10 5 ");
    };
    CHECK_THROWS_AS(w.pool->change([&](world::change_type& change) {
        edit(change);
        throw no{};
    }), no);
    CHECK(ahead(table.first<number>()) == "10 20 30 40 50 60 ");
    w.pool->change(edit);
    CHECK(ahead(table.first<number>()) == "5 10 25 30 35 45 60 ");
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table_cursor: in a change over many leaves, which that change splits and merges",
          "[table]") {
    world w{true, 256};
    items table{*w.db, "items"};
    CHECK_FALSE(table.first<number>());
    w.pool->change([&](world::change_type& change) {
        CHECK_FALSE(table.first<number>(change));
        CHECK_FALSE(table.last<group>(change));
        for (std::uint32_t i = 0; i < 150; ++i) { table.insert(change, {2 * i, "g", "text"}); }
        std::uint32_t expected = 0;
        for (auto at = table.first<number>(change); at; at.next()) {
            REQUIRE(at.row().get<number>() == expected);
            table.insert(change, {expected + 1, "h", "between"});
            at.next();
            REQUIRE(at.row().get<number>() == expected + 1);
            expected += 2;
        }
        CHECK(expected == 300);
        for (auto at = table.last<number>(change); at; at.previous()) {
            --expected;
            REQUIRE(at.row().get<number>() == expected);
            if (expected % 10 != 0) { REQUIRE(table.erase(change, at.id())); }
        }
        CHECK(expected == 0);
        std::size_t left = 0;
        for (auto at = table.first<group>(change); at; at.next()) { ++left; }
        CHECK(left == 30);
    });
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table_cursor: one of a change ends with that change", "[table]") {
    auto const violation = quire_test::violation_of([] {
        world w{true};
        items table{*w.db, "items"};
        fill(table, 6);
        quire::change change{*w.pool};
        auto at = table.first<number>(change);
        change.commit();
        at.next();
    });
    CHECK(violation.find("a change has pages until it is committed") != std::string::npos);
}

TEST_CASE("table_cursor: entries without a row are passed over", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    auto const ids = fill(table, 6);
    {
        auto page = w.file->write<quire::record_page>(ids[0].page);
        for (std::size_t const i : {0U, 2U, 3U, 5U}) { page->erase(ids[i].slot); }
    }
    CHECK(ahead(table.first<number>()) == "20 50 ");
    CHECK(back(table.last<number>()) == "50 20 ");
    CHECK(ahead(table.first<group>()) == "20 50 ");
    CHECK(ahead(table.lower_bound<number>(60)).empty());
}
