// SPDX-License-Identifier: BSL-1.0

/// Trees that several threads change and read at once. Each writer has keys of its own, and a map
/// that says what is there; anchors are there all the time. What readers must never see: a key
/// twice, keys out of order, an anchor that is missing, a value of another key.
///
/// What breaks when a rule is left out:
///   a leaf is not asked for its fences        a key is looked for where it no longer is
///   a descent is not asked for them           likewise, a level above
///   a freed page stays a node                 a reader finds what was merged into another page
///   a parent is not held while a node splits  two splits insert the same child, or lose one
///   a leaf is not held while a value is read  a page of another value

#include <quire/table/btree.hpp>

#include <quire/pool/task_loop.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/tree_world.hpp"

#include <atomic>
#include <iostream>
#include <map>
#include <thread>
#include <vector>

namespace {

constexpr std::uint64_t anchors = 64;
constexpr std::uint64_t apart = 1000;  // keys between two anchors
constexpr std::uint64_t writers = 4;

/// All of one letter, which most other keys do not have: so a page of another value is seen.
[[nodiscard]] char letter_of(std::uint64_t key) {
    return static_cast<char>('a' + static_cast<int>(key % 26));
}
[[nodiscard]] std::string value_of(std::uint64_t key, std::size_t size) {
    return std::to_string(key) + std::string(size, letter_of(key));
}
[[nodiscard]] bool is_value_of(std::uint64_t key, std::string_view value) {
    auto const number = std::to_string(key);
    return value.starts_with(number) &&
           value.find_first_not_of(letter_of(key), number.size()) == std::string_view::npos;
}
/// Some have overflow pages.
[[nodiscard]] std::string anchor_value(std::uint64_t anchor) {
    return value_of(anchor * apart, anchor % 16 == 0 ? 1500 : 3);
}
[[nodiscard]] std::size_t some_size(quire_test::generator& random) {
    return random.below(24) == 0 ? 100 + random.below(1400) : random.below(30);
}

template <class World>
class crowd {
    using tree_type = typename World::template tree<std::uint64_t, std::string>;

public:
    explicit crowd(World& world, bool logged)
        : world_{world}, tree_{*world.db, "t"}, logged_{logged} {
        for (std::uint64_t i = 0; i < anchors; ++i) {
            tree_.put(i * apart, anchor_value(i));
        }
    }

    void run(std::uint64_t operations) {
        std::vector<std::thread> threads;
        std::atomic<std::uint64_t> writing = writers;
        for (std::uint64_t w = 0; w < writers; ++w) {
            threads.emplace_back([&, w] {
                watched([&] { write(w, operations); });
                --writing;
            });
        }
        for (std::uint64_t r = 0; r < 2; ++r) {
            threads.emplace_back([&, r] {
                watched([&] {
                    for (auto turn = r; writing > 0; ++turn) { read(turn % 4); }
                });
            });
        }
        for (auto& thread : threads) { thread.join(); }
        REQUIRE(failure_.load() == nullptr);
        REQUIRE(world_.wrong(tree_) == "");
        std::map<std::uint64_t, std::string> all;
        for (auto& one : maps_) { all.merge(one); }
        for (std::uint64_t i = 0; i < anchors; ++i) { all[i * apart] = anchor_value(i); }
        auto expected = all.begin();
        tree_.scan([&](std::uint64_t key, auto const& value) {
            REQUIRE(expected != all.end());
            REQUIRE(key == expected->first);
            REQUIRE(value == expected->second);
            ++expected;
        });
        REQUIRE(expected == all.end());
        CHECK(scans_ > 0);
        std::cout << "trees among threads: " << scans_ << " scans, " << tree_.stats().leaf_pages
                  << " leaves and " << tree_.stats().overflow_pages << " overflow pages of "
                  << world_.file->pages() << " pages, " << retried_
                  << " changes together\n";
    }

private:
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

    [[nodiscard]] static std::uint64_t some_key(quire_test::generator& random,
                                                std::uint64_t number) {
        return random.below(anchors) * apart + 1 + number + writers * random.below(200);
    }
    void write(std::uint64_t number, std::uint64_t operations) {
        quire_test::generator random{number + 17};
        auto& map = maps_[number];
        for (std::uint64_t i = 0; i < operations; ++i) {
            // In waves: leaves split, and are merged.
            bool const grows = i / (operations / 6) % 2 == 0;
            auto const key = some_key(random, number);
            if (random.below(10) < (grows ? 9U : 1U)) {
                auto const value = value_of(key, some_size(random));
                tree_.put(key, value);
                map[key] = value;
            } else {
                auto const at = map.lower_bound(key);
                auto const gone = at == map.end() ? key : at->first;
                bool const was_there = tree_.erase(gone);
                expect(was_there == (map.erase(gone) > 0), "what a writer erased was there");
            }
            if (i % 16 == 0) { ask(random, map, number); }
            if (logged_ && i % 64 == 0) { together(random, map, number); }
        }
    }
    void ask(quire_test::generator& random, std::map<std::uint64_t, std::string> const& map,
             std::uint64_t number) {
        auto const key = some_key(random, number);
        auto const there = map.find(key);
        auto const found = tree_.find(key);
        expect(found.has_value() == (there != map.end()), "what a writer wrote is there");
        if (found && there != map.end()) { expect(*found == there->second, "as it was written"); }
    }
    /// Several in one change: writers wait for each other's leaves, in any order.
    void together(quire_test::generator& random, std::map<std::uint64_t, std::string>& map,
                  std::uint64_t number) {
        std::map<std::uint64_t, std::string> added;
        for (int i = 0; i < 3; ++i) {
            auto const key = some_key(random, number);
            added[key] = value_of(key, some_size(random));
        }
        world_.pool->change([&](typename World::change_type& change) {
            for (auto const& [key, value] : added) { tree_.put(change, key, value); }
        });
        for (auto const& [key, value] : added) { map[key] = value; }
        ++retried_;
    }

    void read(std::uint64_t how) {
        if (how == 3) { return ask_by_tasks(); }
        std::uint64_t anchor = 0;
        std::uint64_t last = 0;
        bool is_first = true;
        auto const see = [&](std::uint64_t key, std::string_view value) {
            expect(is_first || key > last, "keys ascend");
            expect(is_value_of(key, value), "a value is its key's");
            if (key % apart == 0) {
                expect(key == anchor * apart, "no anchor is left out");
                ++anchor;
            }
            is_first = false;
            last = key;
        };
        if (how == 0) {
            tree_.scan([&](std::uint64_t key, auto const& value) {
                see(key, value.unguarded_view());
            });
            expect(anchor == anchors, "every anchor is seen");
        } else if (how == 1) {
            for (auto at = tree_.first(); at; at.next()) {
                auto const value = at.value();
                see(at.key(), value.unguarded_view());
            }
            expect(anchor == anchors, "every anchor is seen, one after the other");
        } else {
            std::uint64_t below = anchors;
            std::uint64_t before = ~std::uint64_t{0};
            for (auto at = tree_.last(); at; at.previous()) {
                auto const key = at.key();
                expect(key < before, "keys descend");
                before = key;
                if (key % apart == 0) {
                    --below;
                    expect(key == below * apart, "no anchor is left out on the way back");
                }
            }
            expect(below == 0, "every anchor is seen on the way back");
        }
        ++scans_;
    }

    void ask_by_tasks() {
        auto const ask = [this](std::uint64_t anchor) -> quire::task<> {
            auto const found = co_await tree_.async_find(anchor * apart);
            expect(found == anchor_value(anchor), "a task finds an anchor");
        };
        quire::task_loop loop{*world_.pool, {.in_flight = 8}};
        for (std::uint64_t i = 0; i < anchors; ++i) { loop.spawn(ask(i)); }
        loop.run();
    }

    World& world_;
    tree_type tree_;
    bool logged_;
    std::array<std::map<std::uint64_t, std::string>, writers> maps_;
    std::atomic<char const*> failure_ = nullptr;
    std::atomic<std::uint64_t> scans_ = 0;
    std::atomic<std::uint64_t> retried_ = 0;
};

}  // namespace

TEST_CASE("btree stress: threads change and read a tree, every key in its place", "[table]") {
    bool const logged = GENERATE(false, true);
    using world = quire_test::tree_world<512>;
    world w{logged, 96};
    crowd<world> threads{w, logged};
    threads.run(12'000);
}
