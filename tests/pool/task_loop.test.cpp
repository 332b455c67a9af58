// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/task_loop.hpp>

#include "calls.hpp"
#include "death.hpp"
#include "queued_backend.hpp"

#include <quire/evict/sieve.hpp>

#include "catch.hpp"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// Tasks, interleaving by interleaving, on a backend whose gate the test opens.
//
//   left out                                         what happens
//   a page is pinned before its task's turn          evicted: read again, by a blocking miss
//   who makes a page arrive wakes the loop           the loop sleeps for its slice, or for ever
//   a task that ends where it waits gives up         the load tells memory that is gone
//   ... also when its page has arrived               a pin stays
//   what was refused is tried first, in its order    high page numbers wait for ever
//   ... unless it waits for a thread                 64 such tasks hold up all others
//   reads are started, and reaped, between turns     a task that never waits holds up all others
//   dirty pages are written once for those refused   written over and over, if they are pinned
//   with nothing pending, the oldest blocks          a loop that waits for nothing
//   dirty pages are written when frames are missing  likewise, or no_free_frame with dirty pages
//   an error leaves when the loop is consistent      the next run hangs, or loses a task
//   coroutines do not resume each other              a stack as deep as tasks ended at once
//   a task in another pool's loop waits by itself    nobody resumes it

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;
using quire::page_no;
using quire::task;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

/// A file of 256 pages, none resident, of a pool over one queue.
struct setting {
    using pool_type =
        quire::buffer_pool<size, quire::sieve, quire::hybrid_latch, queued_backend<>>;
    using file_type = pool_type::file;

    explicit setting(std::size_t frames = 64, std::chrono::milliseconds frame_wait = 20ms) {
        {
            pool_type maker{{.frames = 64, .backend = {inner, nullptr}}};
            auto made = maker.open("f", quire::open_mode::open_or_create);
            append_numbers(made, 256);
            made.close();
        }
        pool.emplace(pool_type::options_type{.frames = frames,
                                             .wait_max = 5s,
                                             .frame_wait_max = frame_wait,
                                             .backend = {inner, script}});
        file.emplace(pool->open("f", quire::open_mode::read_write, {.dirty_pages_max = 1000}));
    }
    ~setting() {
        script->open_gate();
        CHECK(script->overlapping_reaps() == 0);
    }
    /// Every frame can be had: no pin is left.
    void expect_no_pins() {
        file->flush();
        CHECK_NOTHROW(pool->reserve(pool->frames()));
        CHECK(file->slot().uses == 0);
    }

    quire::memory_backend::options inner{quire::memory_store_ptr::make()};
    std::shared_ptr<queue_script> script = std::make_shared<queue_script>();
    std::optional<pool_type> pool;
    std::optional<file_type> file;
};
using file_type = setting::file_type;
using loop_type = quire::task_loop<setting::pool_type>;
using numbers = std::vector<std::uint64_t>;

task<> look_up(file_type file, page_no no, numbers& found) {
    auto held = co_await file.fetch(no);
    found.push_back(number_on(file, no.value()));
}

task<std::uint64_t> number(file_type file, page_no no) {
    auto page = co_await file.async_read(no);
    co_return page->bytes().load<std::uint64_t>(number_at);
}

task<> sum_of(file_type file, numbers of, std::uint64_t& sum) {
    for (auto const no : of) { sum += co_await number(file, no); }
}

task<> add_one(file_type file, page_no no) {
    auto page = co_await file.async_write(no);
    auto const bytes = page->bytes();
    bytes.store(number_at, bytes.load<std::uint64_t>(number_at) + 1);
}

task<> keep(file_type file, page_no first, page_no second, int& done) {
    auto one = co_await file.fetch(first);
    auto two = co_await file.fetch(second);
    ++done;
}

task<> catch_error(file_type file, page_no no, std::optional<errc>& code) {
    try {
        auto held = co_await file.fetch(no);
    } catch (quire::error const& why) {
        code = why.kind();
    }
}

task<> fail(file_type file, page_no no) {
    auto held = co_await file.fetch(no);
    throw std::runtime_error{"task " + std::to_string(no.value())};
}

}  // namespace

TEST_CASE("task_loop: each task gets its page, and many reads are in flight") {
    setting s;
    numbers found;
    quire::task_loop loop{*s.pool, {.in_flight = 8}};
    for (std::uint64_t no = 0; no < 100; ++no) { loop.spawn(look_up(*s.file, no, found)); }
    CHECK(loop.tasks() == 8);
    loop.run();
    CHECK(loop.tasks() == 0);
    std::sort(found.begin(), found.end());
    REQUIRE(found.size() == 100);
    for (std::uint64_t no = 0; no < 100; ++no) { CHECK(found[no] == no); }
    CHECK(s.script->in_flight_max() == 8);
    CHECK(s.file->stats().misses == 100);
    CHECK(loop.stats().fetches == 100);
    CHECK(loop.stats().blocking_fetches == 0);
    s.expect_no_pins();
}

TEST_CASE("task_loop: a resident page does not suspend its task, and is one hit") {
    setting s;
    CHECK(number_on(*s.file, 7) == 7);
    auto const hits = s.file->stats().hits;
    numbers found;
    quire::task_loop loop{*s.pool};
    loop.spawn(look_up(*s.file, 7, found));
    CHECK(found.empty());  // it has not begun
    loop.run();
    CHECK(found == numbers{7});
    CHECK(loop.stats().fetches == 0);
    CHECK(s.file->stats().hits == hits + 1);
}

TEST_CASE("task_loop: all tasks want one page: one read") {
    setting s;
    numbers found;
    quire::task_loop loop{*s.pool};
    for (int i = 0; i < 30; ++i) { loop.spawn(look_up(*s.file, 3, found)); }
    loop.run();
    CHECK(found == numbers(30, 3));
    CHECK(s.file->stats().misses == 1);
    s.expect_no_pins();
}

TEST_CASE("task_loop: tasks that await tasks, and their results") {
    setting s;
    std::uint64_t sum = 0;
    quire::task_loop loop{*s.pool};
    loop.spawn(sum_of(*s.file, {1, 2, 3}, sum));
    loop.spawn(sum_of(*s.file, {3, 2, 200}, sum));
    loop.run();
    CHECK(sum == 6 + 205);
    CHECK(s.file->stats().misses == 4);
}

TEST_CASE("task_loop: tasks that end at once need no deeper stack") {
    setting s;
    CHECK(number_on(*s.file, 5) == 5);
    std::uint64_t sum = 0;
    quire::task_loop loop{*s.pool};
    loop.spawn(sum_of(*s.file, numbers(200'000, 5), sum));
    loop.run();
    CHECK(sum == 1'000'000);
}

TEST_CASE("task_loop: a page that has arrived stays until its task's turn") {
    setting s{16};
    s.script->close_gate();
    numbers found;
    quire::task_loop loop{*s.pool, {.in_flight = 2}};
    auto running = std::async(std::launch::async, [&] {
        loop.spawn(look_up(*s.file, 0, found));
        loop.spawn(look_up(*s.file, 1, found));
        loop.run();
    });
    while (s.script->in_flight() < 2) { std::this_thread::yield(); }
    s.script->open_gate();
    for (std::uint64_t no = 20; no < 120; ++no) { CHECK(number_on(*s.file, no) == no); }
    running.get();
    CHECK(found.size() == 2);
    CHECK(loop.stats().blocking_fetches == 0);
    CHECK(s.file->stats().misses == 102);
    s.expect_no_pins();
}

TEST_CASE("task_loop: what another thread finishes wakes the loop") {
    setting s;
    s.script->close_gate();
    numbers found;
    auto running = std::async(std::launch::async, [&] {
        quire::task_loop loop{*s.pool};
        loop.spawn(look_up(*s.file, 0, found));
        loop.run();
    });
    while (s.script->in_flight() < 1) { std::this_thread::yield(); }
    auto other = std::async(std::launch::async, [&] { return number_on(*s.file, 0); });
    std::this_thread::sleep_for(10ms);
    s.script->open_gate();
    CHECK(other.get() == 0);
    running.get();
    CHECK(found == numbers{0});
    CHECK(s.file->stats().misses == 1);
}

TEST_CASE("task_loop: more tasks than frames make progress, all the same") {
    setting s{8};  // two records
    numbers found;
    quire::task_loop loop{*s.pool, {.in_flight = 100}};
    for (std::uint64_t no = 0; no < 200; ++no) { loop.spawn(look_up(*s.file, no, found)); }
    loop.run();
    CHECK(found.size() == 200);
    CHECK(loop.stats().blocking_fetches == 0);
    s.expect_no_pins();
}

TEST_CASE("task_loop: tasks that hold all frames and want more: an error, the oldest first") {
    setting s{8};
    int done = 0;
    quire::task_loop loop{*s.pool, {.in_flight = 100}};
    for (std::uint64_t no = 0; no < 8; ++no) {
        loop.spawn(keep(*s.file, no, no + 100, done));
    }
    CHECK(refusal([&] { loop.run(); }) == errc::no_free_frame);
    CHECK(done == 0);
    CHECK(loop.tasks() == 7);
    loop.run();  // the one that ended gave its frame back, and that is enough
    CHECK(done == 7);
    s.expect_no_pins();
}

TEST_CASE("task_loop: a page whose load found no frame is wanted again") {
    setting s{4, 100ms};
    std::vector<quire::page_pin<std::remove_reference_t<decltype(s.file->core())>>> pins;
    for (std::uint64_t no = 0; no < 4; ++no) { pins.push_back(s.file->pin(no)); }
    auto other = std::async(std::launch::async, [&] {
        return refusal([&] { static_cast<void>(s.file->read(9)); });
    });
    auto const entry = [&] { return s.file->slot().pages->load(page_no{9}); };
    while (entry() != quire::page_table::entry::loading()) { std::this_thread::yield(); }
    numbers found;
    quire::task_loop loop{*s.pool};
    loop.spawn(look_up(*s.file, 9, found));
    std::thread late{[&] {
        CHECK(other.get() == errc::no_free_frame);
        pins.clear();
    }};
    loop.run();
    late.join();
    CHECK(found == numbers{9});
    s.expect_no_pins();
}

TEST_CASE("task_loop: dirty pages are written when frames are missing") {
    setting s{32};
    quire::task_loop loop{*s.pool, {.in_flight = 16}};
    for (int round = 0; round < 3; ++round) {
        for (std::uint64_t no = 0; no < 256; ++no) { loop.spawn(add_one(*s.file, no)); }
    }
    loop.run();
    CHECK(loop.stats().blocking_fetches == 0);
    CHECK(s.file->stats().write_backs > 600);
    for (std::uint64_t no = 0; no < 256; ++no) { CHECK(number_on(*s.file, no) == no + 3); }
    s.expect_no_pins();
}

namespace {

/// Ends when `done`; until then another one takes its turn each time.
task<> spin(loop_type& loop, bool const& done, int& turns) {
    if (!done && ++turns < 1'000'000) { loop.spawn(spin(loop, done, turns)); }
    co_return;
}
task<> look_up_and_say(file_type file, page_no no, bool& done) {
    auto held = co_await file.fetch(no);
    done = true;
}

}  // namespace

TEST_CASE("task_loop: a page is read although some task is always ready") {
    setting s;
    bool done = false;
    int turns = 0;
    loop_type loop{*s.pool};
    loop.spawn(look_up_and_say(*s.file, 5, done));
    loop.spawn(spin(loop, done, turns));
    loop.run();
    CHECK(turns < 1000);
}

TEST_CASE("task_loop: a page with a high number has its turn, whoever comes after it") {
    setting s{16};  // two records
    bool done = false;
    numbers found;
    loop_type loop{*s.pool, {.in_flight = 64}};
    for (std::uint64_t no = 0; no < 63; ++no) { loop.spawn(look_up(*s.file, no, found)); }
    loop.spawn(look_up_and_say(*s.file, 255, done));
    for (std::uint64_t i = 0; i < 400 && !done; ++i) {
        loop.spawn(look_up(*s.file, i * 61 % 250, found));
    }
    CHECK(done);
    CHECK(found.size() < 300);
    loop.run();
}

TEST_CASE("task_loop: many tasks that wait for a writer's page do not hold up the others") {
    setting s;
    std::promise<void> held;
    std::promise<void> ends;
    auto writer = std::async(std::launch::async, [&] {
        auto const page = s.file->write(7);
        held.set_value();
        ends.get_future().wait();
    });
    held.get_future().wait();
    numbers found;
    loop_type loop{*s.pool, {.in_flight = 200}};
    for (int i = 0; i < 70; ++i) { loop.spawn(look_up(*s.file, 7, found)); }
    std::atomic<bool> over{false};
    std::thread late{[&] {
        // The other fifty are done long before this.
        std::this_thread::sleep_for(200ms);
        over = true;
        ends.set_value();
    }};
    bool in_time = false;
    for (std::uint64_t no = 100; no < 150; ++no) { loop.spawn(look_up(*s.file, no, found)); }
    struct watch {
        static task<> others(file_type file, numbers& found, std::atomic<bool>& over, bool& in) {
            for (std::uint64_t no = 200; found.size() < 50 && no < 250; ++no) {
                auto held = co_await file.fetch(no);
            }
            in = found.size() >= 50 && !over;
        }
    };
    loop.spawn(watch::others(*s.file, found, over, in_time));
    loop.run();
    late.join();
    writer.get();
    CHECK(in_time);
    CHECK(found.size() == 120);
}

TEST_CASE("task_loop: with all frames pinned and dirtied again, a task gets its error") {
    setting s{32};
    std::vector<file_type::page_pin> pins;
    for (std::uint64_t no = 0; no < 32; ++no) { pins.push_back(s.file->pin(no)); }
    for (std::uint64_t no = 0; no < 32; ++no) { write_number(*s.file, no, no); }
    s.script->entering_reap = [] { std::this_thread::sleep_for(500us); };
    std::atomic<bool> over{false};
    auto dirtying = std::async(std::launch::async, [&] {
        for (auto const end = std::chrono::steady_clock::now() + 2s;
             !over && std::chrono::steady_clock::now() < end;) {
            for (std::uint64_t no = 0; no < 32; ++no) { write_number(*s.file, no, no); }
        }
    });
    std::optional<errc> code;
    loop_type loop{*s.pool};
    loop.spawn(catch_error(*s.file, 100, code));
    loop.run();
    over = true;
    dirtying.get();
    s.script->entering_reap = nullptr;
    CHECK(code == errc::no_free_frame);
    CHECK(s.file->stats().write_backs < 32 * 20);
}

TEST_CASE("task_loop: errors of a page come at its co_await, and others go on") {
    setting s;
    auto bytes = s.inner.store->bytes("f");
    bytes[9 * size + 100] ^= std::byte{1};
    s.inner.store->assign("f", bytes);
    std::optional<errc> corrupt;
    std::optional<errc> beyond;
    numbers found;
    quire::task_loop loop{*s.pool};
    loop.spawn(catch_error(*s.file, 9, corrupt));
    loop.spawn(catch_error(*s.file, 256, beyond));
    loop.spawn(look_up(*s.file, 10, found));
    loop.run();
    CHECK(corrupt == errc::corrupt_page);
    CHECK(beyond == errc::page_out_of_range);
    CHECK(found == numbers{10});
    s.expect_no_pins();
}

TEST_CASE("task_loop: an exception of a task leaves run, which may be called again") {
    setting s;
    numbers found;
    quire::task_loop loop{*s.pool};
    loop.spawn(fail(*s.file, 1));
    loop.spawn(look_up(*s.file, 2, found));
    loop.spawn(fail(*s.file, 3));
    loop.spawn(look_up(*s.file, 4, found));
    CHECK_THROWS_WITH(loop.run(), "task 1");
    CHECK(loop.tasks() == 3);
    CHECK_THROWS_WITH(loop.run(), "task 3");
    loop.run();
    CHECK(found == numbers{2, 4});
    s.expect_no_pins();
}

TEST_CASE("task_loop: a spawn that runs a task which fails throws that, and has added its own") {
    setting s;
    numbers found;
    quire::task_loop loop{*s.pool, {.in_flight = 1}};
    loop.spawn(fail(*s.file, 1));
    CHECK_THROWS_WITH(loop.spawn(look_up(*s.file, 2, found)), "task 1");
    CHECK(loop.tasks() == 1);
    loop.run();
    CHECK(found == numbers{2});
}

TEST_CASE("task_loop: the end of a loop ends its tasks where they wait") {
    setting s;
    numbers found;
    SECTION("before they have begun") {
        quire::task_loop loop{*s.pool};
        loop.spawn(look_up(*s.file, 1, found));
    }
    SECTION("while their pages are being read, also in a task that another awaits") {
        std::uint64_t sum = 0;
        std::optional<quire::task_loop<setting::pool_type>> loop;
        loop.emplace(*s.pool);
        s.script->close_gate();
        loop->spawn(sum_of(*s.file, {1, 2}, sum));
        loop->spawn(look_up(*s.file, 3, found));
        loop->spawn(fail(*s.file, 2000));
        CHECK(refusal([&] { loop->run(); }) == errc::page_out_of_range);
        CHECK(s.script->in_flight() == 2);
        loop.reset();
        s.script->open_gate();
    }
    SECTION("when their pages have arrived") {
        quire::task_loop loop{*s.pool};
        s.script->close_gate();
        loop.spawn(look_up(*s.file, 3, found));
        loop.spawn(fail(*s.file, 2000));
        CHECK(refusal([&] { loop.run(); }) == errc::page_out_of_range);
        s.script->open_gate();
        s.pool->poll();
        CHECK(s.file->resident_pages() == std::vector<page_no>{3});
    }
    CHECK(found.empty());
    s.expect_no_pins();
}

TEST_CASE("task_loop: a task that waits for a writer's page lets the others go on") {
    setting s;
    std::promise<void> held;
    std::promise<void> ends;
    auto writer = std::async(std::launch::async, [&] {
        auto const page = s.file->write(7);
        held.set_value();
        ends.get_future().wait();
    });
    held.get_future().wait();
    numbers found;
    quire::task_loop loop{*s.pool};
    loop.spawn(look_up(*s.file, 7, found));
    for (std::uint64_t no = 100; no < 140; ++no) { loop.spawn(look_up(*s.file, no, found)); }
    std::thread late{[&] {
        std::this_thread::sleep_for(5ms);
        ends.set_value();
    }};
    loop.run();
    late.join();
    CHECK(found.size() == 41);
    CHECK(found.back() == 7);
    writer.get();
    s.expect_no_pins();
}

namespace {

task<> spawn_more(quire::task_loop<setting::pool_type>& loop, file_type file, numbers& found) {
    auto held = co_await file.fetch(0);
    for (std::uint64_t no = 1; no < 10; ++no) { loop.spawn(look_up(file, no, found)); }
}

}  // namespace

TEST_CASE("task_loop: a task may spawn others, past the limit") {
    setting s;
    numbers found;
    quire::task_loop loop{*s.pool, {.in_flight = 2}};
    loop.spawn(spawn_more(loop, *s.file, found));
    loop.run();
    CHECK(found.size() == 9);
}

namespace {

/// A coroutine type that quire knows nothing of.
struct detached {
    struct promise_type {
        detached get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void unhandled_exception() const noexcept { std::terminate(); }
        void return_void() const noexcept {}
    };
};

template <class Loop>
detached fetch_by(Loop& loop, file_type file, page_no no, numbers& found) {
    auto held = co_await loop.fetch(file, no);
    found.push_back(number_on(file, no.value()));
}

}  // namespace

TEST_CASE("task_loop: coroutines of other types fetch by the loop") {
    setting s;
    numbers found;
    quire::task_loop loop{*s.pool};
    for (std::uint64_t no = 0; no < 20; ++no) { fetch_by(loop, *s.file, no, found); }
    CHECK(found.empty());
    loop.run();
    CHECK(found.size() == 20);
    CHECK(s.file->stats().misses == 20);
    s.expect_no_pins();
}

namespace {

task<> from_two(file_type one, file_type two, std::uint64_t& sum) {
    sum += co_await number(one, 7);
    sum += co_await number(two, 8);
}

}  // namespace

TEST_CASE("task_loop: a page of another pool is read at once") {
    setting s;
    setting other;
    std::uint64_t sum = 0;
    quire::task_loop loop{*s.pool};
    loop.spawn(from_two(*s.file, *other.file, sum));
    loop.run();
    CHECK(sum == 15);
    other.expect_no_pins();
}

TEST_CASE("task_loop: two threads, each with a loop of its own, over one pool") {
    setting s{64};
    auto const sum = [&](std::uint64_t first) {
        std::uint64_t found = 0;
        quire::task_loop loop{*s.pool, {.in_flight = 16}};
        for (std::uint64_t i = 0; i < 500; ++i) {
            loop.spawn(sum_of(*s.file, {(first + 7 * i) % 256}, found));
        }
        loop.run();
        return found;
    };
    auto const expected = [](std::uint64_t first) {
        std::uint64_t found = 0;
        for (std::uint64_t i = 0; i < 500; ++i) { found += (first + 7 * i) % 256; }
        return found;
    };
    auto one = std::async(std::launch::async, sum, std::uint64_t{0});
    auto two = std::async(std::launch::async, sum, std::uint64_t{3});
    CHECK(one.get() == expected(0));
    CHECK(two.get() == expected(3));
    s.expect_no_pins();
}

namespace {

template <class File>
task<> count_up(File file, page_no no, int& count) {
    auto page = co_await file.async_read(no);
    count += page->bytes().template load<std::uint64_t>(number_at) == no.value() ? 1 : 0;
}

}  // namespace

TEST_CASE("task_loop: over a backend without transfers in flight the tasks take turns") {
    auto const store = quire::memory_store_ptr::make();
    quire::buffer_pool<size, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend> pool{
        {.frames = 32, .backend = {store}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    append_numbers(file, 128);
    file.flush();
    int count = 0;
    quire::task_loop loop{pool, {.in_flight = 16}};
    for (std::uint64_t i = 0; i < 300; ++i) { loop.spawn(count_up(file, i * 37 % 128, count)); }
    loop.run();
    CHECK(count == 300);
    CHECK(loop.stats().blocking_fetches > 0);
}

namespace {

/// What is printed when `act(setting, loop)` breaks a rule, in a process of its own.
template <class Act>
std::string violation(Act act) {
    return violation_of([&] {
        setting s;
        loop_type loop{*s.pool};
        act(s, loop);
    });
}

task<> run_inside(loop_type& loop) {
    loop.run();
    co_return;
}
task<> wait_for_nothing() { co_await std::suspend_always{}; }
task<> await_twice(file_type file) {
    auto once = number(file, 1);
    static_cast<void>(co_await std::move(once));
    static_cast<void>(co_await std::move(once));
}
task<> fetch_by_another(loop_type& other, file_type file) {
    auto held = co_await other.fetch(file, 1);
}

}  // namespace

TEST_CASE("task_loop: misuse is named") {
    CHECK_THAT(violation([](auto&, auto& loop) {
                   loop.spawn(run_inside(loop));
                   loop.run();
               }),
               ContainsSubstring("one thread runs a task_loop, and not from inside"));
    CHECK_THAT(violation([](auto& s, auto&) { s.pool.reset(); }),
               ContainsSubstring("no task_loop outlives its pool"));
    CHECK_THAT(violation([](auto& s, auto& loop) {
                   numbers found;
                   auto one = look_up(*s.file, 1, found);
                   loop.spawn(std::move(one));
                   loop.spawn(std::move(one));
               }),
               ContainsSubstring("a task is awaited or spawned once"));
    CHECK_THAT(violation([](auto&, auto& loop) {
                   loop.spawn(wait_for_nothing());
                   loop.run();
               }),
               ContainsSubstring("a task waits for pages of its loop's pool, or for another task"));
    CHECK_THAT(violation([](auto& s, auto& loop) {
                   loop.spawn(await_twice(*s.file));
                   loop.run();
               }),
               ContainsSubstring("a task is awaited or spawned once"));
    CHECK_THAT(violation([](auto& s, auto& loop) {
                   loop_type other{*s.pool};
                   loop.spawn(fetch_by_another(other, *s.file));
                   loop.run();
               }),
               ContainsSubstring("a task fetches by its own loop"));
    CHECK_THAT(violation([](auto& s, auto&) {
                   numbers found;
                   loop_type other{*s.pool};
                   fetch_by(other, *s.file, 1, found);
               }),
               ContainsSubstring("a task_loop ends after the coroutines that fetch by it"));
    setting s;
    CHECK(refusal([&] { loop_type{*s.pool, {.in_flight = 0}}; }) == errc::bad_option);
    CHECK(refusal([&] { loop_type{*s.pool, {.in_flight = 16'385}}; }) == errc::bad_option);
}

TEST_CASE("task_loop: in a forked child it may only end") {
    setting s;
    numbers found;
    quire::task_loop loop{*s.pool};
    loop.spawn(look_up(*s.file, 1, found));
    CHECK(failure_of([&]() -> std::string {
              auto const code = refusal([&] { loop.run(); });
              return code == errc::forked ? "" : "a forked child runs tasks";
          }) == "");
    loop.run();
    CHECK(found == numbers{1});
}

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
namespace {

task<> holds_on(file_type file) {
    auto page = file.read(0);
    auto held = co_await file.fetch(1);  // a hit, or not
}

}  // namespace

TEST_CASE("task_loop: a task that waits holds no guard, checked builds say") {
    char const* const rule =
        "a task that waits, and a thread that runs tasks, hold no guard of the pool";
    for (bool const is_hit : {false, true}) {
        CHECK_THAT(violation([is_hit](auto& s, auto& loop) {
                       if (is_hit) { static_cast<void>(number_on(*s.file, 1)); }
                       loop.spawn(holds_on(*s.file));
                       loop.run();
                   }),
                   ContainsSubstring(rule));
    }
    CHECK_THAT(violation([](auto& s, auto& loop) {
                   auto const page = s.file->read(0);
                   loop.run();
               }),
               ContainsSubstring(rule));
}
#endif
