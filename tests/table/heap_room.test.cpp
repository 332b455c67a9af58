// SPDX-License-Identifier: BSL-1.0
/// Room in a heap file: whatever rows do, pages with room are used before the file grows.

#include <quire/table/table.hpp>

#include "catch.hpp"
#include "table/tree_world.hpp"

#include <string>
#include <thread>
#include <vector>

using quire::record_form;
using quire::record_id;
using quire::detail::free_space;

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

TEST_CASE("heap room: what an undone change filled has room", "[table]") {
    lines_world<512> w{true};
    auto const fill_and_undo = [&](std::size_t count) {
        struct stop {};
        try {
            w.pool->change([&](auto& change) {
                for (std::size_t i = 0; i < count; ++i) {
                    w.lines->insert(change, std::string(100, 'c'));
                }
                throw stop{};
            });
        } catch (stop const&) {}
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
        heap_type::target mine{heap, ids[0].page, false};
        w.db->in_one_change([&](auto& changes) {
            CHECK_FALSE(heap.hold_room(changes, mine, record_form::row, 100));
        });
        w.db->in_one_change([&](auto& changes) {
            heap.erase(changes, *heap.hold(changes, ids[0]));
            heap.note_room(changes, ids[0].page);
        });
    }
    auto const none = [](free_space::room_type) -> std::optional<quire::page_no> { return 0; };
    CHECK(heap.choose(101, [] {}, none) == ids[0].page);
}
