// SPDX-License-Identifier: BSL-1.0

/// Values that are too large for a leaf.
///
///   left out                                      what happens
///   the leaf is held while a value is read        bytes of another value, which has the pages now
///   old pages are freed with the new ones linked  pages that belong to nothing, or to two values
///   pages of a failed write are free again        pages that belong to nothing
///   a split takes the mark of an entry along      a value of 10 bytes
///   a page says its position                      a walk without an end, where a list goes round

#include <quire/table/btree.hpp>

#include <quire/pool/task_loop.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"
#include "table/tree_world.hpp"

#include <map>
#include <string>
#include <thread>
#include <vector>

using quire::errc;
using quire::page_no;
using quire_test::refusal;

namespace {

using world = quire_test::tree_world<512>;
using texts = world::tree<std::string, std::string>;

/// Text whose bytes tell their place.
std::string text_of(std::size_t size, char first = 'a') {
    std::string text(size, first);
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>(first + static_cast<int>((i + i / 480) % 23));
    }
    return text;
}
/// The pages of the value of the only entry, in their order.
std::vector<page_no> chain_of(world& w, page_no root, std::size_t pages) {
    std::vector<page_no> all;
    {
        auto const leaf = w.file->read<quire::btree_page>(root);
        auto const stored = leaf->stored(0);
        REQUIRE(stored.overflows);
        all.push_back(quire::detail::overflow_place::load(stored.bytes)->first);
    }
    while (all.size() < pages) {
        auto const page = w.file->read<quire::overflow_page>(all[(all.size() - 1) / 4 * 4]);
        all.push_back(page->listed((all.size() - 1) % 4));
    }
    return all;
}
page_no root_of(world const& w) { return w.db->roots().at(0).page; }

std::string told(page_no no, std::string const& text) {
    return std::to_string(no.value()) + ": " + text + '\n';
}

}  // namespace

TEST_CASE("btree_overflow: a value of any size is what it was, at every boundary") {
    bool const logged = GENERATE(false, true);
    world w{logged, 128};
    std::map<std::string, std::string> map;
    std::size_t pages = 0;
    {
        texts tree{*w.db, "t"};
        for (std::size_t const size : {0U, 104U, 105U, 106U, 448U, 449U, 920U, 921U, 1864U, 1865U,
                                       2312U, 2313U, 3728U, 3729U, 20'000U}) {
            auto const key = std::to_string(size);
            map[key] = text_of(size);
            REQUIRE(tree.insert(key, map[key]));
            CHECK_FALSE(tree.insert(key, "another"));
            if (size + key.size() > texts::entry_size_max) {
                pages += quire::overflow_page<std::byte, 512>::pages_for(size);
            }
        }
        CHECK(tree.stats().overflow_pages == pages);
        CHECK(w.wrong(tree) == "");
    }
    w.stop();
    w.start();
    texts tree{*w.db, "t"};
    for (auto const& [key, text] : map) {
        INFO(key);
        CHECK(tree.find(key) == text);
        std::string copy;
        CHECK(tree.get(key, [&](auto const& value) { copy = std::string{value}; }));
        CHECK(copy == text);
        CHECK(tree.contains(key));
    }
    auto expected = map.begin();
    tree.scan([&](std::string const& key, auto const& value) {
        CHECK(key == expected->first);
        CHECK(value == (expected++)->second);
    });
    CHECK(expected == map.end());
    for (auto at = tree.first(); at; at.next()) { CHECK(at.value() == map[at.key()]); }
    for (auto at = tree.last(); at; at.previous()) { CHECK(at.value() == map[at.key()]); }
    for (auto const& one : map) { CHECK(tree.erase(one.first)); }
    CHECK(tree.stats().overflow_pages == 0);
    CHECK(w.wrong(tree) == "");
}

namespace {

struct page_of_text {
    std::uint64_t id;
    std::string text;
    friend bool operator==(page_of_text const&, page_of_text const&) = default;
};
BOOST_DESCRIBE_STRUCT(page_of_text, (), (id, text))

template <class Value>
void expect_kept(world& w, std::string const& name, Value const& value) {
    world::tree<std::uint64_t, Value> tree{*w.db, name};
    tree.put(1, value);
    CHECK(tree.find(1) == value);
    CHECK(tree.stats().overflow_pages == 11);
}

}  // namespace

TEST_CASE("btree_overflow: values of every type that may be large") {
    world w{false};
    expect_kept(w, "bytes", std::vector<std::byte>(5000, std::byte{7}));
    std::array<std::byte, 5000> bytes{};
    bytes[4999] = std::byte{9};
    expect_kept(w, "array", bytes);
    expect_kept(w, "rows", page_of_text{7, text_of(4990)});
    world::tree<std::uint64_t, page_of_text> rows{*w.db, "rows"};
    std::size_t size = 0;
    CHECK(rows.get(1, [&](auto const& row) {
        size = row.template get<&page_of_text::text>().size();
    }));
    CHECK(size == 4990);
}

TEST_CASE("btree_overflow: the pages of a value that is replaced or erased are used again") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    texts tree{*w.db, "t"};
    auto const sizes = {10, 1000, 5000, 300, 20, 5000, 1000, 0};
    auto const put_all = [&] {
        for (auto const size : sizes) {
            auto const text = text_of(static_cast<std::size_t>(size));
            tree.put("key", text);
            REQUIRE(tree.find("key") == text);
            REQUIRE(w.wrong(tree) == "");
        }
        tree.put("key", text_of(4000));
        REQUIRE(tree.erase("key"));
        REQUIRE(tree.stats().overflow_pages == 0);
    };
    put_all();
    auto const pages = w.file->pages();
    for (int i = 0; i < 20; ++i) { put_all(); }
    CHECK(w.file->pages() == pages);
    CHECK(w.wrong(tree) == "");
}

TEST_CASE("btree_overflow: a change sees its own large values, and is undone with them") {
    world w{true};
    texts tree{*w.db, "t"};
    tree.put("old", text_of(2000));
    auto const pages = w.file->pages();
    struct no {};
    try {
        w.pool->change([&](world::change_type& change) {
            tree.put(change, "old", text_of(3000, 'b'));
            tree.put(change, "new", text_of(1500, 'c'));
            CHECK(tree.find(change, "old") == text_of(3000, 'b'));
            CHECK(tree.find(change, "new") == text_of(1500, 'c'));
            std::size_t sum = 0;
            tree.scan(change, [&](std::string const&, auto const& value) { sum += value.size(); });
            CHECK(sum == 4500);
            auto at = tree.last(change);
            CHECK(at.value() == text_of(3000, 'b'));
            at.previous();
            CHECK(at.value() == text_of(1500, 'c'));
            CHECK(tree.erase(change, "old"));
            CHECK_FALSE(tree.contains(change, "old"));
            throw no{};
        });
    } catch (no) {}
    CHECK(tree.find("old") == text_of(2000));
    CHECK_FALSE(tree.find("new"));
    CHECK(w.file->pages() == pages);
    CHECK(w.wrong(tree) == "");
    w.pool->change([&](world::change_type& change) {
        tree.put(change, "old", text_of(700, 'd'));
        tree.put(change, "new", text_of(900, 'e'));
    });
    w.log->sync(w.log->end());
    w.die();
    w.start();
    texts again{*w.db, "t"};
    CHECK(again.find("old") == text_of(700, 'd'));
    CHECK(again.find("new") == text_of(900, 'e'));
    CHECK(w.wrong(again) == "");
}

TEST_CASE("btree_overflow: a value for which there is no room is an error, and nothing changes") {
    bool const logged = GENERATE(false, true);
    bool const replaces = GENERATE(false, true);
    world w{logged, 16};
    texts tree{*w.db, "t"};
    tree.put("key", text_of(1500));
    tree.put("other", "small");
    auto const* const key = replaces ? "key" : "new";
    CHECK(refusal([&] { tree.put(key, text_of(20 * 480)); }) == errc::no_free_frame);
    CHECK(tree.find("key") == text_of(1500));
    CHECK_FALSE(tree.find("new"));
    CHECK(w.wrong(tree) == "");
    if (logged) {  // also where the caller goes on in the same change
        w.pool->change([&](world::change_type& change) {
            CHECK(refusal([&] { tree.put(change, key, text_of(20 * 480)); }) ==
                  errc::no_free_frame);
            tree.put(change, "other", "changed");
        });
        CHECK(tree.find("other") == "changed");
        CHECK(w.wrong(tree) == "");
    }
    tree.put(key, text_of(3 * 480));
    CHECK(tree.find(key) == text_of(3 * 480));
    CHECK(w.wrong(tree) == "");
}

TEST_CASE("btree_overflow: a value that the log has no room for is an error") {
    world w{true, 4096};
    texts tree{*w.db, "t"};
    tree.put("key", text_of(1500));
    CHECK(refusal([&] { tree.put("key", text_of(1'200'000)); }) == errc::log_full);
    CHECK(tree.find("key") == text_of(1500));
    CHECK(w.wrong(tree) == "");
    tree.put("key", text_of(200'000));
    CHECK(tree.find("key") == text_of(200'000));
    CHECK(w.wrong(tree) == "");
}

TEST_CASE("btree_overflow: appended in order, among small values") {
    bool const in_change = GENERATE(false, true);
    world w{true, 512};
    texts tree{*w.db, "t"};
    std::map<std::string, std::string> map;
    for (int i = 1000; i < 1300; ++i) {
        map[std::to_string(i)] = text_of(i % 7 == 0 ? 600 : i % 50 == 0 ? 3000 : 30);
    }
    if (in_change) {
        w.pool->change([&](world::change_type& change) { tree.append_sorted(change, map); });
    } else {
        tree.append_sorted(map);
    }
    auto expected = map.begin();
    tree.scan([&](std::string const& key, auto const& value) {
        REQUIRE(key == expected->first);
        REQUIRE(value == (expected++)->second);
    });
    CHECK(expected == map.end());
    CHECK(w.wrong(tree) == "");
    CHECK(refusal([&] {
              tree.append_sorted(std::map<std::string, std::string>{{"0", text_of(700)}});
          }) == errc::bad_key);
    CHECK(w.wrong(tree) == "");
}

TEST_CASE("btree_overflow: a task waits for the pages of a value, not under a latch") {
    world w{false, 256};
    {
        texts tree{*w.db, "t"};
        for (int i = 0; i < 10; ++i) { tree.put(std::to_string(i), text_of(5000, 'b')); }
    }
    w.stop();
    w.start();
    texts tree{*w.db, "t"};
    int right = 0;
    auto const ask = [&](std::string key) -> quire::task<> {
        auto const found = co_await tree.async_find(key);
        right += found == text_of(5000, 'b') ? 1 : 0;
        bool const there = co_await tree.async_get(
            key, [&](auto const& value) { right += value.size() == 5000 ? 1 : 0; });
        CHECK(there);
    };
    quire::task_loop loop{*w.pool, {.in_flight = 32}};
    for (int i = 0; i < 10; ++i) { loop.spawn(ask(std::to_string(i))); }
    loop.run();
    CHECK(right == 20);
    CHECK(loop.stats().fetches > 10);  // the root, and the first page of each value
}

TEST_CASE("btree_overflow: damage of a value's pages is corrupt_page, and check finds it",
          "[check]") {
    world w{false};
    texts tree{*w.db, "t"};
    tree.put("key", text_of(3000));  // 7 pages: lists in those at 0 and 4
    auto const root = root_of(w);
    auto const chain = chain_of(w, root, 7);
    REQUIRE(w.wrong(tree) == "");
    auto const store = [&](page_no no, std::size_t at, auto value) {
        auto page = w.file->write(no);
        page->bytes().store(at, value);
    };
    auto const expect = [&](std::string const& what, page_no in) {
        auto const text = what + " of page " + std::to_string(in.value()) + ": page is corrupt";
        CHECK_THROWS_WITH(tree.find("key"), text);
        CHECK_THROWS_WITH(tree.scan([](auto const&, auto const&) {}), text);
        CHECK_THROWS_WITH(tree.first(), text);
        CHECK_THROWS_WITH(tree.erase("key"), text);
        CHECK_THROWS_WITH(tree.put("key", "small"), text);
        CHECK(w.wrong(tree).starts_with(told(chain[0], text)));
        CHECK(tree.contains("key"));
    };
    SECTION("a page of another tree") {
        store(chain[2], 24, std::uint32_t{77});
        expect("tree, position or checksum", chain[2]);
    }
    SECTION("a page at another position") {
        store(chain[5], 28, std::uint32_t{2});
        expect("tree, position or checksum", chain[5]);
    }
    SECTION("a page of another value") {
        store(chain[3], 32, std::uint32_t{77});
        expect("tree, position or checksum", chain[3]);
    }
    SECTION("a page of another kind") {
        store(chain[1], 12, std::uint16_t{5});
        CHECK(refusal([&] { static_cast<void>(tree.find("key")); }) == errc::corrupt_page);
        CHECK(refusal([&] { static_cast<void>(tree.erase("key")); }) == errc::corrupt_page);
    }
    SECTION("a list that goes round, and a task") {
        for (std::size_t i = 0; i < 4; ++i) {
            store(chain[0], 40 + 6 * i, static_cast<std::uint32_t>(chain[0].value()));
        }
        {
            auto page = w.file->write<quire::btree_page>(root);
            quire::store_le(page->stored(0).bytes.data(), std::uint32_t{0xFFFFFFFF});
        }
        auto const before = w.file->stats().hits;
        quire::task_loop loop{*w.pool};
        auto const ask = [&]() -> quire::task<> {
            static_cast<void>(co_await tree.async_find("key"));
        };
        loop.spawn(ask());
        CHECK(refusal([&] { loop.run(); }) == errc::corrupt_page);
        CHECK(w.file->stats().hits < before + 50);
    }
    SECTION("a list that goes round") {
        store(chain[4], 40, static_cast<std::uint32_t>(chain[1].value()));
        expect("tree, position or checksum", chain[1]);
    }
    SECTION("a list that ends early") {
        store(chain[4], 40 + 6, std::uint32_t{0});
        expect("end of chain", chain[5]);
    }
    SECTION("a size beyond the chain") {
        auto page = w.file->write<quire::btree_page>(root);
        quire::store_le(page->stored(0).bytes.data(), std::uint32_t{0xFFFFFFFF});
        page.release();
        expect("end of chain", chain[6]);
    }
    SECTION("a page that is part of nothing, since the size ends before it") {
        auto page = w.file->write<quire::btree_page>(root);
        quire::store_le(page->stored(0).bytes.data(), std::uint32_t{2000});
        page.release();
        CHECK(w.wrong(tree) == told(chain[5], "marked as used, and part of nothing") +
                                   told(chain[6], "marked as used, and part of nothing"));
    }
    SECTION("a place that is none") {
        auto page = w.file->write<quire::btree_page>(root);
        quire::store_le(page->stored(0).bytes.data(), std::uint32_t{0});
        page.release();
        CHECK(refusal([&] { static_cast<void>(tree.find("key")); }) == errc::corrupt_page);
        CHECK(refusal([&] { static_cast<void>(tree.erase("key")); }) == errc::corrupt_page);
        CHECK(w.wrong(tree).starts_with(told(root, "place of a value of page " +
                                                       std::to_string(root.value()) +
                                                       ": page is corrupt")));
    }
    SECTION("a list with a hole, behind the value's end") {
        store(chain[4], 40 + 3 * 6, std::uint32_t{5});
        CHECK(w.wrong(tree).starts_with(told(chain[0], "list of pages of page " +
                                                           std::to_string(chain[4].value()) +
                                                           ": page is corrupt")));
        CHECK(tree.find("key") == text_of(3000));
    }
    SECTION("two values in one chain") {
        tree.put("kez", text_of(3000, 'z'));
        {
            auto page = w.file->write<quire::btree_page>(root);
            std::ranges::copy(page->stored(0).bytes, page->stored(1).bytes.begin());
        }
        auto const wrong = w.wrong(tree);
        CHECK(wrong.starts_with(told(chain[0], "reached twice")));
        CHECK(wrong.rfind("reached twice") == wrong.find("reached twice"));
        CHECK(tree.find("kez") == text_of(3000));
        CHECK(tree.erase("kez"));
        CHECK(refusal([&] { static_cast<void>(tree.find("key")); }) == errc::corrupt_page);
        CHECK(refusal([&] { tree.put("key", "small"); }) == errc::corrupt_page);
    }
    SECTION("a place that leads to the leaf itself") {
        auto page = w.file->write<quire::btree_page>(root);
        quire::detail::overflow_place const leaf{3000, 0, root};
        leaf.store(page->stored(0).bytes);
        page.release();
        CHECK(refusal([&] { static_cast<void>(tree.find("key")); }) == errc::corrupt_page);
        CHECK(refusal([&] { static_cast<void>(tree.erase("key")); }) == errc::corrupt_page);
        CHECK(refusal([&] { static_cast<void>(tree.first()); }) == errc::corrupt_page);
    }
}

TEST_CASE("btree_overflow: a leaf from before a crash does not lead to another key's value",
          "[check]") {
    world w{false};
    texts tree{*w.db, "t"};
    tree.put("key1", text_of(2000, '1'));
    tree.put("key2", "small");
    auto const root = root_of(w);
    std::array<std::byte, 512> old{};
    {
        auto const page = w.file->read(root);
        auto const bytes = page->bytes();
        bytes.copy_to(old);
    }
    tree.erase("key1");
    tree.put("key2", text_of(2000, '2'));  // in the same pages
    {
        auto page = w.file->write(root);
        auto bytes = page->bytes();
        bytes.with_span([&](std::span<std::byte> all) { std::ranges::copy(old, all.begin()); });
    }
    CHECK(refusal([&] { static_cast<void>(tree.find("key1")); }) == errc::corrupt_page);
    CHECK(w.wrong(tree).find("tree, position or checksum of page") != std::string::npos);
}

TEST_CASE("btree_overflow: an erasure that is done in a change is no error, merged or not") {
    for (std::size_t frames = 8; frames < 16; ++frames) {
        world w{true, frames};
        texts tree{*w.db, "t"};
        for (int i = 100; i < 160; ++i) { tree.put(std::to_string(i), std::string(30, 'x')); }
        tree.put("130", text_of(1500));
        int erased = 0;
        w.pool->change([&](world::change_type& change) {
            erased = 0;
            for (int i = 100; i < 160; ++i) {
                auto const key = std::to_string(i);
                try {
                    erased += tree.erase(change, key) ? 1 : 0;
                } catch (quire::error const&) {}  // no frame for the leaf
            }
        });
        CHECK(w.wrong(tree) == "");
        CHECK(tree.stats().entries == static_cast<std::size_t>(60 - erased));
    }
}
