// SPDX-License-Identifier: BSL-1.0
#include <quire/table/table.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/busy_growth.hpp"
#include "table/tree_world.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// Threads insert, change and erase rows of one heap file, each its own, also in changes that are
// undone. In the end no page has more room than is noted of it: what nobody finds is lost.

using quire::record_id;
using quire::detail::free_space;

namespace {

constexpr std::size_t page_size = 512;
using world = quire_test::tree_world<page_size>;

using heap_type = quire::detail::record_heap<quire::catalog<world::pool_type>>;
struct open_heap : heap_type {
    using heap_type::heap_type;
    using heap_type::space_;
};
using no_indexes = quire::detail::index_set<>;
using writes = quire::detail::row_writes<std::string, open_heap, no_indexes>;

struct writer {
    open_heap& heap;
    no_indexes& indexes;
    generator random;
    std::vector<record_id> rows{};

    [[nodiscard]] std::string text() {
        return std::string(random.below(random.below(8) == 0 ? 450 : 90), 't');
    }
    template <class Steps>
    void step(Steps steps, std::vector<record_id>& mine) {
        writes all{heap, indexes};
        auto const at = mine.empty() ? 0 : random.below(mine.size());
        auto const what = random.below(8);
        if (mine.size() < 20 || (what < 3 && mine.size() < 300)) {
            mine.push_back(all.insert(steps, text()));
        } else if (what < 5) {
            auto const now = text();
            auto const change = [&](std::string& row) { row = now; };
            all.update(steps, mine[at], change);
        } else {
            all.erase(steps, mine[at]);
            mine[at] = mine.back();
            mine.pop_back();
        }
    }
    void step_in(world::pool_type& pool) {
        struct undone {};
        std::vector<record_id> after;
        auto const steps = 1 + random.below(40);
        bool const is_undone = random.below(2) == 0;
        try {
            pool.change([&](auto& change) {
                after = rows;
                for (std::uint64_t i = 0; i < steps; ++i) {
                    step(quire::detail::part_steps{heap, indexes, change}, after);
                }
                if (is_undone) { throw undone{}; }
            });
            rows = after;
        } catch (undone const&) {}
    }
};

/// Pages that have more room than is noted.
[[nodiscard]] std::vector<std::string> lost_room(open_heap const& heap) {
    std::vector<std::string> lost;
    std::vector<quire::page_no> pages;
    heap.for_each_directory([&](quire::page_no, auto const& directory) {
        for (std::size_t i = 0; i < directory.count(); ++i) { pages.push_back(directory[i].page); }
        return true;
    });
    for (auto const no : pages) {
        quire::detail::outside_of_changes none;
        heap.visit(none, no, [&](auto const& page) {
            auto const room = free_space::room_of(page.free_space(), page_size);
            auto const noted = heap.space_.room(no).value_or(0);
            // By one less: where a row did not fit by less than that.
            if (noted + 1 >= room) { return; }
            lost.push_back("page " + std::to_string(no.value()) + ": " + std::to_string(room) +
                           ", noted " + std::to_string(noted));
        });
    }
    return lost;
}

void run(bool logged) {
    test_random random;
    world w{logged};
    quire::heap_file<std::string, world::pool_type> const lines{*w.db, "lines"};
    auto const root = w.db->find("lines", quire::root_kind::heap_file, "string");
    REQUIRE(root);
    open_heap heap{*w.db, *root};
    no_indexes indexes{*w.db, "lines"};
    std::vector<writer> writers;
    for (int i = 0; i < 3; ++i) { writers.push_back({heap, indexes, generator{random.bits()}}); }
    std::atomic<int> failures{0};
    for (int round = 0; round < 10; ++round) {
        std::vector<std::thread> threads;
        for (auto& one : writers) {
            threads.emplace_back([&] {
                try {
                    for (int i = 0; i < 100; ++i) {
                        if (logged && one.random.below(10) == 0) { one.step_in(*w.pool); }
                        one.step(quire::detail::own_steps{heap, indexes}, one.rows);
                    }
                } catch (quire::error const& why) {
                    ++failures;
                    std::fprintf(stderr, "%s\n", why.what());
                }
            });
        }
        for (auto& one : threads) { one.join(); }
        REQUIRE(failures == 0);
        heap.save_room();  // no page is kept by a thread, or doubted, after that
        REQUIRE(lost_room(heap) == std::vector<std::string>{});
    }
    CHECK(heap.pages() < 500);
    CHECK(w.wrong(lines) == "");
}

}  // namespace

TEST_CASE("heap room: what undone changes filled is found where threads make pages early",
          "[table][stress]") {
    using large = quire_test::tree_world<4096>;
    large w{true, 512};
    quire::heap_file<std::string, large::pool_type> lines{*w.db, "lines"};
    std::string const row(800, 'r');
    auto const insert_and_erase = [&](int count) {
        std::vector<record_id> ids;
        for (int i = 0; i < count; ++i) { ids.push_back(lines.insert(row)); }
        for (auto const id : ids) { lines.erase(id); }
    };
    std::vector<std::jthread> threads;
    {  // They wait for each other.
        auto const next = quire_test::make_free_page(*w.db);
        quire::change open{*w.pool};
        { [[maybe_unused]] auto const held = open.read(*w.file, next); }
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (int round = 0; round < 3; ++round) { insert_and_erase(300); }
            });
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    threads.clear();
    auto const pages = lines.pages();
    struct undone {};
    for (int cycle = 0; cycle < 200; ++cycle) {
        try {
            w.pool->change([&](auto& change) {
                for (int i = 0; i < 20; ++i) { lines.insert(change, row); }
                throw undone{};
            });
        } catch (undone const&) {}
        insert_and_erase(12);
    }
    CHECK(lines.pages() <= pages + 32);  // a group may have been made early
    CHECK(w.wrong(lines) == "");
}

TEST_CASE("heap room: no page has more room than is noted, whatever threads do",
          "[table][stress]") {
    run(GENERATE(false, true));
}
