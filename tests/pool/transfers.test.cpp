// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/transfers.hpp>

#include <quire/latch/hybrid_latch.hpp>

#include "queued_backend.hpp"

#include "catch.hpp"

#include <algorithm>
#include <future>
#include <memory>
#include <thread>

// The one wait, interleaving by interleaving, on a backend with one queue for all threads whose
// gate the test opens. A sleep is as long as an hour here: a thread that depends on a wake-up that
// does not come shows, because the test is over in `soon` otherwise.
//
//   left out                                          who sleeps for ever
//   a reaper that leaves wakes one sleeper            the owner of another transfer
//   so does one whose time is over                    the owner of the transfer
//   so does a thread that starts one and goes on      the owner of the transfer
//   whoever finishes a transfer wakes its owner       the owner, behind a foreign reaper
//   a waker interrupts the reaper                     the reaper, inside the backend
//   a look after taking the role                      the reaper, though its transfer is complete
//   a look after announcing oneself                   a thread whose condition holds already
//   a transfer may be reaped before it is counted     the owner of another transfer
//   a wait for a latch reaps                          the latch's holder and the waiter

using namespace std::chrono_literals;
using quire::detail::deadline_after;
using quire::detail::has_passed;
using quire::detail::wake_key;
using quire_test::queue_script;

namespace {

constexpr std::size_t size = 512;  // bytes of a page
constexpr auto soon = 20s;         // on a busy machine, too

using backend_type = quire_test::queued_backend<>;
using transfers_type = quire::detail::transfers<backend_type>;
using transfer = transfers_type::transfer_type;

/// A file of 16 pages and as many frames.
struct setting {
    setting() {
        file = backend.open({.path = "f", .mode = quire::open_mode::open_or_create,
            .page_size = size});
        REQUIRE(backend.resize(file, 16 * size) == 0);
    }
    ~setting() { CHECK(script->overlapping_reaps() == 0); }

    transfer read(std::uint64_t no) {
        return {{quire::io_verb::read, &file, no * size,
                 std::span{memory}.subspan(no * size, size), -77}};
    }
    /// A thread that reads pages `no` up to `end`; whether that was soon over.
    std::future<bool> reader(std::uint64_t no, std::uint64_t end) {
        return std::async(std::launch::async, [this, no, end] {
            auto const until = deadline_after(soon);
            std::vector<transfer> batch;
            for (auto i = no; i < end; ++i) { batch.push_back(read(i)); }
            all.run(batch);
            bool const good = std::all_of(batch.begin(), batch.end(),
                                          [](auto const& op) { return op.error == 0; });
            return good && !has_passed(until);
        });
    }
    std::future<bool> reader(std::uint64_t no) { return reader(no, no + 1); }
    /// Returns when `count` ops are in flight and a thread waits in reap.
    void wait_until_reaping(std::size_t count) {
        auto const waits = waits_before;
        while (script->in_flight() < count || script->waits() <= waits) {
            std::this_thread::sleep_for(1ms);
        }
        std::this_thread::sleep_for(20ms);  // those that do not reap go to sleep
    }

    std::shared_ptr<queue_script> script = std::make_shared<queue_script>();
    std::vector<std::byte> memory = std::vector<std::byte>(16 * size);
    backend_type backend{std::span{memory}, {.inner = {}, .script = script}};
    backend_type::file file;
    std::uint64_t waits_before = 0;
    transfers_type all{backend, std::chrono::hours{1}};
};

}  // namespace

TEST_CASE("transfers: one that is complete in submit needs no reaper") {
    setting s;
    s.script = std::make_shared<queue_script>(queue_script::settings{.complete_every = 1});
    backend_type at_once{std::span{s.memory}, {.inner = {}, .script = s.script}};
    auto file = at_once.open({.path = "f", .mode = quire::open_mode::open_or_create,
        .page_size = size});
    transfers_type all{at_once, std::chrono::hours{1}};
    REQUIRE(at_once.resize(file, 16 * size) == 0);
    auto op = s.read(3);
    op.file = &file;
    all.run({&op, 1});
    CHECK(s.script->reaps() == 0);
    CHECK(all.drain(deadline_after(0s)));
}

TEST_CASE("transfers: a batch of which some are complete in submit is complete when the rest is") {
    auto const every = GENERATE(2U, 3U, 7U);
    setting s;
    s.script = std::make_shared<queue_script>(queue_script::settings{.complete_every = every});
    backend_type mixed{std::span{s.memory}, {.inner = {}, .script = s.script}};
    auto file = mixed.open({.path = "f", .mode = quire::open_mode::open_or_create,
        .page_size = size});
    transfers_type all{mixed, std::chrono::hours{1}};
    REQUIRE(mixed.resize(file, 16 * size) == 0);
    std::vector<transfer> batch;
    for (std::uint64_t no = 0; no < 16; ++no) {
        batch.push_back(s.read(no));
        batch.back().file = &file;
    }
    all.run(batch);
    for (auto const& op : batch) { CHECK(op.error == 0); }
    CHECK(s.script->in_flight() == 0);
    CHECK(all.drain(deadline_after(0s)));
}

namespace {

/// Counts what it transfers in the calling thread.
struct blocking_backend : backend_type {
    using backend_type::backend_type;
    void transfer(std::span<op*> ops) noexcept {
        transferred += ops.size();
        for (auto* each : ops) { each->error = 0; }
    }
    std::atomic<std::size_t> transferred{0};
};
static_assert(quire::blocking_backend<blocking_backend>);
static_assert(!quire::blocking_backend<backend_type>);
static_assert(!quire::blocking_backend<quire::memory_backend>);

}  // namespace

TEST_CASE("transfers: a single one is made by its thread, with nothing else in flight") {
    setting s;
    blocking_backend backend{std::span{s.memory}, {.inner = {}, .script = s.script}};
    quire::detail::transfers<blocking_backend> all{backend, std::chrono::hours{1}};
    auto op = s.read(3);
    all.run({&op, 1});
    CHECK(op.error == 0);
    CHECK(backend.transferred == 1);
    CHECK(s.script->submits() == 0);

    std::vector<transfer> both{s.read(3), s.read(4)};
    all.run(both);
    CHECK(backend.transferred == 1);
    CHECK(s.script->submits() == 1);

    s.script->close_gate();
    auto first = s.read(5);
    quire::detail::transfer_owner mine{1};
    first.owner = &mine;
    quire::detail::transfers<blocking_backend>::op_type* pointer = &first;
    all.start({&pointer, 1});
    auto other = std::async(std::launch::async, [&] { all.run({&op, 1}); });
    while (s.script->in_flight() < 2) { std::this_thread::sleep_for(1ms); }
    s.script->open_gate();
    other.get();
    CHECK(backend.transferred == 1);
    CHECK(all.wait(deadline_after(soon), mine.key(), [&] { return mine.all_complete(); }));
}

TEST_CASE("transfers: a reaper finishes the transfers of others, and wakes their owners") {
    setting s;
    s.script->close_gate();
    auto first = s.reader(1);
    s.wait_until_reaping(1);
    auto second = s.reader(2);  // sleeps: the other one reaps
    while (s.script->in_flight() < 2) { std::this_thread::sleep_for(1ms); }
    s.script->open_gate();  // the reaper gets both at once
    CHECK(second.get());
    CHECK(first.get());
}

TEST_CASE("transfers: a reaper that leaves wakes a sleeper, which reaps its own") {
    // One reap hands out 16: all that the first thread waits for, and none of the second's.
    setting s;
    s.script->close_gate();
    auto first = s.reader(0, 16);
    s.wait_until_reaping(16);
    auto second = s.reader(3);
    while (s.script->in_flight() < 17) { std::this_thread::sleep_for(1ms); }
    std::this_thread::sleep_for(20ms);  // it goes to sleep
    s.script->open_gate();
    CHECK(first.get());
    CHECK(second.get());
}

TEST_CASE("transfers: a reaper whose time is over wakes a sleeper, too") {
    setting s;
    s.script->close_gate();
    auto op = s.read(5);
    quire::detail::transfer_owner mine{1};
    op.owner = &mine;
    transfers_type::op_type* pointer = &op;
    s.all.start(std::span{&pointer, 1});
    auto passing = std::async(std::launch::async, [&] {
        return s.all.wait(deadline_after(200ms), wake_key::of(&s), [] { return false; });
    });
    s.wait_until_reaping(1);
    auto owner = std::async(std::launch::async, [&] {
        auto const end = deadline_after(soon);
        return s.all.wait(end, mine.key(), [&] { return mine.all_complete(); }) &&
               !has_passed(end);
    });
    CHECK_FALSE(passing.get());
    s.script->open_gate();
    CHECK(owner.get());
}

TEST_CASE("transfers: a thread that starts some and does not wait wakes a sleeper") {
    // The sleeper waits for what another thread has started: nothing was in flight when it slept.
    setting s;
    quire::detail::transfer_owner mine{1};
    auto owner = std::async(std::launch::async, [&] {
        auto const end = deadline_after(soon);
        return s.all.wait(end, mine.key(), [&] { return mine.all_complete(); }) &&
               !has_passed(end);
    });
    std::this_thread::sleep_for(20ms);
    auto op = s.read(5);
    op.owner = &mine;
    transfers_type::op_type* pointer = &op;
    s.all.start(std::span{&pointer, 1});
    CHECK(owner.get());
}

TEST_CASE("transfers: a condition that changes without a transfer gets its waiter out of reap") {
    setting s;
    std::atomic<bool> holds{false};
    auto const key = wake_key::of(&holds);
    auto const waiter = [&] {
        return std::async(std::launch::async, [&] {
            auto const end = deadline_after(soon);
            return s.all.wait(end, key, [&] { return holds.load(); }) && !has_passed(end);
        });
    };
    auto asleep = waiter();
    std::this_thread::sleep_for(20ms);
    holds = true;
    s.all.wake(key);
    CHECK(asleep.get());
    CHECK(s.script->interrupts() == 0);

    holds = false;
    s.script->close_gate();
    auto op = s.read(2);
    quire::detail::transfer_owner mine{1};
    op.owner = &mine;
    transfers_type::op_type* pointer = &op;
    s.all.start(std::span{&pointer, 1});
    auto in_reap = waiter();
    s.wait_until_reaping(1);
    holds = true;
    s.all.wake(key);
    CHECK(in_reap.get());
    CHECK(s.script->interrupts() == 1);
    s.script->open_gate();
    CHECK(s.all.wait(deadline_after(soon), mine.key(), [&] { return mine.all_complete(); }));
}

TEST_CASE("transfers: a wake for another key leaves the reaper in reap") {
    setting s;
    s.script->close_gate();
    auto reader = s.reader(1);
    s.wait_until_reaping(1);
    s.all.frame_changed();
    CHECK(s.script->interrupts() == 0);
    s.script->open_gate();
    CHECK(reader.get());
}

TEST_CASE("transfers: a thread that takes the role looks again before it waits in reap") {
    // Between its first look and the role the last reaper has finished what it waits for.
    setting s;
    s.script->close_gate();
    auto op = s.read(2);
    quire::detail::transfer_owner mine{1};
    op.owner = &mine;
    transfers_type::op_type* pointer = &op;
    s.all.start(std::span{&pointer, 1});
    int looks = 0;
    auto const end = deadline_after(soon);
    CHECK(s.all.wait(end, wake_key::of(&looks), [&] { return ++looks > 1; }));
    CHECK_FALSE(has_passed(end));
    CHECK(looks == 2);
    CHECK(s.script->reaps() == 0);
    s.script->open_gate();
    CHECK(s.all.wait(end, mine.key(), [&] { return mine.all_complete(); }));
}

TEST_CASE("transfers: a thread that has announced itself looks again before it sleeps") {
    setting s;
    int looks = 0;
    auto const end = deadline_after(soon);
    CHECK(s.all.wait(end, wake_key::of(&looks), [&] {
        if (++looks == 1) { s.all.wake(wake_key::of(&looks)); }  // before the announcement
        return looks > 1;
    }));
    CHECK_FALSE(has_passed(end));
    CHECK(looks == 2);
}

namespace {

/// A backend whose next submit returns only when another thread has reaped what was submitted.
struct reaped_at_once : backend_type {
    reaped_at_once(std::span<std::byte> memory, options const& given)
        : backend_type{memory, given}, script{given.script} {}
    std::size_t submit(std::span<op*> ops) noexcept {
        auto const before = script->in_flight();
        auto const now = backend_type::submit(ops);
        if (armed.exchange(false)) {
            script->open_gate();
            while (script->in_flight() > before) { std::this_thread::sleep_for(1ms); }
        }
        return now;
    }
    std::shared_ptr<queue_script> script;
    std::atomic<bool> armed{false};
};

}  // namespace

TEST_CASE("transfers: one that is reaped before it is counted hides no other one") {
    // A reaper finishes a transfer whose submit has not returned: it is counted off before it is
    // counted. For a moment nothing seems to be in flight, although the reaper's own is.
    setting s;
    auto const script = std::make_shared<queue_script>(
        queue_script::settings{.order = quire_test::hand_out_order::reversed});
    reaped_at_once backend{std::span{s.memory}, {.inner = {}, .script = script}};
    auto file = backend.open({.path = "f", .mode = quire::open_mode::open_or_create,
        .page_size = size});
    REQUIRE(backend.resize(file, 16 * size) == 0);
    quire::detail::transfers<reaped_at_once> all{backend, std::chrono::hours{1}};
    auto const read = [&](std::uint64_t no, std::uint64_t end) {
        return std::async(std::launch::async, [&, no, end] {
            auto const until = deadline_after(soon);
            std::vector<transfer> batch;
            for (auto i = no; i < end; ++i) {
                batch.push_back(s.read(i));
                batch.back().file = &file;
            }
            all.run(batch);
            return !has_passed(until);
        });
    };
    script->close_gate();
    auto first = read(0, 1);
    while (script->waits() == 0) { std::this_thread::sleep_for(1ms); }
    backend.armed = true;
    auto second = read(0, 16);  // one reap hands all of these out, and leaves the first one's
    CHECK(second.get());
    CHECK(first.get());
    CHECK(all.drain(deadline_after(soon)));
    CHECK(script->in_flight() == 0);
}

TEST_CASE("transfers: a wait for a latch reaps, since its holder may wait for that") {
    // The holder of the latch has a transfer in flight, and lets the latch go when it is complete;
    // it looks only now and then, as a task would.
    setting s;
    quire::hybrid_latch latch;
    latch.lock_shared();
    auto op = s.read(2);
    quire::detail::transfer_owner mine{1};
    op.owner = &mine;
    transfers_type::op_type* pointer = &op;
    s.all.start(std::span{&pointer, 1});
    auto holder = std::async(std::launch::async, [&] {
        while (!mine.all_complete()) { std::this_thread::sleep_for(1ms); }
        latch.unlock_shared();
    });
    CHECK(s.all.latch<quire::detail::access::exclusive>(latch, deadline_after(soon)));
    holder.get();
    latch.unlock();
}

TEST_CASE("transfers: a wait without a wake-up looks again by itself, and ends at its deadline") {
    setting s;
    std::atomic<bool> holds{false};
    auto changes = std::async(std::launch::async, [&] {
        std::this_thread::sleep_for(20ms);
        holds = true;  // and wakes nobody
    });
    auto const end = deadline_after(soon);
    CHECK(s.all.wait(end, wake_key::none(), [&] { return holds.load(); }));
    CHECK_FALSE(has_passed(end));
    changes.get();
    CHECK_FALSE(s.all.wait(deadline_after(5ms), wake_key::none(), [] { return false; }));
    CHECK_FALSE(s.all.wait(deadline_after(0ms), wake_key::of(&s), [] { return false; }));
    CHECK(s.all.wait(deadline_after(0ms), wake_key::of(&s), [] { return true; }));
}

TEST_CASE("transfers: eight threads on one queue, and no wake-up is missed") {
    using quire_test::hand_out_order;
    auto const order = GENERATE(hand_out_order::in_order, hand_out_order::reversed);
    auto const every = GENERATE(0U, 3U);
    setting s;
    auto const script = std::make_shared<queue_script>(
        queue_script::settings{.order = order, .complete_every = every});
    backend_type shared{std::span{s.memory}, {.inner = {}, .script = script}};
    auto file = shared.open({.path = "f", .mode = quire::open_mode::open_or_create,
        .page_size = size});
    transfers_type all{shared, std::chrono::hours{1}};
    REQUIRE(shared.resize(file, 16 * size) == 0);
    auto const end = deadline_after(soon);
    std::vector<std::thread> crew;
    std::atomic<int> wrong{0};
    for (std::uint64_t t = 0; t < 8; ++t) {
        crew.emplace_back([&, t] {
            for (int i = 0; i < 500; ++i) {
                auto op = s.read(2 * t + static_cast<std::uint64_t>(i % 2));
                op.file = &file;
                all.run({&op, 1});
                wrong += op.error == 0 ? 0 : 1;
            }
        });
    }
    for (auto& thread : crew) { thread.join(); }
    CHECK(wrong == 0);
    CHECK_FALSE(has_passed(end));
    CHECK(script->overlapping_reaps() == 0);
    CHECK(script->in_flight() == 0);
}
