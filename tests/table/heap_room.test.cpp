// SPDX-License-Identifier: BSL-1.0
/// Room in a heap file: whatever rows do, pages with room are used before the file grows.

#include <quire/table/table.hpp>

#include "catch.hpp"
#include "table/tree_world.hpp"

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

using quire::record_form;
using quire::record_id;

namespace {

template <std::size_t PageSize>
struct lines_world : quire_test::tree_world<PageSize> {
    using base = quire_test::tree_world<PageSize>;
    using lines_type = quire::heap_file<std::string, typename base::pool_type>;

    explicit lines_world(bool logged) : base{logged, 128} { lines.emplace(*this->db, "lines"); }

    std::vector<record_id> insert(std::size_t count, std::size_t size) {
        std::vector<record_id> ids;
        for (std::size_t i = 0; i < count; ++i) {
            ids.push_back(lines->insert(std::string(size, 'a')));
        }
        return ids;
    }
    void resize(record_id id, std::size_t size) {
        REQUIRE(lines->update(id, [&](std::string& text) { text.assign(size, 'b'); }));
    }
    void erase(std::vector<record_id> const& ids) {
        for (auto const id : ids) { REQUIRE(lines->erase(id)); }
    }
    [[nodiscard]] std::string wrong_now() const { return this->wrong(*lines); }

    std::optional<lines_type> lines;
};

/// The rows of a full page of that size.
template <std::size_t PageSize>
constexpr std::size_t rows_per_page(std::size_t size) {
    constexpr std::size_t head = 40;
    constexpr std::size_t slot = 4;
    return (PageSize - head) / (size + 1 + slot);
}

template <std::size_t PageSize>
void move_and_erase(bool logged, std::size_t small, std::size_t large) {
    lines_world<PageSize> w{logged};
    std::size_t pages = 0;
    for (int cycle = 0; cycle < 40; ++cycle) {
        auto const ids = w.insert(40, small);
        for (auto const id : ids) { w.resize(id, large); }
        w.erase(ids);
        if (cycle == 1) { pages = w.lines->pages(); }
    }
    CHECK(w.lines->pages() == pages);
    CHECK(w.wrong_now() == "");
}

struct stop {};

/// 200 rows of a few bytes, each on a page of its own.
std::vector<record_id> insert_apart(lines_world<512>& w) {
    std::vector<record_id> ids;
    std::vector<record_id> between;
    for (int i = 0; i < 200; ++i) {
        ids.push_back(w.lines->insert("tiny"));
        between.push_back(w.lines->insert(std::string(440, 'b')));
    }
    w.erase(between);
    return ids;
}

template <class Fn>
void undo(lines_world<512>& w, Fn fn) {
    try {
        w.pool->change([&](auto& change) {
            fn(change);
            throw stop{};
        });
    } catch (stop const&) {}
}

}  // namespace

TEST_CASE("heap room: rows that move and are erased leave their room at both places", "[table]") {
    bool const logged = GENERATE(false, true);
    move_and_erase<512>(logged, 30, 430);
    move_and_erase<4096>(logged, 100, 2500);
    move_and_erase<4096>(logged, 100, 3900);
}

TEST_CASE("heap room: a row that shrinks leaves room", "[table]") {
    bool const logged = GENERATE(false, true);
    lines_world<512> w{logged};
    auto const ids = w.insert(80, 100);  // 4 a page
    auto const pages = w.lines->pages();
    for (auto const id : ids) { w.resize(id, 10); }
    w.insert(40, 100);
    CHECK(w.lines->pages() == pages);
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: a row that moves leaves room where it was", "[table]") {
    bool const logged = GENERATE(false, true);
    lines_world<512> w{logged};
    auto const ids = w.insert(80, 100);
    std::vector<record_id> moved;
    for (std::size_t i = 0; i < 80; i += 4) { moved.push_back(ids[i]); }
    // Each takes a page; and leaves all but an address.
    for (auto const id : moved) { w.resize(id, 400); }
    auto const pages = w.lines->pages();
    w.insert(20, 60);
    CHECK(w.lines->pages() == pages);
    // They move once more, to each other's pages: from a second place.
    for (auto const id : moved) { w.resize(id, 440); }
    CHECK(w.lines->pages() <= pages + 2);
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: a page has room for a row that fits exactly", "[table]") {
    lines_world<4096> w{false};
    for (std::size_t const size : {2023U, 1346U, 1009U, 402U, 125U}) {
        auto const per_page = rows_per_page<4096>(size);
        auto const ids = w.insert(10 * per_page, size);
        auto const pages = w.lines->pages();
        // One of each page, so that no page has more room than that.
        std::vector<record_id> some;
        std::vector<record_id> others;
        for (auto const id : ids) { (id.slot.value() == 0 ? some : others).push_back(id); }
        w.erase(some);
        auto const again = w.insert(some.size(), size);
        CHECK(w.lines->pages() == pages);
        w.erase(others);
        w.erase(again);
    }
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: it outlives the object that knew of it", "[table]") {
    bool const logged = GENERATE(false, true);
    using world = lines_world<512>;
    world w{logged};
    std::size_t pages = 0;
    for (int cycle = 0; cycle < 5; ++cycle) {
        w.lines.emplace(*w.db, "lines");
        w.erase(w.insert(40, 200));
        if (cycle == 0) { pages = w.lines->pages(); }
    }
    CHECK(w.lines->pages() == pages);
    w.lines.reset();
    w.stop();
    w.start();
    w.lines.emplace(*w.db, "lines");
    w.insert(40, 200);
    CHECK(w.lines->pages() == pages);
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: what an undone change filled has room", "[table]") {
    lines_world<512> w{true};
    auto const fill_and_undo = [&](std::size_t count) {
        undo(w, [&](auto& change) {
            for (std::size_t i = 0; i < count; ++i) {
                w.lines->insert(change, std::string(100, 'c'));
            }
        });
    };
    w.erase(w.insert(80, 100));
    auto const pages = w.lines->pages();
    SECTION("then rows are inserted one by one") {
        for (int cycle = 0; cycle < 20; ++cycle) {
            fill_and_undo(80);
            w.erase(w.insert(80, 100));
        }
        CHECK(w.lines->pages() == pages);
    }
    SECTION("then by a change") {
        for (int cycle = 0; cycle < 20; ++cycle) {
            fill_and_undo(80);
            std::vector<record_id> ids;
            w.pool->change([&](auto& change) {
                ids.clear();
                for (int i = 0; i < 80; ++i) {
                    ids.push_back(w.lines->insert(change, std::string(100, 'd')));
                }
            });
            w.erase(ids);
        }
        CHECK(w.lines->pages() <= pages + 2);
    }
    SECTION("then the file is closed and opened") {
        fill_and_undo(80);
        w.stop([&] { w.lines.reset(); });
        w.start();
        w.lines.emplace(*w.db, "lines");
        w.insert(80, 100);
        CHECK(w.lines->pages() == pages);
    }
    SECTION("while the change is not over, it has none") {
        std::optional<quire::change<lines_world<512>::pool_type>> one{std::in_place, *w.pool};
        for (int i = 0; i < 40; ++i) { w.lines->insert(*one, std::string(100, 'e')); }
        std::thread{[&] { w.insert(80, 100); }}.join();  // half of them get new pages
        auto const with_theirs = w.lines->pages();
        CHECK(with_theirs >= pages + 10);
        one.reset();
        w.insert(40, 100);
        CHECK(w.lines->pages() == with_theirs);
    }
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: rows that grow in a change that is undone leave room", "[table]") {
    lines_world<512> w{true};
    auto const ids = insert_apart(w);
    auto const pages = w.lines->pages();
    bool const erases = GENERATE(false, true);
    for (int cycle = 0; cycle < 4; ++cycle) {
        for (auto const id : ids) {
            undo(w, [&](auto& change) {
                w.lines->update(change, id, [](std::string& text) { text.assign(430, 'g'); });
                if (erases) {
                    w.lines->erase(change, id);
                } else {
                    w.lines->update(change, id, [](std::string& text) { text.pop_back(); });
                }
            });
        }
        w.erase(w.insert(200, 400));
    }
    CHECK(w.lines->pages() <= pages + 5);
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: changes only, some of them undone", "[table]") {
    lines_world<512> w{true};
    auto const insert = [&](auto& change, int count, std::vector<record_id>& ids) {
        for (int i = 0; i < count; ++i) {
            ids.push_back(w.lines->insert(change, std::string(100, 'c')));
        }
    };
    std::size_t pages = 0;
    for (int cycle = 0; cycle < 300; ++cycle) {
        undo(w, [&](auto& change) {
            std::vector<record_id> none;
            insert(change, 8, none);
        });
        std::vector<record_id> ids;
        w.pool->change([&](auto& change) {
            ids.clear();
            insert(change, 40, ids);
        });
        bool const at_once = cycle % 2 == 0;
        if (at_once) {
            w.pool->change([&](auto& change) {
                for (auto const id : ids) { w.lines->erase(change, id); }
            });
        } else {
            w.erase(ids);
        }
        if (cycle == 10) { pages = w.lines->pages(); }
    }
    CHECK(w.lines->pages() == pages);
    CHECK(pages <= 14);
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: a change finds the room that it made itself", "[table]") {
    lines_world<512> w{true};
    auto const ids = w.insert(80, 100);
    auto const pages = w.lines->pages();
    w.pool->change([&](auto& change) {
        for (auto const id : ids) { w.lines->erase(change, id); }
        for (int i = 0; i < 80; ++i) { w.lines->insert(change, std::string(100, 'n')); }
    });
    CHECK(w.lines->pages() == pages);
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: insertions do not wait for a change that makes room", "[table]") {
    lines_world<512> w{true};
    auto const ids = w.insert(80, 100);
    w.erase({ids[78], ids[79]});
    quire::change change{*w.pool};
    REQUIRE(w.lines->erase(change, ids[0]));
    REQUIRE(w.lines->update(change, ids[8], [](std::string& text) { text = "short"; }));
    // If one waited, it would be timed_out.
    std::thread{[&] { CHECK_NOTHROW(w.insert(20, 100)); }}.join();
    CHECK(change.commit() > 0);
    auto const pages = w.lines->pages();
    w.insert(1, 100);
    CHECK(w.lines->pages() == pages);
}

TEST_CASE("heap room: however many threads insert, none waits for a change of another", "[table]") {
    lines_world<512> w{true};
    w.insert(40, 20);
    std::optional<quire::change<lines_world<512>::pool_type>> open{std::in_place, *w.pool};
    w.lines->insert(*open, "mine");
    // More threads than there are places for the pages that they keep, and all live at once.
    std::vector<std::jthread> all;
    std::latch have_inserted{500};
    std::atomic<int> failed{0};
    for (int i = 0; i < 500; ++i) {
        all.emplace_back([&] {
            try {
                w.lines->insert("theirs");
            } catch (quire::error const&) { ++failed; }
            have_inserted.arrive_and_wait();
        });
    }
    all.clear();
    CHECK(failed == 0);
    open.reset();
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: nobody looks for ever at a page that has nearly the room", "[table]") {
    lines_world<4096> w{true};
    // 2050 bytes are left, where a record takes 2055: the same in 256ths.
    SECTION("an insertion") {
        auto const first = w.lines->insert(std::string(1997, 'f'));
        auto const second = w.lines->insert(std::string(2054, 's'));
        CHECK(first.page != second.page);
    }
    SECTION("a change") {
        w.pool->change([&](auto& change) {
            auto const first = w.lines->insert(change, std::string(1997, 'f'));
            auto const second = w.lines->insert(change, std::string(2054, 's'));
            CHECK(first.page != second.page);
            CHECK(w.lines->insert(change, std::string(2049, 't')).page == first.page);
        });
    }
    CHECK(w.wrong_now() == "");
}

TEST_CASE("heap room: what is erased while an insertion finds a page full is not lost", "[table]") {
    using world = lines_world<512>;
    using heap_type = quire::detail::record_heap<quire::catalog<world::pool_type>>;
    world w{false};
    auto const ids = w.insert(4, 100);
    auto const root = w.db->find("lines", quire::root_kind::heap_file, "string");
    REQUIRE(root);
    heap_type heap{*w.db, *root};
    heap.find_room();
    {
        heap_type::target mine{heap, false};
        mine.take(ids[0].page);
        w.db->in_one_change([&](auto& changes) {
            CHECK_FALSE(heap.hold_room(changes, mine, record_form::row, 100));
        });
        w.db->in_one_change([&](auto& changes) {
            heap.erase(changes, *heap.hold(changes, ids[0]));
            heap.note_room(changes, ids[0].page);
        });
    }
    heap_type::target next{heap, false};
    heap.choose(next, 101, [] {}, [&](std::size_t) { next.take(0); });
    CHECK(next.page() == ids[0].page);
}
