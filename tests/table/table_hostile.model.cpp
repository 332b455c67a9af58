// SPDX-License-Identifier: BSL-1.0

/// Files of damaged pages: a table over them answers, or throws what is said of the content, and
/// `check` finds the damage. Nothing hangs, and no operation stops the program.

#include <quire/table/table.hpp>

#include "catch.hpp"
#include "page/choices.hpp"
#include "random.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

#include <iostream>

using quire::errc;
using quire_test::item;

TEST_CASE("table: a file of damaged pages gives answers or errors, and check finds the damage",
          "[table]") {
    quire_test::test_random random;
    using world = quire_test::tree_world<512>;
    std::uint64_t errors = 0;
    std::uint64_t found = 0;
    std::uint64_t opened = 0;
    auto const rounds = 200 / quire_test::error_cost + 30;
    auto const some = [&] {
        return item{static_cast<std::uint32_t>(random.below(300)),
                    std::to_string(random.below(9)), std::string(random.below(120), 't')};
    };
    auto const answer = [&](auto act) {
        try {
            act();
            return true;
        } catch (quire::error const& why) {
            auto const code = why.kind();
            INFO(why.what());
            REQUIRE((code == errc::corrupt_page || code == errc::wrong_page_kind ||
                     code == errc::page_out_of_range || code == errc::held_here ||
                     code == errc::blank_page || code == errc::row_mismatch ||
                     code == errc::duplicate_key));
            ++errors;
            return false;
        }
    };
    for (std::uint64_t round = 0; round < rounds; ++round) {
        world w{false};
        std::vector<quire::record_id> ids;
        {
            quire_test::item_table<world> table{*w.db, "t"};
            for (std::uint32_t i = 0; i < 150; ++i) {
                ids.push_back(table.insert({i, std::to_string(i % 9), std::string(i % 30, 'v')}));
            }
            for (std::uint32_t i = 0; i < 40; ++i) {
                table.update(ids[i * 3], [&](item& row) { row.text.assign(200, 'w'); });
            }
        }
        auto const times = 1 + random.below(3);
        for (std::uint64_t i = 0; i < times; ++i) {
            auto page = w.file->write(2 + random.below(w.file->pages() - 2));
            auto bytes = page->bytes();
            auto const at = random.below(3) == 0 ? 12 + random.below(500) : 24 + random.below(100);
            bytes.store(at, static_cast<std::uint8_t>(random.below(256)));
        }
        answer([&] {
            quire_test::item_table<world> table{*w.db, "t"};
            ++opened;
            std::set<quire::page_no> reached;
            found += table.check(reached).size() + w.db->check(reached).size() > 0 ? 1U : 0U;
            for (int i = 0; i < 60; ++i) {
                auto const id = ids[random.below(ids.size())];
                auto const number = static_cast<std::uint32_t>(random.below(300));
                answer([&] { table.insert(some()); });
                answer([&] { table.update(id, [&](item& row) { row.text = some().text; }); });
                answer([&] { table.update(id, [&](item& row) { row = some(); }); });
                answer([&] { static_cast<void>(table.load(id)); });
                answer([&] { table.find<&item::number>(number, [](auto const&) {}); });
                answer([&] { table.find<&item::group>("3", [](auto const&) {}); });
                answer([&] { table.erase(id); });
            }
            answer([&] { table.scan([](auto const&) {}); });
            answer([&] { table.scan<&item::group>([](auto const&) {}); });
            answer([&] { table.find_room(); });
            static_cast<void>(table.check());
        });
    }
    std::cout << "tables of damaged pages: " << opened << " of " << rounds << " opened, " << found
              << " found, " << errors << " errors\n";
    CHECK(opened > rounds / 2);
    CHECK(errors > 0);
    CHECK(found > rounds / 2);
}
