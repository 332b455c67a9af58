// SPDX-License-Identifier: BSL-1.0
#include <quire/evict/lru.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "tried.hpp"

#include <algorithm>
#include <list>

using quire_test::tried;

namespace {

using stamped = tried<quire::lru>;
using order = std::vector<std::size_t>;

}  // namespace

static_assert(sizeof(quire::lru::frame_state) == 8);

TEST_CASE("lru: pages go in the order of their last use, coming being one") {
    stamped s{4};
    for (std::size_t const f : {2U, 0U, 3U, 1U}) { s.insert(f); }
    CHECK(s.search_in_vain() == order{2, 0, 3, 1});
    s.touch(2);
    s.touch(3);
    s.touch(2);
    CHECK(s.search_in_vain() == order{0, 1, 3, 2});
    CHECK(s.evict() == 0U);
    s.insert(0);
    CHECK(s.search_in_vain() == order{1, 3, 2, 0});
}

TEST_CASE("lru: a page that is used again and again takes one stamp") {
    stamped s{2};
    s.insert(0);
    s.insert(1);
    auto const once = s.state(1).stamp.load();
    s.touch(1);
    s.touch(1);
    CHECK(s.state(1).stamp.load() == once);
    s.touch(0);
    s.touch(1);
    CHECK(s.state(1).stamp.load() == once + 2);
    CHECK(s.search_in_vain() == order{0, 1});
}

TEST_CASE("lru: a hit in the middle of a search counts in it") {
    stamped s{3};
    for (std::size_t f = 0; f < 3; ++f) { s.insert(f); }
    s.search();
    CHECK(s.propose() == 0U);
    s.touch(1);
    CHECK(s.propose() == 2U);
    CHECK(s.propose() == 1U);
    CHECK(s.propose() == std::nullopt);
    CHECK(s.evict() == 0U);
}

TEST_CASE("lru: a page that is used again in a search is not mended in it again - I3") {
    stamped s{3};
    for (std::size_t f = 0; f < 3; ++f) { s.insert(f); }
    s.search();
    for (std::size_t f = 0; f < 3; ++f) { s.touch(f); }
    CHECK(s.propose() == 0U);
    s.touch(1);  // its place is that of the first use in this search
    CHECK(s.propose() == 1U);
    CHECK(s.propose() == 2U);
    CHECK(s.search_in_vain() == order{0, 2, 1});
}

TEST_CASE("lru: proposes in the order of a list that moves each used page to its end") {
    test_random random;
    int victims = 0;
    int refusals = 0;
    for (int trace = 0; trace < 200; ++trace) {
        auto const frames = static_cast<std::size_t>(random.between(1, 40));
        stamped tested{frames};
        std::list<std::size_t> by_use;
        for (int step = 0; step < 400; ++step) {
            auto const f = static_cast<std::size_t>(random.below(frames));
            auto const at = std::find(by_use.begin(), by_use.end(), f);
            auto const what = random.below(10);
            if (at == by_use.end()) {
                tested.insert(f);
                by_use.push_back(f);
            } else if (what < 7) {
                tested.touch(f);
                by_use.splice(by_use.end(), by_use, at);
            } else if (what == 7) {
                tested.remove(f);
                by_use.erase(at);
            } else {
                tested.search();
                for (auto next = by_use.begin();; ++next, ++refusals) {
                    auto const candidate = tested.propose();
                    REQUIRE(candidate.has_value() == (next != by_use.end()));
                    if (!candidate) { break; }
                    REQUIRE(*candidate == *next);
                    if (random.chance(1, 4)) {
                        tested.remove(*candidate);
                        by_use.erase(next);
                        ++victims;
                        break;
                    }
                }
            }
        }
    }
    CHECK(victims > 1000);
    CHECK(refusals > 1000);
}

TEST_CASE("lru: a page that is held counts as used, one that is refused otherwise does not") {
    stamped s{3};
    for (std::size_t f = 0; f < 3; ++f) { s.insert(f); }
    s.search();
    CHECK(s.propose() == 0U);
    s.in_use(0);
    CHECK(s.propose() == 1U);
    CHECK(s.search_in_vain() == order{1, 2, 0});
}
