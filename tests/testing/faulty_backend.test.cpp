// SPDX-License-Identifier: BSL-1.0
#include <quire/testing/faulty_backend.hpp>

#include <quire/io/direct_backend.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/testing/check_backend.hpp>

#include "catch.hpp"
#include "io/bench.hpp"
#include "queued_backend.hpp"
#include "random.hpp"
#include "temp_dir.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <vector>

using quire::io_ended;
using quire::io_verb;
using quire::open_mode;
using quire::testing::fault_plan;
using quire::testing::faulty_backend;
using quire::testing::io_call;
using quire::testing::io_fault;
using quire_test::error_of;
using quire_test::page_bytes;

namespace {

using memory = quire::memory_backend;
using queued = quire_test::queued_backend<>;
using backend = faulty_backend<memory>;
static_assert(quire::file_backend<backend>);
static_assert(quire::file_backend<faulty_backend<queued>>);
static_assert(!quire::adopting_backend<backend>);
static_assert(quire::adopting_backend<faulty_backend<quire::direct_backend>>);

/// A file of three pages, which are full of their numbers from 1, and a plan.
template <class Inner>
struct scene {
    using backend = faulty_backend<Inner>;
    std::shared_ptr<fault_plan> plan = std::make_shared<fault_plan>();
    quire_test::bench<backend> b{{.inner = {}, .faults = plan}, 16};
    typename backend::file file = b.backend.open({"f", open_mode::open_or_create, {}, page_bytes,
        false});

    scene() {
        REQUIRE(b.backend.resize(file, 3 * page_bytes) == 0);
        for (std::size_t page = 0; page < 3; ++page) { REQUIRE(write(page, page + 1) == 0); }
    }
    /// Writes page `page` full of bytes of that value.
    int write(std::uint64_t page, std::size_t value) {
        std::ranges::fill(b.frame(1), static_cast<std::byte>(value));
        return b.write(file, page, 1);
    }
    /// How many bytes of page `page` have that value.
    std::size_t count(std::uint64_t page, std::size_t value) {
        return static_cast<std::size_t>(
            std::ranges::count(b.content(file, page), static_cast<std::byte>(value)));
    }
};

}  // namespace

TEST_CASE("faulty_backend: without a plan it is the backend inside") {
    auto const found = quire::testing::check_backend<backend>();
    INFO(found.text());
    CHECK(found.passed());
}
TEST_CASE("faulty_backend: without a plan it is direct_backend, too") {
    temp_dir const dir;
    auto const found = quire::testing::check_backend<faulty_backend<quire::direct_backend>>(
        {.path = dir / "f", .io = quire::io_mode::direct_or_buffered});
    INFO(found.text());
    CHECK(found.passed());
}
TEST_CASE("faulty_backend: without a plan it is a backend that completes in reap, too") {
    using quire_test::hand_out_order;
    for (auto order : {hand_out_order::in_order, hand_out_order::shuffled}) {
        for (std::uint64_t every : {0U, 3U}) {
            auto const script = std::make_shared<quire_test::queue_script>(
                quire_test::queue_script::settings{order, 1, every});
            CHECK(quire::testing::check_backend<faulty_backend<queued>>(
                      {}, {.inner = {{}, script}, .faults = {}})
                      .text() == "");
        }
    }
}
TEMPLATE_TEST_CASE("faulty_backend: with many transfers late it still keeps the rules", "", memory,
                   queued) {
    for (std::uint64_t every : {1U, 2U, 7U}) {
        auto plan = std::make_shared<fault_plan>();
        plan->add({.call = io_call::read, .what = io_fault::delays, .every = every});
        plan->add({.call = io_call::write, .what = io_fault::delays, .every = every});
        CHECK(quire::testing::check_backend<faulty_backend<TestType>>(
                  {}, {.inner = {}, .faults = plan})
                  .text() == "");
        CHECK(plan->fired() > 100);
    }
}

TEMPLATE_TEST_CASE("faulty_backend: the n-th call fails, once", "", memory, queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::write, .nth = 1, .error = ENOSPC});
    CHECK(s.write(0, 7) == 0);
    CHECK(s.plan->fired() == 0);
    CHECK(s.write(1, 7) == ENOSPC);
    CHECK(s.plan->fired() == 1);
    CHECK(s.write(2, 7) == 0);
    CHECK(s.count(0, 7) == page_bytes);
    CHECK(s.count(1, 2) == page_bytes);
    CHECK(s.count(2, 7) == page_bytes);
    CHECK(s.plan->calls(io_call::write) == 6);
    CHECK(s.plan->calls(io_call::read) == 3);
    CHECK(s.plan->fired() == 1);
}
TEMPLATE_TEST_CASE("faulty_backend: from then on, until the plan is cleared", "", memory, queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::read, .nth = 1, .every = 1});
    CHECK(s.b.read(s.file, 0, 1) == 0);
    CHECK(s.b.read(s.file, 0, 1) == EIO);
    CHECK(s.b.read(s.file, 1, 1) == EIO);
    CHECK(s.write(0, 9) == 0);
    s.plan->clear();
    CHECK(s.b.read(s.file, 0, 1) == 0);
    CHECK(s.plan->fired() == 2);
}
TEMPLATE_TEST_CASE("faulty_backend: every third", "", memory, queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::read, .nth = 0, .error = EIO, .every = 3});
    std::vector<int> errors;
    for (int i = 0; i < 7; ++i) { errors.push_back(s.b.read(s.file, 0, 1)); }
    CHECK(errors == std::vector<int>{EIO, 0, 0, EIO, 0, 0, EIO});
}
TEMPLATE_TEST_CASE("faulty_backend: two faults are planned for one call, and the second is next",
                   "", memory, queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::read, .error = EIO});
    s.plan->add({.call = io_call::read, .error = ENOMEM});
    CHECK(s.b.read(s.file, 0, 1) == EIO);
    CHECK(s.b.read(s.file, 0, 1) == ENOMEM);
    CHECK(s.b.read(s.file, 0, 1) == 0);
}

TEMPLATE_TEST_CASE("faulty_backend: a fault in a batch is of its own op", "", memory, queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::read, .nth = 1});
    auto const errors = s.b.run({s.b.page_op(io_verb::read, s.file, 0, 2),
                                 s.b.page_op(io_verb::read, s.file, 1, 3),
                                 s.b.page_op(io_verb::read, s.file, 2, 4)});
    CHECK(errors == std::vector<int>{0, EIO, 0});
    CHECK(s.b.frame(2)[0] == std::byte{1});
    CHECK(s.b.frame(4)[0] == std::byte{3});
}
TEMPLATE_TEST_CASE("faulty_backend: an interrupt ends the batch", "", memory, queued) {
    scene<TestType> s;
    std::ranges::fill(s.b.frame(2), std::byte{9});
    s.plan->add({.call = io_call::write, .nth = 1, .what = io_fault::interrupts});
    auto const errors = s.b.run({s.b.page_op(io_verb::write, s.file, 0, 2),
                                 s.b.page_op(io_verb::write, s.file, 1, 2),
                                 s.b.page_op(io_verb::write, s.file, 2, 2)});
    CHECK(errors == std::vector<int>{0, EINTR, EINTR});
    CHECK(s.count(0, 9) == page_bytes);
    CHECK(s.count(1, 2) == page_bytes);
    CHECK(s.count(2, 3) == page_bytes);
}
TEMPLATE_TEST_CASE("faulty_backend: a short transfer moves half of the page", "", memory, queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::write, .what = io_fault::shortens, .error = ENOSPC});
    CHECK(s.write(0, 9) == ENOSPC);
    CHECK(s.count(0, 9) == page_bytes / 2);
    CHECK(s.count(0, 1) == page_bytes / 2);
    s.plan->add({.call = io_call::read, .what = io_fault::shortens});
    std::ranges::fill(s.b.frame(1), std::byte{0x5A});
    CHECK(s.b.read(s.file, 1, 1) == io_ended);
    CHECK(std::ranges::count(s.b.frame(1), std::byte{2}) == page_bytes / 2);
    CHECK(std::ranges::count(s.b.frame(1), std::byte{0x5A}) == page_bytes / 2);
}
TEMPLATE_TEST_CASE("faulty_backend: a page of one sector is not moved at all when it is short", "",
                   memory, queued) {
    scene<TestType> s;
    auto const old = s.b.content(s.file, 0);
    s.plan->add({.call = io_call::write, .what = io_fault::shortens});
    std::ranges::fill(s.b.frame(1), std::byte{9});
    CHECK(s.b.run({{io_verb::write, &s.file, 0, s.b.frame(1).first(512), -77}}) ==
          std::vector<int>{EIO});
    CHECK(s.b.content(s.file, 0) == old);
}
TEMPLATE_TEST_CASE("faulty_backend: corruption changes one bit, and says nothing", "", memory,
                   queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::read, .what = io_fault::corrupts});
    CHECK(s.b.read(s.file, 0, 1) == 0);
    CHECK(std::ranges::count(s.b.frame(1), std::byte{1}) == page_bytes - 1);
    CHECK(s.count(0, 1) == page_bytes);  // the file has it right
    s.plan->add({.call = io_call::write, .what = io_fault::corrupts});
    CHECK(s.write(0, 9) == 0);
    CHECK(s.count(0, 9) == page_bytes - 1);
    CHECK(std::ranges::count(s.b.frame(1), std::byte{9}) == page_bytes);  // so has the writer
}
TEMPLATE_TEST_CASE("faulty_backend: a misdirected transfer goes to a neighbour", "", memory,
                   queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::read, .what = io_fault::misdirects});
    CHECK(s.b.read(s.file, 1, 1) == 0);
    CHECK(s.b.frame(1)[0] == std::byte{1});
    s.plan->add({.call = io_call::write, .what = io_fault::misdirects});
    CHECK(s.write(0, 9) == 0);
    CHECK(s.count(0, 1) == page_bytes);
    CHECK(s.count(1, 9) == page_bytes);
}
TEMPLATE_TEST_CASE("faulty_backend: a late transfer begins in a reap, and not before", "", memory,
                   queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::read, .what = io_fault::delays});
    std::vector ops{s.b.page_op(io_verb::read, s.file, 2, 2),
                    s.b.page_op(io_verb::read, s.file, 1, 3)};
    std::vector<typename scene<TestType>::backend::op*> done;
    auto const at_once = s.b.submit(ops, done);
    if (std::is_same_v<TestType, memory>) {
        REQUIRE(at_once == 1);
        CHECK(done[0] == &ops[1]);
    }
    CHECK(ops[0].error == -77);
    CHECK(s.b.backend.reap(done, std::chrono::nanoseconds{0}) == 2 - at_once);
    CHECK(ops[0].error == 0);
    CHECK(ops[1].error == 0);
    CHECK(s.b.frame(2)[0] == std::byte{3});
    CHECK(s.b.backend.reap(done, std::chrono::nanoseconds{0}) == 0);
}
TEST_CASE("faulty_backend: a late transfer ends the reap that waits, and begins in the next") {
    auto const script = std::make_shared<quire_test::queue_script>();
    auto const plan = std::make_shared<fault_plan>();
    quire_test::bench<faulty_backend<queued>> b{{.inner = {{}, script}, .faults = plan}, 16};
    auto file = b.backend.open({"f", open_mode::open_or_create, {}, page_bytes, false});
    REQUIRE(b.backend.resize(file, 3 * page_bytes) == 0);
    script->close_gate();
    std::vector ops{b.page_op(io_verb::read, file, 0, 2), b.page_op(io_verb::read, file, 1, 3)};
    std::vector<faulty_backend<queued>::op*> pointers{&ops[0], &ops[1]};
    REQUIRE(b.backend.submit(std::span{pointers}.first(1)) == 0);
    std::vector<std::size_t> seen;
    bool soon = false;
    std::thread reaper{[&] {
        std::vector<faulty_backend<queued>::op*> done(2);
        auto const begin = std::chrono::steady_clock::now();
        seen.push_back(b.backend.reap(done, std::chrono::seconds{20}));
        soon = std::chrono::steady_clock::now() - begin < std::chrono::seconds{10};
        seen.push_back(script->in_flight());
        script->open_gate();
        seen.push_back(b.backend.reap(done, std::chrono::seconds{20}));
    }};
    while (script->waits() == 0) { std::this_thread::yield(); }
    plan->add({.call = io_call::read, .what = io_fault::delays});
    auto const at_once = b.backend.submit(std::span{pointers}.last(1));
    reaper.join();
    CHECK(at_once == 0);
    CHECK(soon);
    CHECK(seen == std::vector<std::size_t>{0, 1, 2});
    CHECK(ops[0].error == 0);
    CHECK(ops[1].error == 0);
}
TEMPLATE_TEST_CASE("faulty_backend: each op is handed out once, whatever is wrong with it", "",
                   memory, queued) {
    test_random random;
    scene<TestType> s;
    std::uint64_t every = 3;
    for (auto const what : {io_fault::fails, io_fault::shortens, io_fault::corrupts,
                            io_fault::misdirects, io_fault::delays, io_fault::interrupts}) {
        for (auto const call : {io_call::read, io_call::write}) {
            s.plan->add({.call = call, .what = what, .error = EIO, .every = every += 2});
        }
    }
    using op = typename scene<TestType>::backend::op;
    std::map<op const*, int> handed_out;
    for (int round = 0; round < 300; ++round) {
        std::vector<op> ops;
        for (auto left = random.between(1, 12); left > 0; --left) {
            auto const verb = random.chance(1, 2) ? io_verb::read : io_verb::write;
            ops.push_back(s.b.page_op(verb, s.file, random.below(3), 2 + ops.size()));
        }
        std::vector<op*> pointers;
        auto count = s.b.submit(ops, pointers);
        handed_out.clear();
        for (auto* each : std::span{pointers}.first(count)) { ++handed_out[each]; }
        std::vector<op*> done(random.between(1, 4));
        for (int reaps = 0; reaps < 30; ++reaps) {
            auto const more = s.b.backend.reap(done, std::chrono::nanoseconds{0});
            for (auto* each : std::span{done}.first(more)) { ++handed_out[each]; }
        }
        REQUIRE(handed_out.size() == ops.size());
        for (auto const& each : ops) {
            REQUIRE(handed_out[&each] == 1);
            REQUIRE(each.error != -77);
        }
    }
    CHECK(s.plan->fired() > 500);
}
TEMPLATE_TEST_CASE("faulty_backend: what is no transfer fails", "", memory, queued) {
    scene<TestType> s;
    s.plan->add({.call = io_call::sync, .error = EIO});
    CHECK(s.b.backend.sync(s.file) == EIO);
    CHECK(s.b.backend.sync(s.file) == 0);
    s.plan->add({.call = io_call::resize, .error = ENOSPC});
    CHECK(s.b.backend.resize(s.file, 9 * page_bytes) == ENOSPC);
    CHECK(s.file.size() == 3 * page_bytes);
    s.plan->add({.call = io_call::open, .error = EMFILE});
    auto const refused = error_of([&] {
        static_cast<void>(s.b.backend.open({"g", open_mode::open_or_create, {}, page_bytes,
            false}));
    });
    CHECK(refused.kind() == quire::errc::open_failed);
    CHECK(refused.system_errno() == EMFILE);
    s.plan->add({.call = io_call::close, .error = EIO});
    CHECK(s.b.backend.close(s.file) == EIO);
    auto again = s.b.backend.open({"f", open_mode::read_write, {}, page_bytes, false});
    CHECK(again.size() == 3 * page_bytes);  // it was closed all the same
}
TEST_CASE("faulty_backend: an adopted descriptor is closed when the fault refuses it") {
    temp_dir const dir;
    auto plan = std::make_shared<fault_plan>();
    quire_test::bench<faulty_backend<quire::direct_backend>> b{{.inner = {}, .faults = plan}, 4};
    int const fd = ::open((dir / "f").c_str(), O_RDWR | O_CREAT, 0600);
    REQUIRE(fd >= 0);
    plan->add({.call = io_call::open, .error = EMFILE});
    auto const refused = error_of([&] {
        static_cast<void>(
            b.backend.adopt(fd, {"f", {}, quire::io_mode::buffered, page_bytes, false}));
    });
    CHECK(refused.system_errno() == EMFILE);
    CHECK(::fcntl(fd, F_GETFD) == -1);
}
