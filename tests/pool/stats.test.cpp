// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/stats.hpp>

#include "calls.hpp"
#include "doubles.hpp"

#include <quire/evict/clock.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <future>
#include <thread>
#include <vector>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::open_mode;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

using pool_type = quire::buffer_pool<size, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;

auto& pool_frame(pool_type::file const& file, std::uint32_t number) {
    return file.core().frames[quire::frame_no{number}];
}

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

TEST_CASE("stats: hits are the file's, of pages that are there and of pages that have gone") {
    pool_type pool{{.frames = 2, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    auto other = pool.open("g", open_mode::open_or_create);
    append_numbers(file, 3);
    append_numbers(other, 1);
    auto const before = file.stats();
    for (std::uint64_t no = 0; no < 3; ++no) {
        for (int i = 0; i < 5; ++i) { number_on(file, no); }
    }
    auto const after = file.stats();
    CHECK(after.evictions > before.evictions);
    CHECK(after.hits + after.misses == before.misses + 15);
    CHECK(other.stats().hits == 0);
    number_on(other, 0);
    number_on(other, 0);
    CHECK(other.stats().hits + other.stats().misses == 2);
    CHECK(pool.stats().hits == after.hits + other.stats().hits);
    CHECK(file.stats().hits == after.hits);
}

TEST_CASE("stats: a file in the place of another begins at nothing") {
    pool_type pool{{.frames = 2, .files_max = 1, .backend = {}}};
    for (int i = 0; i < 3; ++i) {
        auto file = pool.open("f", open_mode::open_or_create);
        append_numbers(file, 1);
        for (int k = 0; k <= i; ++k) { number_on(file, file.pages() - 1); }
        CHECK(file.stats().hits == static_cast<std::uint64_t>(i) + 1);
        CHECK(pool.stats().hits == file.stats().hits);
        file.close();
        CHECK(pool.stats().hits == 0);
    }
}

TEST_CASE("stats: a page's hits are counted past 2^16") {
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    number_on(file, 0);
    auto const before = file.stats().hits;
    auto& frame = pool_frame(file, 0);
    REQUIRE(frame.hits.load() == before);
    frame.hits.store(0xFFFE);
    for (int i = 0; i < 4; ++i) { number_on(file, 0); }
    CHECK(file.stats().hits == 0x1'0002);
    number_on(file, 1);
    CHECK(file.stats().hits == 0x1'0002);
}

TEST_CASE("stats: threads in different pages are counted exactly, in one page at most so") {
    constexpr int crowd = 4;
    constexpr int reads = 5000;
    pool_type pool{{.frames = crowd + 1, .backend = {}}};
    auto apart = pool.open("f", open_mode::open_or_create);
    auto together = pool.open("g", open_mode::open_or_create);
    append_numbers(apart, crowd);
    append_numbers(together, 1);
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < crowd; ++t) {
        workers.emplace_back([&, t] {
            for (int i = 0; i < reads; ++i) {
                number_on(apart, t);
                number_on(together, 0);
            }
        });
    }
    for (auto& worker : workers) { worker.join(); }
    CHECK(apart.stats().hits == crowd * reads);
    CHECK(together.stats().hits > 0);
    CHECK(together.stats().hits <= crowd * reads);
}

TEST_CASE("stats: one thread's accesses are counted exactly") {
    pool_type pool{{.frames = 4, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create, {.dirty_pages_max = 100});
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
    auto file = pool.open("f", open_mode::open_or_create);
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
    CHECK(file.stats().hits >= 1);  // both may have been in the page in the same moment
    CHECK(file.stats().hits <= 2);
}
