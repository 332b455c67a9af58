// SPDX-License-Identifier: BSL-1.0

/// What a tree reads before anybody waits for it, and by tasks; and what a cursor remembers.
///
///   left out                                      what happens
///   a leaf of a run is asked for its fences       keys of a leaf that was split are left out
///   a cursor looks at the leaf's version          an entry beside another one than it showed
///   a walk that ends at once reads nothing ahead  scans of few entries read what they do not want
///   a task is told to look again                  "not found" where another thread split the leaf

#include <quire/table/btree.hpp>

#include <quire/evict/sieve.hpp>
#include <quire/pool/task_loop.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"
#include "table/tree_world.hpp"

#include <map>
#include <shared_mutex>
#include <string>
#include <vector>

using quire::errc;
using quire_test::refusal;

namespace {

using world = quire_test::tree_world<512>;
using tree_type = world::tree<std::uint32_t, std::string>;

template <class Tree>
void fill(Tree& tree, std::uint32_t end, std::uint32_t step = 1) {
    for (std::uint32_t key = 0; key < end; key += step) { tree.put(key, std::to_string(key)); }
}

}  // namespace

TEST_CASE("btree_ahead: tasks find what is there, and wait for their pages side by side") {
    world w{false};
    {
        tree_type tree{*w.db, "t"};
        fill(tree, 3000, 2);
    }
    w.stop();
    w.start();
    tree_type tree{*w.db, "t"};
    std::map<std::uint32_t, std::optional<std::string>> found;
    std::map<std::uint32_t, std::size_t> sizes;
    auto const ask = [&](std::uint32_t key) -> quire::task<> {
        found[key] = co_await tree.async_find(key);
        bool const there = co_await tree.async_get(
            key, [&, key](auto const& value) { sizes[key] = value.size(); });
        CHECK(there == found[key].has_value());
    };
    quire::task_loop loop{*w.pool, {.in_flight = 32}};
    loop.spawn(ask(1234));
    loop.run();
    CHECK(loop.stats().fetches == 3);  // from the root to the leaf, each waited for by the task
    for (std::uint32_t key = 0; key < 3000; key += 7) { loop.spawn(ask(key)); }
    loop.run();
    CHECK(loop.stats().fetches > 30);
    CHECK(found.size() == 430);
    for (auto const& [key, value] : found) {
        INFO(key);
        CHECK(value.has_value() == (key % 2 == 0));
        if (value) { CHECK(*value == std::to_string(key)); }
        CHECK(sizes.count(key) == (value ? 1U : 0U));
        if (value) { CHECK(sizes[key] == value->size()); }
    }
}

TEST_CASE("btree_ahead: a tree of one page, and an empty one, by a task") {
    world w{true};
    tree_type tree{*w.db, "t"};
    quire::task_loop loop{*w.pool};
    std::optional<std::string> one;
    std::optional<std::string> two;
    auto const ask = [&]() -> quire::task<> {
        one = co_await tree.async_find(1);
        tree.put(1, "a");
        two = co_await tree.async_find(1);
    };
    loop.spawn(ask());
    loop.run();
    CHECK_FALSE(one);
    CHECK(two == "a");
}

TEST_CASE("btree_ahead: the errors of a task are those of a read, at its co_await") {
    world w{false};
    quire::btree<std::string, std::string, world::pool_type> tree{*w.db, "t"};
    for (int i = 100; i < 400; ++i) { tree.put(std::to_string(i), "v"); }
    CHECK(refusal([&] {
              static_cast<void>(tree.async_find(std::string(tree.key_size_max + 1, 'k')));
          }) == errc::tuple_too_large);

    quire::task_loop loop{*w.pool};
    auto const ask = [&](std::string key) -> quire::task<> {
        static_cast<void>(co_await tree.async_find(key));
    };
    auto const fail_in_fn = [&]() -> quire::task<> {
        static_cast<void>(co_await tree.async_get("100", [](auto const&) { throw 7; }));
    };
    loop.spawn(fail_in_fn());
    CHECK_THROWS_AS(loop.run(), int);
    for (quire::page_no no = 0; no.value() < w.file->pages(); ++no) {
        auto page = w.file->write(no);
        page->bytes().with_span([](std::span<std::byte> bytes) {
            if (bytes[36] == std::byte{0}) { bytes[26] = std::byte{0xFF}; }  // a leaf's bound
        });
    }
    loop.spawn(ask("250"));
    CHECK(refusal([&] { loop.run(); }) == errc::corrupt_page);
}

TEST_CASE("btree_ahead: a walk reads leaves ahead, the more the longer it is") {
    world w{false, 256};
    {
        tree_type tree{*w.db, "t"};
        fill(tree, 3000);
    }
    w.stop();
    w.start();
    tree_type const tree{*w.db, "t"};
    auto const misses = [&] { return w.file->stats().misses; };
    auto const before = misses();
    tree.scan([](std::uint32_t key, auto const&) { return key < 5; });
    auto const levels = misses() - before;
    CHECK(levels <= 4);  // the way down, and nothing else

    std::uint64_t at_most = 0;  // read at once, before the walk saw a leaf that came later
    std::uint64_t waits = 0;    // how often something was read
    std::uint64_t last = misses();
    auto const see = [&] {
        if (auto const now = misses(); now != last) {
            ++waits;
            at_most = std::max(at_most, now - last);
            last = now;
        }
    };
    auto const all = w.file->pages();
    SECTION("a scan") {
        tree.scan([&](std::uint32_t, auto const&) { see(); });
    }
    SECTION("a cursor") {
        for (auto at = tree.first(); at; at.next()) { see(); }
    }
    CHECK(at_most >= 16);
    CHECK(waits < all / 4);
    CHECK(last > 100);
}

TEST_CASE("btree_ahead: a cursor's step within a leaf reads that leaf alone") {
    using plain = quire_test::tree_world<4096, quire::sieve, std::shared_mutex>;
    plain w{false};
    plain::tree<std::uint32_t, std::string> tree{*w.db, "t"};
    fill(tree, 2000);
    REQUIRE(tree.stats().levels == 2);
    auto const hits = [&] { return w.file->stats().hits; };
    auto at = tree.first();
    auto before = hits();
    for (int i = 0; i < 50; ++i) { at.next(); }
    CHECK(at.key() == 50);
    CHECK(hits() - before == 50);
    before = hits();
    for (int i = 0; i < 50; ++i) { at.previous(); }
    CHECK(at.key() == 0);
    CHECK(hits() - before == 50);
    before = hits();
    tree.put(50'000, "");  // in another leaf
    auto const put = hits() - before;
    before = hits();
    at.next();
    CHECK(hits() - before == 1);
    tree.put(1, "changed");
    before = hits();
    at.next();
    CHECK(hits() - before > 1);
    CHECK(at.key() == 2);
    CHECK(put > 0);
}

TEST_CASE("btree_ahead: a cursor that remembers leaves sees what is inserted into them") {
    world w{false, 256};
    tree_type tree{*w.db, "t"};
    fill(tree, 4000, 4);
    auto at = tree.lower_bound(1000);
    std::uint32_t expected = 1000;
    auto const see = [&](std::uint32_t step) {
        REQUIRE(at);
        REQUIRE(at.key() == expected);
        expected += step;
        at.next();
    };
    for (int i = 0; i < 100; ++i) { see(4); }  // it knows leaves behind this one
    REQUIRE(expected == 1400);
    at = tree.lower_bound(expected);
    for (int i = 0; i < 30; ++i) { see(4); }
    auto const from = (expected + 100) / 4 * 4;
    for (std::uint32_t key = from; key < 3000; ++key) {
        tree.put(key, std::to_string(key));  // leaves split
    }
    while (expected < from) { see(4); }
    while (expected < 3000) { see(1); }
    for (std::uint32_t key = 3400; key < 3900; key += 4) { REQUIRE(tree.erase(key)); }  // merged
    while (expected < 3400) { see(4); }
    expected = 3900;
    while (expected < 4000) { see(4); }
    CHECK_FALSE(at);
}
