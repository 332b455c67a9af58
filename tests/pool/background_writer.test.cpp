// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/background_writer.hpp>

#include "calls.hpp"
#include "doubles.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/sieve.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "random.hpp"

#include <cerrno>
#include <memory>
#include <optional>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::background_options;
using quire::background_writer;
using quire::errc;
using quire::open_mode;

namespace {

constexpr std::size_t size = 512;  // bytes of a page
constexpr auto soon = 20s;         // on a busy machine, too
constexpr quire::file_options no_limit{.dirty_pages_max = 10'000};

template <class Condition>
bool comes_true(Condition condition) {
    auto const end = std::chrono::steady_clock::now() + soon;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) { return false; }
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/// memory_backend that counts the pages which the thread that made it writes.
class counting_backend : public quire::memory_backend {
public:
    struct options {
        std::shared_ptr<std::atomic<int>> writes = std::make_shared<std::atomic<int>>(0);
    };
    counting_backend(std::span<std::byte> arena, options const& given)
        : quire::memory_backend{arena, {}}, options_{given} {}

    std::size_t submit(std::span<quire::io_op<file>*> ops) noexcept {
        if (std::this_thread::get_id() == maker_) {
            for (auto const* op : ops) { *options_.writes += op->verb == quire::io_verb::write; }
        }
        return quire::memory_backend::submit(ops);
    }

private:
    options options_;
    std::thread::id maker_ = std::this_thread::get_id();
};

template <class Policy>
using counting_pool = quire::buffer_pool<size, Policy, quire::hybrid_latch, counting_backend>;
using gated_pool = quire::buffer_pool<size, quire::lru, quire::hybrid_latch, gated_backend>;

/// How many pages misses had to write among `evictions`, in a thread that updates random pages and
/// rests now and then.
template <class Policy>
int writes_of_misses(bool with_writer) {
    constexpr std::uint64_t pages = 2000;
    counting_backend::options io;
    counting_pool<Policy> pool{{.frames = 500, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, pages);
    file.flush();
    std::optional<background_writer<counting_pool<Policy>>> writer;
    if (with_writer) { writer.emplace(pool, background_options{.period = 1ms}); }
    generator random{test_seed()};
    *io.writes = 0;
    auto const before = file.stats().evictions;
    for (std::uint64_t i = 1; i <= 3000; ++i) {
        write_number(file, random.below(pages), i);
        if (i % 16 == 0) { std::this_thread::sleep_for(2ms); }
    }
    CHECK(file.stats().evictions - before > 1500);
    return *io.writes;
}

}  // namespace

TEMPLATE_TEST_CASE("background_writer: misses find pages that they can evict without a write", "",
                   quire::clock, quire::sieve, quire::s3_fifo, quire::lru) {
    CHECK(writes_of_misses<TestType>(false) > 1000);
    CHECK(writes_of_misses<TestType>(true) < 200);  // none, on a machine that is not busy
}

TEST_CASE("background_writer: a miss that has to write wakes it") {
    gated_pool pool{{.frames = 200, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 201);
    file.flush();
    background_writer writer{pool, {.period = 1h, .dirty_low = 0}};
    std::this_thread::sleep_for(20ms);  // it has looked, and sleeps
    auto const resident = file.resident_pages();
    for (auto const no : resident) { write_number(file, no.value(), 5); }
    std::this_thread::sleep_for(20ms);
    CHECK(file.slot().dirty == 200);
    CHECK(number_on(file, resident.front() == 0 ? 200 : 0) < 201);
    CHECK(comes_true([&] { return file.slot().dirty <= 200 - 128; }));
}

TEST_CASE("background_writer: evictions of clean pages wake it in time") {
    gated_pool pool{{.frames = 200, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 400);
    file.flush();
    for (std::uint64_t no = 0; no < 200; ++no) { CHECK(number_on(file, no) == no); }
    background_writer writer{pool, {.period = 1h, .dirty_low = 0}};
    std::this_thread::sleep_for(20ms);
    // The last hundred become dirty: the misses before them evict clean pages only.
    for (std::uint64_t no = 100; no < 200; ++no) { write_number(file, no, no); }
    std::this_thread::sleep_for(20ms);
    CHECK(file.slot().dirty == 100);
    for (std::uint64_t no = 200; no < 232; ++no) { CHECK(number_on(file, no) == no); }
    CHECK(comes_true([&] { return file.slot().dirty < 100; }));
}

TEST_CASE("background_writer: up to the low mark nothing is written") {
    gated_pool pool{{.frames = 64, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 64);
    file.flush();
    background_writer writer{pool, {.period = 1ms, .dirty_low = 0.5}};
    for (std::uint64_t no = 0; no < 32; ++no) { write_number(file, no, 5); }
    std::this_thread::sleep_for(50ms);
    CHECK(file.slot().dirty == 32);
    CHECK(file.stats().write_backs == 64);
    write_number(file, 40, 5);
    CHECK(comes_true([&] { return file.slot().dirty <= 32; }));
    CHECK(file.stats().evictions == 0);
    CHECK(file.resident_pages().size() == 64);
    CHECK(file.stats().syncs == 1);
}

TEST_CASE("background_writer: it ends at once, however long it would have slept") {
    gated_pool pool{{.frames = 8, .backend = {}}};
    auto const begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i) { background_writer const writer{pool, {.period = 1h}}; }
    CHECK(std::chrono::steady_clock::now() - begin < soon);
}

TEST_CASE("background_writer: a page that cannot be written is left alone for a second") {
    std::atomic<int> errors{0};
    gated_backend::options io;
    gated_pool pool{{.frames = 64,
                     .observer = {.on_write_error = [&](quire::page_id, int) { ++errors; }},
                     .backend = io}};
    auto bad = pool.open("bad", open_mode::open_or_create, no_limit);
    auto good = pool.open("good", open_mode::open_or_create, no_limit);
    append_numbers(bad, 1);
    append_numbers(good, 10);
    io.script->fail(quire::io_verb::write, 0, EIO, 1'000'000);
    CHECK(refusal([&] { good.flush(); }) == errc::write_failed);
    good.discard(0);
    errors = 0;
    auto const begin = std::chrono::steady_clock::now();
    {
        background_writer writer{pool, {.period = 1ms, .dirty_low = 0}};
        CHECK(comes_true([&] { return errors > 0; }));
        for (std::uint64_t no = 1; no < 10; ++no) { write_number(good, no, 5); }
        CHECK(comes_true([&] { return good.slot().dirty == 0; }));  // nobody is held up
        std::this_thread::sleep_for(100ms);
        auto const seconds = (std::chrono::steady_clock::now() - begin) / 1s;
        CHECK(errors <= 1 + seconds);
        CHECK(bad.slot().dirty == 1);
        io.script->fail(quire::io_verb::write, 0, 0, 0);
        CHECK(comes_true([&] { return bad.slot().dirty == 0; }));  // it tries again
    }
}

TEST_CASE("background_writer: its options are checked") {
    gated_pool pool{{.frames = 8, .backend = {}}};
    for (background_options const& bad :
         {background_options{.period = 0ns}, background_options{.dirty_low = -0.1},
          background_options{.dirty_low = 1.1}, background_options{.dirty_low = 0.0 / 0.0}}) {
        CHECK(refusal([&] { background_writer const writer{pool, bad}; }) == errc::bad_option);
    }
    background_writer const one{pool};
    background_writer const two{pool, {.dirty_low = 1}};
}

TEST_CASE("background_writer: does not outlive its pool") {
    auto const text = violation_of([] {
        std::optional<gated_pool> pool;
        pool.emplace(gated_pool::options_type{.frames = 8, .backend = {}});
        background_writer const writer{*pool};
        pool.reset();
    });
    CHECK(text.find("no background writer outlives its pool") != std::string::npos);
}

TEST_CASE("background_writer: a forked child has none, and both end") {
    std::optional<gated_pool> pool;
    pool.emplace(gated_pool::options_type{.frames = 8, .backend = {}});
    std::optional<background_writer<gated_pool>> writer;
    writer.emplace(*pool, background_options{.period = 1ms});
    CHECK(failure_of([&]() -> std::string {
        if (refusal([&] { background_writer const another{*pool}; }) != errc::forked) {
            return "a child can start one";
        }
        writer.reset();
        pool.reset();
        return {};
    }) == "");
    writer.reset();
    pool.reset();
}
