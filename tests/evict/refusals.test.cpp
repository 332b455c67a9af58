// SPDX-License-Identifier: BSL-1.0

/// Pinned pages in every policy: they are refused whenever they are proposed.
///
/// Expected: they do not come first in each search. A quarter of the frames is pinned, pages come
/// and go, and there are at most two candidates an eviction, all in all.

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>

#include "catch.hpp"
#include "tried.hpp"

TEMPLATE_TEST_CASE("refusals: pinned frames are proposed now and then, not first in every search",
                   "", quire::clock, quire::lru, quire::s3_fifo, quire::sieve) {
    constexpr std::size_t frames = 400;
    constexpr std::size_t pinned = frames / 4;
    constexpr std::uint64_t evictions = 10 * frames;
    quire_test::tried<TestType> policy{frames};
    for (std::size_t f = 0; f < frames; ++f) { policy.insert(f, f); }
    std::uint64_t candidates = 0;
    std::uint64_t refused = 0;
    for (std::uint64_t page = frames; page < frames + evictions; ++page) {
        policy.search();
        auto victim = policy.propose();
        for (; victim && *victim < pinned; victim = policy.propose()) {
            policy.in_use(*victim);
            ++refused;
        }
        REQUIRE(victim);
        candidates += 1;
        policy.remove(*victim);
        policy.insert(*victim, page);
    }
    CAPTURE(candidates, refused);
    CHECK(refused >= pinned);  // they were tried
    CHECK(refused <= candidates);
}
