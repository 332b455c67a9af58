// SPDX-License-Identifier: BSL-1.0
/// Heap files that grow in changes of the caller's, beside others.

#include <quire/io/memory_backend.hpp>
#include <quire/table/table.hpp>

#include "catch.hpp"

#include <latch>
#include <optional>
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

    explicit growth_world(std::size_t frames = 1024, std::uint64_t pages_max = 1 << 20)
        : log{"log", {.bytes = 16 << 20, .backend = disk}},
          pool{quire::pool_options<quire::memory_backend>{.frames = frames,
                                                          .file_pages_max = pages_max,
                                                          .wait_max = 100ms,
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
    [[nodiscard]] std::string wrong() const {
        std::set<quire::page_no> reached;
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
    CHECK(code_of([&] { w.insert(20); }) == errc::timed_out);
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
