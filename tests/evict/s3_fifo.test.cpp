// SPDX-License-Identifier: BSL-1.0
#include <quire/evict/s3_fifo.hpp>

#include "catch.hpp"
#include "tried.hpp"

using quire_test::tried;

namespace {

using queues = tried<quire::s3_fifo>;
using order = std::vector<std::size_t>;
using place = quire::s3_fifo::place;

int uses(queues const& q, std::size_t f) { return q.state(f).uses.load(); }
place at(queues const& q, std::size_t f) { return q.state(f).at; }

void use(queues& q, std::size_t f, int times) {
    for (int i = 0; i < times; ++i) { q.touch(f); }
}
/// Frames [first, end) hold the pages of their numbers.
void fill(queues& q, std::size_t first, std::size_t end) {
    for (auto f = first; f < end; ++f) { q.insert(f); }
}
/// 20 frames, of which 0 to 17 are in `main`, and 18 and 19, the newest, in `small`.
void fill_main(queues& q) {
    fill(q, 0, 20);
    for (std::size_t f = 0; f < 18; ++f) { use(q, f, 2); }
    REQUIRE(q.evict() == 18U);
    q.insert(18, 118);
    for (std::size_t f = 0; f < 20; ++f) {
        REQUIRE(at(q, f) == (f < 18 ? place::main : place::small));
        REQUIRE(uses(q, f) == 0);
    }
}

}  // namespace

static_assert(sizeof(quire::s3_fifo::frame_state) == 2);

TEST_CASE("s3_fifo: a page enters small unused, and three uses are counted") {
    queues q{10};
    q.touch(0);  // a visitor of a free frame
    q.insert(0);
    CHECK(at(q, 0) == place::small);
    for (int const expected : {0, 1, 2, 3, 3}) {
        CHECK(uses(q, 0) == expected);
        q.touch(0);
    }
}

TEST_CASE("s3_fifo: the first use of a page that was read ahead is the one it was read for") {
    queues q{10};
    q.insert_ahead(0);
    use(q, 0, 1);
    CHECK(uses(q, 0) == 0);
    use(q, 0, 9);
    CHECK(uses(q, 0) == 3);
    q.insert_ahead(1);
    q.insert_ahead(2);
    q.in_use(2);
    CHECK(uses(q, 2) == 2);
    CHECK(q.evict() == 1U);
    q.insert_ahead(1, 1);  // its id is kept: to main
    CHECK(at(q, 1) == place::main);
    q.search();
    for (std::size_t i = 0; i < 4 && q.propose() != 1U; ++i) {}
    CHECK(uses(q, 1) == -1);  // proposed there without a use
}

TEST_CASE("s3_fifo: in small, two uses are enough to stay and one is not") {
    queues q{10};
    fill(q, 0, 10);
    use(q, 0, 1);
    use(q, 1, 2);
    use(q, 2, 3);
    CHECK(q.evict() == 0U);
    CHECK(q.evict() == 3U);
    CHECK(at(q, 1) == place::main);
    CHECK(at(q, 2) == place::main);
    CHECK(uses(q, 1) == 0);  // what they had is not carried over
    CHECK(uses(q, 2) == 0);
}

TEST_CASE("s3_fifo: small gives way while it has its tenth, else main") {
    queues q{20};
    fill_main(q);
    CHECK(q.evict() == 19U);  // small had 2 of 20
    CHECK(q.evict() == 0U);   // it has 1
    CHECK(q.evict() == 1U);
    q.insert(19);             // known: 19 was a ghost
    CHECK(at(q, 19) == place::main);
    q.insert(0, 200);
    CHECK(q.evict() == 18U);
    CHECK(q.evict() == 2U);
}

TEST_CASE("s3_fifo: when all of small stays, main gives way") {
    queues q{20};
    fill_main(q);
    use(q, 18, 2);
    use(q, 19, 2);
    CHECK(q.evict() == 0U);
    CHECK(at(q, 18) == place::main);
    CHECK(at(q, 19) == place::main);

    queues one{1};
    one.insert(0);
    use(one, 0, 3);
    CHECK(one.evict() == 0U);  // from main, where it has just come
}

TEST_CASE("s3_fifo: in main each use is worth one more turn") {
    queues q{20};
    fill_main(q);
    REQUIRE(q.evict() == 19U);  // from now on main gives way
    use(q, 0, 1);
    use(q, 1, 3);
    order victims;
    while (auto const f = q.evict()) { victims.push_back(*f); }
    // 2 to 17, then 0 in its second turn, 1 in its fourth, then small.
    order expected;
    for (std::size_t f = 2; f < 18; ++f) { expected.push_back(f); }
    expected.insert(expected.end(), {0, 1, 18});
    CHECK(victims == expected);
}

TEST_CASE("s3_fifo: a page comes back to main while its id is kept, and once") {
    queues q{20};  // 18 ghosts
    fill(q, 0, 20);
    for (std::size_t f = 0; f < 19; ++f) { REQUIRE(q.evict() == f); }
    q.insert(0, 0);  // 19 pages have left since: forgotten
    q.insert(1, 1);
    q.insert(2, 18);
    CHECK(at(q, 0) == place::small);
    CHECK(at(q, 1) == place::main);
    CHECK(at(q, 2) == place::main);
    q.remove(1);  // from main: leaves no ghost
    q.insert(1, 1);
    CHECK(at(q, 1) == place::small);
    q.remove(1);  // from small, because a file is closed, say
    q.insert(1, 1);
    CHECK(at(q, 1) == place::main);
}

TEST_CASE("s3_fifo: refused candidates keep their places, in small and in main") {
    queues q{20};
    fill_main(q);
    order all{19, 18};  // small first, then main from the oldest
    for (std::size_t f = 0; f < 18; ++f) { all.push_back(f); }
    CHECK(q.search_in_vain() == all);
    CHECK(q.search_in_vain() == all);
    q.search();
    CHECK(q.propose() == 19U);
    CHECK(q.propose() == 18U);
    CHECK(q.propose() == 0U);
    q.remove(0);
    CHECK(q.evict() == 19U);
    CHECK(q.evict() == 1U);
}

TEST_CASE("s3_fifo: main is searched first when small is short, and small then") {
    queues q{20};
    fill_main(q);
    REQUIRE(q.evict() == 19U);
    order of_main;
    for (std::size_t f = 0; f < 18; ++f) { of_main.push_back(f); }
    auto all = of_main;
    all.push_back(18);
    all.insert(all.end(), of_main.begin(), of_main.end());
    CHECK(q.search_in_vain() == all);
    use(q, 18, 2);  // what small does not give up is found in main
    all = of_main;
    of_main.push_back(18);
    all.insert(all.end(), of_main.begin(), of_main.end());
    CHECK(q.search_in_vain() == all);
}

TEST_CASE("s3_fifo: a search goes through main twice however much main was used - I2") {
    queues q{20};
    fill_main(q);
    REQUIRE(q.evict() == 19U);  // main is searched first
    order all;
    for (std::size_t f = 0; f < 18; ++f) {
        use(q, f, 3);
        all.push_back(f);
    }
    all.push_back(18);
    for (std::size_t f = 0; f < 18; ++f) { all.push_back(f); }
    CHECK(q.search_in_vain() == all);  // 4 x 18 steps, 1, and 18
}

TEST_CASE("s3_fifo: hits that come during a search do not make it longer - I2") {
    queues q{20};
    fill_main(q);
    REQUIRE(q.evict() == 19U);
    auto const used = [&] {
        int sum = 0;
        for (std::size_t f = 0; f < 18; ++f) { sum += uses(q, f); }
        return sum;
    };
    int steps = 0;
    q.search();
    for (;;) {
        for (std::size_t f = 0; f < 18; ++f) { use(q, f, 3); }  // whenever the search has stopped
        auto const before = used();
        auto const found = q.propose();
        steps += before - used();  // each step takes one use away, or is a proposal
        if (!found) { break; }
        ++steps;
    }
    CHECK(steps == 6 * 20);
}

TEST_CASE("s3_fifo: a page that is held counts as used, twice in small and once in main") {
    queues q{20};
    fill_main(q);
    q.search();
    CHECK(q.propose() == 19U);
    q.in_use(19);
    CHECK(q.propose() == 18U);  // refused for another reason
    CHECK(q.propose() == 0U);
    q.in_use(0);
    q.search();
    CHECK(q.propose() == 18U);
    CHECK(at(q, 19) == place::main);
    CHECK(at(q, 18) == place::small);
    CHECK(q.propose() == 1U);
    CHECK(uses(q, 0) == 0);
}
