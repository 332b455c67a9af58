// SPDX-License-Identifier: BSL-1.0
#include <quire/latch/no_latch.hpp>

#include "../death.hpp"
#include "catch.hpp"

#include <chrono>

using Catch::Matchers::ContainsSubstring;
using quire::no_latch;

namespace {

constexpr char const* deadlock_rule = "quire: contract violation: a pool with no_latch has one "
                                      "thread, which must not wait for a page "
                                      "that it holds";

}  // namespace

TEST_CASE("no_latch: counts readers and admits a writer when there is none") {
    no_latch latch;
    latch.lock_shared();
    latch.lock_shared();
    CHECK_FALSE(latch.try_lock());
    latch.unlock_shared();
    CHECK_FALSE(latch.try_lock());
    latch.unlock_shared();
    CHECK(latch.try_lock());
    CHECK_FALSE(latch.try_lock_shared());
    latch.unlock();
    CHECK(latch.try_lock_for(std::chrono::hours{1}));
    latch.unlock();
    CHECK(latch.try_lock_shared_for(std::chrono::hours{1}));
    latch.unlock_shared();
}

TEST_CASE("no_latch: a downgrade keeps the hold and lets readers in") {
    no_latch latch;
    latch.lock();
    latch.downgrade();
    CHECK_FALSE(latch.try_lock());
    CHECK(latch.try_lock_shared());
    latch.unlock_shared();
    latch.unlock_shared();
    CHECK(latch.try_lock());
    latch.unlock();
}

TEST_CASE("no_latch: a pin refuses the evictor and nobody else") {
    no_latch latch;
    latch.lock_shared();
    latch.pin();
    latch.pin();
    latch.unlock_shared();
    CHECK_FALSE(latch.try_lock_unpinned());
    CHECK(latch.try_lock());
    latch.unlock();
    latch.unpin();
    CHECK_FALSE(latch.try_lock_unpinned());
    latch.unpin();
    CHECK(latch.try_lock_unpinned());
    CHECK_FALSE(latch.try_lock());
    CHECK_FALSE(latch.try_lock_unpinned());
    latch.unlock();
}

TEST_CASE("no_latch: waiting for oneself stops the program with that sentence") {
    no_latch reading;
    reading.lock_shared();
    no_latch writing;
    writing.lock();
    auto const rule = ContainsSubstring(deadlock_rule);
    CHECK_THAT(violation_of([&] { reading.lock(); }), rule);
    CHECK_THAT(violation_of([&] { reading.try_lock_for(std::chrono::seconds{1}); }), rule);
    CHECK_THAT(violation_of([&] { writing.lock(); }), rule);
    CHECK_THAT(violation_of([&] { writing.lock_shared(); }), rule);
    CHECK_THAT(violation_of([&] { writing.try_lock_for(std::chrono::seconds{1}); }), rule);
    CHECK_THAT(violation_of([&] { writing.try_lock_shared_for(std::chrono::seconds{1}); }), rule);
    reading.unlock_shared();
    writing.unlock();
}
