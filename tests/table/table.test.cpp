// SPDX-License-Identifier: BSL-1.0
#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/table/table.hpp>

#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "table/busy_growth.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

#include <functional>
#include <future>
#include <map>
#include <shared_mutex>
#include <thread>

using quire::errc;
using quire::record_id;
using quire_test::item;

namespace {

using world = quire_test::tree_world<512>;
using items = quire_test::item_table<world>;

template <class Act>
errc code_of(Act act) {
    try {
        act();
    } catch (quire::error const& why) { return why.kind(); }
    return errc{};
}
template <class Table>
std::string texts(Table const& table) {
    std::string all;
    table.scan([&](auto const& row) { all += std::string{row.template get<&item::text>()} + ' '; });
    return all;
}

/// Before its next exclusive section something else happens.
struct hooked_latch : std::shared_mutex {
    static inline std::function<void()> before_next;
    bool try_lock() {
        if (auto const act = std::exchange(before_next, nullptr)) { act(); }
        return std::shared_mutex::try_lock();
    }
};

struct span_of_days {
    std::uint32_t from;
    std::uint32_t to;
    std::int64_t room;
    double price;
};
BOOST_DESCRIBE_STRUCT(span_of_days, (), (from, to, room, price))

}  // namespace

TEST_CASE("table: rows are read by id, and found by their keys", "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    auto const one = table.insert({1, "a", "first"});
    auto const two = table.insert({2, "b", "second"});
    table.insert({3, "a", "third"});
    CHECK(one != two);
    CHECK(table.load(two) == item{2, "b", "second"});
    CHECK(table.find<&item::number>(3, [](auto const& row) {
        CHECK(row.template get<&item::text>() == "third");
    }) == 1);
    CHECK(table.find<&item::number>(4, [](auto const&) {}) == 0);
    std::string found;
    CHECK(table.find<&item::group>("a", [&](record_id id, auto const& row) {
        found += std::string{row.template get<&item::text>()} + (id == one ? "! " : " ");
    }) == 2);
    CHECK(found == "first! third ");
    CHECK(table.id_of<&item::number>(2) == two);
    CHECK_FALSE(table.id_of<&item::group>("c"));
    CHECK(table.read(one, [](auto const& row) { CHECK(row.template get<&item::number>() == 1U); }));
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table: a key that is there already is refused, and nothing has changed", "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    auto const one = table.insert({1, "a", "first"});
    table.insert({2, "b", "second"});
    CHECK(code_of([&] { table.insert({2, "z", "other"}); }) == errc::duplicate_key);
    CHECK(code_of([&] { table.update(one, [](item& row) { row = {2, "z", "x"}; }); }) ==
          errc::duplicate_key);
    CHECK(table.update(one, [](item& row) { row.text = "same key"; }));
    CHECK(texts(table) == "same key second ");
    CHECK_FALSE(table.id_of<&item::group>("z"));
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table: an id is the row's as long as it lives, wherever the row moves", "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    std::vector<record_id> ids;
    for (std::uint32_t i = 0; i < 30; ++i) { ids.push_back(table.insert({i, "g", "small"})); }
    for (std::size_t size : {300U, 20U, 350U, 400U, 1U}) {
        for (std::uint32_t i = 0; i < 30; i += 3) {
            REQUIRE(table.update(ids[i], [&](item& row) { row.text.assign(size, 'x'); }));
        }
        for (std::uint32_t i = 0; i < 30; ++i) {
            auto const row = table.load(ids[i]);
            REQUIRE(row);
            CHECK(row->number == i);
            CHECK(row->text.size() == (i % 3 == 0 ? size : 5));
        }
        std::size_t count = 0;
        table.scan([&](record_id id, auto const& row) {
            CHECK(id == ids[row.template get<&item::number>()]);
            ++count;
        });
        CHECK(count == 30);
        CHECK(w.wrong(table) == "");
    }
    for (auto const id : ids) { CHECK(table.erase(id)); }
    CHECK_FALSE(table.erase(ids[0]));
    CHECK_FALSE(table.load(ids[3]));
    CHECK_FALSE(table.update(ids[3], [](item&) {}));
    CHECK(texts(table) == "");
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table: in a change of the caller's, with what that change wrote", "[table]") {
    world w{true};
    items table{*w.db, "items"};
    auto const one = table.insert({1, "a", "first"});
    struct no {};
    auto const edit = [&](world::change_type& change) {
        auto const two = table.insert(change, {2, "a", "second"});
        CHECK(table.read(change, two, [](auto const&) {}));
        CHECK(table.find<&item::group>(change, "a", [](auto const&) {}) == 2);
        CHECK(table.update(change, one, [](item& row) { row = {7, "b", std::string(400, 'x')}; }));
        CHECK(table.find<&item::number>(change, 7, [](auto const&) {}) == 1);
        CHECK(table.find<&item::number>(change, 1, [](auto const&) {}) == 0);
        CHECK(table.load(change, one)->number == 7);
        CHECK(table.id_of<&item::number>(change, 2) == two);
        std::string found;
        table.scan<&item::group>(change, "a", "c", [&](record_id, auto const& row) {
            found += std::to_string(row.template get<&item::number>()) + ' ';
        });
        CHECK(found == "2 7 ");
        CHECK(table.erase(change, two));
        CHECK_FALSE(table.load(change, two));
        CHECK_FALSE(table.id_of<&item::number>(change, 2));
        for (std::uint32_t i = 100; i < 150; ++i) { table.insert(change, {i, "c", "more"}); }
    };
    CHECK_THROWS_AS(w.pool->change([&](world::change_type& change) {
        edit(change);
        throw no{};
    }), no);
    CHECK(texts(table) == "first ");
    CHECK(w.wrong(table) == "");
    w.pool->change(edit);
    CHECK(table.load(one)->number == 7);
    CHECK(table.find<&item::group>("c", [](auto const&) {}) == 50);
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table: rows are changed and erased by a unique key", "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    items table{*w.db, "items"};
    auto const one = table.insert({1, "a", "first"});
    table.insert({2, "b", "second"});
    table.insert({3, "c", "third"});
    auto const renumber = [](item& row) { row = {7, "z", std::string(400, 'x')}; };
    CHECK(table.update<&item::number>(1, renumber));
    CHECK_FALSE(table.update<&item::number>(1, renumber));
    CHECK(table.load(one)->number == 7);
    CHECK(code_of([&] {
              table.update<&item::number>(2, [](item& row) { row.number = 3; });
          }) == errc::duplicate_key);
    CHECK(table.erase<&item::number>(2));
    CHECK_FALSE(table.erase<&item::number>(2));
    CHECK(table.id_of<&item::number>(7) == one);
    CHECK(table.erase<&item::number>(7));
    CHECK(texts(table) == "third ");
    CHECK(w.wrong(table) == "");

    quire::basic_table<world::pool_type, span_of_days,
                       quire::indexed<&span_of_days::price>,
                       quire::unique<&span_of_days::room, &span_of_days::from>>
        stays{*w.db, "stays"};
    stays.insert({5, 9, 2, 80.5});
    stays.insert({6, 9, 2, 80.5});
    CHECK(stays.update<&span_of_days::room, &span_of_days::from>(
        {2, 5}, [](span_of_days& one_stay) { one_stay.to = 11; }));
    CHECK(stays.erase<&span_of_days::room, &span_of_days::from>({2, 6}));
    CHECK_FALSE(stays.erase<&span_of_days::room, &span_of_days::from>({2, 7}));
    CHECK(w.wrong(table, stays) == "");
}

TEST_CASE("table: by a key in a change, as that change has it", "[table]") {
    world w{true};
    items table{*w.db, "items"};
    table.insert({1, "a", "first"});
    struct no {};
    auto const edit = [&](world::change_type& change) {
        table.insert(change, {2, "b", "second"});
        CHECK(table.update<&item::number>(change, 2, [](item& row) { row.number = 20; }));
        CHECK_FALSE(table.update<&item::number>(change, 2, [](item&) {}));
        CHECK(table.erase<&item::number>(change, 1));
        CHECK_FALSE(table.erase<&item::number>(change, 1));
        CHECK(table.erase<&item::number>(change, 20));
        table.insert(change, {1, "c", "again"});
    };
    CHECK_THROWS_AS(w.pool->change([&](world::change_type& change) {
        edit(change);
        throw no{};
    }), no);
    CHECK(texts(table) == "first ");
    w.pool->change(edit);
    CHECK(texts(table) == "again ");
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table: by a key it is the row that has it when it is written", "[table]") {
    using hooked = quire_test::tree_world<512, quire::s3_fifo, hooked_latch>;
    hooked w{false};
    quire_test::item_table<hooked> table{*w.db, "items"};
    auto const one = table.insert({1, "a", "first"});
    auto const meanwhile = [&](auto act) {  // when it was found, and before it is held
        hooked_latch::before_next = [act] { std::thread{act}.join(); };
    };
    meanwhile([&] { table.update(one, [](item& row) { row.number = 2; }); });
    REQUIRE_FALSE(table.update<&item::number>(1, [](item& row) { row.text = "wrong"; }));
    meanwhile([&] { table.update(one, [](item& row) { row.number = 1; }); });
    CHECK_FALSE(table.erase<&item::number>(2));
    record_id other{};
    meanwhile([&] {
        table.update(one, [](item& row) { row.number = 2; });
        other = table.insert({1, "b", "another"});
    });
    CHECK(table.update<&item::number>(1, [](item& row) { row.text = "right"; }));
    CHECK_FALSE(hooked_latch::before_next);
    CHECK(table.load(one) == item{2, "a", "first"});
    CHECK(table.load(other) == item{1, "b", "right"});
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table: a change scans its own rows, by an index and by pages", "[table]") {
    world w{true, 256};
    items table{*w.db, "items"};
    quire::heap_file<std::string, world::pool_type> lines{*w.db, "lines"};
    auto const one = table.insert({1, "a", "first"});
    table.insert({5, "b", "fifth"});
    lines.insert("old");
    w.pool->change([&](world::change_type& change) {
        table.insert(change, {3, "c", "third"});
        // Then the first one has no room where it is.
        for (std::uint32_t i = 20; i < 40; ++i) { table.insert(change, {i, "e", "more"}); }
        table.update(change, one, [](item& row) { row = {9, "d", std::string(400, 'x')}; });
        auto const numbers = [&](auto scan) {
            std::string all;
            scan([&](auto const& row) {
                auto const number = row.template get<&item::number>();
                if (number < 23) { all += std::to_string(number) + ' '; }
            });
            return all;
        };
        CHECK(numbers([&](auto fn) { table.scan<&item::number>(change, fn); }) ==
              "3 5 9 20 21 22 ");
        CHECK(numbers([&](auto fn) { table.scan_from<&item::number>(change, 5, fn); }) ==
              "5 9 20 21 22 ");
        CHECK(numbers([&](auto fn) { table.scan_below<&item::number>(change, 9, fn); }) == "3 5 ");
        CHECK(numbers([&](auto fn) { table.scan_below<&item::group>(change, "d", fn); }) == "5 3 ");
        std::map<record_id, std::uint32_t> all;
        table.scan(change, [&](record_id id, auto const& row) {
            CHECK(all.emplace(id, row.template get<&item::number>()).second);
        });
        CHECK(all.size() == 23);
        CHECK(all[one] == 9);
        int count = 0;
        table.scan(change, [&](auto const&) { return ++count < 2; });
        CHECK(count == 2);
        for (int i = 0; i < 80; ++i) { lines.insert(change, std::string(400, 'n')); }
        std::size_t bytes = 0;
        lines.scan(change, [&](auto const& line) { bytes += line.size(); });
        CHECK(bytes == 3 + 80 * 400);  // more than one directory page lists
    });
    CHECK(w.wrong(table, lines) == "");
}

TEST_CASE("table: a walk ends where its function says so", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    for (std::uint32_t i = 0; i < 100; ++i) { table.insert({i, "g", "t"}); }
    int count = 0;
    auto const until_five = [&](auto const&) { return ++count < 5; };
    table.scan(until_five);
    CHECK(count == 5);
    count = 0;
    table.scan<&item::number>(until_five);
    CHECK(count == 5);
    count = 0;
    table.scan<&item::number>(10U, 13U, [&](auto const&) { ++count; });
    CHECK(count == 3);
    count = 0;
    CHECK(table.find<&item::group>("g", until_five) == 5);
}

TEST_CASE("table: keys of several members, in their order", "[table]") {
    world w{false};
    quire::basic_table<world::pool_type, span_of_days,
                       quire::unique<&span_of_days::room, &span_of_days::from>,
                       quire::indexed<&span_of_days::price>>
        table{*w.db, "stays"};
    table.insert({5, 9, 2, 80.5});
    table.insert({1, 4, 2, -1});
    table.insert({7, 8, -3, 80.5});
    CHECK(code_of([&] { table.insert({5, 6, 2, 1}); }) == errc::duplicate_key);
    std::string order;
    auto const note = [&](auto const& row) {
        order += std::to_string(row.template get<&span_of_days::room>()) + ":" +
                 std::to_string(row.template get<&span_of_days::from>()) + " ";
    };
    table.scan<&span_of_days::room, &span_of_days::from>(note);
    CHECK(order == "-3:7 2:1 2:5 ");
    order.clear();
    CHECK(table.find<&span_of_days::room, &span_of_days::from>({2, 5}, note) == 1);
    CHECK(table.find<&span_of_days::price>(80.5, note) == 2);
    CHECK(order == "2:5 2:5 -3:7 ");
    CHECK(code_of([&] { table.insert({0, 0, 0, std::nan("")}); }) == errc::bad_key);
    CHECK(w.wrong(table) == "");
}

TEST_CASE("table: what is too large is refused, and nothing has changed", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    auto const fixed = quire::value_codec<item>::size({1, "", ""});
    auto const id = table.insert({1, "", std::string(items::row_size_max - fixed, 'x')});
    auto const grow = [](item& row) { row.text += 'x'; };
    CHECK(code_of([&] { table.update(id, grow); }) == errc::tuple_too_large);
    CHECK(code_of([&] { table.insert({2, std::string(60, 'k'), ""}); }) == errc::tuple_too_large);
    CHECK(table.load(id)->text.size() == items::row_size_max - fixed);
    CHECK_FALSE(table.id_of<&item::number>(2));
    CHECK(w.wrong(table) == "");
}

TEST_CASE("heap_file: rows of any type, without an index", "[table]") {
    world w{false};
    quire::heap_file<std::string, world::pool_type> lines{*w.db, "lines"};
    quire::heap_file<std::uint16_t, world::pool_type> numbers{*w.db, "numbers"};
    auto const id = lines.insert("one");
    lines.insert("");
    std::vector<record_id> ids;
    for (std::uint16_t i = 0; i < 200; ++i) { ids.push_back(numbers.insert(i)); }
    CHECK(lines.update(id, [](std::string& line) { line += " and a half"; }));
    CHECK(lines.load(id) == "one and a half");
    for (std::uint16_t i = 0; i < 200; ++i) { CHECK(numbers.load(ids[i]) == i); }
    std::size_t sum = 0;
    numbers.scan([&](std::uint16_t number) { sum += number; });
    CHECK(sum == 199 * 200 / 2);
    CHECK_FALSE(numbers.load(id));  // another heap file's page
    CHECK_FALSE(numbers.erase(id));
    CHECK(w.wrong(lines, numbers) == "");
}

TEST_CASE("heap_file: a scan tells of each row once, also of thousands that moved", "[table]") {
    quire_test::tree_world<512> w{GENERATE(false, true), 64};
    quire::heap_file<std::string, decltype(w)::pool_type> lines{*w.db, "lines"};
    std::map<record_id, std::string> wanted;
    for (int i = 0; i < 6000; ++i) {
        auto text = std::to_string(i);
        auto const id = lines.insert(text);
        wanted.emplace(id, std::move(text));
    }
    for (auto& [id, text] : wanted) {
        text += std::string(100, 'm');
        REQUIRE(lines.update(id, [&](std::string& line) { line = text; }));
    }
    CHECK(lines.pages() > 1280);  // several pages list them
    std::map<record_id, std::string> found;
    lines.scan([&](record_id id, auto const& line) {
        CHECK(found.emplace(id, std::string{line}).second);
    });
    CHECK(found == wanted);
    std::size_t some = 0;
    lines.scan([&](auto const&) { return ++some < 2000; });
    CHECK(some == 2000);
}

TEMPLATE_TEST_CASE("heap_file: the pages in use survive a scan of many others", "[table]",
                   quire::s3_fifo, quire::sieve, quire::clock, quire::lru) {
    using small_world = quire_test::tree_world<512, TestType>;
    using lines_type = quire::heap_file<std::string, typename small_world::pool_type>;
    small_world w{false, 64};
    lines_type lines{*w.db, "lines"};
    lines_type hot{*w.db, "hot"};
    for (int i = 0; i < 1200; ++i) { lines.insert(std::string(200, 'l')); }
    std::vector<record_id> ids;
    for (int i = 0; i < 60; ++i) { ids.push_back(hot.insert(std::string(200, 'h'))); }
    CHECK(lines.pages() >= 600);
    w.file->flush();
    auto const read_hot_set = [&] {
        for (auto const id : ids) { CHECK(hot.load(id)); }
    };
    for (int i = 0; i < 3; ++i) { read_hot_set(); }
    std::size_t rows = 0;
    lines.scan([&](auto const&) { ++rows; });
    CHECK(rows == 1200);
    auto const before = w.file->stats().misses;
    read_hot_set();
    CHECK(w.file->stats().misses - before <= 4);
}

TEST_CASE("table: a name is of one type of rows, and of its indexes", "[table]") {
    world w{false};
    { items table{*w.db, "items"}; }
    auto const as_lines = [&] {
        quire::heap_file<std::string, world::pool_type> lines{*w.db, "items"};
    };
    CHECK(code_of(as_lines) == errc::catalog_mismatch);
    auto const with_another_kind_of_index = [&] {
        quire::basic_table<world::pool_type, item, quire::indexed<&item::number>> table{*w.db,
                                                                                        "items"};
    };
    CHECK(code_of(with_another_kind_of_index) == errc::catalog_mismatch);
    auto const as_tree = [&] {
        world::tree<std::uint32_t, std::string> tree{*w.db, "items"};
    };
    CHECK(code_of(as_tree) == errc::catalog_mismatch);
    auto const without_an_index = [&] {
        quire::basic_table<world::pool_type, item, quire::unique<&item::number>> table{*w.db,
                                                                                       "items"};
    };
    CHECK(code_of(without_an_index) == errc::catalog_mismatch);
    auto const with_one_more = [&] {
        quire::basic_table<world::pool_type, item, quire::unique<&item::number>,
                           quire::indexed<&item::group>, quire::indexed<&item::text>>
            table{*w.db, "items"};
    };
    CHECK(code_of(with_one_more) == errc::catalog_mismatch);
    CHECK(w.db->roots().size() == 3);  // nothing was made
    quire::basic_table<world::pool_type, item, quire::indexed<&item::group>,
                       quire::unique<&item::number>>
        in_another_order{*w.db, "items"};
}

TEST_CASE("table: room that erasures made is used again, also after the file was closed",
          "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    std::optional<items> table{std::in_place, *w.db, "items"};
    std::vector<record_id> ids;
    auto const fill = [&](std::uint32_t from) {
        for (std::uint32_t i = from; i < from + 300; ++i) {
            ids.push_back(table->insert({i, "g", std::string(20, 't')}));
        }
    };
    fill(0);
    auto const pages = table->pages();
    for (auto const id : ids) { table->erase(id); }
    fill(1000);
    CHECK(table->pages() == pages);
    for (std::size_t i = 300; i < ids.size(); ++i) { table->erase(ids[i]); }
    w.stop([&] { table.reset(); });
    w.start();
    table.emplace(*w.db, "items");
    CHECK(table->pages() == pages);
    fill(2000);
    CHECK(table->pages() == pages);
    CHECK(w.wrong(*table) == "");
}

TEST_CASE("table: after a crash, room is found by a look at every page", "[table]") {
    world w{true};
    std::optional<items> table{std::in_place, *w.db, "items"};
    std::vector<record_id> ids;
    for (std::uint32_t i = 0; i < 300; ++i) { ids.push_back(table->insert({i, "g", "text"})); }
    for (auto const id : ids) { table->erase(id); }
    w.log->sync(w.log->end());
    auto const pages = table->pages();
    table.reset();
    w.die();
    w.start();
    table.emplace(*w.db, "items");
    table->find_room();
    for (std::uint32_t i = 0; i < 300; ++i) { table->insert({i, "g", "text"}); }
    CHECK(table->pages() == pages);
    CHECK(w.wrong(*table) == "");
}

TEST_CASE("table: a page of nonsense stops one insertion, and the next takes another page",
          "[table]") {
    world w{false};
    items table{*w.db, "items"};
    auto const id = table.insert({1, "a", "first"});
    {
        auto page = w.file->write(id.page);
        page->bytes().store<std::uint16_t>(26, std::uint16_t{9});  // free_upper
    }
    CHECK(code_of([&] { table.insert({2, "a", "second"}); }) == errc::corrupt_page);
    auto const next = table.insert({2, "a", "second"});
    CHECK(next.page != id.page);
    CHECK(table.load(next)->text == "second");
}

TEST_CASE("table: insertions that fail elsewhere take no more pages", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    table.insert({1, "a", "first"});
    auto const root = w.db->find("items.number", quire::root_kind::btree, "u32:record");
    REQUIRE(root);
    {
        auto page = w.file->write(root->page);
        page->bytes().store<std::uint16_t>(26, std::uint16_t{9});  // free_upper
    }
    auto const pages = table.pages();
    for (std::uint32_t i = 2; i < 50; ++i) {
        REQUIRE(code_of([&] { table.insert({i, "a", "more"}); }) == errc::corrupt_page);
    }
    CHECK(table.pages() == pages);
}

TEST_CASE("heap_file: it grows by one page where a group has no room", "[table]") {
    bool const logged = GENERATE(false, true);
    world w{logged, 16};
    quire::heap_file<std::string, world::pool_type> lines{*w.db, "lines"};
    for (int i = 0; i < 220; ++i) { lines.insert(std::string(440, 'x')); }  // groups of 27
    CHECK(lines.pages() >= 220);
    CHECK(w.wrong(lines) == "");
}

TEST_CASE("heap_file: once threads have waited for pages, the next are made before they are needed",
          "[table]") {
    using backend = quire::testing::faulty_backend<quire::memory_backend>;
    using faulty_world = quire_test::tree_world<512, quire::s3_fifo, quire::hybrid_latch, backend>;
    auto const faults = std::make_shared<quire::testing::fault_plan>();
    faulty_world w{false, 64, {{quire::memory_store_ptr::make()}, faults}};
    quire::heap_file<std::string, faulty_world::pool_type> lines{*w.db, "lines"};
    std::size_t rows = 0;
    auto const insert = [&] {
        lines.insert(std::string(440, 'x'));  // one fits into a page
        ++rows;
        return lines.pages() - rows;  // how many pages are empty
    };
    std::size_t fewest = 1000;
    while (rows < 24) { fewest = std::min(fewest, insert()); }
    CHECK(fewest == 0);
    bool early = false;
    for (int turn = 0; turn < 20 && !early; ++turn) {
        while (insert() > 0) {}
        std::future<void> both[2];
        {
            auto const busy = w.file->write(quire_test::make_free_page(*w.db));
            for (auto& one : both) {
                one = std::async(std::launch::async, [&] {
                    lines.insert(std::string(440, 'y'));
                });
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
        }
        for (auto& one : both) { one.get(); }
        rows += 2;
        early = insert() >= rows / 8 - 1;
    }
    REQUIRE(early);
    for (int i = 0; i < 12; ++i) { CHECK(insert() + 1 >= lines.pages() / 8); }
    // Where the file cannot grow, what is there is used, and only then it is an error.
    faults->add({.call = quire::testing::io_call::resize, .error = ENOSPC, .every = 1});
    auto const tried = faults->calls(quire::testing::io_call::resize);
    auto const empty = lines.pages() - rows;
    REQUIRE(empty > 3);
    while (code_of([&] { insert(); }) != errc::grow_failed) {}
    CHECK(lines.pages() == rows);
    // Early once: ahead, and by a page. When it is needed: a group likewise, and then one page; and
    // once more when the pages have been looked at that other threads kept.
    CHECK(faults->calls(quire::testing::io_call::resize) - tried <= 10);
    faults->clear();
    CHECK(insert() > 0);
    CHECK(w.wrong(lines) == "");
}

TEST_CASE("table: an erasure beside a damaged record is one", "[table]") {
    world w{false};
    quire::heap_file<std::string, world::pool_type> lines{*w.db, "lines"};
    auto const one = lines.insert("one line of some length");
    auto const two = lines.insert("another line of some length");
    {
        auto page = w.file->write(one.page);
        page->bytes().store<std::uint32_t>(40 + 4 * two.slot.value(), 0xFFFFFFFFU);
    }
    CHECK(lines.erase(one));
    CHECK_FALSE(lines.load(one));
}

TEST_CASE("table: check finds an entry without a row, and a row without an entry", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    auto const id = table.insert({1, "a", "first"});
    table.insert({2, "b", "second"});
    {
        auto page = w.file->write<quire::record_page>(id.page);
        page->erase(id.slot);
    }
    auto const found = table.check();
    REQUIRE(found.size() == 4);  // each index: an entry that leads nowhere, and their number
    CHECK(found[0].page == id.page);
    CHECK(table.find<&item::number>(1, [](auto const&) {}) == 0);
    CHECK(table.find<&item::group>("a", [](auto const&) {}) == 0);
    CHECK(texts(table) == "second ");

    // Another row has the id: the entries are not that row's.
    item const other{9, "z", "other"};
    {
        using rows = quire::value_codec<item>;
        auto page = w.file->write<quire::record_page>(id.page);
        REQUIRE(page->put(id.slot, quire::record_form::row, {}, rows::size(other),
                          [&](std::span<std::byte> out) { rows::encode(other, out); }));
    }
    CHECK(table.load(id) == other);
    CHECK(table.find<&item::number>(1, [](auto const&) {}) == 0);
    CHECK(table.find<&item::group>("a", [](auto const&) {}) == 0);
    CHECK(table.check().size() == 2);
}

TEST_CASE("table: check finds a row that is not where its address says", "[table]") {
    world w{false};
    items table{*w.db, "items"};
    std::vector<record_id> ids;
    for (std::uint32_t i = 0; i < 12; ++i) { ids.push_back(table.insert({i, "g", "small"})); }
    REQUIRE(table.update(ids[0], [](item& row) { row.text.assign(400, 'x'); }));
    {
        auto page = w.file->write<quire::record_page>(ids[0].page);
        page->put_address(ids[0].slot, {ids[0].page, quire::slot_id{50}});
    }
    CHECK(code_of([&] { static_cast<void>(table.load(ids[0])); }) == errc::corrupt_page);
    CHECK(code_of([&] { table.erase(ids[0]); }) == errc::corrupt_page);
    CHECK(table.check().size() >= 2);
}

TEST_CASE("table: check finds two ids with one address, and one that is its own", "[table]") {
    world w{false};
    quire::heap_file<std::string, world::pool_type> lines{*w.db, "lines"};
    auto const one = lines.insert("a line of some length");
    auto const two = lines.insert("a line of some length");
    REQUIRE(lines.update(one, [](std::string& line) { line.assign(450, 'x'); }));
    REQUIRE(lines.check().empty());
    record_id address{};
    {
        auto page = w.file->write<quire::record_page>(one.page);
        address = std::as_const(page)->find(one.slot)->other;
        page->put_address(two.slot, address);
    }
    CHECK(lines.check().size() == 1);
    {
        auto page = w.file->write<quire::record_page>(one.page);
        page->put_address(two.slot, two);
    }
    CHECK(lines.check().size() == 1);
    CHECK(code_of([&] { lines.update(two, [](std::string&) {}); }) == errc::corrupt_page);
}
