// SPDX-License-Identifier: BSL-1.0
#include "bench/belady.hpp"

#include "catch.hpp"
#include "random.hpp"

#include <algorithm>
#include <map>
#include <set>

using quire_bench::fewest_misses;

namespace {

using trace = std::vector<std::uint64_t>;
using cache = std::set<std::uint64_t>;

/// By trying everything: the fewest misses with which each content of the cache can be reached.
std::uint64_t fewest_by_search(trace const& what, std::size_t frames) {
    std::map<cache, std::uint64_t> reached{{cache{}, 0}};
    auto const keep = [](auto& where, cache const& content, std::uint64_t misses) {
        auto const at = where.try_emplace(content, misses).first;
        at->second = std::min(at->second, misses);
    };
    for (auto const page : what) {
        std::map<cache, std::uint64_t> next;
        for (auto const& [content, misses] : reached) {
            if (content.contains(page)) {
                keep(next, content, misses);
                continue;
            }
            auto grown = content;
            grown.insert(page);
            if (grown.size() <= frames) { keep(next, grown, misses + 1); }
            for (auto const victim : content) {
                auto without = grown;
                without.erase(victim);
                keep(next, without, misses + 1);
            }
        }
        reached = std::move(next);
    }
    auto const least = std::min_element(reached.begin(), reached.end(), [](auto& a, auto& b) {
        return a.second < b.second;
    });
    return least->second;
}

}  // namespace

TEST_CASE("belady: the textbook's reference string") {
    trace const what{1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5};
    CHECK(fewest_misses(what, 1) == 12);
    CHECK(fewest_misses(what, 3) == 7);
    CHECK(fewest_misses(what, 4) == 6);
    CHECK(fewest_misses(what, 5) == 5);
    CHECK(fewest_misses(what, 100) == 5);
    CHECK(fewest_misses({}, 3) == 0);
}

TEST_CASE("belady: no way of evicting has fewer misses") {
    test_random random;
    for (int i = 0; i < 300; ++i) {
        auto const frames = static_cast<std::size_t>(random.between(1, 4));
        auto const pages = random.between(2, 7);
        trace what(random.between(1, 25));
        for (auto& page : what) { page = random.below(pages); }
        CAPTURE(what, frames);
        REQUIRE(fewest_misses(what, frames) == fewest_by_search(what, frames));
    }
}
