// SPDX-License-Identifier: BSL-1.0
#include <quire/evict/clock.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "tried.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <vector>

using quire_test::tried;

namespace {

using ring = tried<quire::clock>;
bool referenced(ring const& r, std::size_t f) { return r.state(f).uses.load() > 0; }

/// Second chance from its textbook definition: a list of (frame, referenced) with the hand always
/// at its front. A look takes the front entry to the back. A referenced one loses its bit.
class model {
public:
    explicit model(std::size_t frames) : places_(frames) {
        for (std::size_t f = 0; f < frames; ++f) { places_[f].frame = f; }
    }
    void touch(std::size_t f) { of(f).referenced = true; }
    void insert(std::size_t f) {
        of(f).held = true;
        of(f).referenced = false;
    }
    void remove(std::size_t f) { of(f).held = false; }
    void search() { looks_ = 2 * places_.size(); }
    std::optional<std::size_t> propose() {
        while (looks_ > 0) {
            --looks_;
            place const seen = places_.front();
            places_.erase(places_.begin());
            places_.push_back(seen);
            if (!seen.held) { continue; }
            if (!seen.referenced) { return seen.frame; }
            places_.back().referenced = false;
        }
        return std::nullopt;
    }

private:
    struct place {
        std::size_t frame = 0;
        bool held = false;
        bool referenced = false;
    };
    place& of(std::size_t f) {
        for (auto& p : places_) {
            if (p.frame == f) { return p; }
        }
        throw std::logic_error{"no such frame"};
    }
    std::vector<place> places_;
    std::size_t looks_ = 0;
};

}  // namespace

static_assert(sizeof(quire::clock::frame_state) == 2);

TEST_CASE("clock: holds what was inserted and not removed") {
    ring r{3};
    for (std::size_t f = 0; f < 3; ++f) { CHECK_FALSE(r.holds(f)); }
    r.insert(1);
    CHECK(r.holds(1));
    CHECK_FALSE(r.holds(0));
    r.touch(1);
    CHECK(r.holds(1));
    r.remove(1);
    CHECK_FALSE(r.holds(1));
    r.insert(1);
    CHECK(r.holds(1));
}

TEST_CASE("clock: a page enters unreferenced and a hit references it once") {
    ring r{2};
    r.touch(0);  // a visitor of a free frame
    r.insert(0);
    CHECK_FALSE(referenced(r, 0));
    r.touch(0);
    CHECK(referenced(r, 0));
    r.touch(0);
    CHECK(referenced(r, 0));
    CHECK_FALSE(referenced(r, 1));
}

TEST_CASE("clock: the first use of a page that was read ahead is the one it was read for") {
    ring r{2};
    r.insert_ahead(0);
    r.touch(0);
    CHECK_FALSE(referenced(r, 0));
    r.touch(0);
    CHECK(referenced(r, 0));
    r.insert_ahead(1);
    r.search();
    CHECK(r.propose() == 1U);  // it is no worse than one without a use
}

TEST_CASE("clock: the unreferenced go first and the referenced have a second chance") {
    ring r{4};
    for (std::size_t f = 0; f < 4; ++f) { r.insert(f); }
    r.touch(0);
    r.touch(2);
    r.search();
    CHECK(r.propose() == 1U);
    r.remove(1);
    CHECK_FALSE(referenced(r, 0));  // passed, and lost its bit
    r.search();
    CHECK(r.propose() == 3U);
    r.remove(3);
    r.search();
    CHECK(r.propose() == 0U);
    r.remove(0);
    r.touch(2);
    r.search();
    CHECK(r.propose() == 2U);  // the only one, in the second round
}

TEST_CASE("clock: without hits pages go in the order of the ring") {
    ring r{3};
    for (std::size_t f = 0; f < 3; ++f) { r.insert(f); }
    for (std::size_t i = 0; i < 9; ++i) {
        r.search();
        auto const victim = r.propose();
        REQUIRE(victim == i % 3);
        r.remove(*victim);
        r.insert(*victim);
    }
}

TEST_CASE("clock: a search ends when it holds nothing or was not begun") {
    ring r{5};
    CHECK(r.propose() == std::nullopt);
    r.search();
    CHECK(r.propose() == std::nullopt);
    CHECK(r.propose() == std::nullopt);
    r.insert(3);
    CHECK(r.propose() == std::nullopt);  // that search is over
    r.search();
    CHECK(r.propose() == 3U);

    ring none{0};
    none.search();
    CHECK(none.propose() == std::nullopt);
}

TEST_CASE("clock: a search in vain proposes every frame and each at most twice - I1") {
    std::size_t const frames = GENERATE(1U, 2U, 3U, 16U, 100U);
    CAPTURE(frames);
    ring r{frames};
    for (std::size_t f = 0; f < frames; ++f) { r.insert(f); }
    SECTION("unreferenced") {
        auto const seen = r.search_in_vain();
        CHECK(seen.size() <= 2 * frames);
        CHECK(std::set<std::size_t>(seen.begin(), seen.end()).size() == frames);
        for (std::size_t f = 0; f < frames; ++f) {
            CHECK(std::count(seen.begin(), seen.end(), f) <= 2);
        }
    }
    SECTION("all referenced") {
        for (std::size_t f = 0; f < frames; ++f) { r.touch(f); }
        auto const seen = r.search_in_vain();
        CHECK(std::set<std::size_t>(seen.begin(), seen.end()).size() == frames);
        CHECK(seen.size() == frames);
    }
    SECTION("referenced again after each proposal") {
        r.search();
        std::size_t proposals = 0;
        while (r.propose() && proposals <= 2 * frames) {
            ++proposals;
            for (std::size_t f = 0; f < frames; ++f) { r.touch(f); }
        }
        CHECK(proposals > 0);
        CHECK(proposals <= 2 * frames);
    }
}

TEST_CASE("clock: a refused candidate keeps its standing") {
    ring r{4};
    for (std::size_t f = 0; f < 4; ++f) { r.insert(f); }
    r.search();
    CHECK(r.propose() == 0U);  // refused: held by somebody
    CHECK(r.holds(0));
    CHECK_FALSE(referenced(r, 0));
    CHECK(r.propose() == 1U);
    r.remove(1);
    r.search();
    CHECK(r.propose() == 2U);
    r.remove(2);
    r.search();
    CHECK(r.propose() == 3U);
    r.remove(3);
    r.search();
    CHECK(r.propose() == 0U);
}

TEST_CASE("clock: chooses what a plain model of second chance chooses") {
    test_random random;
    int victims = 0;
    int refusals = 0;
    int second_chances = 0;
    int searches_in_vain = 0;
    for (int trace = 0; trace < 300; ++trace) {
        auto const frames = static_cast<std::size_t>(random.between(1, 20));
        ring tried{frames};
        model plain{frames};
        for (int step = 0; step < 300; ++step) {
            auto const f = static_cast<std::size_t>(random.below(frames));
            switch (random.below(8)) {
                case 0:
                case 1:
                    if (!tried.holds(f)) {
                        tried.insert(f);
                        plain.insert(f);
                    }
                    break;
                case 2:
                    if (tried.holds(f) && random.chance(1, 3)) {
                        tried.remove(f);
                        plain.remove(f);
                    }
                    break;
                case 3: {  // an eviction in which some candidates are refused
                    tried.search();
                    plain.search();
                    for (;;) {
                        auto const candidate = tried.propose();
                        REQUIRE(candidate == plain.propose());
                        if (!candidate) {
                            ++searches_in_vain;
                            break;
                        }
                        REQUIRE(tried.holds(*candidate));
                        if (random.chance(1, 2)) {
                            tried.remove(*candidate);
                            plain.remove(*candidate);
                            ++victims;
                            break;
                        }
                        ++refusals;
                    }
                    break;
                }
                default:
                    second_chances += tried.holds(f) ? 1 : 0;
                    tried.touch(f);
                    plain.touch(f);
            }
        }
    }
    CAPTURE(victims, refusals, second_chances, searches_in_vain);
    CHECK((victims > 0 && refusals > 0 && second_chances > 0 && searches_in_vain > 0));
}
