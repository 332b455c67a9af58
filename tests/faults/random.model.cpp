// SPDX-License-Identifier: BSL-1.0

/// Random operations while the disk fails all the time, in a hundred ways: about every tenth
/// operation meets a fault. What must hold after each is in world.hpp.

#include "faults/world.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <shared_mutex>

using namespace std::chrono_literals;
using quire::errc;
using quire::testing::fault_plan;
using quire::testing::io_call;
using quire::testing::io_fault;

namespace {

/// What happened. A run that missed something shows nothing about it.
struct tally {
    std::uint64_t operations = 0;
    std::uint64_t refused = 0;
    std::uint64_t faults = 0;
    std::uint64_t sync_errors = 0;
    std::uint64_t checks = 0;
    std::uint64_t sealed_out = 0;
};

/// Some faults of every kind that are met sooner or later.
void plan_some(fault_plan& plan, generator& random, bool silent) {
    constexpr std::array reads{io_fault::fails, io_fault::interrupts, io_fault::shortens,
                               io_fault::corrupts, io_fault::misdirects, io_fault::delays};
    constexpr std::array writes{io_fault::fails, io_fault::interrupts, io_fault::shortens,
                                io_fault::delays, io_fault::corrupts};
    plan.clear();
    auto const add = [&](io_call call, io_fault what, std::uint64_t within) {
        std::array const errors{EIO, ENOSPC, ENOMEM, EFBIG};
        plan.add({.call = call, .nth = random.below(within), .what = what,
                  .error = random.pick(errors), .every = random.below(within)});
    };
    add(io_call::read, random.pick(reads), 30);
    add(io_call::read, random.pick(reads), 30);
    add(io_call::write, writes[random.below(silent ? 5 : 4)], 30);
    add(io_call::write, writes[random.below(4)], 30);
    add(io_call::resize, io_fault::fails, 10);
    if (random.chance(1, 4)) { add(io_call::sync, io_fault::fails, 20); }
    if (random.chance(1, 4)) { add(io_call::open, io_fault::fails, 10); }
    if (random.chance(1, 4)) { add(io_call::close, io_fault::fails, 10); }
}

template <class World>
void one_operation(World& w, generator& random) {
    if (!w.is_open()) { return w.open(); }
    if (w.has_sync_error() && random.chance(1, 8)) { return w.close_and_discard(); }
    auto const what = random.below(1000);
    if (w.pages() == 0 || (what < 60 && w.pages() < 20)) { return w.append(); }
    auto const no = random.below(w.pages());
    if (what < 400) { return w.read(no); }
    if (what < 700) { return w.write(no); }
    if (what < 740) { return w.write_unchanged(no); }
    if (what < 780) { return w.read_optimistically(no); }
    if (what < 820) { return w.pin(no); }
    if (what < 850) { return w.format(no); }
    if (what < 880) { return w.discard(no); }
    if (what < 910) { return w.flush(); }
    if (what < 925) { return w.write_back(); }
    if (what < 940) { return w.flush_pool(); }
    if (what < 955) { return w.take_budget(random.between(1, w.pool().frames())); }
    if (what < 965) { return w.reserve(std::min(random.below(4), World::pages_max - w.pages())); }
    if (what < 975) { return w.truncate(random.between(w.pages() / 2, w.pages())); }
    if (what < 985) { return w.close(); }
    if (what < 990) { return w.close_and_discard(); }
    if (what < 992) { return w.restart(); }
    w.read(no);
}

/// A world for some thousand operations: sound ones where `silent` is off, in which a page that is
/// refused by its seal is refused for what a read has met.
template <class Pool>
void live(std::uint64_t operations, bool silent, generator& random, tally& counts) {
    auto const io = quire_test::faulty_disk<Pool>();
    quire_test::world<Pool> w{{.frames = random.between(2, 8), .files_max = 2,
                               .frame_wait_max = 0ns, .backend = io},
                              "f",
                              {.dirty_pages_max = random.between(1, 8)}};
    w.silent = silent;
    w.tearing = true;
    for (std::uint64_t i = 0; i < operations; ++i) {
        if (i % 64 == 0) { plan_some(*io.faults, random, silent); }
        w.straying = true;
        try {
            one_operation(w, random);
        } catch (quire::error const& e) {
            auto const kind = e.kind();
            bool const known = kind == errc::blank_page ||
                kind == errc::read_failed || kind == errc::write_failed ||
                kind == errc::sync_failed || kind == errc::grow_failed ||
                kind == errc::open_failed || kind == errc::close_failed ||
                kind == errc::short_read || kind == errc::corrupt_page;
            quire_test::must(known, std::string{"it was called "} + e.what());
            ++counts.refused;
            counts.sync_errors += kind == errc::sync_failed ? 1U : 0U;
        }
        ++counts.operations;
        w.check_order();
        if (i % 1024 == 1023) {
            io.faults->clear();
            w.straying = false;
            w.check_all();
            ++counts.checks;
        }
    }
    counts.faults += io.faults->fired();
    counts.sealed_out += w.sealed_out();
}

template <std::size_t Size, class Policy, class Latch>
using pool_of = quire::buffer_pool<Size, Policy, Latch,
                                   quire::testing::faulty_backend<quire::memory_backend>>;

}  // namespace

TEMPLATE_TEST_CASE("faults: random operations on a disk that fails all the time lose nothing",
                   "[long][faults]",
                   (pool_of<512, quire::s3_fifo, quire::hybrid_latch>),
                   (pool_of<1024, quire::clock, std::shared_mutex>),
                   (pool_of<4096, quire::lru, quire::no_latch>),
                   (pool_of<1024, quire::sieve, quire::hybrid_latch>)) {
    test_random random;
    tally counts;
    auto const operations = quire_test::amount(40'000, 2'750'000);
    try {
        while (counts.operations < operations) {
            live<TestType>(10'240, random.chance(1, 3), random, counts);
        }
    } catch (std::exception const& e) {
        INFO("after " << counts.operations << " operations: " << e.what());
        CHECK(false);
    }
    std::cout << counts.operations << " operations, " << counts.faults << " faults, "
              << counts.refused << " refused, " << counts.sync_errors
              << " by a file with a sync error, "
              << counts.sealed_out << " pages made anew\n";
    quire_test::figure("pool operations among faults", counts.operations);
    quire_test::figure("faults", counts.faults);
    CHECK(counts.faults * 10 > counts.operations);
    CHECK(counts.refused > 0);
    CHECK(counts.sync_errors > 0);
    CHECK(counts.checks > 0);
    CHECK(counts.sealed_out > 0);
}
