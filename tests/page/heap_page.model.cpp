// SPDX-License-Identifier: BSL-1.0
#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "page/heap_model.hpp"
#include "random.hpp"

using quire_test::heap_model;
using quire_test::model_counts;
using quire_test::tuple_bytes;

namespace {

/// A size that is mostly small, sometimes nothing, sometimes half the page, rarely too much.
template <std::size_t N>
tuple_bytes random_tuple(generator& random) {
    std::size_t size = random.below(N / 16);
    if (random.chance(1, 12)) { size = 0; }
    if (random.chance(1, 8)) { size = random.below(N / 2); }
    if (random.chance(1, 100)) { size = random.between(N - 40, N + 10); }
    tuple_bytes bytes(size);
    random.fill(bytes);
    return bytes;
}

template <std::size_t N>
void random_step(heap_model<N>& model, generator& random) {
    // Half the time among a few slots, so that redirects, erases and reclaims meet each other.
    std::size_t const slots = random.chance(1, 2) ? model.slots() + 2 : 8;
    std::size_t const a = random.below(slots);
    std::size_t const b = random.below(slots);
    auto const own = model.own_bytes(b);
    std::uint64_t const what = random.below(100);
    if (what < 30) { return model.insert(random_tuple<N>(random)); }
    if (what < 34) { return model.insert(own, true); }
    if (what < 54) { return model.update(a, random_tuple<N>(random)); }
    if (what < 58) { return model.update(a, own.first(random.below(own.size() + 1)), true); }
    if (what < 74) { return model.erase(a); }
    if (what < 78) { return model.kill(a); }
    if (what < 83) { return model.reclaim(a); }
    if (what < 87) { return model.move(a, b); }
    if (what < 88) { return model.move(a, random.below(N / 4)); }
    if (what < 90) { return model.move(a, model.slots() + b % 4); }
    if (what < 98) { return model.redirect(a, b); }
    model.compact();
}

template <std::size_t N>
void random_steps(std::size_t steps) {
    test_random random;
    model_counts counts;
    heap_model<N> model{counts};
    for (std::size_t i = 0; i < steps; ++i) { random_step(model, random); }
    std::cout << "heap_page of " << N << ": ";
    counts.print(std::cout);
    CHECK(counts.all_seen());
    CHECK(counts.from_own_page > 0);
    CHECK(counts.too_large > 0);
}

// Every sequence of so many operations, from a small alphabet, on a page of 512 bytes that takes
// two of the tuples but not three.
constexpr std::size_t small = 20;
constexpr std::size_t large = 220;
constexpr int operations = 15;

void enumerated_step(heap_model<512>& model, int which) {
    static tuple_bytes const bytes(300, std::byte{0x42});
    std::span const tuple{bytes};
    switch (which) {
        case 0: return model.insert(tuple.first(0));
        case 1: return model.insert(tuple.first(small));
        case 2: return model.insert(tuple.last(large));
        case 3: return model.update(0, tuple.last(large));
        case 4: return model.update(1, tuple.first(small));
        case 5: return model.update(1, model.own_bytes(0), true);
        case 6: return model.erase(0);
        case 7: return model.erase(1);
        case 8: return model.kill(0);
        case 9: return model.reclaim(0);
        case 10: return model.move(1, 0);
        case 11: return model.move(0, 60);
        case 12: return model.redirect(0, 1);
        case 13: return model.redirect(1, 0);
        default: return model.compact();
    }
}

void enumerate(heap_model<512> const& from, int depth) {
    if (depth == 0) { return; }
    for (int which = 0; which < operations; ++which) {
        heap_model<512> model = from;
        enumerated_step(model, which);
        enumerate(model, depth - 1);
    }
}

}  // namespace

TEST_CASE("heap_page: random operations do what a map does on the smallest pages") {
    random_steps<512>(40000);
}
TEST_CASE("heap_page: random operations do what a map does on usual pages") {
    random_steps<4096>(20000);
}
TEST_CASE("heap_page: random operations do what a map does on the largest pages") {
    random_steps<32768>(6000);
}

TEST_CASE("heap_page: every short sequence of operations does what a map does") {
#if defined(__OPTIMIZE__)
    constexpr int longest = 5;
#else
    constexpr int longest = 4;  // under a sanitizer five take a minute
#endif
    model_counts counts;
    enumerate(heap_model<512>{counts}, longest);
    // Once more behind a beginning that fills the page, where the rare branches are.
    heap_model<512> full{counts};
    for (int which : {2, 1, 1, 12}) { enumerated_step(full, which); }
    enumerate(full, longest);
    std::cout << "heap_page enumerated: ";
    counts.print(std::cout);
    CHECK(counts.all_seen());
}
