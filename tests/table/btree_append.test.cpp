// SPDX-License-Identifier: BSL-1.0

/// Ascending entries behind all others, a leaf at a time.
///
///   left out                                   what happens
///   the last entry waits for its successor     a leaf too full, when that has less in common
///   the last leaf is asked whether it is empty what another thread put there is gone
///   keys are compared with those of the tree   keys out of order

#include <quire/table/btree.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"
#include "random.hpp"
#include "table/tree_world.hpp"

#include <algorithm>
#include <map>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using quire::errc;
using quire_test::refusal;

namespace {

template <std::size_t N>
using world = quire_test::tree_world<N>;
template <std::size_t N>
using strings = typename world<N>::template tree<std::string, std::string>;
using numbers = world<4096>::tree<std::uint64_t, std::uint64_t>;
using map_type = std::map<std::string, std::string>;
using pairs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

pairs some_numbers(std::uint64_t first, std::uint64_t count) {
    pairs all;
    for (std::uint64_t i = 0; i < count; ++i) { all.emplace_back(first + 3 * i, i); }
    return all;
}

template <class Tree>
void expect_equal(Tree const& tree, map_type const& map) {
    auto expected = map.begin();
    tree.scan([&](std::string const& key, auto const& value) {
        REQUIRE(expected != map.end());
        REQUIRE(key == expected->first);
        REQUIRE(value == expected->second);
        ++expected;
    });
    REQUIRE(expected == map.end());
}

/// Keys that have much in common with their neighbours, or nothing.
std::string some_key(quire_test::test_random& random, std::size_t size_max) {
    std::string key(random.below(6) == 0 ? random.below(size_max) : 0,
                    static_cast<char>('a' + random.below(3)));
    for (auto left = random.below(6); left > 0 && key.size() < size_max; --left) {
        key += static_cast<char>(random.below(256));
    }
    return key;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("btree_append: any ascending keys, behind what is there", "",
                       ((std::size_t N), N), 512, 4096) {
    quire_test::test_random random;
    for (bool const logged : {false, true}) {
        world<N> w{logged};
        std::uint64_t leaves = 0;
        for (int life = 0; life < 12; ++life) {
            strings<N> tree{*w.db, "t" + std::to_string(life)};
            map_type map;
            for (auto count = random.below(3) * random.below(100); count > 0; --count) {
                auto const key = some_key(random, 20);
                tree.put(key, "before");
                map[key] = "before";
            }
            map_type more;
            for (auto count = random.below(3000); count > 0; --count) {
                auto const key = 'd' + some_key(random, tree.key_size_max - 1);
                if (map.empty() || key > map.rbegin()->first) {
                    auto const room = random.below(10) == 0 ? tree.entry_size_max - key.size() : 20;
                    more[key] = std::string(random.below(room), 'v');
                }
            }
            tree.append_sorted(more, static_cast<double>(random.below(101)) / 100);
            map.merge(more);
            expect_equal(tree, map);
            std::set<quire::page_no> reached;
            REQUIRE(tree.check(reached).empty());
            leaves += tree.stats().leaf_pages;
            if (!map.empty()) { tree.put(map.rbegin()->first + "a", "after"); }
            for (auto const& [key, value] : map) { REQUIRE(tree.erase(key)); }
            REQUIRE(tree.check().empty());
        }
        CHECK(leaves > 100);
    }
}

TEST_CASE("btree_append: leaves are as full as they are asked to be") {
    world<4096> w{false, 512};
    auto const all = some_numbers(1, 20'000);
    auto const leaves = [&](std::string const& name, double fill) {
        numbers tree{*w.db, name};
        tree.append_sorted(all, fill);
        REQUIRE(tree.check().empty());
        return tree.stats().leaf_pages;
    };
    auto const full = leaves("full", 1.0);
    auto const half = leaves("half", 0.5);
    CHECK(10 * half > 19 * full);
    CHECK(10 * half < 22 * full);
    {
        numbers tree{*w.db, "empty"};
        tree.append_sorted(some_numbers(1, 500), 0.0);
        CHECK(tree.stats().leaf_pages == 500);  // an entry each
    }
    // 8 bytes of slot, 2 of length, 8 of value, and 2 of the key's 8 that are not in common
    CHECK(full <= all.size() * 20 / (4096 - 56 - 16) + 2);

    numbers tree{*w.db, "one by one"};
    for (auto const& [key, value] : all) { tree.insert(key, value); }
    CHECK(full <= tree.stats().leaf_pages);
}

TEST_CASE("btree_append: what is not behind all others is refused, the first ones are there") {
    world<4096> w{false};
    numbers tree{*w.db, "t"};
    CHECK(refusal([&] { tree.append_sorted(some_numbers(0, 3), 1.1); }) == errc::bad_option);
    CHECK(refusal([&] { tree.append_sorted(some_numbers(0, 3), -0.1); }) == errc::bad_option);
    CHECK_FALSE(tree.first());

    auto wrong = some_numbers(0, 5000);
    std::swap(wrong[4000], wrong[4001]);
    CHECK(refusal([&] { tree.append_sorted(wrong); }) == errc::bad_key);
    auto const there = tree.stats().entries;
    CHECK(there > 3000);
    CHECK(there < 4001);
    std::uint64_t seen = 0;
    tree.scan([&](std::uint64_t key, std::uint64_t) { REQUIRE(key == 3 * seen++); });
    CHECK(seen == there);

    CHECK(refusal([&] { tree.append_sorted(pairs{{1, 1}}); }) == errc::bad_key);
    CHECK(refusal([&] { tree.append_sorted(pairs{{3 * there - 3, 1}}); }) == errc::bad_key);
    CHECK(refusal([&] { tree.append_sorted(pairs{{20'000, 1}, {20'000, 2}}); }) == errc::bad_key);
    CHECK(tree.stats().entries <= there + 1);
    tree.append_sorted(pairs{});
    tree.append_sorted(some_numbers(30'000, 5000));
    CHECK(tree.stats().entries >= there + 5000);
    CHECK(tree.check().empty());

    strings<4096> texts{*w.db, "texts"};
    CHECK(refusal([&] {
              texts.append_sorted(map_type{{"a", "1"}, {std::string(5000, 'k'), "2"}});
          }) == errc::tuple_too_large);
}

TEST_CASE("btree_append: in a change, all or nothing") {
    world<4096> w{true, 512};
    numbers tree{*w.db, "t"};
    {
        quire::change undone{*w.pool};
        tree.append_sorted(undone, some_numbers(0, 5000));
        CHECK(tree.find(undone, 3 * 4999) == 4999U);
    }
    CHECK_FALSE(tree.first());
    w.pool->change([&](auto& change) {
        tree.append_sorted(change, some_numbers(0, 5000));
        tree.append_sorted(change, some_numbers(100'000, 10));
    });
    CHECK(tree.stats().entries == 5010);
    CHECK(w.wrong(tree) == "");
}

TEST_CASE("btree_append: a range that writes into the tree meanwhile") {
    world<512> w{false};
    strings<512> tree{*w.db, "t"};
    std::vector<std::string> keys;
    for (char a = 'a'; a <= 'z'; ++a) {
        for (char b = 'a'; b <= 'z'; ++b) { keys.push_back(std::string{a, b} + "key"); }
    }
    bool is_done = false;
    auto const from = [&](std::size_t end, auto act) {
        return std::views::iota(std::size_t{0}, end) | std::views::transform([&, act](auto i) {
                   if (i > 100) { act(i); }
                   return std::pair<std::string, std::string>{keys[i], "value"};
               });
    };
    SECTION("before what is gathered, in the same leaf") {
        tree.append_sorted(from(keys.size(), [&](std::size_t i) {
            // Just now a leaf was made, and one entry is gathered.
            if (!is_done && tree.contains(keys[i - 2]) && !tree.contains(keys[i - 1])) {
                tree.put(keys[i - 1].substr(0, 2), "other");
                is_done = true;
            }
        }));
        CHECK(is_done);
        CHECK(tree.stats().entries == keys.size() + 1);
    }
    SECTION("and one that erases everything, so that the last leaf has other fences") {
        int times = 0;
        tree.append_sorted(from(keys.size(), [&](std::size_t i) {
            if (!tree.contains(keys[i - 3]) || tree.contains(keys[i - 2])) { return; }
            for (std::size_t k = 0; k < i; ++k) { tree.erase(keys[k]); }
            ++times;
        }), 1.0);
        CHECK(times > 5);
        CHECK(tree.stats().entries < 60);
    }
    SECTION("and one that reads, while the last leaf is empty") {
        tree.append_sorted(from(keys.size(), [&](std::size_t i) {
            auto const last = tree.last();
            REQUIRE(last);
            REQUIRE(tree.contains(keys[i - 1]) == (last.key() == keys[i - 1]));
            REQUIRE_FALSE(tree.lower_bound(keys[i]));
        }));
    }
    SECTION("behind it") {
        CHECK(refusal([&] {
                  tree.append_sorted(from(keys.size(), [&](std::size_t) {
                      if (!is_done) { tree.put("zz", "other"); }
                      is_done = true;
                  }));
              }) == errc::bad_key);
        CHECK(tree.contains("zz"));
    }
    std::set<quire::page_no> reached;
    CHECK(tree.check(reached).empty());
}

TEST_CASE("btree: keys are appended before a last leaf that erasures left empty") {
    world<512> w{false};
    world<512>::tree<std::uint64_t, std::string> tree{*w.db, "t"};
    std::uint64_t last = 0;
    while (tree.stats().leaf_pages < 3) { tree.put(last += 100, "vv"); }
    // The leaf before it has a prefix, so it becomes too full to be merged.
    for (std::uint64_t i = 1; i < 9; ++i) { tree.put(last - 100 - i, "vv"); }
    CHECK(tree.erase(last));
    REQUIRE(tree.stats().leaf_pages == 3);

    std::vector<std::pair<std::uint64_t, std::string>> more{{last - 101, "old"}};
    CHECK(refusal([&] { tree.append_sorted(more); }) == errc::bad_key);
    more.clear();
    auto const before = tree.stats().entries;
    for (std::uint64_t i = 1; i < 200; ++i) { more.emplace_back(last - 100 + i, "new"); }
    tree.append_sorted(more);
    CHECK(tree.stats().entries == before + more.size());
    for (auto const& [key, value] : more) {
        CHECK(tree.get(key, [&](auto const& found) { CHECK(found == value); }));
    }
    CHECK(w.wrong(tree).empty());
}

TEST_CASE("btree: no key is appended before others, not at the end of a leaf either") {
    world<512> w{false};
    world<512>::tree<std::uint64_t, std::string> tree{*w.db, "t"};
    std::uint64_t last = 0;
    while (tree.stats().leaf_pages < 3) { tree.put(last += 100, "vv"); }
    auto const before = tree.stats().entries;
    std::vector<std::pair<std::uint64_t, std::string>> one(1);
    for (std::uint64_t key = 0; key <= last; ++key) {
        one.front() = {key, "new"};
        REQUIRE(refusal([&] { tree.append_sorted(one); }) == errc::bad_key);
    }
    CHECK(tree.stats().entries == before);
}
