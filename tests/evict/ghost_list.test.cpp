// SPDX-License-Identifier: BSL-1.0
#include <quire/evict/detail/ghost_list.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <algorithm>
#include <deque>

using quire::page_id;
using quire::detail::ghost_list;

namespace {

constexpr page_id page(std::uint64_t no, std::uint16_t file = 0) {
    return {static_cast<quire::file_no>(file), no};
}

}  // namespace

TEST_CASE("ghost_list: remembers the newest, each once") {
    ghost_list ghosts{2};
    CHECK_FALSE(ghosts.take(page(1)));
    ghosts.add(page(1));
    ghosts.add(page(1, 1));  // another file's
    CHECK(ghosts.size() == 2);
    CHECK(ghosts.take(page(1)));
    CHECK_FALSE(ghosts.take(page(1)));
    CHECK(ghosts.size() == 1);
    ghosts.add(page(2));
    ghosts.add(page(3));
    CHECK_FALSE(ghosts.take(page(1, 1)));
    ghosts.add(page(2));  // is the newest now
    ghosts.add(page(4));
    CHECK(ghosts.size() == 2);
    CHECK_FALSE(ghosts.take(page(3)));
    CHECK(ghosts.take(page(2)));
    CHECK(ghosts.take(page(4)));
    CHECK(ghosts.size() == 0);
}

TEST_CASE("ghost_list: without room it remembers nothing") {
    ghost_list ghosts{0};
    ghosts.add(page(1));
    CHECK(ghosts.size() == 0);
    CHECK_FALSE(ghosts.take(page(1)));
}

TEST_CASE("ghost_list: is a queue of different pages of bounded length") {
    test_random random;
    int taken = 0;
    int forgotten = 0;
    for (std::uint32_t const capacity : {1U, 2U, 3U, 7U, 64U}) {
        ghost_list ghosts{capacity};
        std::deque<page_id> model;
        for (int step = 0; step < 20'000; ++step) {
            auto const one = page(random.below(capacity * 2 + 2), random.chance(1, 2) ? 0 : 7);
            auto const at = std::find(model.begin(), model.end(), one);
            bool const known = at != model.end();
            if (known) { model.erase(at); }
            if (random.chance(1, 2)) {
                REQUIRE(ghosts.take(one) == known);
                taken += known ? 1 : 0;
            } else {
                ghosts.add(one);
                model.push_back(one);
                if (model.size() > capacity) {
                    model.pop_front();
                    ++forgotten;
                }
            }
            REQUIRE(ghosts.size() == model.size());
        }
        for (auto const one : model) { CHECK(ghosts.take(one)); }
        CHECK(ghosts.size() == 0);
    }
    CHECK(taken > 1000);
    CHECK(forgotten > 1000);
}
