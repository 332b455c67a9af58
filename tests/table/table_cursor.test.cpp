// SPDX-License-Identifier: BSL-1.0
#include <quire/table/table.hpp>

#include "catch.hpp"
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
