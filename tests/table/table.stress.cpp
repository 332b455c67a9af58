// SPDX-License-Identifier: BSL-1.0

/// A table with two indexes that several threads change and read at once. Each writer has rows of
/// its own, and a map that says what is there; anchors are there all the time, and their texts
/// shrink and grow, so that they move from page to page. What readers must never see: a row that is
/// half of one and half of another, an anchor that is missing or told of twice, a row by a key that
/// is not its own.
///
/// What breaks when a rule is left out:
///   an address is changed before its row      a reader finds nothing where the row was
///   a row is told of where it moved           a walk tells of it twice, or not at all
///   a row by an index is not asked for its key  a reader gets the row that has its id now
///   an unlogged operation waits with pages in hand  two wait for each other until timed_out

#include <quire/table/table.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

#include <atomic>
#include <iostream>
#include <map>
#include <thread>

using quire::errc;
using quire::record_id;
using quire_test::item;

namespace {

constexpr std::uint32_t anchors = 40;
constexpr std::uint32_t writers = 6;

[[nodiscard]] item made(std::uint32_t number, std::size_t size) {
    return {number, "group " + std::to_string(number % 7),
            std::to_string(number) + std::string(size, 'v')};
}
[[nodiscard]] bool is_whole(item const& row) {
    auto const number = std::to_string(row.number);
    return row.group == "group " + std::to_string(row.number % 7) &&
           row.text.starts_with(number) &&
           row.text.find_first_not_of('v', number.size()) == std::string::npos;
}

template <class World>
class crowd {
    using table_type = quire_test::item_table<World>;

public:
    crowd(World& world, bool logged) : world_{world}, table_{*world.db, "t"}, logged_{logged} {
        for (std::uint32_t i = 0; i < anchors; ++i) { ids_[i] = table_.insert(made(i, 3)); }
    }

    void run(std::uint64_t operations) {
        std::vector<std::thread> threads;
        std::atomic<std::uint64_t> writing = writers;
        for (std::uint32_t w = 0; w < writers; ++w) {
            threads.emplace_back([&, w] {
                watched([&] { write(w, operations); });
                --writing;
            });
        }
        for (int r = 0; r < 2; ++r) {
            threads.emplace_back([&, r] {
                watched([&] {
                    quire_test::generator random{static_cast<std::uint64_t>(r) + 90};
                    while (writing > 0) { read(random, r == 0); }
                });
            });
        }
        for (auto& thread : threads) { thread.join(); }
        REQUIRE(failure_.load() == nullptr);
        REQUIRE(world_.wrong(table_) == "");
        std::map<std::uint32_t, item> all;
        for (auto& one : rows_) {
            for (auto& [id, row] : one) { all[row.number] = row; }
        }
        table_.scan([&](item_lent const& row) {
            auto const is = row.template load<item>();
            if (is.number >= anchors) { REQUIRE(all.at(is.number) == is); }
            all.erase(is.number);
        });
        CHECK(all.empty());
        CHECK(reads_ > 0);
        std::cout << "tables among threads: " << reads_ << " walks, " << table_.pages()
                  << " pages of rows\n";
    }

private:
    using item_lent = quire::row_view<item, std::byte const>;

    template <class Act>
    void watched(Act act) {
        try {
            act();
        } catch (std::exception const& why) {
            std::cout << why.what() << '\n';
            failure_ = "an exception";
        }
    }
    void expect(bool holds, char const* what) {
        if (!holds) {
            std::cout << what << '\n';
            failure_ = what;
        }
    }

    void write(std::uint32_t number, std::uint64_t operations) {
        quire_test::generator random{number + 17};
        auto& rows = rows_[number];
        std::uint32_t next = anchors + number;
        for (std::uint64_t i = 0; i < operations; ++i) {
            bool const grows = i / (operations / 4) % 2 == 0;
            if (rows.empty() || random.below(10) < (grows ? 8U : 2U)) {
                auto const row = made(next, random.below(60));
                next += writers;
                expect(rows.emplace(table_.insert(row), row).second, "an id is of one row");
            } else if (random.below(2) == 0) {
                auto const at = any_of(rows, random);
                expect(table_.erase(at->first), "what a writer erases was there");
                rows.erase(at);
            } else {
                auto const at = any_of(rows, random);
                auto const after = made(at->second.number, random.below(120));
                expect(table_.update(at->first, [&](item& row) { row = after; }),
                       "what a writer updates is there");
                at->second = after;
            }
            if (i % 4 == 0) { move_an_anchor(random); }
            if (logged_ && i % 64 == 0) { together(random, rows, next); }
        }
    }
    [[nodiscard]] static auto any_of(std::map<record_id, item>& rows,
                                     quire_test::generator& random) {
        return std::next(rows.begin(), static_cast<long>(random.below(rows.size())));
    }
    void move_an_anchor(quire_test::generator& random) {
        auto const number = static_cast<std::uint32_t>(random.below(anchors));
        auto const size = random.below(200);
        expect(table_.update(ids_[number], [&](item& row) { row = made(number, size); }),
               "an anchor is there");
    }
    void together(quire_test::generator& random, std::map<record_id, item>& rows,
                  std::uint32_t& next) {
        std::map<record_id, item> added;
        auto const first = next;
        world_.pool->change([&](typename World::change_type& change) {
            added.clear();
            next = first;
            for (int i = 0; i < 3; ++i, next += writers) {
                auto const row = made(next, random.below(60));
                added.emplace(table_.insert(change, row), row);
            }
        });
        rows.merge(added);
    }

    void read(quire_test::generator& random, bool by_scan) {
        if (by_scan) {
            std::map<std::uint32_t, int> seen;
            auto const see = [&](item_lent const& lent) {
                auto const row = lent.template load<item>();
                expect(is_whole(row), "a row is whole");
                if (row.number < anchors) { ++seen[row.number]; }
            };
            if (random.below(2) == 0) {
                table_.scan(see);
            } else {
                table_.template scan<&item::number>(see);
            }
            expect(seen.size() == anchors, "every anchor is told of");
            for (auto const& [number, times] : seen) { expect(times == 1, "once"); }
        } else {
            auto const number = static_cast<std::uint32_t>(random.below(anchors + 400));
            auto const found =
                table_.template find<&item::number>(number, [&](item_lent const& lent) {
                    auto const row = lent.template load<item>();
                    expect(is_whole(row) && row.number == number, "a row by its key");
                });
            expect(found == 1 || number >= anchors, "an anchor is found");
            std::size_t in_group = 0;
            table_.template find<&item::group>("group 3", [&](item_lent const& lent) {
                auto const row = lent.template load<item>();
                expect(is_whole(row) && row.group == "group 3", "a row by its group");
                in_group += row.number < anchors ? 1U : 0U;
            });
            expect(in_group == 6, "all anchors of a group");
        }
        ++reads_;
    }

    World& world_;
    table_type table_;
    bool logged_;
    std::array<record_id, anchors> ids_{};
    std::array<std::map<record_id, item>, writers> rows_;
    std::atomic<char const*> failure_ = nullptr;
    std::atomic<std::uint64_t> reads_ = 0;
};

}  // namespace

TEST_CASE("table stress: threads change and read a table, every row whole", "[table]") {
    bool const logged = GENERATE(false, true);
    using world = quire_test::tree_world<512>;
    world w{logged, 128};
    crowd<world> threads{w, logged};
    threads.run(2'800);
}
