// SPDX-License-Identifier: BSL-1.0

/// The latches that quire uses, by the check that it offers for others. What the threads of the
/// check share is plain memory, so the thread sanitizer judges too.

#include <quire/testing/check_latch.hpp>

#include <quire/latch/hybrid_latch.hpp>

#include "catch.hpp"

#include <shared_mutex>

using namespace std::chrono_literals;

TEMPLATE_TEST_CASE("check_latch: finds nothing in hybrid_latch and in std::shared_mutex", "",
                   quire::hybrid_latch, std::shared_mutex) {
    for (int threads : {2, 4, 8}) {
        CHECK(quire::testing::check_latch<TestType>({.threads = threads, .wait_max = 20s}).text() ==
              "");
    }
}
