// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/page_table.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "memory/smaps.hpp"

#include <string>
#include <thread>

#include <sys/mman.h>

using quire::frame_no;
using quire::page_table;
using entry = quire::page_table::entry;

static_assert(!entry::absent().is_frame() && !entry::loading().is_frame());
static_assert(entry::absent() != entry::loading());
static_assert(entry::of(frame_no{0}).is_frame());
static_assert(entry::of(frame_no{0}).frame() == frame_no{0});
static_assert(entry::of(frame_no{0xFFFF'FFFD}).is_frame());  // the last frame of the largest arena
static_assert(entry::of(frame_no{0xFFFF'FFFD}).frame() == frame_no{0xFFFF'FFFD});

TEST_CASE("page_table: every entry is absent at first, and remembers what it is told") {
    page_table table{5000};
    CHECK(table.pages() == 5000);
    for (std::uint64_t no : {0U, 1023U, 1024U, 4999U}) { CHECK(table.load(no) == entry::absent()); }
    table.store(4999, entry::of(frame_no{7}));
    table.store(1024, entry::loading());
    CHECK(table.load(4999).frame() == frame_no{7});
    CHECK(table.load(1024) == entry::loading());
    CHECK(table.load(1023) == entry::absent());
    CHECK(table.load(1025) == entry::absent());
}

TEST_CASE("page_table: only an absent entry can be claimed, and only once") {
    page_table table{4};
    CHECK(table.claim(2));
    CHECK(table.load(2) == entry::loading());
    CHECK_FALSE(table.claim(2));
    table.store(2, entry::of(frame_no{0}));
    CHECK_FALSE(table.claim(2));
    CHECK(table.load(2) == entry::of(frame_no{0}));
    table.store(2, entry::absent());
    CHECK(table.claim(2));
}

TEST_CASE("page_table: of many threads one claims an entry") {
    page_table table{64};
    std::atomic<int> claims{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (std::uint64_t no = 0; no < 64; ++no) { claims += table.claim(no) ? 1 : 0; }
        });
    }
    for (auto& thread : threads) { thread.join(); }
    CHECK(claims == 64);
}

TEST_CASE("page_table: the largest file costs address space, not memory") {
    page_table table{std::uint64_t{1} << 32};  // 16 GiB of entries
    auto const last = (std::uint64_t{1} << 32) - 1;
    CHECK(table.load(last) == entry::absent());
    CHECK(table.claim(last));
    CHECK(table.load(0) == entry::absent());
}

TEST_CASE("page_table: in a forked child every entry is absent") {
    page_table table{2000};
    table.store(3, entry::of(frame_no{1}));
    table.store(1999, entry::loading());
    auto const failure = failure_of([&]() -> std::string {
        if (table.load(3) != entry::absent()) { return "a frame"; }
        return table.load(1999) == entry::absent() ? "" : "loading";
    });
    CHECK(failure == "");
    CHECK(table.load(3) == entry::of(frame_no{1}));
}

// A table of 2^26 pages is 256 MiB of addresses, and a daemon that locks its memory has four files.
TEST_CASE("page_table: costs memory where it is used, even in a process that locks its memory") {
    auto const failure = failure_of([]() -> std::string {
        if (::mlockall(MCL_FUTURE) != 0) { return "cannot lock"; }
        {  // what a first table and a first look cost the allocator, all of it locked, is not meant
            page_table const first{1024};
            static_cast<void>(quire_test::resident_kib_of_all());
        }
        auto const before = quire_test::resident_kib_of_all();
        page_table const table{std::uint64_t{1} << 26};
        for (std::uint64_t no = 0; no < table.pages(); no += table.pages() / 16) {
            table.store(quire::page_no{static_cast<std::uint32_t>(no)}, entry::loading());
        }
        auto const used = quire_test::resident_kib_of_all() - before;
        return used < 1024 ? "" : std::to_string(used) + " KiB";
    });
    if (failure.ends_with("cannot lock")) { return skip("this process must not lock memory"); }
    CHECK(failure == "");
}
