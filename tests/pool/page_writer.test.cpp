// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/page_writer.hpp>

#include "calls.hpp"
#include "doubles.hpp"
#include "queued_backend.hpp"

#include <quire/evict/clock.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <cerrno>
#include <functional>
#include <future>
#include <shared_mutex>
#include <thread>
#include <vector>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;
using quire::guard_slot;
using quire::io_verb;
using quire::open_mode;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

template <class Latch = quire::hybrid_latch>
using gated_pool = quire::buffer_pool<size, quire::clock, Latch, gated_backend>;

constexpr quire::file_options no_limit{.dirty_pages_max = 10'000};

/// Writes are complete only in reap; behind the gate of `queue`, and as `io.script` says.
struct queued_world {
    using pool_type = quire::buffer_pool<size, quire::clock, quire::hybrid_latch,
                                         queued_backend<gated_backend>>;

    explicit queued_world(std::uint64_t pages, quire::log_hook const& hook = {},
                          hand_out_order order = hand_out_order::in_order)
        : queue{std::make_shared<queue_script>(queue_script::settings{.order = order})},
          pool{{.frames = 400, .durable = hook, .backend = {.inner = io, .script = queue}}},
          file{pool.open("f", open_mode::open_or_create, no_limit)} {
        append_numbers(file, pages, 1000);
    }
    std::future<std::optional<errc>> flusher() {
        return std::async(std::launch::async, [&] { return refusal([&] { file.flush(); }); });
    }
    void wait_until_in_flight(std::size_t ops) {
        while (queue->in_flight() < ops) { std::this_thread::sleep_for(1ms); }
        std::this_thread::sleep_for(20ms);  // and it goes on, as far as it can
    }

    gated_backend::options io;
    std::shared_ptr<queue_script> queue;
    pool_type pool;
    pool_type::file file;
};

std::uint64_t number_in_store(gated_backend::options const& io, std::uint64_t no) {
    auto const bytes = io.store->bytes("f");
    REQUIRE(bytes.size() >= (no + 1) * size);
    return quire::load_le<std::uint64_t>(bytes.data() + no * size + number_at);
}

/// A miss has chosen dirty page 0, and is about to latch it at `when`; then page 0 is taken by a
/// thread that next waits for what the miss is loading. If the miss waited, too, so would both.
template <bool Downgrades>
void expect_that_a_miss_only_tries(std::function<void()> latch_hooks::*when) {
    gated_backend::options io;
    quire::buffer_pool<size, told_policy, hooked_latch<Downgrades>, gated_backend> pool{
        {.frames = 2, .frame_wait_max = 20ms, .backend = io}};
    policy_orders::current() = {};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 3);
    file.flush();
    write_number(file, 0, 70);
    CHECK(number_on(file, 2) == 2);
    policy_orders::current().candidates = {file.slot().pages->load(0).frame()};
    std::promise<void> about_to_latch;
    std::promise<void> taken;
    auto loader = std::async(std::launch::async, [&] {
        latch_hooks::of_this_thread().*when = [&] {
            about_to_latch.set_value();
            taken.get_future().wait();
        };
        return refusal([&] { number_on(file, 1); });
    });
    about_to_latch.get_future().wait();
    auto page = file.write(0);
    taken.set_value();
    CHECK(refusal([&] { number_on(file, 1, {.wait_max = 2s}); }) == errc::no_free_frame);
    page.release();
    CHECK(loader.get() == errc::no_free_frame);
    policy_orders::current() = {};
    CHECK(number_on(file, 0) == 70);
}

}  // namespace

TEST_CASE("page_writer: a miss only tries the latch of its victim") {
    expect_that_a_miss_only_tries<true>(&latch_hooks::before_exclusive);
}
TEST_CASE("page_writer: without downgrade a miss only tries it the second time, too") {
    expect_that_a_miss_only_tries<false>(&latch_hooks::before_exclusive);
    expect_that_a_miss_only_tries<false>(&latch_hooks::before_shared);
}

TEST_CASE("page_writer: a change that was logged while the log was written waits for the log") {
    std::vector<std::uint64_t> asked;
    std::function<void()> meanwhile;
    gated_backend::options io;
    gated_pool<> pool{{.frames = 4,
                       .durable =
                           [&](std::uint64_t lsn) {
                               asked.push_back(lsn);
                               if (auto const act = std::exchange(meanwhile, nullptr)) { act(); }
                               return lsn;
                           },
                       .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 1);
    auto const write_logged = [&](std::uint64_t number, std::uint64_t lsn) {
        auto page = file.write(0);
        page->bytes().store<std::uint64_t>(number_at, number);
        page.logged(lsn);
    };
    write_logged(70, 5);
    meanwhile = [&] { std::async(std::launch::async, [&] { write_logged(71, 9); }).get(); };
    file.flush();
    CHECK(asked == std::vector<std::uint64_t>{5, 9});
    CHECK(number_in_store(io, 0) == 71);
}

TEST_CASE("page_writer: who waited for a sync that failed does not sync again") {
    // The kernel reports what it dropped once; a second sync would say that all is well.
    gated_backend::options io;
    gated_pool<> pool{{.frames = 4, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    std::promise<void> inside;
    std::promise<void> go_on;
    std::atomic<bool> first{true};
    io.script->during_sync = [&] {
        if (first.exchange(false)) {
            inside.set_value();
            go_on.get_future().wait();
        }
    };
    io.script->fail_sync(EIO);
    auto const flush = [&] { return refusal([&] { file.flush(); }); };
    auto one = std::async(std::launch::async, flush);
    inside.get_future().wait();
    auto two = std::async(std::launch::async, flush);
    std::this_thread::sleep_for(30ms);
    go_on.set_value();
    CHECK(one.get() == errc::sync_failed);
    CHECK(two.get() == errc::sync_failed);
    CHECK(io.script->syncs() == 1);
    file.close(quire::unwritten::discard);
}

TEST_CASE("page_writer: flush writes more pages than a batch has, each once") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 200, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 150, 1000);
    file.flush();
    for (std::uint64_t no = 0; no < 150; ++no) {
        CHECK(number_in_store(io, no) == 1000 + no);
        CHECK(io.script->count(io_verb::write, no * size) == 1);
    }
    CHECK(file.stats().write_backs == 150);
    CHECK(file.slot().dirty == 0);
}

TEST_CASE("page_writer: a flush of nothing writes nothing, and syncs") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 4, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create);
    file.flush();
    CHECK(file.stats().write_backs == 0);
    CHECK(file.stats().syncs == 1);
    CHECK(io.script->syncs() == 1);
}

TEST_CASE("page_writer: the time that earlier writes took is not held against a later page") {
    // A flush of many pages takes longer than any wait for a latch should. When it then meets a
    // reader, it must wait for it as it would have at first.
    gated_backend::options io;
    gated_pool<> pool{{.frames = 100, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 66, 1000);  // a batch of 64, and another
    io.script->hold(io_verb::write, 0);
    auto flusher = std::async(std::launch::async, [&] {
        return refusal([&] { file.flush({.wait_max = 1s}); });
    });
    io.script->wait_until_held();
    {
        auto page = file.read(64);
        std::this_thread::sleep_for(1100ms);
        io.script->let_go();
        std::this_thread::sleep_for(50ms);
    }
    CHECK(flusher.get() == std::nullopt);
    CHECK(number_in_store(io, 64) == 1064);
}

TEST_CASE("page_writer: a flush that waits for a guard has no latch meanwhile") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 8, .wait_max = 10s, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 2, 70);
    file.flush();
    append_numbers(file, 1, 72);
    io.script->hold(io_verb::write, 2 * size);  // so that the next flush waits longer
    auto const flush = [&] { return refusal([&] { file.flush(); }); };
    auto other = std::async(std::launch::async, flush);
    io.script->wait_until_held();
    write_number(file, 0, 79);
    std::future<std::optional<errc>> flusher;
    {
        auto page = file.write(1);
        flusher = std::async(std::launch::async, flush);
        std::this_thread::sleep_for(30ms);
        // Whoever holds a page and wants another must not meet a flush that does the same.
        CHECK(refusal([&] { write_number(file, 0, 80, {.wait_max = 300ms}); }) == std::nullopt);
    }
    io.script->let_go();
    CHECK(other.get() == std::nullopt);
    CHECK(flusher.get() == std::nullopt);
    CHECK(number_in_store(io, 1) == 71);
}

TEST_CASE("page_writer: a flush that waits for a guard ends at its deadline, others are written") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 8, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 3, 70);
    {
        auto page = file.write(1);
        auto flusher = std::async(std::launch::async, [&] {
            return refusal([&] { file.flush({.wait_max = 20ms}); });
        });
        CHECK(flusher.get() == errc::timed_out);
        CHECK(number_in_store(io, 0) == 70);
        CHECK(number_in_store(io, 1) == 0);
        CHECK(number_in_store(io, 2) == 72);
        CHECK(page->bytes().load<std::uint64_t>(number_at) == 71);
    }
    file.flush();
    CHECK(number_in_store(io, 1) == 71);
}

// Each round sealed the page, let it go, and found it changed: the flush went on to its deadline.
TEST_CASE("page_writer: without downgrade, a flush ends although its page changes every time") {
    gated_backend::options io;
    gated_pool<hooked_latch<false>> pool{
        {.frames = 4, .wait_max = std::chrono::hours{1}, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 1);
    write_number(file, 0, 100);
    std::uint64_t last = 100;
    std::function<void()> change = [&] {
        std::async(std::launch::async, [&] { write_number(file, 0, ++last); }).get();
        latch_hooks::of_this_thread().before_shared = change;
    };
    latch_hooks::of_this_thread().before_shared = change;
    file.flush();
    latch_hooks::of_this_thread() = {};
    CHECK(last > 100);
    CHECK(number_in_store(io, 0) >= 100);
    CHECK(number_on(file, 0) == last);
    file.flush();
    CHECK(number_in_store(io, 0) == last);
    CHECK(file.slot().dirty == 0);
}

namespace {

/// A page that is changed, and logged, each time the log is asked how far it is durable: by another
/// thread, since the hook must not enter the pool.
template <class Latch>
struct busy_page {
    explicit busy_page(std::uint64_t pages = 1) {
        append_numbers(file, pages);
        change();
    }
    void change() {
        auto page = file.write(0);
        page->bytes().template store<std::uint64_t>(number_at, ++last);
        page.logged(last);
    }
    std::uint64_t hook(std::uint64_t lsn) {
        asked.push_back(lsn);
        if (is_busy) { std::async(std::launch::async, [&] { change(); }).get(); }
        if (in_hook) { in_hook(); }
        return refuses ? lsn - 1 : lsn;
    }

    gated_backend::options io;
    std::uint64_t last = 100;
    std::vector<std::uint64_t> asked;
    bool is_busy = true;
    bool refuses = false;
    std::function<void()> in_hook;
    gated_pool<Latch> pool{{.frames = 8,
                            .wait_max = std::chrono::hours{1},
                            .durable = [this](std::uint64_t lsn) { return hook(lsn); },
                            .backend = io}};
    typename gated_pool<Latch>::file file{pool.open("f", open_mode::open_or_create, no_limit)};
};

}  // namespace

TEMPLATE_TEST_CASE("page_writer: a flush ends although its page is logged during every log sync",
                   "", quire::hybrid_latch, std::shared_mutex) {
    busy_page<TestType> s{3};
    auto const before = s.last;
    s.file.flush();
    CHECK(s.asked.size() == 3);  // twice for the batch, then for the copy
    CHECK(number_in_store(s.io, 0) >= before);
    CHECK(number_in_store(s.io, 0) <= s.asked.back());  // not ahead of the log
    CHECK(number_in_store(s.io, 2) == 2);
    CHECK(s.last == before + 3);
    CHECK(s.file.slot().dirty == 1);  // it has changed again
    s.file.write_back();
    s.is_busy = false;
    s.file.close();
    CHECK(number_in_store(s.io, 0) == s.last);
}

TEST_CASE("page_writer: a copy is not written over a newer version of its page") {
    busy_page<quire::hybrid_latch> s;
    s.in_hook = [&] {
        if (s.asked.size() != 3) { return; }  // the copy is made, and not written yet
        s.is_busy = false;
        s.in_hook = {};
        std::async(std::launch::async, [&] { s.file.flush(); }).get();
    };
    s.file.flush();
    CHECK(number_in_store(s.io, 0) == s.last);
    CHECK(s.file.slot().dirty == 0);
}

TEST_CASE("page_writer: a copy whose write fails, or that the log refuses, leaves the page dirty") {
    busy_page<quire::hybrid_latch> s;
    s.io.script->fail(io_verb::write, 0, EIO);
    CHECK(refusal([&] { s.file.write_back(); }) == errc::write_failed);
    CHECK(number_in_store(s.io, 0) == 0);
    s.in_hook = [&] { s.refuses = s.asked.size() == 3; };
    s.asked.clear();
    CHECK(refusal([&] { s.file.write_back(); }) == errc::log_failed);
    CHECK(s.file.slot().dirty == 1);
    s.is_busy = false;
    s.refuses = false;
    s.in_hook = {};
    s.file.flush();
    CHECK(number_in_store(s.io, 0) == s.last);
}

TEMPLATE_TEST_CASE("page_writer: a page that is read on and on is written from a copy", "",
                   quire::hybrid_latch, std::shared_mutex) {
    busy_page<TestType> s{3};
    s.is_busy = false;
    auto const page = s.file.read(0);
    std::async(std::launch::async, [&] { s.file.flush(); }).get();
    CHECK(number_in_store(s.io, 0) == s.last);
    CHECK(number_in_store(s.io, 2) == 2);
    CHECK(s.asked == std::vector{s.last, s.last});  // for the batch, and for the copy
    CHECK(s.file.slot().dirty == 0);
    CHECK(page->bytes().template load<std::uint64_t>(number_at) == s.last);
}

TEST_CASE("page_writer: a page that has changed since it was copied is copied again for a reader") {
    busy_page<quire::hybrid_latch> s;
    s.is_busy = false;
    std::promise<void> copied;
    std::promise<void> changed;
    s.in_hook = [&] {
        if (s.asked.size() != 2) { return; }
        copied.set_value();
        changed.get_future().wait();
    };
    std::future<void> flusher;
    {
        auto const page = s.file.read(0);
        flusher = std::async(std::launch::async, [&] { s.file.flush(); });
        copied.get_future().wait();
    }
    s.change();
    auto const page = s.file.read(0);
    changed.set_value();
    flusher.get();
    CHECK(number_in_store(s.io, 0) == s.last);
    CHECK(s.asked == std::vector<std::uint64_t>{101, 101, 102});
    CHECK(s.file.slot().dirty == 0);
}

// Writers that wait for a reader keep new readers out. A copy is made in front of them.
TEST_CASE("page_writer: pages that are read, and waited for by writers, are written from copies") {
    busy_page<quire::hybrid_latch> s{2};
    s.is_busy = false;
    {
        auto page = s.file.write(1);
        page.logged(++s.last);
    }
    s.in_hook = [] { std::this_thread::sleep_for(10ms); };  // the writers sleep long
    std::promise<void> leave;
    auto const left = leave.get_future().share();
    std::atomic<int> readers{0};
    std::vector<std::future<void>> others;
    for (std::uint64_t no = 0; no < 2; ++no) {
        others.push_back(std::async(std::launch::async, [&, no] {
            auto const page = s.file.read(no);
            ++readers;
            left.wait();
        }));
    }
    while (readers < 2) { std::this_thread::sleep_for(1ms); }
    for (std::uint64_t no = 0; no < 2; ++no) {
        others.push_back(std::async(std::launch::async, [&, no] { write_number(s.file, no, 7); }));
    }
    std::this_thread::sleep_for(30ms);
    CHECK(refusal([&] { s.file.flush({.wait_max = 3s}); }) == std::nullopt);
    CHECK(number_in_store(s.io, 0) == 101);
    leave.set_value();
}

TEST_CASE("page_writer: a copy is not written while another thread writes the page") {
    busy_page<quire::hybrid_latch> s;
    s.is_busy = false;
    std::promise<void> leave;
    std::promise<void> reads;
    auto reader = std::async(std::launch::async, [&] {
        auto const page = s.file.read(0);
        reads.set_value();
        leave.get_future().wait();
    });
    reads.get_future().wait();
    std::future<void> other;
    s.in_hook = [&] {
        if (s.asked.size() != 2) { return; }  // the copy is made
        leave.set_value();
        reader.wait();
        s.io.script->hold(io_verb::write, 0);
        other = std::async(std::launch::async, [&] { s.file.write_back(); });
        s.io.script->wait_until_held();
    };
    auto flusher = std::async(std::launch::async, [&] { s.file.flush(); });
    CHECK(flusher.wait_for(100ms) == std::future_status::timeout);
    CHECK(s.io.script->count(io_verb::write, 0) == 1);
    s.io.script->let_go();
    other.get();
    flusher.get();
    CHECK(s.io.script->count(io_verb::write, 0) == 1);
    CHECK(number_in_store(s.io, 0) == s.last);
}

TEST_CASE("page_writer: a truncation waits for a write that begins meanwhile") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 8, .wait_max = 20s, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 6);
    file.flush();
    write_number(file, 5, 55);
    std::promise<void> leave;
    std::promise<void> reads;
    auto reader = std::async(std::launch::async, [&] {
        auto const page = file.read(5);
        reads.set_value();
        leave.get_future().wait();
    });
    reads.get_future().wait();
    io.script->hold(io_verb::write, 5 * size);
    auto cutter = std::async(std::launch::async, [&] {
        return refusal([&] { file.truncate(2); });
    });
    std::this_thread::sleep_for(5ms);
    auto flusher = std::async(std::launch::async, [&] { file.write_back(); });
    io.script->wait_until_held();  // the page is being written from a copy
    leave.set_value();
    std::this_thread::sleep_for(200ms);
    io.script->let_go();
    CHECK(cutter.get() == std::nullopt);
    flusher.get();
    CHECK(file.pages() == 2);
}

// There is one spare page. A flush that waits for a writer does not wait with it in hand.
TEST_CASE("page_writer: a flush that waits for a writer keeps no other flush from its copies") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 8, .wait_max = 20s, .backend = io}};
    auto written = pool.open("f", open_mode::open_or_create, no_limit);
    auto read = pool.open("g", open_mode::open_or_create, no_limit);
    append_numbers(written, 1, 70);
    append_numbers(read, 1, 80);
    auto guard = written.write(0);
    auto first = std::async(std::launch::async, [&] { written.flush(); });
    std::this_thread::sleep_for(30ms);
    auto const reader = read.read(0);
    std::async(std::launch::async, [&] {
        CHECK(refusal([&] { read.flush({.wait_max = 2s}); }) == std::nullopt);
    }).get();
    CHECK(quire::load_le<std::uint64_t>(io.store->bytes("g").data() + number_at) == 80);
    CHECK(first.wait_for(0s) == std::future_status::timeout);
    guard.release();
    first.get();
    CHECK(number_in_store(io, 0) == 70);
}

TEST_CASE("page_writer: two flushes at once both end, and the pages are written") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 8, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 4, 70);
    io.script->hold(io_verb::write, 2 * size);
    auto one = std::async(std::launch::async, [&] { file.flush(); });
    io.script->wait_until_held();
    auto two = std::async(std::launch::async, [&] { file.flush(); });
    CHECK(two.wait_for(20ms) == std::future_status::timeout);  // its pages are not written yet
    io.script->let_go();
    one.get();
    two.get();
    for (std::uint64_t no = 0; no < 4; ++no) { CHECK(number_in_store(io, no) == 70 + no); }
    CHECK(file.slot().dirty == 0);
}

TEST_CASE("page_writer: a flush has four batches in flight, and no more") {
    queued_world s{300};
    s.queue->close_gate();
    auto flusher = s.flusher();
    s.wait_until_in_flight(256);
    CHECK(s.queue->in_flight() == 256);
    CHECK(s.file.slot().dirty == 300);  // no page is clean before its write is complete
    s.queue->open_gate();
    CHECK(flusher.get() == std::nullopt);
    CHECK(s.queue->in_flight_max() == 256);
    CHECK(s.file.slot().dirty == 0);
}

TEST_CASE("page_writer: scattered pages are written once each, in whatever order they complete") {
    auto const order = GENERATE(hand_out_order::in_order, hand_out_order::reversed,
                                hand_out_order::shuffled);
    queued_world s{390, {}, order};
    s.file.flush();
    for (std::uint64_t i = 0; i < 300; ++i) { write_number(s.file, i * 7 % 390, 2000 + i); }
    auto const before = s.file.stats().write_backs;
    s.file.flush();
    CHECK(s.file.stats().write_backs == before + 300);
    for (std::uint64_t i = 0; i < 300; ++i) {
        CHECK(number_in_store(s.io, i * 7 % 390) == 2000 + i);
        CHECK(s.io.script->count(io_verb::write, i * 7 % 390 * size) == 2);
    }
    CHECK(s.file.slot().dirty == 0);
    CHECK(s.queue->overlapping_reaps() == 0);
}

// The user has the second batch's first page and wants one of the first batch, which is being
// written. A flush that waited for the user's page now would never get to unlatch the other.
TEST_CASE("page_writer: a flush finishes what is in flight before it waits for a latch") {
    queued_world s{100};
    s.queue->close_gate();
    std::optional<std::future<std::optional<errc>>> one;
    std::optional<std::future<std::optional<errc>>> two;
    std::optional<errc> user;
    {
        auto held = s.file.write(64);
        one = s.flusher();
        s.wait_until_in_flight(64);
        two = s.flusher();
        std::this_thread::sleep_for(20ms);
        CHECK(s.queue->in_flight() == 64);
        s.queue->open_gate();
        user = refusal([&] { write_number(s.file, 0, 70, {.wait_max = 300ms}); });
    }
    CHECK(user == std::nullopt);
    CHECK(one->get() == std::nullopt);
    CHECK(two->get() == std::nullopt);
    CHECK(number_in_store(s.io, 64) == 1064);
    CHECK(number_in_store(s.io, 99) == 1099);
}

TEST_CASE("page_writer: the log is asked with nothing latched and nothing in flight") {
    // While the log is written, another thread logs a page of the third batch once more.
    std::vector<std::uint64_t> asked;
    int wrong = 0;
    queued_world* world = nullptr;
    auto const log_page = [&](std::uint64_t no, std::uint64_t lsn) {
        auto page = world->file.write(no);
        page->bytes().store<std::uint64_t>(number_at, lsn);
        page.logged(lsn);
    };
    auto const look = [&] {
        wrong += world->queue->in_flight() == 0 ? 0 : 1;
        for (std::uint64_t no = 0; no < 200; ++no) {
            bool const is_free =
                !refusal([&] { auto page = world->file.write(no, {.wait_max = 1ms}); });
            wrong += is_free ? 0 : 1;
        }
        if (asked.size() == 1) { log_page(150, 900); }
    };
    auto const hook = [&](std::uint64_t lsn) {
        asked.push_back(lsn);
        std::async(std::launch::async, look).get();
        return lsn;
    };
    queued_world s{200, hook};
    world = &s;
    for (std::uint64_t no = 0; no < 200; ++no) { log_page(no, 100 + no); }
    CHECK(s.flusher().get() == std::nullopt);
    CHECK(asked == std::vector<std::uint64_t>{299, 900});
    CHECK(wrong == 0);
    CHECK(number_in_store(s.io, 150) == 900);
    CHECK(s.file.slot().dirty == 0);
}

TEST_CASE("page_writer: a page that fails in the second of three batches is the only one left") {
    queued_world s{150};
    s.io.script->fail(io_verb::write, 70 * size, ENOSPC);
    auto const e = error_of([&] { s.file.flush(); });
    CHECK(e.kind() == errc::write_failed);
    CHECK(e.page().page() == 70);
    CHECK(s.file.slot().dirty == 1);
    for (std::uint64_t no = 0; no < 150; ++no) {
        CHECK(number_in_store(s.io, no) == (no == 70 ? 0 : 1000 + no));
    }
    s.file.flush();
    CHECK(number_in_store(s.io, 70) == 1070);
}

// Each wait is as long as wait_max. With a guard on each of many pages that was long.
TEST_CASE("page_writer: a flush waits in vain only once") {
    queued_world s{8};
    guard_slot<queued_world::pool_type::write_guard<quire::raw_page>> held[8];
    for (std::uint64_t no = 0; no < 8; ++no) { held[no].emplace(s.file, no); }
    auto const begin = std::chrono::steady_clock::now();
    auto flusher = std::async(std::launch::async, [&] {
        return refusal([&] { s.file.flush({.wait_max = 300ms}); });
    });
    CHECK(flusher.get() == errc::timed_out);
    CHECK(std::chrono::steady_clock::now() - begin < 1500ms);
    CHECK(s.file.slot().dirty == 8);
}

TEST_CASE("page_writer: one page that fails does not stop its neighbours") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 8, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 4, 70);
    io.script->fail(io_verb::write, 1 * size, ENOSPC);
    CHECK(refusal([&] { file.flush(); }) == errc::write_failed);
    CHECK(number_in_store(io, 0) == 70);
    CHECK(number_in_store(io, 1) == 0);
    CHECK(number_in_store(io, 3) == 73);
    CHECK(file.slot().dirty == 1);
    CHECK(file.stats().syncs == 1);  // what was written is durable
    file.flush();
    CHECK(file.slot().dirty == 0);
    CHECK(number_in_store(io, 1) == 71);
}

TEST_CASE("page_writer: past their limit of dirty pages writers write back before they go on") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 16, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, {.dirty_pages_max = 3});
    append_numbers(file, 8, 70);
    CHECK(file.slot().dirty <= 3);
    CHECK(file.stats().write_backs >= 6);
    CHECK(file.stats().syncs == 0);
    file.flush();
    for (std::uint64_t no = 0; no < 3; ++no) { write_number(file, no, 700 + no); }
    CHECK(number_in_store(io, 0) == 70);
    auto held = file.read(1);  // cannot be sealed: is left
    io.script->fail(io_verb::write, 2 * size, EIO);
    CHECK(refusal([&] { write_number(file, 3, 703); }) == errc::write_failed);
    CHECK(number_in_store(io, 0) == 700);
    CHECK(number_in_store(io, 1) == 71);
    write_number(file, 3, 703);
    CHECK(number_on(file, 2) == 702);
    held.release();
    file.flush();
    CHECK(number_in_store(io, 3) == 703);
}

// One writer at the limit wrote back all that was dirty, and paid for all the others.
TEST_CASE("page_writer: a writer past the limit writes a batch, and the next one the next") {
    gated_pool<> pool{{.frames = 512, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 400);
    file.flush();
    file.close();
    file = pool.open("f", open_mode::read_write, {.dirty_pages_max = 300});
    for (std::uint64_t no = 0; no < 300; ++no) { write_number(file, no, no); }
    auto const written = [&] { return file.stats().write_backs; };
    CHECK(written() == 0);
    write_number(file, 300, 1);
    CHECK(written() == 64);
    CHECK(file.slot().dirty == 300 - 64 + 1);
    for (std::uint64_t no = 301; file.slot().dirty < 300; ++no) { write_number(file, no, 1); }
    CHECK(written() == 64);
    write_number(file, 399, 1);
    CHECK(written() == 128);
    file.flush();
    CHECK(file.slot().dirty == 0);
}

TEST_CASE("page_writer: a miss writes its victim's neighbours in the same turn") {
    gated_backend::options io;
    gated_pool<> pool{{.frames = 4, .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 8, 70);
    file.flush();
    for (std::uint64_t no = 0; no < 4; ++no) { write_number(file, no, 700 + no); }
    CHECK(number_on(file, 7) == 77);
    CHECK(file.slot().dirty == 0);
    for (std::uint64_t no = 0; no < 4; ++no) { CHECK(number_in_store(io, no) == 700 + no); }
}

TEST_CASE("page_writer: a page has no log position from whoever had its frame before") {
    std::vector<std::uint64_t> asked;
    gated_backend::options io;
    gated_pool<> pool{{.frames = 1,
                       .frame_wait_max = 10ms,
                       .durable =
                           [&](std::uint64_t lsn) {
                               asked.push_back(lsn);
                               return lsn;
                           },
                       .backend = io}};
    auto file = pool.open("f", open_mode::open_or_create, no_limit);
    append_numbers(file, 2);
    {
        auto page = file.write(0);
        page.logged(50);
    }
    write_number(file, 1, 71);  // evicts page 0, by a miss
    file.flush();
    CHECK(asked == std::vector<std::uint64_t>{50});
    {
        auto page = file.write(1);
        page.logged(60);
    }
    append_numbers(file, 1);  // evicts page 1, by an append
    file.flush();
    CHECK(asked == std::vector<std::uint64_t>{50, 60});
}
