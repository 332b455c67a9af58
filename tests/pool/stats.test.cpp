// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/stats.hpp>

#include "calls.hpp"
#include "doubles.hpp"

#include <quire/evict/clock.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <future>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::file_no;
using quire::open_mode;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

using pool_type = quire::buffer_pool<size, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;

}  // namespace

TEST_CASE("stats: a sum adds every member") {
    quire::pool_stats a{1, 2, 3, 4, 5, 6, 7, 8, 9};
    a += quire::pool_stats{10, 20, 30, 40, 50, 60, 70, 80, 90};
    CHECK(a.hits == 11);
    CHECK(a.misses == 22);
    CHECK(a.appends == 33);
    CHECK(a.evictions == 44);
    CHECK(a.write_backs == 55);
    CHECK(a.waits == 66);
    CHECK(a.syncs == 77);
    CHECK(a.bytes_read == 88);
    CHECK(a.bytes_written == 99);
}

TEST_CASE("stats: hits are counted per file, by one thread and by many") {
    quire::detail::hit_counters hits{10};
    for (int i = 0; i < 5; ++i) { hits.count(file_no{0}); }
    hits.count(file_no{9});
    for (int t = 0; t < 80; ++t) {  // one after the other: rows pass on
        std::thread{[&] {
            for (int i = 0; i < 10; ++i) { hits.count(file_no{3}); }
        }}.join();
    }
    CHECK(hits.sum(file_no{0}) == 5);
    CHECK(hits.sum(file_no{3}) == 800);
    CHECK(hits.sum(file_no{9}) == 1);
    CHECK(hits.sum(file_no{1}) == 0);
}

TEST_CASE("stats: a thread that goes from pool to pool is counted in the right one") {
    quire::detail::hit_counters one{1};
    quire::detail::hit_counters two{1};
    for (int i = 0; i < 10; ++i) {
        one.count(file_no{0});
        two.count(file_no{0});
        two.count(file_no{0});
    }
    CHECK(one.sum(file_no{0}) == 10);
    CHECK(two.sum(file_no{0}) == 20);
}

TEST_CASE("stats: a pool at the address of an earlier one begins at nothing") {
    std::optional<quire::detail::hit_counters> hits;
    for (int i = 0; i < 3; ++i) {
        hits.emplace(2U);
        CHECK(hits->sum(file_no{1}) == 0);
        for (int k = 0; k <= i; ++k) { hits->count(file_no{1}); }
        CHECK(hits->sum(file_no{1}) == static_cast<std::uint64_t>(i) + 1);
    }
}

TEST_CASE("stats: one thread's accesses are counted exactly") {
    pool_type pool{{.frames = 4, .backend = {}}};
    auto file = pool.open("f", open_mode::create, {.dirty_pages_max = 100});
    append_numbers(file, 6);
    auto const appended = file.stats();
    CHECK(appended.appends == 6);
    CHECK(appended.evictions == 2);
    CHECK(appended.write_backs >= 2);
    CHECK(appended.hits + appended.misses + appended.waits + appended.syncs == 0);
    file.flush();
    auto const flushed = file.stats();
    CHECK(flushed.syncs == 1);
    CHECK(flushed.write_backs == 6);
    CHECK(flushed.bytes_written == 6 * size);
    for (std::uint64_t no = 0; no < 6; ++no) { number_on(file, no); }
    auto const once = file.stats();
    CHECK(once.hits + once.misses == 6);
    CHECK(once.evictions == appended.evictions + once.misses);
    CHECK(once.bytes_read == once.misses * size);
    for (int i = 0; i < 9; ++i) { number_on(file, 5); }
    write_number(file, 5, 1);
    CHECK(file.stats().hits == once.hits + 10);
    CHECK(file.stats().misses == once.misses);
    file.flush();
    CHECK(file.stats().write_backs == 7);
    CHECK(file.stats().syncs == 2);
}

TEST_CASE("stats: who waits for another thread's read is counted, once") {
    gated_backend::options io;
    quire::buffer_pool<size, quire::clock, quire::hybrid_latch, gated_backend> pool{
        {.frames = 1, .frame_wait_max = 1s, .backend = io}};
    auto file = pool.open("f", open_mode::create);
    append_numbers(file, 2);
    io.script->hold(quire::io_verb::read, 0);
    auto const read = [&] { return number_on(file, 0); };
    auto one = std::async(std::launch::async, read);
    io.script->wait_until_held();
    auto two = std::async(std::launch::async, read);
    auto three = std::async(std::launch::async, read);
    while (file.stats().waits < 2) { std::this_thread::sleep_for(1ms); }
    std::this_thread::sleep_for(10ms);
    CHECK(file.stats().waits == 2);
    io.script->let_go();
    CHECK(one.get() + two.get() + three.get() == 0);
    CHECK(file.stats().waits == 2);
    CHECK(file.stats().misses == 1);
    CHECK(file.stats().hits == 2);
}
