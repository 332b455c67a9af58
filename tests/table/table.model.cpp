// SPDX-License-Identifier: BSL-1.0

/// Histories of random operations on a table with two indexes beside a std::map of its rows, with
/// tiny pages and pools. After each phase everything is compared, by each index, and every page is
/// checked.

#include <quire/table/table.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

#include <iostream>
#include <map>
#include <set>
#include <shared_mutex>

using quire::errc;
using quire::record_id;
using quire_test::item;
using quire_test::test_random;

namespace {

struct counts {
    std::uint64_t rows = 0;  ///< the most there were
    std::uint64_t pages = 0;
    std::uint64_t refused = 0;  ///< a key was there already
    std::uint64_t undone = 0;
    std::uint64_t evictions = 0;
    std::uint64_t walks = 0;  ///< of cursors
};

template <class World>
class history {
    using table_type = quire_test::item_table<World>;
    using rows_type = std::map<record_id, item>;
    struct content {
        rows_type rows;
        std::set<std::uint32_t> numbers;
    };

public:
    history(test_random& random, counts& seen, bool logged, std::size_t frames)
        : random_{random}, seen_{seen}, logged_{logged}, world_{logged, frames} {
        table_.emplace(*world_.db, "items");
    }

    void run(int operations, std::uint64_t inserts_in_ten) {
        for (int i = 0; i < operations; ++i) {
            if (logged_ && random_.below(20) == 0) {
                change();
            } else {
                one(inserts_in_ten, now_, alone{*table_});
            }
        }
        compare();
    }
    void erase_all() {
        while (!now_.rows.empty()) { erase(now_, now_.rows.begin()->first, alone{*table_}); }
        compare();
        auto const pages = table_->pages();
        run(60, 10);
        CHECK(table_->pages() <= pages);  // room is found again
    }
    void reopen(bool by_death) {
        if (by_death) {
            world_.log->sync(world_.log->end());
            table_.reset();
            world_.die();
        } else {
            world_.stop([&] { table_.reset(); });
        }
        world_.start();
        table_.emplace(*world_.db, "items");
        compare();
    }

private:
    struct alone {
        table_type& table;
        record_id insert(item const& row) { return table.insert(row); }
        template <class Fn>
        bool update(record_id id, Fn fn) { return table.update(id, fn); }
        bool erase(record_id id) { return table.erase(id); }
        template <class Fn>
        bool read(record_id id, Fn fn) { return table.read(id, fn); }
        template <auto... Members, class Key, class Fn>
        std::size_t find(Key const& key, Fn fn) { return table.template find<Members...>(key, fn); }
        template <class Fn>
        bool update_by(std::uint32_t number, Fn fn) {
            return table.template update<&item::number>(number, fn);
        }
        bool erase_by(std::uint32_t number) { return table.template erase<&item::number>(number); }
        auto from(std::uint32_t number) {
            return table.template lower_bound<&item::number>(number);
        }
    };
    struct together {
        table_type& table;
        typename World::change_type& change;
        record_id insert(item const& row) { return table.insert(change, row); }
        template <class Fn>
        bool update(record_id id, Fn fn) { return table.update(change, id, fn); }
        bool erase(record_id id) { return table.erase(change, id); }
        template <class Fn>
        bool read(record_id id, Fn fn) { return table.read(change, id, fn); }
        template <auto... Members, class Key, class Fn>
        std::size_t find(Key const& key, Fn fn) {
            return table.template find<Members...>(change, key, fn);
        }
        template <class Fn>
        bool update_by(std::uint32_t number, Fn fn) {
            return table.template update<&item::number>(change, number, fn);
        }
        bool erase_by(std::uint32_t number) {
            return table.template erase<&item::number>(change, number);
        }
        auto from(std::uint32_t number) {
            return table.template lower_bound<&item::number>(change, number);
        }
    };

    [[nodiscard]] std::string some_text(std::size_t most) {
        auto const size = random_.below(6) == 0 ? random_.below(most + 1) : random_.below(24);
        return std::string(std::min(size, most), static_cast<char>('a' + random_.below(26)));
    }
    [[nodiscard]] std::string some_group() {
        return std::string(random_.below(3) * 12, 'g') + std::to_string(random_.below(9));
    }
    [[nodiscard]] item some_item() {
        item one{static_cast<std::uint32_t>(random_.below(400)), some_group(), {}};
        one.text = some_text(table_type::row_size_max - quire::value_codec<item>::size(one));
        return one;
    }
    [[nodiscard]] record_id some_id(content const& in) {
        if (in.rows.empty() || random_.below(8) == 0) {
            return {random_.below(world_.file->pages() + 2), quire::slot_id{random_.below(20)}};
        }
        auto at = in.rows.lower_bound({random_.below(world_.file->pages()), {}});
        return at == in.rows.end() ? in.rows.begin()->first : at->first;
    }

    /// Whether `act()` was refused, as `expected` says, because a key is there already.
    template <class Act>
    bool refused(bool expected, Act act) {
        try {
            act();
        } catch (quire::error const& why) {
            if (why.code() != errc::duplicate_key) { throw; }
            REQUIRE(expected);
            ++seen_.refused;
            return true;
        }
        REQUIRE(!expected);
        return false;
    }
    template <class Act>
    void one(std::uint64_t inserts_in_ten, content& in, Act act) {
        if (random_.below(10) < inserts_in_ten) {
            auto const row = some_item();
            record_id at;
            if (!refused(in.numbers.contains(row.number), [&] { at = act.insert(row); })) {
                REQUIRE(in.rows.emplace(at, row).second);
                in.numbers.insert(row.number);
            }
        } else if (random_.below(2) == 0) {
            erase(in, some_id(in), act);
        } else {
            update(in, some_id(in), act);
        }
        look(in, act);
    }
    template <class Act>
    void erase(content& in, record_id id, Act act) {
        auto const there = in.rows.find(id);
        bool const by_key = there != in.rows.end() && random_.below(2) == 0;
        // It may throw, which is for the caller.
        bool const was_there = by_key ? act.erase_by(there->second.number) : act.erase(id);
        REQUIRE(was_there == (there != in.rows.end()));
        if (there == in.rows.end()) { return; }
        in.numbers.erase(there->second.number);
        in.rows.erase(there);
    }
    template <class Act>
    void update(content& in, record_id id, Act act) {
        auto const there = in.rows.find(id);
        item wanted = some_item();
        if (there != in.rows.end() && random_.below(3) > 0) {
            wanted.number = there->second.number;
        }
        bool const clashes = there != in.rows.end() && wanted.number != there->second.number &&
                             in.numbers.contains(wanted.number);
        bool const by_key = there != in.rows.end() && random_.below(2) == 0;
        bool was_there = false;
        auto const replace = [&](item& row) {
            if (by_key) { REQUIRE(row == there->second); }
            row = wanted;
        };
        if (refused(clashes, [&] {
                was_there = by_key ? act.update_by(there->second.number, replace)
                                   : act.update(id, replace);
            })) {
            return;
        }
        REQUIRE(was_there == (there != in.rows.end()));
        if (!was_there) { return; }
        in.numbers.erase(there->second.number);
        in.numbers.insert(wanted.number);
        there->second = wanted;
    }
    template <class Act>
    void look(content const& in, Act act) {
        auto const id = some_id(in);
        auto const there = in.rows.find(id);
        bool const told = act.read(id, [&](auto const& row) {
            REQUIRE(there != in.rows.end());
            REQUIRE(row.template load<item>() == there->second);
        });
        REQUIRE(told == (there != in.rows.end()));
        auto const number = static_cast<std::uint32_t>(random_.below(400));
        auto const found = act.template find<&item::number>(number, [&](auto const& row) {
            REQUIRE(row.template get<&item::number>() == number);
        });
        REQUIRE(found == in.numbers.count(number));
        if (found == 0 && random_.below(4) == 0) {
            bool const erased = act.erase_by(number);
            bool const updated = act.update_by(number, [](item&) { FAIL("no such row"); });
            REQUIRE_FALSE((erased || updated));
        }
        if (random_.below(8) == 0) { walk(in, act.from(number), number); }
    }
    /// A few steps of a cursor that is at the first row from `number` on, there and back.
    template <class Cursor>
    void walk(content const& in, Cursor at, std::uint32_t number) {
        auto const first = in.numbers.lower_bound(number);
        auto expected = first;
        for (int i = 0; i < 3 && expected != in.numbers.end(); ++i, ++expected, at.next()) {
            REQUIRE(at);
            REQUIRE(at.row().template get<&item::number>() == *expected);
        }
        REQUIRE(static_cast<bool>(at) == (expected != in.numbers.end()));
        for (; at && expected != in.numbers.begin() && random_.below(6) > 0; at.previous()) {
            REQUIRE(at.row().template get<&item::number>() == *expected);
            --expected;
        }
        ++seen_.walks;
    }
    /// Several in one change, which is undone now and then.
    void change() {
        auto after = now_;
        bool const is_undone = random_.below(3) == 0;
        auto const steps = random_.below(6);
        struct no {};
        try {
            typename World::change_type change{*world_.pool};
            for (std::uint64_t i = 0; i < steps; ++i) {
                one(random_.below(10), after, together{*table_, change});
            }
            if (is_undone) { throw no{}; }
            change.commit();
        } catch (no) {
            ++seen_.undone;
            return;
        } catch (quire::error const& why) {
            // More pages than the tiny pool has, or than the log takes: nothing has happened.
            REQUIRE((why.kind() == errc::no_free_frame || why.kind() == errc::log_full));
            ++seen_.undone;
            return;
        }
        now_ = std::move(after);
    }

    void compare() {
        REQUIRE(world_.wrong(*table_) == "");
        rows_type found;
        table_->scan([&](record_id id, auto const& row) {
            REQUIRE(found.emplace(id, row.template load<item>()).second);
        });
        REQUIRE(found == now_.rows);
        std::map<std::uint32_t, record_id> by_number;
        std::set<std::pair<std::string, record_id>> by_group;
        for (auto const& [id, row] : now_.rows) {
            by_number[row.number] = id;
            by_group.emplace(row.group, id);
        }
        auto number = by_number.begin();
        table_->template scan<&item::number>([&](record_id id, auto const& row) {
            REQUIRE(number != by_number.end());
            REQUIRE(id == number->second);
            REQUIRE(row.template get<&item::number>() == number->first);
            ++number;
        });
        REQUIRE(number == by_number.end());
        auto group = by_group.begin();
        table_->template scan<&item::group>([&](record_id id, auto const& row) {
            REQUIRE(group != by_group.end());
            REQUIRE(id == group->second);
            REQUIRE(row.template get<&item::group>() == group->first);
            ++group;
        });
        REQUIRE(group == by_group.end());
        compare_ranges(by_number, by_group);
        seen_.rows = std::max<std::uint64_t>(seen_.rows, now_.rows.size());
        seen_.pages = std::max<std::uint64_t>(seen_.pages, table_->pages());
        seen_.evictions = std::max(seen_.evictions, world_.file->stats().evictions);
    }
    void compare_ranges(std::map<std::uint32_t, record_id> const& by_number,
                        std::set<std::pair<std::string, record_id>> const& by_group) {
        for (int i = 0; i < 10; ++i) {
            auto const from = static_cast<std::uint32_t>(random_.below(400));
            auto const to = from + static_cast<std::uint32_t>(random_.below(100));
            std::size_t count = 0;
            table_->template scan<&item::number>(from, to, [&](auto const& row) {
                auto const is = row.template get<&item::number>();
                REQUIRE((is >= from && is < to));
                ++count;
            });
            REQUIRE(count == static_cast<std::size_t>(std::distance(
                                 by_number.lower_bound(from), by_number.lower_bound(to))));
            auto const key = some_group();
            auto const in_group = table_->template find<&item::group>(
                key, [&](auto const& row) { REQUIRE(row.template get<&item::group>() == key); });
            auto const alike = [&](auto const& one) { return one.first == key; };
            REQUIRE(in_group == static_cast<std::size_t>(std::ranges::count_if(by_group, alike)));
        }
    }

    test_random& random_;
    counts& seen_;
    bool logged_;
    World world_;
    std::optional<table_type> table_;
    content now_;
};

void report(counts const& seen) {
    std::cout << "tables: " << seen.rows << " rows, " << seen.pages << " pages, " << seen.refused
              << " keys refused, " << seen.undone << " changes undone, " << seen.evictions
              << " evictions, " << seen.walks << " walks\n";
    CHECK(seen.rows > 100);
    CHECK(seen.refused > 0);
    CHECK(seen.undone > 0);
    CHECK(seen.evictions > 0);
    CHECK(seen.walks > 0);
}

template <class World>
void live(test_random& random, counts& seen, bool logged, std::size_t frames, int operations) {
    history<World> one{random, seen, logged, frames};
    for (int phase = 0; phase < 3; ++phase) {
        one.run(operations, 8);
        one.run(operations / 2, 3);
        if (random.below(2) == 0) { one.reopen(logged && random.below(2) == 0); }
    }
    one.erase_all();
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("table model: every mix of operations, as a map of rows", "[table]",
                       ((std::size_t N), N), 512, 4096, 32768) {
    test_random random;
    counts seen;
    constexpr int operations = N == 512 ? 1100 : 400;
    for (bool const logged : {false, true}) {
        live<quire_test::tree_world<N>>(random, seen, logged, 20, operations);
    }
    if (N == 512) {
        report(seen);
        CHECK(seen.pages > 59);  // more than one directory page lists
    }
}

TEST_CASE("table model: whatever the policy and the latch", "[table]") {
    test_random random;
    counts seen;
    live<quire_test::tree_world<512, quire::clock, quire::no_latch>>(random, seen, false, 20, 400);
    live<quire_test::tree_world<512, quire::sieve, std::shared_mutex>>(random, seen, true, 20, 400);
    report(seen);
}
