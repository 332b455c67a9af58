// SPDX-License-Identifier: BSL-1.0

/// Threads that hit the frames of a policy while one inserts, searches and removes, without the
/// latches of a pool between them.

#include <quire/evict/lru.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "tried.hpp"

#include <atomic>
#include <set>
#include <thread>

using quire_test::tried;

namespace {

/// Runs `act(random)` in some threads again and again, and `meanwhile` once in this one.
template <class Act, class Meanwhile>
void while_threads(Act act, Meanwhile meanwhile) {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            generator random{quire_test::test_seed() + t};
            while (!stop) { act(random); }
        });
    }
    meanwhile();
    stop = true;
    for (auto& thread : threads) { thread.join(); }
}

}  // namespace

TEMPLATE_TEST_CASE("policies: searches end and miss nothing while threads hit", "", quire::clock,
                   quire::sieve, quire::s3_fifo, quire::lru) {
    std::size_t const frames = GENERATE(2U, 50U);
    tried<TestType> p{frames};
    std::set<std::size_t> held;
    for (std::size_t f = 0; f < frames; ++f) {
        p.insert(f);
        held.insert(f);
    }
    std::uint64_t victims = 0;
    std::uint64_t refusals = 0;
    int wrong = 0;  // a failed REQUIRE would leave while the threads run
    while_threads([&](generator& random) { p.touch(random.below(frames)); },
                  [&] {
                      generator random{quire_test::test_seed() + 99};
                      auto const enough = [&] { return victims > 1'000 && refusals > 500; };
                      for (int i = 0; i < 5'000 || (!enough() && i < 10'000'000); ++i) {
                          p.search();
                          std::size_t candidates = 0;
                          while (auto const f = p.propose()) {
                              if (++candidates > 2 * frames || !held.contains(*f)) {
                                  ++wrong;
                                  break;
                              }
                              if (random.chance(1, 2)) {
                                  p.remove(*f);
                                  held.erase(*f);
                                  ++victims;
                                  break;
                              }
                              ++refusals;
                          }
                          if (held.size() > 1) { continue; }
                          for (std::size_t f = 0; f < frames; ++f) {
                              if (held.insert(f).second) { p.insert(f); }
                          }
                      }
                  });
    CHECK(wrong == 0);
    CHECK(victims > 1'000);
    CHECK(refusals > 500);
    auto const all = p.search_in_vain();
    CHECK(std::set<std::size_t>(all.begin(), all.end()) == held);
}

TEST_CASE("lru: a stamp never falls while threads hit - I1") {
    tried<quire::lru> p{2};
    p.insert(0);
    p.insert(1);
    std::atomic<int> fell{0};
    auto const hit = [&](generator&) {
        for (std::uint64_t i = 0, last = 0; i < 1'000; ++i) {
            p.touch(i % 2);
            auto const now = p.state(0).stamp.load(std::memory_order_relaxed);
            if (now < last) { ++fell; }
            last = now;
        }
    };
    while_threads(hit, [&] {
        while (p.state(0).stamp.load() < 3'000'000) { std::this_thread::yield(); }
    });
    CHECK(fell == 0);
}
