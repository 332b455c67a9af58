// SPDX-License-Identifier: BSL-1.0
#include <quire/table/btree.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/tree_world.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using quire::errc;

namespace {

template <std::size_t N>
using world = quire_test::tree_world<N>;
template <std::size_t N>
using pool_of = typename world<N>::pool_type;

struct order {
    std::int64_t id;
    std::string customer;
    double amount;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, customer, amount))

/// Keys of a type of one's own: its codec says that all have 4 bytes, which is true of most.
struct ticket {
    std::uint32_t number;
};

template <class Fn>
errc refusal(Fn fn) {
    try {
        fn();
    } catch (quire::error const& why) { return why.kind(); }
    return {};
}

}  // namespace

/// Likewise of values.
struct price {
    std::uint32_t cents;
};

template <>
struct quire::value_codec<price> {
    static constexpr std::size_t fixed_size = 4;
    static std::size_t size(price value) { return value.cents == 13 ? 3 : 4; }
    static void encode(price value, std::span<std::byte> out) {
        for (std::size_t i = 0; i < out.size(); ++i) {
            out[i] = static_cast<std::byte>(value.cents >> (8 * i));
        }
    }
    static price lend(std::span<std::byte const> bytes) { return decode(bytes); }
    static price decode(std::span<std::byte const> bytes) {
        return {value_codec<std::uint32_t>::decode(bytes)};
    }
    static std::string name() { return "price"; }
};

/// As large as an entry of a block may be, with a key of 8 bytes.
struct wide {
    std::uint64_t number;
};

template <>
struct quire::value_codec<wide> {
    static constexpr std::size_t fixed_size = 152;
    static std::size_t size(wide) { return fixed_size; }
    static void encode(wide value, std::span<std::byte> out) {
        for (std::size_t i = 0; i < fixed_size; i += 8) {
            quire::store_le(out.data() + i, value.number * (i + 1));
        }
    }
    static wide lend(std::span<std::byte const> bytes) { return decode(bytes); }
    static wide decode(std::span<std::byte const> bytes) {
        wide const found{quire::load_le<std::uint64_t>(bytes.data())};
        for (std::size_t i = 0; i < fixed_size; i += 8) {
            REQUIRE(quire::load_le<std::uint64_t>(bytes.data() + i) == found.number * (i + 1));
        }
        return found;
    }
    static std::string name() { return "wide"; }
};

template <>
struct quire::key_codec<ticket> {
    static constexpr std::size_t fixed_size = 4;
    static void write(key_writer& to, ticket key) {
        key_codec<std::uint32_t>::write(to, key.number);
        if (key.number == 13) { to.put_number(std::uint8_t{0}); }
    }
    static ticket read(key_reader& from) { return {key_codec<std::uint32_t>::read(from)}; }
    static std::string name() { return "ticket"; }
};

TEST_CASE("btree: leaves of keys and values of fixed sizes are blocks") {
    world<512> w{false};
    auto const sizes_in = [&](std::string_view name) {
        for (auto const& root : w.db->roots()) {
            if (root.name != name) { continue; }
            auto const page = w.file->read<quire::btree_page>(root.page);
            return page->sizes();
        }
        return quire::detail::entry_sizes{};
    };
    using sizes = quire::detail::entry_sizes;
    quire::btree<std::int32_t, double, pool_of<512>> numbers{*w.db, "numbers"};
    CHECK(sizes_in("numbers") == sizes{4, 8});
    quire::btree<std::uint64_t, std::monostate, pool_of<512>> set{*w.db, "set"};
    CHECK(sizes_in("set") == sizes{8, 0});
    quire::btree<std::uint64_t, std::string, pool_of<512>> texts{*w.db, "texts"};
    CHECK(sizes_in("texts") == sizes{});
    quire::btree<std::string, double, pool_of<512>> names{*w.db, "names"};
    CHECK(sizes_in("names") == sizes{});
    quire::btree<std::int32_t, order, pool_of<512>> orders{*w.db, "orders"};
    CHECK(sizes_in("orders") == sizes{});

    quire::btree<ticket, std::uint16_t, pool_of<512>> tickets{*w.db, "tickets"};
    CHECK(sizes_in("tickets") == sizes{4, 2});
    CHECK(tickets.insert({7}, 1));
    CHECK(refusal([&] { tickets.insert({13}, 1); }) == errc::bad_key);
    CHECK(tickets.find({7}) == 1U);
    CHECK(tickets.check().empty());

    quire::btree<std::uint32_t, price, pool_of<512>> prices{*w.db, "prices"};
    std::vector<std::pair<std::uint32_t, price>> ascending;
    for (std::uint32_t i = 0; i < 100; ++i) { ascending.push_back({i, {i == 60 ? 13 : i + 20}}); }
    CHECK(refusal([&] { prices.append_sorted(ascending); }) == errc::bad_option);
    CHECK(refusal([&] { prices.put(0, {13}); }) == errc::bad_option);
    CHECK(prices.check().empty());
    CHECK(w.db->check().empty());
}

TEMPLATE_TEST_CASE_SIG("btree: entries of 160 bytes have blocks in pages of 4096 bytes, else slots",
                       "[btree]", ((std::size_t N), N), 1024, 2048, 4096) {
    world<N> w{true};
    quire::btree<std::uint64_t, wide, pool_of<N>> tree{*w.db, "t"};
    {
        auto const root = w.file->template read<quire::btree_page>(w.db->roots().back().page);
        CHECK(root->sizes().are_fixed() == (N == 4096));
    }
    std::map<std::uint64_t, std::uint64_t> expected;
    quire_test::generator random{23};
    for (int i = 0; i < 4000; ++i) {
        auto const key = random.below(1000);
        bool const grows = i % 2000 < 1000;
        if (random.chance(grows ? 9 : 1, 10)) {
            tree.put(key, {expected[key] = random.bits()});
        } else {
            REQUIRE(tree.erase(key) == (expected.erase(key) > 0));
        }
    }
    CHECK(w.wrong(tree).empty());
    auto next = expected.begin();
    tree.scan([&](std::uint64_t key, wide value) {
        REQUIRE(next != expected.end());
        REQUIRE(key == next->first);
        REQUIRE(value.number == next++->second);
    });
    CHECK(next == expected.end());
    CHECK(expected.size() > 20);
    CHECK(w.wrong(tree).empty());
}

TEST_CASE("btree: arrays that are too large for a block have slots") {
    world<4096> w{false};
    using large = std::array<std::byte, 200>;
    quire::btree<std::uint64_t, large, pool_of<4096>> tree{*w.db, "t"};
    {
        auto const leaf = w.file->read<quire::btree_page>(w.db->roots().back().page);
        CHECK(leaf->level() == 0);
        CHECK_FALSE(leaf->sizes().are_fixed());
    }
    for (std::uint64_t key = 0; key < 100; ++key) {
        large value{};
        CHECK(tree.insert(key, value));
        value.fill(static_cast<std::byte>(key));
        tree.put(key, value);
    }
    std::uint64_t next = 0;
    tree.scan([&](std::uint64_t key, auto const& value) {
        CHECK(key == next++);
        CHECK(value.template load<std::uint8_t>(199) == key);
    });
    CHECK(next == 100);
}

// An insertion into a full leaf moves half of it, which are 2 KB.
TEST_CASE("btree: the log of an insertion has what is new, not what was moved") {
    world<4096> w{true};
    quire::btree<std::uint64_t, std::uint64_t, pool_of<4096>> tree{*w.db, "t"};
    quire_test::generator random{11};
    auto const insert = [&] { tree.insert(random.bits(), random.bits()); };
    for (int i = 0; i < 2000; ++i) { insert(); }
    auto const before = w.log->end();
    for (int i = 0; i < 1000; ++i) { insert(); }
    auto const bytes = (w.log->end() - before) / 1000;
    CHECK(bytes < 400);  // with the splits
    CHECK(w.wrong(tree).empty());
}

TEST_CASE("btree: leaves with blocks that have become nearly empty are merged") {
    world<512> w{false};
    auto const pages_left = [&](auto& tree, auto key_of) {
        for (std::uint32_t i = 0; i < 2000; ++i) { tree.insert(key_of(i), i); }
        auto const before = tree.stats().leaf_pages;
        for (std::uint32_t i = 0; i < 2000; ++i) {
            if (i % 8 != 0) { tree.erase(key_of(i)); }
        }
        CHECK(tree.check().empty());
        return std::pair{before, tree.stats().leaf_pages};
    };
    quire::btree<std::uint64_t, std::uint64_t, pool_of<512>> narrow{*w.db, "narrow"};
    auto const [narrow_before, narrow_left] =
        pages_left(narrow, [](std::uint64_t i) { return i; });
    CHECK(narrow_left < narrow_before / 3);
    using wide_key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;
    quire::btree<wide_key, std::uint64_t, pool_of<512>> wide{*w.db, "wide"};
    auto const [wide_before, wide_left] =
        pages_left(wide, [](std::uint64_t i) { return wide_key{1, 2, i}; });
    CHECK(wide_left < wide_before / 3);
}

TEST_CASE("btree: inserts, finds, replaces and erases") {
    bool const logged = GENERATE(false, true);
    world<4096> w{logged};
    quire::btree<std::string, std::uint64_t, pool_of<4096>> tree{*w.db, "numbers"};
    CHECK(tree.insert("one", 1));
    CHECK(tree.insert("two", 2));
    CHECK_FALSE(tree.insert("one", 7));
    CHECK(tree.find("one") == 1U);
    CHECK_FALSE(tree.find("three"));
    tree.put("one", 11);
    CHECK(tree.find("one") == 11U);
    std::uint64_t seen = 0;
    CHECK(tree.get("two", [&](std::uint64_t value) { seen = value; }));
    CHECK(seen == 2);
    CHECK_FALSE(tree.get("three", [&](std::uint64_t) { seen = 3; }));
    CHECK(seen == 2);
    CHECK(tree.erase("one"));
    CHECK_FALSE(tree.erase("one"));
    CHECK_FALSE(tree.contains("one"));
    w.stop();
    w.start();
    quire::btree<std::string, std::uint64_t, pool_of<4096>> again{*w.db, "numbers"};
    CHECK(again.find("two") == 2U);
    CHECK_FALSE(again.contains("one"));
}

TEST_CASE("btree: rows are lent from the leaf") {
    world<4096> w{true};
    quire::btree<std::int64_t, order, pool_of<4096>> orders{*w.db, "orders"};
    CHECK(orders.insert(-3, {-3, "Ada", 9.5}));
    CHECK(orders.insert(12, {12, "Grace", 1.25}));
    std::string customer;
    CHECK(orders.get(-3, [&](auto const& row) {
        customer = row.template get<&order::customer>();
    }));
    CHECK(customer == "Ada");
    CHECK(orders.find(12)->amount == 1.25);
    std::vector<std::int64_t> keys;
    orders.scan([&](std::int64_t key, auto const& row) {
        CHECK(row.template get<&order::id>() == key);
        keys.push_back(key);
    });
    CHECK(keys == std::vector<std::int64_t>{-3, 12});
}

TEST_CASE("btree: a change takes several trees, is whole, and sees what it wrote") {
    world<512> w{true};
    quire::btree<std::uint32_t, std::string, pool_of<512>> names{*w.db, "names"};
    quire::btree<std::string, std::uint32_t, pool_of<512>> numbers{*w.db, "numbers"};
    auto const fill = [&](auto& change) {
        for (std::uint32_t i = 0; i < 200; ++i) {
            names.put(change, i, "name " + std::to_string(i));
            numbers.put(change, "name " + std::to_string(i), i);
        }
        CHECK(names.find(change, 77) == "name 77");
        CHECK(numbers.find(change, "name 199") == 199U);
        for (std::uint32_t i = 0; i < 150; ++i) { CHECK(names.erase(change, i)); }
        CHECK_FALSE(names.find(change, 77));
    };
    CHECK_THROWS_AS(w.pool->change([&](quire::change<pool_of<512>>& change) {
        fill(change);
        throw std::runtime_error{"no"};
    }),
                    std::runtime_error);
    CHECK_FALSE(names.first());
    CHECK_FALSE(numbers.first());
    CHECK(w.wrong(names, numbers).empty());
    w.pool->change([&](quire::change<pool_of<512>>& change) { fill(change); });
    CHECK(names.stats().entries == 50);
    CHECK(numbers.stats().entries == 200);
    CHECK(w.wrong(names, numbers).empty());
}

TEST_CASE("btree: a change scans what it wrote, by cursors, too") {
    world<512> w{true};
    quire::btree<std::uint32_t, std::string, pool_of<512>> tree{*w.db, "t"};
    for (std::uint32_t i = 0; i < 100; i += 2) { tree.put(i, "old"); }
    w.pool->change([&](world<512>::change_type& change) {
        for (std::uint32_t i = 1; i < 100; i += 2) { tree.put(change, i, "new"); }
        for (std::uint32_t i = 0; i < 100; i += 10) { tree.erase(change, i); }
        CHECK(tree.contains(change, 1));
        CHECK_FALSE(tree.contains(change, 10));
        std::uint32_t seen = 0;
        tree.scan(change, [&](std::uint32_t key, auto const& value) {
            CHECK(value == (key % 2 == 0 ? "old" : "new"));
            ++seen;
        });
        CHECK(seen == 90);
        std::string some;
        tree.scan(change, 8, 13, [&](std::uint32_t key, auto const&) {
            some += std::to_string(key) + ' ';
        });
        CHECK(some == "8 9 11 12 ");
        std::uint32_t shown = 0;
        for (auto at = tree.first(change); at; at.next()) { shown += at.key() > 0; }
        for (auto at = tree.last(change); at; at.previous()) { shown += at.value().size() == 3; }
        CHECK(shown == 180);
        CHECK(tree.lower_bound(change, 10).key() == 11);
        CHECK_FALSE(tree.lower_bound(change, 100));
    });
    CHECK(tree.check().empty());
}

TEST_CASE("btree: threads that waited for a leaf which was split meanwhile look on") {
    world<512> w{true};
    quire::btree<std::uint32_t, std::string, pool_of<512>> tree{*w.db, "t"};
    auto const value = std::string(30, 'v');
    std::uint32_t last = 0;
    while (tree.stats().leaf_pages < 3) { tree.put(last += 100, value); }
    tree.put(last += 100, value);  // the last leaf has two keys
    auto const before = tree.stats();
    REQUIRE(before.levels == 2);
    std::future<std::optional<std::string>> reader;
    std::future<bool> writer;
    w.pool->change([&](quire::change<pool_of<512>>& change) {
        tree.put(change, last - 99, "x");  // beside them: the change holds that leaf alone
        if (!reader.valid()) {
            reader = std::async(std::launch::async, [&] { return tree.find(last); });
            writer = std::async(std::launch::async, [&] { return tree.insert(last, "w"); });
            // Both come to the leaf, and wait for it.
            std::this_thread::sleep_for(std::chrono::milliseconds{30});
        }
        for (std::uint32_t i = 1; i < 41; ++i) { tree.put(change, last - 99 + i, value); }
    });
    CHECK(reader.get() == value);
    CHECK_FALSE(writer.get());
    CHECK(tree.stats().entries == before.entries + 41);
    CHECK(w.wrong(tree).empty());
}

TEST_CASE("btree: a reader lets the wrong leaf go before it looks at another page") {
    // A change holds a leaf and splits it; readers wait for it; then another thread splits it
    // again, with the parent in hand. A reader that kept the leaf would wait for that parent.
    for (int round = 0; round < 10; ++round) {
        world<512> w{false};
        quire::btree<std::uint32_t, std::string, pool_of<512>> tree{*w.db, "t"};
        std::uint32_t last = 0;
        while (tree.stats().leaf_pages < 2) { tree.put(last += 100, std::string(30, 'v')); }
        auto const root = w.db->roots().at(0);
        quire::detail::byte_tree<quire::catalog<pool_of<512>>> const raw{*w.db, root.page,
                                                                         root.number};
        auto const bytes_of_key = [](std::uint32_t key) {
            std::array<std::byte, 4> bytes;
            quire::store_be(bytes.data(), key);
            return bytes;
        };
        auto const first = [&] {
            auto const page = w.file->read<quire::btree_page>(root.page);
            return page->child(0);
        }();
        std::uint32_t moves = 0;
        {
            auto const page = w.file->read<quire::btree_page>(first);
            moves = 100 * static_cast<std::uint32_t>(page->count());
        }
        auto const low = bytes_of_key(100);
        auto const high = bytes_of_key(moves);
        std::vector<std::future<bool>> readers;
        std::future<void> splitter;
        {
            quire::unlogged_change<pool_of<512>> change{*w.pool};
            static_cast<void>(change.write(*w.file, first));
            for (int i = 0; i < 3; ++i) {
                readers.push_back(
                    std::async(std::launch::async, [&] { return tree.contains(moves); }));
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
            raw.make_room_in(change, high, 120);
            splitter = std::async(std::launch::async, [&] { raw.make_room(low, 380); });
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
            change.commit();
        }
        for (auto& reader : readers) { REQUIRE(reader.get()); }  // not timed_out
        splitter.get();
    }
}

TEST_CASE("btree: changes of two trees in two orders wait for each other in no circle") {
    world<512> w{true};
    quire::btree<std::uint32_t, std::string, pool_of<512>> x{*w.db, "x"};
    quire::btree<std::uint32_t, std::string, pool_of<512>> y{*w.db, "y"};
    x.put(1, "a");
    y.put(1, "a");
    std::atomic<int> begun = 0;
    auto const both = [&](auto& first, auto& second) {
        bool again = false;
        w.pool->change([&](quire::change<pool_of<512>>& change) {
            first.put(change, 1, "b");
            if (!std::exchange(again, true)) {
                for (++begun; begun < 2;) { std::this_thread::yield(); }
            }
            second.put(change, 1, "b");
        });
    };
    auto one = std::async(std::launch::async, [&] { both(x, y); });
    auto other = std::async(std::launch::async, [&] { both(y, x); });
    one.get();  // not timed_out
    other.get();
    CHECK(x.find(1) == "b");
    CHECK(y.find(1) == "b");
}

TEST_CASE("btree: what was erased is erased, also when its leaf cannot be merged") {
    world<512> w{true};
    quire::btree<std::uint32_t, std::string, pool_of<512>> tree{*w.db, "t"};
    std::uint32_t last = 0;
    while (tree.stats().leaf_pages < 2) { tree.put(last += 10, std::string(30, 'v')); }
    auto const second = [&] {
        auto const page = w.file->read<quire::btree_page>(w.db->roots().at(0).page);
        return page->child(1);
    }();
    w.pool->change([&](quire::change<pool_of<512>>& change) {
        auto page = change.write(*w.file, second);
        page->bytes().store(32, std::uint8_t{77});  // of another tree
    });
    for (std::uint32_t key = 10; key < last; key += 10) {
        CHECK(tree.erase(key));
        CHECK_FALSE(tree.contains(key));
    }
}

TEST_CASE("btree: damage is an error, and neither a loop nor a loss") {
    world<512> w{false};
    quire::btree<std::uint32_t, std::string, pool_of<512>> tree{*w.db, "t"};
    auto const root = w.db->roots().at(0).page;
    auto const damage = [&](auto act) {
        auto page = w.file->write(root);
        auto bytes = page->bytes();
        bytes.with_span(act);
    };
    auto const add_free_slots = [](std::span<std::byte> bytes) {
        auto const slots = quire::load_le<std::uint16_t>(&bytes[24]);
        auto const upper = quire::load_le<std::uint16_t>(&bytes[26]);
        auto const more = static_cast<std::uint16_t>((upper - 40) / 8);
        quire::store_le(&bytes[24], more);
        quire::store_le(&bytes[28], static_cast<std::uint16_t>(more - slots));
        std::ranges::fill(bytes.subspan(40U + 8U * slots, 8U * (more - slots)), std::byte{0});
    };
    SECTION("a leaf with free slots, which takes nothing") {
        tree.put(1, "a");
        damage(add_free_slots);
        CHECK(refusal([&] { tree.put(2, "b"); }) == errc::corrupt_page);
    }
    SECTION("an inner node likewise") {
        std::uint32_t last = 0;
        while (tree.stats().leaf_pages < 3) { tree.put(last += 10, std::string(30, 'v')); }
        damage(add_free_slots);
        CHECK(refusal([&] {
                  for (std::uint32_t i = 0; i < 60; ++i) { tree.put(i, std::string(30, 'v')); }
              }) == errc::corrupt_page);
    }
    SECTION("an inner node with a head that is too low, when a child is split") {
        std::uint32_t last = 0;
        while (tree.stats().leaf_pages < 4) { tree.put(last += 1000, std::string(30, 'v')); }
        std::uint32_t key = 0;  // in the second child, below the middle one of its keys
        damage([&](std::span<std::byte> bytes) {
            constexpr std::size_t second = 40 + 3 * 8 + 4;
            key = quire::load_le<std::uint32_t>(&bytes[second]) + 1;
            quire::store_le(&bytes[second + 8], key + 1);
        });
        auto const pages = w.file->pages();
        auto const leaves = tree.stats().leaf_pages;
        CHECK(refusal([&] { tree.put(key, std::string(30, 'v')); }) == errc::corrupt_page);
        CHECK_FALSE(tree.contains(key));
        CHECK(w.file->pages() == pages);
        CHECK(tree.stats().leaf_pages == leaves);
    }
    SECTION("an inner node whose heads do not ascend, when a child is split") {
        std::uint32_t last = 0;
        while (tree.stats().leaf_pages < 8) { tree.put(last += 1000, std::string(30, 'v')); }
        damage([](std::span<std::byte> bytes) {
            quire::store_le(&bytes[40 + 4 * 8 + 4], std::uint32_t{0});
        });
        auto const pages = w.file->pages();
        CHECK(refusal([&] {
                  for (std::uint32_t i = 1; i < 60; ++i) { tree.put(i, std::string(30, 'v')); }
              }) == errc::corrupt_page);
        CHECK(w.file->pages() == pages);
    }
    SECTION("keys out of order") {
        for (std::uint32_t i = 1; i < 4; ++i) { tree.put(i, "v"); }
        damage([](std::span<std::byte> bytes) {
            std::swap_ranges(&bytes[64], &bytes[72], &bytes[72]);
        });
        CHECK(refusal([&] {
                  for (auto at = tree.first(); at; at.next()) {}
              }) == errc::corrupt_page);
        CHECK(refusal([&] {
                  for (auto at = tree.last(); at; at.previous()) {}
              }) == errc::corrupt_page);
    }
    SECTION("another entry than the one that is erased") {
        for (std::uint32_t i = 1; i < 4; ++i) { tree.put(i, "v"); }
        damage([](std::span<std::byte> bytes) {
            quire::store_le(&bytes[72], quire::line_pointer::redirect(1).bits() | 1U << 17U);
        });
        CHECK(refusal([&] { tree.erase(1); }) == errc::corrupt_page);
        CHECK(tree.contains(1));  // nothing has changed
    }
}

TEST_CASE("btree: a split below a damaged node makes no key unreachable") {
    auto const name = [](std::uint32_t i) {
        return "commonprefix-" + std::to_string(1'000'000 + i);  // heads are equal
    };
    std::uint64_t refused = 0;
    std::string lost;
    constexpr std::uint32_t last = 590;
    for (std::size_t at = 24; at < 512; ++at) {
        world<512> w{false};
        quire::btree<std::string, std::string, pool_of<512>> names{*w.db, "names"};
        for (std::uint32_t i = 0; i <= last; i += 10) { names.put(name(i), "v"); }
        {
            auto page = w.file->write(w.db->roots().at(0).page);
            auto bytes = page->bytes();
            bytes.with_span([at](std::span<std::byte> all) { all[at] ^= std::byte{4}; });
        }
        auto const is_there = [&](std::uint32_t i) {
            try {
                return names.contains(name(i));
            } catch (quire::error const&) { return false; }
        };
        std::vector<std::uint32_t> there;
        for (std::uint32_t i = 0; i <= last; i += 10) {
            if (is_there(i)) { there.push_back(i); }
        }
        std::vector<std::pair<std::string, std::string>> more;
        for (std::uint32_t i = 1; i <= 30; ++i) { more.emplace_back(name(last + i), "v"); }
        try {
            names.append_sorted(more);
        } catch (quire::error const&) { ++refused; }
        for (auto const i : there) {
            if (!is_there(i)) { lost += std::to_string(at) + ": " + name(i) + '\n'; }
        }
    }
    CHECK(refused > 0);
    CHECK(lost == "");
}

TEST_CASE("btree: cursors go both ways, and stay where they are among writes") {
    world<512> w{false};
    quire::btree<std::uint32_t, std::string, pool_of<512>> tree{*w.db, "t"};
    for (std::uint32_t i = 0; i < 300; ++i) { tree.put(i * 2, std::string(i % 50, 'v')); }
    std::uint32_t expected = 0;
    for (auto at = tree.first(); at; at.next()) {
        REQUIRE(at.key() == expected);
        REQUIRE(at.value().size() == expected / 2 % 50);
        expected += 2;
    }
    CHECK(expected == 600);
    for (auto at = tree.last(); at; at.previous()) {
        expected -= 2;
        REQUIRE(at.key() == expected);
    }
    CHECK(expected == 0);
    CHECK(tree.lower_bound(101).key() == 102);
    CHECK_FALSE(tree.lower_bound(599));
    // What the cursor shows is erased, in a loop, and so is what is around it.
    std::uint32_t seen = 0;
    for (auto at = tree.first(); at; at.next()) {
        REQUIRE(at.key() == seen);
        REQUIRE(tree.erase(at.key()));
        REQUIRE(tree.insert(at.key() + 1, "above"));
        seen = at.key();
        at.next();
        REQUIRE(at.key() == seen + 1);
        seen += 2;
    }
    CHECK(seen == 600);
    for (auto at = tree.last(); at; at.previous()) { REQUIRE(tree.erase(at.key())); }
    CHECK_FALSE(tree.last());
    CHECK_FALSE(tree.first());
    CHECK(tree.check().empty());
}

TEST_CASE("btree: a scan ends where it is told to, and where its function says so") {
    world<512> w{false};
    quire::btree<std::string, std::monostate, pool_of<512>> tree{*w.db, "set"};
    for (char a = 'a'; a <= 'z'; ++a) {
        for (char b = 'a'; b <= 'z'; ++b) { tree.put(std::string{a, b}, {}); }
    }
    std::vector<std::string> keys;
    auto const keep = [&](std::string const& key, std::monostate) { keys.push_back(key); };
    tree.scan("cx", "db", keep);
    CHECK(keys == std::vector<std::string>{"cx", "cy", "cz", "da"});
    keys.clear();
    tree.scan("x", "x", keep);
    CHECK(keys.empty());
    tree.scan("zz", "zzz", keep);
    CHECK(keys == std::vector<std::string>{"zz"});
    int count = 0;
    tree.scan([&](std::string const&, std::monostate) { return ++count < 100; });
    CHECK(count == 100);
}

TEST_CASE("btree: a name is opened as what it was made") {
    world<512> w{true};
    { quire::btree<std::uint32_t, std::string, pool_of<512>> const tree{*w.db, "t"}; }
    using other = quire::btree<std::uint64_t, std::string, pool_of<512>>;
    CHECK(refusal([&] { other{*w.db, "t"}; }) == errc::catalog_mismatch);
    CHECK_THROWS_WITH((other{*w.db, "t"}),
                      Catch::Matchers::ContainsSubstring(
                          "schema of root t is \"u32:string\", not \"u64:string\""));
    CHECK(refusal([&] { other{*w.db, ""}; }) == errc::bad_option);
}

TEST_CASE("btree: a key that is too large is refused, and nothing has changed") {
    world<512> w{true};
    using tree_type = quire::btree<std::string, std::string, pool_of<512>>;
    tree_type tree{*w.db, "t"};
    CHECK(tree_type::key_size_max == 56);
    CHECK(tree_type::entry_size_max == 106);
    CHECK(refusal([&] { tree.put(std::string(57, 'k'), ""); }) == errc::tuple_too_large);
    CHECK_FALSE(tree.first());
    for (char c = 'a'; c <= 'z'; ++c) {
        tree.put(std::string(56, c), std::string(50, 'v'));
        tree.put(std::string(55, c), std::string(51, 'v'));
    }
    CHECK(tree.stats().entries == 52);
    CHECK(tree.stats().overflow_pages == 0);
    CHECK(tree.check().empty());
}

TEST_CASE("btree: an array of bytes is a value of fixed size, lent as bytes") {
    world<512> w{false};
    using value = std::array<std::byte, 5>;
    quire::btree<std::uint32_t, value, pool_of<512>> tree{*w.db, "t"};
    value const five{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}, std::byte{5}};
    tree.put(7, five);
    CHECK(tree.find(7) == five);
    std::size_t size = 0;
    CHECK(tree.get(7, [&](auto const& bytes) { size = bytes.size(); }));
    CHECK(size == 5);
    {
        auto const leaf = w.file->template read<quire::btree_page>(w.db->roots().at(0).page);
        CHECK(leaf->sizes() == quire::detail::entry_sizes{.key = 4, .value = 5});
    }
    CHECK(quire::value_codec<value>::name() == "bytes[5]");
    CHECK(refusal([] {
              static_cast<void>(quire::value_codec<value>::lend(std::array<std::byte, 4>{}));
          }) == errc::corrupt_page);
}

TEST_CASE("btree: ascending keys fill their leaves") {
    world<4096> w{false, 256};
    quire::btree<std::uint64_t, std::uint64_t, pool_of<4096>> tree{*w.db, "t"};
    for (std::uint64_t i = 0; i < 50'000; ++i) { tree.put(i, i); }
    auto const stats = tree.stats();
    CHECK(stats.entries == 50'000);
    CHECK(stats.leaf_pages < 50'000 / 154 + 2);  // 26 bytes each, while the leaf is the last one
    CHECK(tree.check().empty());
}

TEST_CASE("btree: pages that were given back are used before the file grows") {
    bool const logged = GENERATE(false, true);
    world<512> w{logged};
    quire::btree<std::uint32_t, std::string, pool_of<512>> tree{*w.db, "t"};
    auto const fill = [&] {
        for (std::uint32_t i = 0; i < 2000; ++i) { tree.put(i, std::string(40, 'v')); }
    };
    fill();
    auto const pages = w.file->pages();
    auto const full = tree.stats();
    for (std::uint32_t i = 0; i < 2000; ++i) { REQUIRE(tree.erase(i)); }
    auto const empty = tree.stats();
    CHECK(empty.entries == 0);
    CHECK(empty.leaf_pages < 8);
    CHECK(full.levels > 2);
    CHECK(empty.levels < full.levels);
    CHECK(w.file->pages() == pages);
    fill();
    CHECK(w.file->pages() <= pages + 8);
    CHECK(w.wrong(tree).empty());
}
