// SPDX-License-Identifier: BSL-1.0
#include "queued_backend.hpp"

#include "catch.hpp"
#include "io/bench.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using quire::io_verb;
using quire::open_mode;
using quire_test::hand_out_order;
using quire_test::page_bytes;
using quire_test::queue_script;
using quire_test::queued_backend;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using op = queued_backend<>::op;

/// A file of eight pages of zeros, and a script.
struct scene {
    std::shared_ptr<queue_script> script;
    quire_test::bench<queued_backend<>> b;
    queued_backend<>::file file;
    std::vector<op> ops{};
    std::vector<op*> pointers{};
    std::vector<op*> done = std::vector<op*>(16);

    explicit scene(queue_script::settings const& settings = {})
        : script{std::make_shared<queue_script>(settings)},
          b{{.inner = {}, .script = script}, 16},
          file{b.backend.open({"f", open_mode::open_or_create, {}, page_bytes, false})} {
        REQUIRE(b.backend.resize(file, 8 * page_bytes) == 0);
    }
    /// Submits reads of the first pages. Returns how many are complete.
    std::size_t submit(std::size_t count) {
        ops.clear();
        for (std::size_t p = 0; p < count; ++p) {
            ops.push_back(b.page_op(io_verb::read, file, p, p));
        }
        return b.submit(ops, pointers);
    }
    std::size_t reap(std::chrono::nanoseconds wait = {}, std::size_t room = 16) {
        return b.backend.reap(std::span{done}.first(room), wait);
    }
    /// The pages that were handed out, in that order.
    std::vector<std::uint64_t> pages(std::size_t count) {
        std::vector<std::uint64_t> all;
        for (auto const* each : std::span{done}.first(count)) {
            all.push_back(each->offset / page_bytes);
        }
        return all;
    }
    /// Begins a long reap in another thread, does `act` when that waits, and returns its result.
    template <class Act>
    std::size_t reap_meanwhile(Act act) {
        std::size_t count = 99;
        auto const before = script->waits();
        auto const begin = std::chrono::steady_clock::now();
        std::thread reaper{[&] { count = reap(seconds{30}); }};
        while (script->waits() == before) { std::this_thread::yield(); }
        act();
        reaper.join();
        CHECK(std::chrono::steady_clock::now() - begin < seconds{20});
        return count;
    }
};

using numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("queued_backend: bytes move in reap, and not before") {
    scene s;
    std::ranges::fill(s.b.frame(0), std::byte{9});
    CHECK(s.submit(3) == 0);
    CHECK(s.ops[0].error == -77);
    CHECK(s.b.frame(0)[0] == std::byte{9});
    CHECK(s.script->in_flight() == 3);
    CHECK(s.reap({}, 2) == 2);
    CHECK(s.pages(2) == numbers{0, 1});
    CHECK(s.b.frame(0)[0] == std::byte{0});
    CHECK(s.ops[2].error == -77);
    CHECK(s.reap() == 1);
    CHECK(s.reap(seconds{30}) == 0);  // nothing is in flight: at once
    CHECK(s.script->in_flight() == 0);
    CHECK(s.script->in_flight_max() == 3);
    CHECK(s.script->submits() == 1);
    CHECK(s.script->reaps() == 3);
    CHECK(s.script->waits() == 0);
}
TEST_CASE("queued_backend: a closed gate keeps a reap waiting, until it is opened") {
    scene s;
    s.script->close_gate();
    CHECK(s.reap(seconds{30}) == 0);  // nothing is in flight: at once, here too
    CHECK(s.script->waits() == 0);
    CHECK(s.submit(2) == 0);
    CHECK(s.reap() == 0);
    CHECK(s.reap(milliseconds{1}) == 0);
    CHECK(s.reap_meanwhile([&] { s.script->open_gate(); }) == 2);
}
TEST_CASE("queued_backend: an interrupt ends the reap that waits, or else the next one") {
    scene s;
    s.script->close_gate();
    CHECK(s.submit(1) == 0);
    CHECK(s.reap_meanwhile([&] { s.b.backend.interrupt(); }) == 0);
    s.b.backend.interrupt();
    CHECK(s.reap(seconds{30}) == 0);
    CHECK(s.script->waits() == 1);
    CHECK(s.reap(milliseconds{1}) == 0);  // the interrupts are used up
    CHECK(s.script->waits() == 2);
    CHECK(s.script->interrupts() == 2);
    s.script->open_gate();
    CHECK(s.reap() == 1);
}
TEST_CASE("queued_backend: hands out in the order of its script") {
    scene reversed{{.order = hand_out_order::reversed}};
    CHECK(reversed.submit(4) == 0);
    CHECK(reversed.reap() == 4);
    CHECK(reversed.pages(4) == numbers{3, 2, 1, 0});
    scene shuffled{{.order = hand_out_order::shuffled, .seed = 3}};
    CHECK(shuffled.submit(8) == 0);
    CHECK(shuffled.reap() == 8);
    auto order = shuffled.pages(8);
    CHECK(order != numbers{0, 1, 2, 3, 4, 5, 6, 7});
    std::ranges::sort(order);
    CHECK(order == numbers{0, 1, 2, 3, 4, 5, 6, 7});
}
TEST_CASE("queued_backend: every third op is complete in submit, and in front, whatever the gate") {
    scene s{{.complete_every = 3}};
    s.script->close_gate();
    CHECK(s.submit(7) == 2);
    CHECK(s.pointers[0] == &s.ops[2]);
    CHECK(s.pointers[1] == &s.ops[5]);
    CHECK(s.ops[5].error == 0);
    CHECK(s.script->in_flight() == 5);
    s.script->open_gate();
    CHECK(s.reap() == 5);
    CHECK(s.pages(5) == numbers{0, 1, 3, 4, 6});
}
TEST_CASE("queued_backend: calls the hook on entering reap, and counts reaps that overlap") {
    scene s;
    int entered = 0;
    s.script->entering_reap = [&] { ++entered; };
    CHECK(s.reap() == 0);
    CHECK(entered == 1);
    s.script->entering_reap = nullptr;
    CHECK(s.script->overlapping_reaps() == 0);
    s.script->close_gate();
    CHECK(s.submit(1) == 0);
    std::vector<op*> other(1);
    CHECK(s.reap_meanwhile([&] {
        CHECK(s.b.backend.reap(other, milliseconds{0}) == 0);
        s.script->open_gate();
    }) == 1);
    CHECK(s.script->overlapping_reaps() == 1);
}
