// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/read_ahead.hpp>

#include "calls.hpp"
#include "queued_backend.hpp"

#include <quire/evict/sieve.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

// Reads that no thread waits for. The orders that break, of a reader that comes for its pages,
// are in page_stream.test.cpp.

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;
using quire::page_no;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

/// A file of 256 pages, none resident.
struct setting {
    using pool_type =
        quire::buffer_pool<size, quire::sieve, quire::hybrid_latch, queued_backend<>>;

    explicit setting(std::size_t frames = 64, quire::pool_observer const& observer = {}) {
        {
            pool_type maker{{.frames = 64, .backend = {inner, nullptr}}};
            auto made = maker.open("f", quire::open_mode::open_or_create);
            append_numbers(made, 256);
            made.close();
        }
        pool.emplace(pool_type::options_type{
            .frames = frames, .observer = observer, .backend = {inner, script}});
        file.emplace(pool->open("f"));
    }

    quire::memory_backend::options inner{quire::memory_store_ptr::make()};
    std::shared_ptr<queue_script> script = std::make_shared<queue_script>();
    std::optional<pool_type> pool;
    std::optional<pool_type::file> file;
};

}  // namespace

TEST_CASE("read_ahead: starts what is neither resident nor being read, each page once") {
    setting s;
    CHECK(number_on(*s.file, 3) == 3);
    s.script->close_gate();
    CHECK(s.file->prefetch({5, 3, 1, 5, 1000}) == 2);
    CHECK(s.file->prefetch({1, 5, 7}) == 1);
    CHECK(s.script->in_flight() == 3);
    s.script->open_gate();
    for (std::uint64_t const no : {1U, 5U, 7U}) { CHECK(number_on(*s.file, no) == no); }
    CHECK(s.file->stats().misses == 4);
    CHECK(s.file->slot().uses == 0);
}

TEST_CASE("read_ahead: a thread that asks for such a page is the one that finishes the reads") {
    setting s;
    CHECK(s.file->prefetch({0, 1, 2, 3}) == 4);
    CHECK(s.file->stats().misses == 0);
    CHECK(number_on(*s.file, 3) == 3);
    CHECK(s.file->stats().misses == 4);
    CHECK(s.file->resident_pages() == std::vector<page_no>{0, 1, 2, 3});
}

TEST_CASE("read_ahead: no more are under way than there are records, and these come back") {
    setting s;  // 64 frames: 8 records
    std::vector<page_no> numbers;
    for (std::uint64_t no = 0; no < 100; ++no) { numbers.emplace_back(no); }
    s.script->close_gate();
    CHECK(s.file->prefetch(numbers) == 8);
    CHECK(s.file->prefetch(numbers) == 0);
    s.script->open_gate();
    for (std::uint64_t no = 0; no < 256; no += 8) {
        numbers.clear();
        for (std::uint64_t i = 0; i < 8; ++i) { numbers.emplace_back((no + 100 + i) % 256); }
        CHECK(s.file->prefetch(numbers) == 8);
        CHECK(number_on(*s.file, (no + 100) % 256) == (no + 100) % 256);
    }
}

TEST_CASE("read_ahead: close waits for reads that no thread waits for, and finishes them") {
    setting s;
    s.script->close_gate();
    CHECK(s.file->prefetch({0, 1}) == 2);
    auto closing = std::async(std::launch::async, [&] { s.file->close(); });
    CHECK(closing.wait_for(30ms) == std::future_status::timeout);
    CHECK(s.file->is_open());
    s.script->open_gate();
    closing.get();
    CHECK(s.script->in_flight() == 0);
}

TEST_CASE("read_ahead: the pool's end waits for them, too") {
    setting s;
    s.script->close_gate();
    CHECK(s.file->prefetch({0, 1}) == 2);
    auto ending = std::async(std::launch::async, [&] { s.pool.reset(); });
    CHECK(ending.wait_for(30ms) == std::future_status::timeout);
    s.script->open_gate();
    ending.get();
}

TEST_CASE("read_ahead: a truncation waits for them, and the pages are gone") {
    setting s;
    s.script->close_gate();
    CHECK(s.file->prefetch({10, 11}) == 2);
    auto cutting = std::async(std::launch::async, [&] { s.file->truncate(4); });
    CHECK(cutting.wait_for(30ms) == std::future_status::timeout);
    CHECK(s.file->prefetch({12}) == 0);  // no page any more
    s.script->open_gate();
    cutting.get();
    CHECK(s.file->resident_pages().empty());
    CHECK(s.file->slot().frames == 0);
}

TEST_CASE("read_ahead: a page that its seal refuses is not there, and its reader gets the error") {
    setting s;
    auto bytes = s.inner.store->bytes("f");
    bytes[7 * size + 100] ^= std::byte{1};
    s.inner.store->assign("f", bytes);
    CHECK(s.file->prefetch({6, 7}) == 2);
    CHECK(number_on(*s.file, 6) == 6);
    CHECK(s.file->slot().frames == 1);
    CHECK(refusal([&] { (void)number_on(*s.file, 7); }) == errc::corrupt_page);
    CHECK(s.file->resident_pages() == std::vector<page_no>{6});
}

TEST_CASE("read_ahead: frames that are held or dirty are left alone, and what has none is let go") {
    setting s{4};
    for (std::uint64_t no = 100; no < 103; ++no) { write_number(*s.file, no, no); }
    auto const pin = s.file->pin(200);
    CHECK(s.file->prefetch({1, 2}) == 0);
    CHECK(s.file->stats().write_backs == 0);
    s.file->flush();
    CHECK(s.file->prefetch({1, 2}) == 2);
    CHECK(number_on(*s.file, 1) == 1);
    CHECK(number_on(*s.file, 2) == 2);
}

TEST_CASE("read_ahead: a file keeps to its share of the frames") {
    setting s;
    s.file->close();
    s.file.emplace(s.pool->open("f", quire::open_mode::read_write, {.frames_max = 3}));
    s.script->close_gate();
    CHECK(s.file->prefetch({1, 2, 3, 4, 5}) == 3);
    s.script->open_gate();
    CHECK(number_on(*s.file, 5) == 5);
    CHECK(s.file->slot().frames == 3);
}

TEST_CASE("read_ahead: the first use of such a page keeps it no longer than a read would") {
    setting s{16};
    CHECK(s.file->prefetch({0, 1}) == 2);
    CHECK(number_on(*s.file, 0) == 0);  // what it was read for
    CHECK(number_on(*s.file, 1) == 1);
    CHECK(number_on(*s.file, 1) == 1);  // a use
    for (std::uint64_t no = 100; no < 115; ++no) { CHECK(number_on(*s.file, no) == no); }
    auto const left = s.file->resident_pages();
    CHECK(std::count(left.begin(), left.end(), page_no{0}) == 0);
    CHECK(std::count(left.begin(), left.end(), page_no{1}) == 1);
}

TEST_CASE("read_ahead: the observer sees each read and each eviction") {
    std::atomic<int> misses{0};
    std::atomic<int> evictions{0};
    setting s{4, {.on_miss = [&](quire::page_id) { ++misses; },
                  .on_evict = [&](quire::page_id) { ++evictions; }}};
    for (std::uint64_t no = 0; no < 4; ++no) { CHECK(number_on(*s.file, no) == no); }
    CHECK(s.file->prefetch({10, 11}) == 2);
    CHECK(misses == 6);
    CHECK(evictions == 2);
    CHECK(s.file->stats().evictions == 2);
}
