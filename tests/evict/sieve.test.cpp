// SPDX-License-Identifier: BSL-1.0
#include <quire/evict/sieve.hpp>

#include "catch.hpp"
#include "tried.hpp"

using quire_test::tried;

namespace {

using queue = tried<quire::sieve>;

bool visited(queue const& q, std::size_t f) { return q.state(f).uses.load() > 0; }

queue& fill(queue& q) {
    for (std::size_t f = 0; f < q.frames(); ++f) { q.insert(f); }
    return q;
}

}  // namespace

static_assert(sizeof(quire::sieve::frame_state) == 2);

TEST_CASE("sieve: a page enters unvisited and a hit marks it") {
    queue q{2};
    q.touch(0);  // a visitor of a free frame
    q.insert(0);
    CHECK_FALSE(visited(q, 0));
    q.touch(0);
    CHECK(visited(q, 0));
    q.touch(0);
    CHECK(visited(q, 0));
    CHECK_FALSE(visited(q, 1));
}

TEST_CASE("sieve: the first use of a page that was read ahead is the one it was read for") {
    queue q{2};
    q.insert_ahead(0);
    q.touch(0);
    CHECK_FALSE(visited(q, 0));
    q.touch(0);
    CHECK(visited(q, 0));
    q.insert_ahead(1);
    q.search();
    CHECK(q.propose() == 1U);  // it is no worse than one without a use
}

TEST_CASE("sieve: survivors stay where they are, and the hand keeps its place") {
    queue q{9};
    enum : std::size_t { A, B, C, D, E, F, G, H, I };
    for (std::size_t const f : {A, B, C, D, E, F, G}) { q.insert(f); }
    for (std::size_t const f : {A, F, G}) { q.touch(f); }
    CHECK(q.evict() == B);  // the hand passed A
    CHECK_FALSE(visited(q, A));
    q.insert(H);
    q.touch(A);
    q.touch(D);
    CHECK(q.evict() == C);  // not A: the hand does not begin again
    q.insert(I);
    q.insert(B);
    CHECK(q.evict() == E);  // past D, which stays between A and F
    CHECK(visited(q, A));
    CHECK_FALSE(visited(q, D));
    CHECK(q.evict() == H);  // past F and G
    CHECK(q.evict() == I);
    CHECK(q.evict() == B);
    CHECK(q.evict() == D);  // round again: A loses its bit, D has lost its own
    CHECK(q.evict() == F);
    CHECK(q.evict() == G);
    CHECK(q.evict() == A);
    CHECK(q.evict() == std::nullopt);
}

TEST_CASE("sieve: past the newest the hand begins again at what is the oldest then") {
    queue q{3};
    fill(q);
    q.touch(0);
    q.touch(1);
    CHECK(q.evict() == 2U);
    q.insert(2);  // newer than all, and not before the hand
    CHECK(q.evict() == 0U);
}

TEST_CASE("sieve: a page that is removed hands the hand on") {
    queue q{4};
    fill(q);
    CHECK(q.evict() == 0U);  // the hand is at 1
    q.remove(1);
    CHECK(q.evict() == 2U);
    q.remove(3);
    q.insert(0);
    q.insert(1);
    CHECK(q.evict() == 0U);

    queue other{4};
    fill(other);
    other.touch(0);
    CHECK(other.evict() == 1U);  // the hand has passed 0, and is at 2
    other.remove(2);
    CHECK(other.evict() == 3U);
    CHECK(other.evict() == 0U);
}

TEST_CASE("sieve: a refused candidate keeps its place in the queue and stays unvisited") {
    queue q{4};
    fill(q);
    q.search();
    CHECK(q.propose() == 0U);
    CHECK(q.propose() == 1U);
    CHECK_FALSE(visited(q, 0));
    q.remove(1);
    CHECK(q.search_in_vain() == std::vector<std::size_t>{2, 3, 0, 2, 3, 0});
    CHECK(q.evict() == 2U);
}
