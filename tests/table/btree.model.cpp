// SPDX-License-Identifier: BSL-1.0

/// Histories of random operations on trees beside std::map, in every mix, with tiny pages and
/// pools. After each phase everything is compared, both ways, and every page is checked.

#include <quire/table/btree.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/tree_world.hpp"

#include <iostream>
#include <iterator>
#include <map>
#include <shared_mutex>

using quire_test::test_random;

namespace {

struct counts {
    std::uint64_t splits = 0;
    std::uint64_t merges = 0;
    std::uint64_t levels = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t undone = 0;
    std::uint64_t evictions = 0;
};

/// How keys are made.
enum class keys { any, ascending, descending, few, alike };

template <class World>
class history {
    using tree_type = typename World::template tree<std::string, std::string>;
    using map_type = std::map<std::string, std::string>;

public:
    history(test_random& random, counts& seen, bool logged, std::size_t frames)
        : random_{random}, seen_{seen}, logged_{logged}, world_{logged, frames} {
        tree_.emplace(*world_.db, "tree");
    }

    void run(keys kind, int operations, std::uint64_t puts_in_ten) {
        kind_ = kind;
        for (int i = 0; i < operations; ++i) {
            if (logged_ && random_.below(20) == 0) {
                change();
            } else {
                one(puts_in_ten);
            }
        }
        compare();
    }
    /// Everything, one key after the other: from the front, the back, or anywhere.
    void erase_all() {
        auto const way = random_.below(3);
        while (!map_.empty()) {
            auto at = way == 0 ? map_.begin() : std::prev(map_.end());
            if (way == 2) {
                at = std::next(map_.begin(), static_cast<long>(random_.below(
                                                 std::min<std::size_t>(map_.size(), 40))));
            }
            REQUIRE(tree_->erase(at->first));
            map_.erase(at);
        }
        compare();
        REQUIRE(tree_->stats().leaf_pages < 30);
    }
    void reopen(bool by_death) {
        tree_.reset();
        if (by_death) {
            world_.log->sync(world_.log->end());
            world_.die();
        } else {
            world_.stop();
        }
        world_.start();
        tree_.emplace(*world_.db, "tree");
        compare();
    }

private:
    [[nodiscard]] std::string some_key() {
        auto const number = [&](std::uint64_t value) {
            std::string text = std::to_string(value);
            return std::string(8 - text.size(), '0') + text;
        };
        switch (kind_) {
            case keys::ascending: return number(50'000'000 + ++next_);
            case keys::descending: return number(50'000'000 - ++next_);
            case keys::few: return std::string(1, static_cast<char>(random_.below(256)));
            case keys::alike: {
                std::string key(random_.below(tree_type::key_size_max - 8), 'p');
                return key + number(random_.below(500));
            }
            case keys::any: break;
        }
        std::string key(random_.below(random_.below(5) == 0 ? tree_type::key_size_max + 1 : 12),
                        '\0');
        for (auto& c : key) {
            c = static_cast<char>(random_.below(4) == 0 ? 0 : random_.below(256));
        }
        return key;
    }
    [[nodiscard]] std::string some_value(std::string const& key) {
        auto const most = tree_type::entry_size_max - key.size();
        auto size = random_.below(8) == 0 ? random_.below(most + 1) : random_.below(20);
        if (random_.below(12) == 0) { size = random_.below(5 * World::pool_type::page_size / 2); }
        return std::string(size, static_cast<char>('a' + next_ % 26));
    }
    /// Mostly one that is there.
    [[nodiscard]] std::string a_key_to_erase() {
        if (map_.empty() || random_.below(4) == 0) { return some_key(); }
        auto const at = map_.lower_bound(some_key());
        return at == map_.end() ? map_.begin()->first : at->first;
    }

    template <class Act>
    void one(std::uint64_t puts_in_ten, map_type& map, Act act) {
        auto const what = random_.below(10);
        auto const key = what < puts_in_ten ? some_key() : a_key_to_erase();
        if (what >= puts_in_ten) {
            bool const was_there = act.erase(key);  // it may throw, which is for the caller
            REQUIRE(was_there == (map.erase(key) > 0));
        } else if (auto const value = some_value(key); random_.below(2) == 0) {
            act.put(key, value);
            map[key] = value;
        } else {
            bool const is_new = act.insert(key, value);
            REQUIRE(is_new == map.emplace(key, value).second);
        }
        auto const other = some_key();
        auto const there = map.find(other);
        auto const found = act.find(other);
        REQUIRE(found.has_value() == (there != map.end()));
        if (found) { REQUIRE(*found == there->second); }
    }
    struct alone {
        tree_type& tree;
        bool erase(std::string const& key) { return tree.erase(key); }
        void put(std::string const& key, std::string const& value) { tree.put(key, value); }
        bool insert(std::string const& key, std::string const& value) {
            return tree.insert(key, value);
        }
        auto find(std::string const& key) { return tree.find(key); }
    };
    struct together {
        tree_type& tree;
        typename World::change_type& change;
        bool erase(std::string const& key) { return tree.erase(change, key); }
        void put(std::string const& key, std::string const& value) { tree.put(change, key, value); }
        bool insert(std::string const& key, std::string const& value) {
            return tree.insert(change, key, value);
        }
        auto find(std::string const& key) { return tree.find(change, key); }
    };
    void one(std::uint64_t puts_in_ten) { one(puts_in_ten, map_, alone{*tree_}); }
    /// Several in one change, which is undone now and then.
    void change() {
        auto after = map_;
        bool const is_undone = random_.below(3) == 0;
        auto const steps = random_.below(8);
        struct no {};
        try {
            typename World::change_type change{*world_.pool};
            for (std::uint64_t i = 0; i < steps; ++i) {
                one(random_.below(10), after, together{*tree_, change});
            }
            if (is_undone) { throw no{}; }
            change.commit();
        } catch (no) {
            ++seen_.undone;
            return;
        } catch (quire::error const& why) {
            // More pages than the tiny pool has, or than the log takes: nothing has happened.
            REQUIRE((why.kind() == quire::errc::no_free_frame ||
                     why.kind() == quire::errc::log_full));
            ++seen_.undone;
            return;
        }
        map_ = std::move(after);
    }

    void compare() {
        REQUIRE(world_.wrong(*tree_) == "");
        auto expected = map_.begin();
        tree_->scan([&](std::string const& key, auto const& value) {
            REQUIRE(expected != map_.end());
            REQUIRE(key == expected->first);
            REQUIRE(value == expected->second);
            ++expected;
        });
        REQUIRE(expected == map_.end());
        for (auto at = tree_->last(); at; at.previous()) {
            REQUIRE(expected != map_.begin());
            REQUIRE(at.key() == std::prev(expected)->first);
            --expected;
        }
        REQUIRE(expected == map_.begin());
        for (int i = 0; i < 20; ++i) {
            auto const key = some_key();
            auto const at = tree_->lower_bound(key);
            auto const there = map_.lower_bound(key);
            REQUIRE(static_cast<bool>(at) == (there != map_.end()));
            if (at) { REQUIRE(at.key() == there->first); }
        }
        auto const now = tree_->stats();
        REQUIRE(now.entries == map_.size());
        seen_.levels = std::max<std::uint64_t>(seen_.levels, now.levels);
        if (now.leaf_pages > leaves_) { seen_.splits += now.leaf_pages - leaves_; }
        if (now.leaf_pages < leaves_) { seen_.merges += leaves_ - now.leaf_pages; }
        leaves_ = now.leaf_pages;
        seen_.overflow_pages = std::max(seen_.overflow_pages, now.overflow_pages);
        seen_.evictions = std::max(seen_.evictions, world_.file->stats().evictions);
    }

    test_random& random_;
    counts& seen_;
    bool logged_;
    World world_;
    std::optional<tree_type> tree_;
    map_type map_;
    keys kind_ = keys::any;
    std::uint64_t next_ = 0;
    std::uint64_t leaves_ = 1;
};

void report(counts const& seen) {
    std::cout << "trees: " << seen.splits << " leaves more, " << seen.merges << " fewer, "
              << seen.levels << " levels, " << seen.overflow_pages << " overflow pages, "
              << seen.undone << " changes undone, "
              << seen.evictions << " evictions\n";
    CHECK(seen.splits > 0);
    CHECK(seen.merges > 0);
    CHECK(seen.levels > 2);
    CHECK(seen.overflow_pages > 20);
    CHECK(seen.evictions > 0);
}

template <class World>
void live(test_random& random, counts& seen, bool logged, std::size_t frames, int operations) {
    history<World> one{random, seen, logged, frames};
    constexpr std::array kinds{keys::any, keys::ascending, keys::alike, keys::few,
                               keys::descending};
    for (auto const kind : kinds) {
        one.run(kind, operations, 8);
        one.run(kind, operations / 2, 2);
        if (random.below(2) == 0) { one.reopen(logged && random.below(2) == 0); }
    }
    one.erase_all();
    one.run(keys::any, operations, 7);
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("btree model: every mix of operations, as std::map", "[table]",
                       ((std::size_t N), N), 512, 4096, 32768) {
    test_random random;
    counts seen;
    constexpr int operations = N == 512 ? 1500 : N == 4096 ? 3000 : 1500;
    for (bool const logged : {false, true}) {
        live<quire_test::tree_world<N>>(random, seen, logged, 16, operations);
    }
    if (N == 512) { report(seen); }
}

TEST_CASE("btree model: whatever the policy and the latch", "[table]") {
    test_random random;
    counts seen;
    live<quire_test::tree_world<512, quire::clock, quire::no_latch>>(random, seen, false, 16, 800);
    live<quire_test::tree_world<512, quire::sieve, std::shared_mutex>>(random, seen, true, 16, 800);
    report(seen);
}
