// SPDX-License-Identifier: BSL-1.0
#include <quire/evict/eviction_policy.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>

#include "catch.hpp"
#include "evict/tried.hpp"
#include "random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

using quire::eviction_policy;
using quire::frame_no;
using quire::frame_states;
using quire::page_id;

namespace {

// The archetype: what the concept asks for, and nothing else.
struct archetype {
    struct frame_state {
        std::array<std::byte, 8> bytes{};
    };
    explicit archetype(frame_states<frame_state>) {}
    void touch(frame_state&) noexcept {}
    void insert(frame_no, page_id) noexcept {}
    void remove(frame_no, page_id) noexcept {}
    [[nodiscard]] bool holds(frame_no) const noexcept { return false; }
    void search() noexcept {}
    std::optional<frame_no> propose() noexcept { return {}; }
};

// The near misses: each lacks one thing.
struct no_frames : archetype {
    no_frames() : archetype{frame_states<frame_state>{std::span<frame_state>{}}} {}
};
struct large_state : archetype {
    struct frame_state {
        std::array<std::byte, 9> bytes{};
    };
    explicit large_state(frame_states<frame_state>);
};
struct touch_throws : archetype {
    using archetype::archetype;
    void touch(frame_state&) {}
};
struct insert_throws : archetype {
    using archetype::archetype;
    void insert(frame_no, page_id) {}
};
struct forgets_the_page : archetype {
    using archetype::archetype;
    void insert(frame_no) noexcept {}
};
struct holds_changes : archetype {
    using archetype::archetype;
    bool holds(frame_no) noexcept { return false; }
};
struct proposes_a_number : archetype {
    using archetype::archetype;
    std::optional<std::uint32_t> propose() noexcept { return {}; }
};
struct no_state {
    explicit no_state(frame_states<int>) {}
};

// With peek, and a peek that changes the policy.
struct peeks : archetype {
    using archetype::archetype;
    template <class Visit>
    void peek(Visit) const noexcept {}
};
struct peek_changes : archetype {
    using archetype::archetype;
    template <class Visit>
    void peek(Visit) noexcept {}
};

struct frame_header {
    std::uint64_t before = 0;
    std::uint16_t state = 0;
    std::uint64_t after = 0;
};

}  // namespace

static_assert(eviction_policy<archetype>);
static_assert(!eviction_policy<no_state> && !eviction_policy<int>);
static_assert(!eviction_policy<no_frames>);
static_assert(!eviction_policy<large_state>);
static_assert(!eviction_policy<touch_throws> && !eviction_policy<insert_throws>);
static_assert(!eviction_policy<forgets_the_page>);
static_assert(!eviction_policy<holds_changes> && !eviction_policy<proposes_a_number>);

static_assert(quire::policy_that_peeks<peeks>);
static_assert(!quire::policy_that_peeks<archetype> && !quire::policy_that_peeks<peek_changes>);

TEMPLATE_TEST_CASE("eviction_policy: a peek tells what is proposed next, and changes nothing", "",
                   quire::clock, quire::sieve, quire::s3_fifo) {
    constexpr std::size_t frames = 40;
    quire_test::generator random{quire_test::test_seed()};
    quire_test::tried<TestType> peeked{frames};
    quire_test::tried<TestType> other{frames};
    auto const both = [&](auto act) {
        act(peeked);
        act(other);
    };
    std::uint64_t page = 0;
    std::size_t seen = 0;
    for (int round = 0; round < 400; ++round) {
        for (std::size_t f = 0; f < frames; ++f) {
            if (peeked.holds(f)) { continue; }
            ++page;
            both([&](auto& one) { one.insert(f, page % 90); });
        }
        for (auto uses = random.below(30); uses > 0; --uses) {
            auto const f = random.below(frames);
            both([&](auto& one) { one.touch(f); });
        }
        auto const next = peeked.peek();
        REQUIRE(peeked.peek() == next);
        seen += next.size();
        peeked.search();
        other.search();
        auto const wanted = random.below(frames);
        std::size_t met = 0;  // how many of `next` were proposed, in their order
        for (std::size_t n = 0; n <= wanted; ++n) {
            auto const candidate = peeked.propose();
            REQUIRE(other.propose() == candidate);
            if (!candidate) { break; }
            if (n == 0 && !next.empty()) { CHECK(*candidate == next[0]); }
            if (met < next.size() && *candidate == next[met]) { ++met; }
            if (n == wanted) { both([&](auto& one) { one.remove(*candidate); }); }
        }
        if (wanted + 1 < next.size()) { CHECK(met > 0); }
    }
    CHECK(seen > 400);
}

TEST_CASE("frame_states: finds the state in each frame of the caller") {
    std::vector<frame_header> frames(5);
    frame_states<std::uint16_t> const states{std::span{frames}, &frame_header::state};
    REQUIRE(states.size() == 5);
    for (std::uint32_t f = 0; f < 5; ++f) {
        auto const no = static_cast<frame_no>(f);
        CHECK(&states[no] == &frames[f].state);
        states[no] = static_cast<std::uint16_t>(f + 1);
    }
    for (std::uint16_t f = 0; f < 5; ++f) {
        CHECK(frames[f].state == f + 1);
        CHECK(frames[f].before == 0);
        CHECK(frames[f].after == 0);
    }
}

TEST_CASE("frame_states: works over a plain array and over nothing") {
    std::array<int, 3> numbers{1, 2, 3};
    frame_states<int> const states{std::span<int>{numbers}};
    CHECK(states.size() == 3);
    CHECK(states[frame_no{2}] == 3);
    CHECK(frame_states<int>{std::span<int>{}}.size() == 0);
    CHECK(frame_states<std::uint16_t>{std::span<frame_header>{}, &frame_header::state}.size() == 0);
}
