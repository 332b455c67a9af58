// SPDX-License-Identifier: BSL-1.0
/// Heap files that grow in changes of the caller's, beside others.

#include <quire/io/memory_backend.hpp>
#include <quire/table/table.hpp>

#include "catch.hpp"
#include "table/busy_growth.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using quire::errc;
using quire::record_id;

namespace {

using namespace std::chrono_literals;

struct growth_world {
    using pool_type =
        quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend>;
    using change_type = quire::change<pool_type>;
    using lines_type = quire::heap_file<std::string, pool_type>;

    explicit growth_world(std::size_t frames = 1024, std::uint64_t pages_max = 1 << 20,
                          std::chrono::nanoseconds wait_max = 100ms)
        : log{"log", {.bytes = 16 << 20, .backend = disk}},
          pool{quire::pool_options<quire::memory_backend>{.frames = frames,
                                                          .file_pages_max = pages_max,
                                                          .wait_max = wait_max,
                                                          .frame_wait_max = 20ms,
                                                          .backend = disk},
               log} {}

    record_id insert(std::size_t size) { return lines.insert(std::string(size, 'a')); }
    record_id insert(change_type& change, std::size_t size) {
        return lines.insert(change, std::string(size, 'a'));
    }
    /// A row of each page of `ids`, by its address.
    [[nodiscard]] static std::vector<record_id> one_of_each_page(std::vector<record_id> ids) {
        std::vector<record_id> some;
        for (auto const id : ids) {
            if (some.empty() || some.back().page != id.page) { some.push_back(id); }
        }
        return some;
    }
    [[nodiscard]] std::vector<record_id> fill(std::size_t rows, std::size_t size) {
        std::vector<record_id> ids;
        while (ids.size() < rows) { ids.push_back(insert(size)); }
        return ids;
    }
    /// Until it cannot grow, and no page has the room.
    [[nodiscard]] std::vector<record_id> fill_the_file(std::size_t size) {
        std::vector<record_id> ids;
        try {
            while (true) { ids.push_back(insert(size)); }
        } catch (quire::error const& why) { REQUIRE(why.kind() == errc::file_too_large); }
        return ids;
    }
    [[nodiscard]] std::string wrong(std::set<quire::page_no> reached = {}) const {
        std::string text;
        for (auto const& one : lines.check(reached)) { text += one.text + '\n'; }
        for (auto const& one : db.check(reached)) { text += one.text + '\n'; }
        return text;
    }
    [[nodiscard]] std::uint64_t looks() const { return file.stats().hits + file.stats().misses; }

    quire::memory_backend::options disk{quire::memory_store_ptr::make()};
    quire::redo_log<quire::memory_backend> log;
    pool_type pool;
    pool_type::file file{pool.open("f", quire::open_mode::open_or_create, {.logged = true})};
    quire::catalog<pool_type> db{pool, file};
    lines_type lines{db, "lines"};
};

/// Of the error that `fn` ends with.
template <class Fn>
std::optional<errc> code_of(Fn fn) {
    try {
        fn();
    } catch (quire::error const& why) { return why.kind(); }
    return std::nullopt;
}
/// Likewise in another thread.
template <class Fn>
std::optional<errc> beside(Fn fn) {
    std::optional<errc> code;
    std::thread{[&] { code = code_of(fn); }}.join();
    return code;
}

}  // namespace

TEST_CASE("heap growth: a change may make many more pages than the file had", "[table]") {
    growth_world w;
    std::size_t rows = 0;
    w.pool.change([&](auto& change) {
        for (int i = 0; i < 300; ++i) { w.insert(change, 400); }
        rows = 0;
        w.lines.scan(change, [&](auto const&) { ++rows; });
    });
    CHECK(rows == 300);
    CHECK(w.lines.pages() == 300);
    CHECK(w.wrong() == "");
}

TEST_CASE("heap growth: a chain of directory pages that comes back is corrupt", "[table]") {
    growth_world w;
    w.pool.change([&](auto& change) {
        for (int i = 0; i < 200; ++i) { w.insert(change, 400); }
    });
    auto const root = w.db.find("lines", quire::root_kind::heap_file, "string");
    REQUIRE(root);
    std::vector<quire::page_no> chain;
    for (quire::page_no no = root->page; no.value() != 0;) {
        chain.push_back(no);
        auto const page = w.file.read<quire::heap_directory_page>(no);
        no = page->next();
    }
    REQUIRE(chain.size() >= 4);
    for (std::size_t const to : {std::size_t{0}, std::size_t{2}, chain.size() - 1}) {
        w.db.in_one_change([&](auto& change) {
            auto last = change.template write<quire::heap_directory_page>(w.file, chain.back());
            last->set_next(chain[to]);
        });
        CHECK(code_of([&] { w.lines.scan([](auto const&) {}); }) == errc::corrupt_page);
        CHECK(code_of([&] {
            w.pool.change([&](auto& change) { w.lines.scan(change, [](auto const&) {}); });
        }) == errc::corrupt_page);
        CHECK(code_of([&] {
            w.pool.change([&](auto& change) { w.insert(change, 400); });
        }) == errc::corrupt_page);
    }
}

TEST_CASE("heap growth: changes find the end of a long directory at once", "[table]") {
    growth_world w{4096};
    auto const grow = [&](int pages) {
        for (int i = 0; i < pages; ++i) {
            w.pool.change([&](auto& change) { w.insert(change, 400); });
        }
    };
    grow(100);
    auto const first = w.looks();
    grow(100);
    auto const second = w.looks();
    grow(1800);
    auto const third = w.looks();
    grow(100);
    CHECK(w.looks() - third <= second - first + 10);
    CHECK(w.lines.pages() == 2100);
}

TEST_CASE("heap growth: an insertion in a change lets pages without room go", "[table]") {
    growth_world w{64};
    // With one of the two sizes the hints do not tell what is just too much.
    auto const ids = w.fill(600, GENERATE(std::size_t{100}, std::size_t{101}));
    for (auto const id : growth_world::one_of_each_page(ids)) { REQUIRE(w.lines.erase(id)); }
    w.lines.find_room();
    auto const pages = w.lines.pages();
    CHECK(pages >= 140);
    std::size_t size = 100;
    while (w.pool.change([&](auto& change) { w.insert(change, size); }),
           w.lines.pages() == pages) {
        ++size;
        REQUIRE(size < 200);
    }
    // It looked at all of them.
    growth_world::change_type change{w.pool};
    w.insert(change, 400);
    CHECK(beside([&] {
        for (auto const id : ids) { w.lines.update(id, [](std::string& line) { line[0] = 'b'; }); }
    }) == std::nullopt);
}

TEST_CASE("heap growth: insertions do not wait for a change that made room, and grew", "[table]") {
    growth_world w;
    auto const ids = growth_world::one_of_each_page(w.fill(200, 100));
    for (std::size_t i = 20; i < 30; ++i) { REQUIRE(w.lines.erase(ids[i])); }
    growth_world::change_type change{w.pool};
    for (std::size_t i = 0; i < 20; ++i) { REQUIRE(w.lines.erase(change, ids[i])); }
    auto large = w.insert(change, 400);
    for (auto const pages = w.lines.pages(); w.lines.pages() == pages;) {
        large = w.insert(change, 400);
    }
    CHECK(beside([&] {
        for (int i = 0; i < 10; ++i) { w.insert(100); }
    }) == std::nullopt);
    CHECK(beside([&] { w.lines.read(ids[40], [](auto const&) {}); }) == std::nullopt);
    // It uses what it made.
    auto const small = w.insert(change, 100);
    CHECK(small.page <= large.page);
    change.commit();
    CHECK(w.wrong() == "");
}

TEST_CASE("heap growth: nor for what a change left on a page that it filled", "[table]") {
    growth_world w;
    auto const ids = w.fill(40, 300);
    for (std::size_t i = 0; i < 10; ++i) { REQUIRE(w.lines.erase(ids[i])); }
    growth_world::change_type change{w.pool};
    for (std::size_t i = 0; i < 10; ++i) { w.insert(change, 300); }
    CHECK(beside([&] {
        for (int i = 0; i < 20; ++i) { CHECK(w.insert(20).page > ids[9].page); }
    }) == std::nullopt);
}

TEST_CASE("heap growth: what a change left is found after it, also on pages that it made",
          "[table]") {
    growth_world w;
    growth_world::change_type change{w.pool};
    for (int i = 0; i < 20; ++i) { w.insert(change, 300); }
    // There is no other page, and the directory is the change's.
    CHECK(beside([&] { w.insert(20); }) == errc::timed_out);
    change.commit();
    auto const pages = w.lines.pages();
    for (int i = 0; i < 60; ++i) { w.insert(20); }
    CHECK(w.lines.pages() == pages);
}

TEST_CASE("heap growth: the page that a change made is not lost when others keep theirs",
          "[table]") {
    growth_world w{2048};
    static_cast<void>(w.fill(300, 400));  // each page has room for a small one
    growth_world::change_type change{w.pool};
    for (auto const pages = w.lines.pages(); w.lines.pages() == pages;) { w.insert(change, 400); }
    auto const mine = w.insert(change, 100);
    std::atomic<int> failed{0};
    std::latch have_inserted{302};  // all keep a page at once, and there are fewer places
    std::vector<std::jthread> others;
    for (int i = 0; i < 302; ++i) {
        others.emplace_back([&] {
            failed += code_of([&] { w.insert(45); }) ? 1 : 0;
            have_inserted.arrive_and_wait();
        });
    }
    others.clear();
    CHECK(failed >= 2);  // they looked everywhere
    CHECK(failed < 20);
    change.commit();
    CHECK(beside([&] { CHECK(w.insert(300).page == mine.page); }) == std::nullopt);
}

TEST_CASE("heap growth: a thread takes another page where its own one is held", "[table]") {
    growth_world w;
    auto const ids = w.fill(200, 20);
    auto const last = w.insert(20);
    std::latch is_held{1};
    std::latch is_enough{1};
    std::jthread other{[&] {
        growth_world::change_type open{w.pool};
        w.lines.update(open, last, [](std::string& line) { line[0] = 'b'; });
        is_held.count_down();
        is_enough.wait();
    }};
    is_held.wait();
    int runs = 0;
    w.pool.change([&](auto& change) {  // with a page in hand it would run again
        ++runs;
        w.lines.update(change, ids[0], [](std::string& line) { line[0] = 'c'; });
        CHECK(w.insert(change, 20).page != last.page);
    });
    CHECK(runs == 1);
    CHECK(w.insert(20).page != last.page);
    CHECK(w.insert(20).page != last.page);
    is_enough.count_down();
    other.join();
    // Its room is not lost.
    auto const pages = w.lines.pages();
    bool was_used = false;
    while (w.lines.pages() == pages) { was_used = w.insert(20).page == last.page || was_used; }
    CHECK(was_used);
    CHECK(w.wrong() == "");
}

TEST_CASE("heap growth: an insertion that fails in a change leaves no page behind", "[table]") {
    std::size_t failed = 0;
    for (std::uint64_t pages_max = 40; pages_max < 140; ++pages_max) {
        growth_world w{256, pages_max};
        bool is_full = false;
        while (!is_full) {
            w.pool.change([&](auto& change) {
                try {
                    w.insert(change, 400);
                } catch (quire::error const& why) {
                    if (why.code() == errc::conflict) { throw; }
                    is_full = true;
                }
            });
        }
        ++failed;
        CHECK(w.wrong() == "");
    }
    CHECK(failed == 100);
}

TEST_CASE("heap growth: a file is full when no page of it has room", "[table]") {
    growth_world w{1024, 300};
    std::vector<record_id> ids;
    CHECK(code_of([&] {
        while (true) { ids.push_back(w.insert(400)); }
    }) != std::nullopt);
    REQUIRE(ids.size() > 200);
    SECTION("of those that a change itself holds, too") {
        w.pool.change([&](auto& change) { REQUIRE(w.lines.erase(change, ids[200])); });
        w.pool.change([&](auto& change) {
            for (std::size_t i = 1; i < 150; ++i) {
                w.lines.update(change, ids[i], [](std::string& line) { line.pop_back(); });
            }
            CHECK(w.insert(change, 400).page == ids[200].page);
        });
    }
    SECTION("beside those that others hold") {
        w.pool.change([&](auto& change) { REQUIRE(w.lines.erase(change, ids[200])); });
        growth_world::change_type open{w.pool};
        for (std::size_t i = 0; i < 150; ++i) {
            w.lines.update(open, ids[i], [](std::string& line) { line.pop_back(); });
        }
        CHECK(beside([&] { w.insert(400); }) == std::nullopt);
    }
}

TEST_CASE("heap growth: find_room that fails loses nothing", "[table]") {
    growth_world w;
    auto const ids = w.fill(100, 200);  // two on a page
    REQUIRE(ids[50].page == ids[51].page);
    REQUIRE(w.lines.erase(ids[50]));
    {
        growth_world::change_type open{w.pool};
        w.lines.read(open, ids[51], [](auto const&) {});
        CHECK(beside([&] { w.lines.find_room(); }) == errc::timed_out);
    }
    CHECK(beside([&] { CHECK(w.insert(200).page == ids[50].page); }) == std::nullopt);
}

TEST_CASE("heap growth: pages with room that others hold are passed over", "[table]") {
    growth_world w;
    auto const ids = growth_world::one_of_each_page(w.fill(1000, 20));
    REQUIRE(ids.size() > 50);
    for (auto const id : ids) { REQUIRE(w.lines.erase({id.page, quire::slot_id{1}})); }
    auto const pages = w.lines.pages();
    {
        growth_world::change_type open{w.pool};
        for (std::size_t i = 0; i < 30; ++i) {
            w.lines.update(open, ids[i], [](std::string& line) { line[0] = 'b'; });
        }
        CHECK(beside([&] {
            for (int i = 0; i < 10; ++i) { CHECK(w.insert(20).page > ids[29].page); }
        }) == std::nullopt);
        CHECK(beside([&] {
            w.pool.change([&](auto& change) {
                for (int i = 0; i < 10; ++i) { CHECK(w.insert(change, 20).page > ids[29].page); }
            });
        }) == std::nullopt);
    }
    // Their room is not lost.
    for (std::size_t i = 0; i + 20 < ids.size(); ++i) { w.insert(20); }
    CHECK(w.lines.pages() == pages);
    CHECK(w.wrong() == "");
}

TEST_CASE("heap growth: an update that needs another page passes over those that others hold",
          "[table]") {
    growth_world w;
    auto const ids = growth_world::one_of_each_page(w.fill(400, 20));
    for (auto const id : ids) { REQUIRE(w.lines.erase({id.page, quire::slot_id{1}})); }
    growth_world::change_type open{w.pool};
    for (std::size_t i = 0; i < 10; ++i) {
        w.lines.update(open, ids[i], [](std::string& line) { line[0] = 'b'; });
    }
    CHECK(beside([&] {
        w.lines.update(ids[15], [](std::string& line) { line.assign(70, 'c'); });
        w.pool.change([&](auto& change) {
            w.lines.update(change, ids[16], [](std::string& line) { line.assign(70, 'd'); });
        });
    }) == std::nullopt);
    CHECK(w.lines.load(ids[15])->size() == 70);
    CHECK(w.lines.load(ids[16])->size() == 70);
}

TEST_CASE("heap growth: while a change that grows is open, all pages are looked at", "[table]") {
    growth_world w;
    auto const ids = w.fill(200, 400);
    growth_world::lines_type others{w.db, "others"};
    growth_world::change_type open{w.pool};
    for (std::size_t i = 10; i < 70; ++i) {
        w.lines.update(open, ids[i], [](std::string& line) { line.pop_back(); });
    }
    auto& grows = GENERATE(false, true) ? others : w.lines;
    for (auto const pages = grows.pages(); grows.pages() == pages;) {
        grows.insert(open, std::string(400, 'g'));
    }
    CHECK(beside([&] {
        w.pool.change([&](auto& change) {
            for (std::size_t i = 100; i < 160; ++i) { w.lines.erase(change, ids[i]); }
        });
    }) == std::nullopt);
    bool const is_in_a_change = GENERATE(false, true);
    CHECK(beside([&] {
        for (int i = 0; i < 50; ++i) {
            if (is_in_a_change) {
                int runs = 0;
                w.pool.change([&](auto& change) {
                    ++runs;
                    w.lines.update(change, ids[170], [](std::string& line) { line[0] = 'q'; });
                    w.insert(change, 400);
                });
                CHECK(runs == 1);
            } else {
                w.insert(400);
            }
        }
    }) == std::nullopt);
    // There is no other room: now it is waited for.
    auto const insert_many = [&] {
        for (int i = 0; i < 200; ++i) { w.insert(400); }
    };
    CHECK(beside(insert_many) == errc::timed_out);
    open.commit();
    CHECK(beside(insert_many) == std::nullopt);
    std::set<quire::page_no> reached;
    CHECK(others.check(reached).empty());
    CHECK(w.wrong(reached) == "");
}

TEST_CASE("heap growth: a group that is made early is not waited for", "[table]") {
    growth_world w{1024, 1 << 20, 30s};
    static_cast<void>(w.fill(40, 400));
    auto const next = quire_test::make_free_page(w.db);
    {  // threads wait for each other
        std::vector<std::thread> both;
        std::optional<growth_world::change_type> open{std::in_place, w.pool};
        { [[maybe_unused]] auto const held = open->read(w.file, next); }
        for (int i = 0; i < 2; ++i) {
            both.emplace_back([&] { static_cast<void>(w.fill(60, 400)); });
        }
        std::this_thread::sleep_for(50ms);
        open.reset();
        for (auto& one : both) { one.join(); }
    }
    // Now each insertion sees to it that a group is there, but not where it would wait for that.
    growth_world::change_type open{w.pool};
    for (auto const pages = w.lines.pages(); w.lines.pages() == pages;) { w.insert(open, 400); }
    auto done = std::async(std::launch::async, [&] { return w.fill(40, 20); });
    CHECK(done.wait_for(10s) == std::future_status::ready);
    open.commit();
    done.get();
    auto const pages = w.lines.pages();
    CHECK(beside([&] { w.insert(400); }) == std::nullopt);
    CHECK(w.lines.pages() > pages + 1);
}

TEST_CASE("heap growth: a full file has the room of pages that other threads kept", "[table]") {
    growth_world w{1024, 300};
    auto const ids = w.fill_the_file(400);
    bool const may_be_undone = GENERATE(false, true);
    w.lines.erase(ids[50]);
    if (may_be_undone) {
        w.pool.change([&](auto& change) { w.insert(change, 100); });
    } else {
        w.insert(100);
    }
    CHECK(beside([&] { CHECK(w.insert(200).page == ids[50].page); }) == std::nullopt);
}

TEST_CASE("heap growth: where the file is full, a page with room is waited for", "[table]") {
    growth_world w{1024, 300};
    auto const ids = w.fill_the_file(200);
    REQUIRE(ids[60].page == ids[61].page);
    bool const is_in_a_change = GENERATE(false, true);
    auto const insert = [&] {
        if (!is_in_a_change) { return w.insert(200); }
        record_id id;
        w.pool.change([&](auto& change) {
            w.lines.update(change, ids[0], [](std::string& line) { line[0] = 'q'; });
            id = w.insert(change, 200);
        });
        return id;
    };
    SECTION("that a change has changed, or made") {
        std::optional<growth_world::change_type> open{std::in_place, w.pool};
        if (GENERATE(false, true)) {
            REQUIRE(w.lines.erase(ids[60]));
            w.lines.update(*open, ids[61], [](std::string& line) { line[0] = 'b'; });
        } else {
            REQUIRE(w.lines.erase(*open, ids[60]));
        }
        CHECK(beside([&] { insert(); }) == errc::timed_out);
        std::thread other{[&] {
            record_id id;
            std::optional<errc> code;
            do {  // the wait may be over before the commit on a busy machine
                code = code_of([&] { id = insert(); });
            } while (code == errc::timed_out);
            CHECK(code == std::nullopt);
            CHECK(id.page == ids[60].page);
        }};
        std::this_thread::sleep_for(20ms);
        open->commit();
        other.join();
    }
    SECTION("that is read") {
        REQUIRE(w.lines.erase(ids[60]));
        w.lines.read(ids[61], [&](auto const&) {
            CHECK(beside([&] { insert(); }) == errc::timed_out);
        });
        CHECK(beside([&] { CHECK(insert().page == ids[60].page); }) == std::nullopt);
    }
    CHECK(w.wrong() == "");
}

TEST_CASE("heap growth: a page that is read is not tried for ever", "[table]") {
    growth_world w;
    auto const ids = w.fill(100, 200);
    REQUIRE(ids[50].page == ids[51].page);
    w.pool.change([&](auto& change) { REQUIRE(w.lines.erase(change, ids[50])); });
    bool const is_in_a_change = GENERATE(false, true);
    w.lines.read(ids[51], [&](auto const&) {
        CHECK(beside([&] {
            for (int i = 0; i < 5; ++i) {
                if (is_in_a_change) {
                    w.pool.change([&](auto& change) { w.insert(change, 400); });
                } else {
                    w.insert(400);
                }
                CHECK(code_of([&] { CHECK(w.insert(200).page != ids[50].page); }) == std::nullopt);
            }
        }) == std::nullopt);
    });
}

TEST_CASE("heap growth: what was noted of an undone page is not noted of the next one", "[table]") {
    growth_world w;
    static_cast<void>(w.fill(20, 400));
    auto const root = w.db.find("lines", quire::root_kind::heap_file, "string")->page;
    auto const listed = [&] {
        std::vector<quire::heap_directory_page<std::byte const, 512>::entry> entries;
        for (auto no = root;;) {
            auto const page = w.file.read<quire::heap_directory_page>(no);
            for (std::size_t i = 0; i < page->count(); ++i) { entries.push_back((*page)[i]); }
            no = page->next();
            if (no.value() == 0) { return entries; }
        }
    };
    {
        growth_world::change_type undone{w.pool};
        for (int i = 0; i < 30; ++i) { w.insert(undone, 400); }
    }
    auto const before = listed().size();
    while (listed().size() == before) { w.insert(400); }
    auto const now = listed();
    for (auto i = before; i < now.size(); ++i) { CHECK(now[i].room > 0); }
}

TEST_CASE("heap growth: a change keeps the page that it fills, also where others look for room",
          "[table]") {
    growth_world w{1024, 300};
    auto const ids = w.fill_the_file(445);
    REQUIRE(w.lines.erase(ids[50]));
    growth_world::change_type change{w.pool};
    REQUIRE(w.insert(change, 20).page == ids[50].page);
    CHECK(beside([&] { w.insert(400); }) == errc::timed_out);
    CHECK(w.insert(change, 200).page == ids[50].page);
}

TEST_CASE("heap growth: a change that could not grow has nothing of that in hand", "[table]") {
    growth_world w{1024, 300, 30s};
    auto const ids = w.fill_the_file(445);
    auto last = w.db.find("lines", quire::root_kind::heap_file, "string")->page;
    while (true) {
        auto const page = w.file.read<quire::heap_directory_page>(last);
        if (page->next().value() == 0) { break; }
        last = page->next();
    }
    std::optional<growth_world::change_type> change{std::in_place, w.pool};
    CHECK(code_of([&] { w.insert(*change, 440); }) != std::nullopt);
    CHECK_FALSE(change->holds(w.file, last));
    CHECK_FALSE(change->holds(w.file, 1));
    { [[maybe_unused]] auto const mine = change->read(w.file, last); }
    { [[maybe_unused]] auto const mine = change->read(w.file, 1); }
    CHECK(code_of([&] { w.insert(*change, 440); }) != std::nullopt);
    CHECK(change->holds(w.file, last));
    CHECK(change->holds(w.file, 1));
    change.reset();
    // So it can wait for a page that others have, and is no conflict.
    std::latch is_held{1};
    std::jthread other{[&] {
        growth_world::change_type open{w.pool};
        w.lines.erase(open, ids[60]);
        is_held.count_down();
        std::this_thread::sleep_for(20ms);
        open.commit();
    }};
    is_held.wait();
    change.emplace(w.pool);
    CHECK(code_of([&] { CHECK(w.insert(*change, 440).page == ids[60].page); }) == std::nullopt);
}

TEST_CASE("heap growth: while one waits for a change that grows, others find room", "[table]") {
    growth_world w{1024, 1 << 20, 30s};
    auto const ids = w.fill(200, 400);
    growth_world::change_type open{w.pool};
    for (auto const pages = w.lines.pages(); w.lines.pages() == pages;) { w.insert(open, 400); }
    auto waits = std::async(std::launch::async, [&] { return w.fill(100, 400); });
    std::this_thread::sleep_for(50ms);
    auto finds = std::async(std::launch::async, [&] {
        w.pool.change([&](auto& change) {
            for (std::size_t i = 100; i < 160; ++i) { w.lines.erase(change, ids[i]); }
        });
        return w.fill(10, 400);
    });
    CHECK(finds.wait_for(10s) == std::future_status::ready);
    CHECK(waits.wait_for(0s) == std::future_status::timeout);
    open.commit();
    CHECK(finds.get().size() == 10);
    CHECK(waits.get().size() == 100);
    CHECK(w.wrong() == "");
}

TEST_CASE("heap growth: pages that are read do not hide others from a full file", "[table]") {
    growth_world w{1024, 300};
    auto const ids = w.fill_the_file(200);
    std::vector<record_id> erased;  // one of two on a page
    for (std::size_t i = 60; erased.size() < 17; ++i) {
        if (ids[i].page == ids[i + 1].page) { erased.push_back(ids[i++]); }
    }
    w.pool.change([&](auto& change) {
        for (auto const id : erased) { w.lines.erase(change, id); }
    });
    std::latch are_read{12};
    std::latch is_enough{1};
    std::vector<std::jthread> readers;
    for (std::size_t i = 0; i < 12; ++i) {
        readers.emplace_back([&, i] {
            auto const guard = w.file.read(erased[i].page);
            are_read.count_down();
            is_enough.wait();
        });
    }
    are_read.wait();
    CHECK(beside([&] { static_cast<void>(w.fill(5, 200)); }) == std::nullopt);
    CHECK(beside([&] { w.insert(200); }) == errc::timed_out);
    is_enough.count_down();
}

TEST_CASE("heap growth: a page that is read is not tried for ever, whatever becomes of others",
          "[table]") {
    growth_world w{1024, 300};
    auto const ids = w.fill_the_file(200);
    std::vector<record_id> emptied;  // two pages
    for (std::size_t i = 60; emptied.size() < 4; ++i) {
        if (ids[i].page != ids[i + 1].page) { continue; }
        emptied.push_back(ids[i]);
        emptied.push_back(ids[++i]);
    }
    w.pool.change([&](auto& change) {
        for (auto const id : emptied) { w.lines.erase(change, id); }
    });
    std::latch are_read{2};
    std::latch first_may_end{1};
    std::latch first_is_full{1};
    std::latch second_may_end{1};
    std::jthread first{[&] {
        {
            auto const guard = w.file.read(emptied[0].page);
            are_read.count_down();
            first_may_end.wait();
        }
        static_cast<void>(code_of([&] { w.insert(400); }));
        first_is_full.count_down();
    }};
    std::jthread second{[&] {
        auto const guard = w.file.read(emptied[2].page);
        are_read.count_down();
        second_may_end.wait();
    }};
    are_read.wait();
    int tries = 0;
    CHECK(beside([&] {
        w.lines.update(ids[100], [&](std::string& line) {
            if (++tries == 3) {  // the first page was refused, or the second
                first_may_end.count_down();
                first_is_full.wait();
            }
            if (tries > 100) { throw quire::error{errc::bad_option, "it is tried for ever"}; }
            line.assign(400, 'z');
        });
    }) == errc::timed_out);
    CHECK(tries > 3);
    second_may_end.count_down();
}

TEST_CASE("heap growth: room that others made while a page was waited for is found", "[table]") {
    growth_world w{1024, 300, 30s};
    auto const ids = w.fill_the_file(200);
    std::vector<record_id> emptied;
    for (std::size_t i = 60; emptied.size() < 6; ++i) {
        if (ids[i].page != ids[i + 1].page) { continue; }
        emptied.push_back(ids[i]);
        emptied.push_back(ids[++i]);
    }
    std::latch is_kept{1};
    std::latch is_enough{1};
    std::jthread idle{[&] {  // keeps a full page
        w.lines.erase(ids[200]);
        CHECK(w.insert(200).page == ids[200].page);
        is_kept.count_down();
        is_enough.wait();
    }};
    is_kept.wait();
    w.pool.change([&](auto& change) {
        for (auto const id : emptied) { w.lines.erase(change, id); }
    });
    std::future<record_id> inserted;
    {
        growth_world::change_type open{w.pool};
        { [[maybe_unused]] auto const held = open.read(w.file, ids[200].page); }
        {
            std::latch are_read{3};
            std::latch may_end{1};
            std::vector<std::jthread> readers;
            for (std::size_t i = 0; i < emptied.size(); i += 2) {
                readers.emplace_back([&, i] {
                    auto const guard = w.file.read(emptied[i].page);
                    are_read.count_down();
                    may_end.wait();
                });
            }
            are_read.wait();
            inserted = std::async(std::launch::async, [&] { return w.insert(400); });
            std::this_thread::sleep_for(100ms);
            may_end.count_down();
        }
        std::this_thread::sleep_for(20ms);
    }
    CHECK(code_of([&] { inserted.get(); }) == std::nullopt);
    is_enough.count_down();
}

TEST_CASE("heap growth: pages that threads kept have room, also while a change that grows is open",
          "[table]") {
    growth_world w;
    auto const ids = w.fill(100, 445);
    std::latch is_kept{1};
    std::latch is_enough{1};
    std::jthread idle{[&] {
        w.lines.erase(ids[3]);
        w.insert(20);
        is_kept.count_down();
        is_enough.wait();
    }};
    is_kept.wait();
    growth_world::change_type open{w.pool};
    for (auto const pages = w.lines.pages(); w.lines.pages() == pages;) { w.insert(open, 445); }
    bool const is_in_a_change = GENERATE(false, true);
    CHECK(beside([&] {
        if (is_in_a_change) {
            w.pool.change([&](auto& change) {
                CHECK(w.insert(change, 200).page == ids[3].page);
            });
        } else {
            CHECK(w.insert(200).page == ids[3].page);
        }
    }) == std::nullopt);
    is_enough.count_down();
}

TEST_CASE("heap growth: pages of undone changes hide nothing", "[table]") {
    growth_world w{4096};
    auto const ids = w.fill(200, 445);
    {
        growth_world::change_type undone{w.pool};
        for (int i = 0; i < 1000; ++i) { w.insert(undone, 400); }
    }
    w.pool.change([&](auto& change) {
        for (auto const id : ids) { REQUIRE(w.lines.erase(change, id)); }
    });
    auto const pages = w.file.pages();
    static_cast<void>(w.fill(200, 445));
    CHECK(w.file.pages() == pages);
}
