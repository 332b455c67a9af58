// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

// A file of tables grows ahead of its pages, and a crash leaves that as blank pages. What breaks
// when a rule is left out:
//
//   a blank allocation page is an error            after a crash nothing is allocated any more
//   a blank allocation page is passed over         its pages are lost, and those behind it come
//   it is made, whatever is behind it              check() says nothing of pages that are lost
//   what is refused ahead is not tried without     the last pages of a full disk are not used
//   the room is not given back                     every closed file ends with blank pages
//   a file that is not of tables grows ahead       its pages() after a crash count blank pages
//   a blank page is only what blank_page says      with no_seal a crash leaves pages of no kind
//   page 1 is made by the change that needs it     two of them: one wipes what the other committed

#include <quire/page/heap_page.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "table/world.hpp"

#include <vector>

using quire::allocation_page;
using quire::errc;
using quire::heap_page;
using quire::testing::fault_plan;
using quire::testing::io_call;
using quire::testing::io_fault;

namespace {

using world = table_world<512>;
constexpr std::uint64_t covered = allocation_page<std::byte, 512>::bit_count;

std::uint64_t allocate(auto& db, auto& pages) {
    auto const page = db.template allocate<heap_page>(pages);
    return page.page_no().value();
}
std::uint64_t allocate_one(auto& db) {
    std::uint64_t no = 0;
    db.in_one_change([&](auto& pages) { no = allocate(db, pages); });
    return no;
}
void free_one(auto& db, std::uint64_t no) {
    db.in_one_change([&](auto& pages) { db.free(pages, no); });
}
std::string all_findings(auto const& db) {
    std::string text;
    for (auto const& f : db.check()) {
        text += std::to_string(f.page.value()) + ": " + f.text + "\n";
    }
    return text;
}

/// Resizes are counted here, and refused.
struct counted_world {
    using backend = quire::testing::faulty_backend<quire::memory_backend>;
    using pool_type = quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, backend>;

    std::shared_ptr<fault_plan> faults = std::make_shared<fault_plan>();
    quire::memory_store_ptr store = quire::memory_store_ptr::make();
    pool_type pool{{.frames = 32, .backend = {{store}, faults}}};

    [[nodiscard]] std::uint64_t pages_on_disk() const { return store->bytes("f").size() / 512; }
    [[nodiscard]] std::uint64_t resizes() const { return faults->calls(io_call::resize); }
};

}  // namespace

TEST_CASE("catalog: an allocation page that a crash left blank is made when it is needed") {
    for (bool const logged : {false, true}) {
        for (std::uint64_t const behind : {0U, 3U}) {
            INFO(logged << ' ' << behind);
            world w{logged};
            std::uint64_t last = 0;
            {
                quire::catalog db{*w.pool, w.file()};
                last = allocate_one(db);
                db.close();
            }
            auto bytes = w.disk.store->bytes("f");
            bytes.resize((1 + covered + 1 + behind) * 512);
            w.disk.store->assign("f", bytes);
            w.start_again();
            quire::catalog db{*w.pool, w.file()};
            CHECK(w.file().pages() == 1 + covered + 1 + behind);
            CHECK(all_findings(db) == "");
            while (last < covered) {
                auto const expected = last + 1;
                last = allocate_one(db);
                if (last != expected) { FAIL(last << " and not " << expected); }
            }
            CHECK(all_findings(db) == "");
            for (std::uint64_t no = covered + 2; no < covered + 7; ++no) {
                CHECK(allocate_one(db) == no);
            }
            free_one(db, covered + 3);
            CHECK(allocate_one(db) == covered + 3);
            CHECK(all_findings(db) == "");
            auto const map = w.file().read<allocation_page>(1 + covered);
            map->validate();
            CHECK(map->used() == 6);
        }
    }
}

TEST_CASE("catalog: room behind the end of a file that a crash left is used") {
    world w;
    {
        quire::catalog db{*w.pool, w.file()};
        allocate_one(db);
        w.file().flush();
        w.file().reserve(2 * covered);
    }
    w.crash();
    quire::catalog db{*w.pool, w.file()};
    CHECK(w.file().pages() == 3 + 2 * covered);
    CHECK(all_findings(db) == "");
    std::uint64_t last = 2;
    while (last < 2 * covered + 5) {
        auto const before = last;
        db.in_one_change([&](auto& pages) {
            for (int i = 0; i < 8; ++i) { last = allocate(db, pages); }
        });
        if (last < before + 8 || last > before + 9) { FAIL(last << " after " << before); }
    }
    CHECK(all_findings(db) == "");
}

TEST_CASE("catalog: page 1 may be blank after a crash, and not after a clean end") {
    for (bool const clean : {false, true}) {
        INFO(clean);
        world w;
        {
            quire::catalog db{*w.pool, w.file()};
            if (clean) {
                db.close();
            } else {
                db.begin_changes();
                w.file().flush();
                w.file().close(quire::unwritten::discard);
            }
        }
        auto bytes = w.disk.store->bytes("f");
        REQUIRE(bytes.size() == 1024);
        std::fill(bytes.begin() + 512, bytes.end(), std::byte{0});
        w.disk.store->assign("f", bytes);
        w.start_again();
        if (clean) {
            CHECK(errc_of([&] { quire::catalog{*w.pool, w.file()}; }) == errc::blank_page);
        } else {
            quire::catalog db{*w.pool, w.file()};
            {
                auto const map = w.file().read<allocation_page>(1);
                map->validate();  // made by one thread, before others come
            }
            CHECK(all_findings(db) == "");
            CHECK(allocate_one(db) == 2);
            CHECK(allocate_one(db) == 3);
            CHECK(all_findings(db) == "");
        }
    }
}

TEST_CASE("catalog: a file with a blank page 1 is read") {
    world w;
    {
        quire::catalog db{*w.pool, w.file()};
        db.begin_changes();
        w.file().flush();
        w.file().close(quire::unwritten::discard);
    }
    auto bytes = w.disk.store->bytes("f");
    std::fill(bytes.begin() + 512, bytes.end(), std::byte{0});
    w.disk.store->assign("f", bytes);
    w.opened = w.pool->open("f", quire::open_mode::read_only);
    quire::catalog db{*w.pool, w.file()};
    CHECK(all_findings(db) == "");
    CHECK(errc_of([&] { allocate_one(db); }) == errc::read_only);
}

TEST_CASE("catalog: room that a crash left is used, also where blank pages are pages of zeros") {
    quire::file_options const without_seal{.seal = quire::no_seal};
    quire::file_options const shown{.blank = quire::blank_pages::shown};
    for (auto const& options : {quire::file_options{}, without_seal, shown}) {
        INFO((options.blank == quire::blank_pages::shown)
             << ' ' << (options.seal.seal == quire::no_seal.seal));
        world w{options};
        std::uint64_t last = 0;
        {
            quire::catalog db{*w.pool, w.file()};
            while (last < 35) { last = allocate_one(db); }
            w.file().flush();
            w.file().reserve(covered);
        }
        w.crash();
        quire::catalog db{*w.pool, w.file()};
        CHECK(w.file().pages() == 36 + covered);
        CHECK(all_findings(db) == "");
        while (last < covered) {
            db.in_one_change([&](auto& pages) {
                for (int i = 0; i < 8; ++i) { last = allocate(db, pages); }
            });
        }
        while (last < covered + 50) {
            auto const next = last == covered ? last + 2 : last + 1;
            last = allocate_one(db);
            CHECK(last == next);
        }
        CHECK(all_findings(db) == "");
    }
}

TEST_CASE("catalog: an allocation page that was lost is found, and none of its pages is given") {
    world w;
    {
        quire::catalog db{*w.pool, w.file()};
        while (allocate_one(db) < covered + 4) {}
        free_one(db, covered + 2);
        w.file().flush();
        w.file().close(quire::unwritten::discard);
    }
    auto bytes = w.disk.store->bytes("f");
    auto const at = static_cast<std::ptrdiff_t>((1 + covered) * 512);
    std::fill(bytes.begin() + at, bytes.begin() + at + 512, std::byte{0});
    w.disk.store->assign("f", bytes);
    w.start_again();
    quire::catalog db{*w.pool, w.file()};
    auto const number = [](std::uint64_t no) { return std::to_string(covered + no); };
    CHECK(all_findings(db) ==
          number(3) + ": marked as free, and not formatted so\n" +
              number(4) + ": marked as free, and not formatted so\n" +
              number(1) + ": the allocation page is blank, and not all of its pages are free\n");
    CHECK(errc_of([&] { free_one(db, covered + 3); }) == errc::blank_page);
    CHECK(allocate_one(db) == covered + 2);  // a free page
    CHECK(errc_of([&] { allocate_one(db); }) == errc::corrupt_page);
    auto const kept = w.file().read<heap_page>(covered + 3);
    kept->validate();
}

TEST_CASE("catalog: its file grows by a 16th, and is cut when it is closed") {
    counted_world w;
    auto file = w.pool.open("f", quire::open_mode::open_or_create);
    quire::catalog db{w.pool, file};
    while (file.pages() < 15) { allocate_one(db); }
    CHECK(w.resizes() == 15);
    CHECK(w.pages_on_disk() == 15);
    allocate_one(db);
    CHECK(w.pages_on_disk() == 17);
    while (file.pages() < 2000) { allocate_one(db); }
    CHECK(w.resizes() > 60);   // 16 * log(2000 / 16) is 77
    CHECK(w.resizes() < 100);
    CHECK(w.pages_on_disk() >= 2000);
    CHECK(w.pages_on_disk() < 2000 + 2000 / 16);
    auto const before = w.resizes();
    while (file.pages() < 16'000) { allocate_one(db); }
    CHECK(w.pages_on_disk() <= 16'000 + 256);
    CHECK(w.resizes() >= before + 14'000 / 257);
    CHECK(all_findings(db) == "");
    auto const pages = file.pages();
    db.close();
    CHECK(w.pages_on_disk() == pages);
}

TEST_CASE("catalog: what a file may not grow ahead, it grows by one page") {
    counted_world w;
    auto file = w.pool.open("f", quire::open_mode::open_or_create);
    quire::catalog db{w.pool, file};
    while (file.pages() < 100) { allocate_one(db); }
    while (file.pages() < w.pages_on_disk()) { allocate_one(db); }
    auto const full = file.pages();
    w.faults->add({.call = io_call::resize, .error = ENOSPC});
    CHECK(allocate_one(db) == full);
    CHECK(w.pages_on_disk() == full + 1);
    w.faults->add({.call = io_call::resize, .error = ENOSPC, .every = 1});
    CHECK(errc_of([&] { allocate_one(db); }) == errc::grow_failed);
    CHECK(file.pages() == full + 1);
    w.faults->clear();
    CHECK(allocate_one(db) == full + 1);
    CHECK(w.pages_on_disk() == full + 2 + (full + 2) / 16);
    CHECK(all_findings(db) == "");
}

TEST_CASE("catalog: its file grows to file_pages_max, and not ahead of that") {
    auto const disk = quire::memory_backend::options{quire::memory_store_ptr::make()};
    world::pool_type pool{{.frames = 32, .file_pages_max = 41, .backend = disk}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    quire::catalog db{pool, file};
    while (file.pages() < 41) { allocate_one(db); }
    CHECK(errc_of([&] { allocate_one(db); }) == errc::file_too_large);
    CHECK(disk.store->bytes("f").size() == 41 * 512);
}

TEST_CASE("catalog: only a file that has one grows ahead") {
    counted_world w;
    auto file = w.pool.open("f", quire::open_mode::open_or_create);
    {
        quire::catalog db{w.pool, file};
        db.close();
    }
    w.store->assign("f", {});
    file = w.pool.open("f", quire::open_mode::open_or_create);  // in the same slot
    for (int i = 0; i < 50; ++i) { file.append<heap_page>().release(); }
    CHECK(w.pages_on_disk() == 50);
    CHECK(errc_of([&] { quire::catalog{w.pool, file}; }) == errc::wrong_page_kind);
    for (int i = 0; i < 50; ++i) { file.append<heap_page>().release(); }
    CHECK(w.pages_on_disk() == 100);
}
