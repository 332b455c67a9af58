// SPDX-License-Identifier: BSL-1.0
#include <quire/latch/page_latch.hpp>

#include <quire/latch/hybrid_latch.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"

#include <mutex>
#include <shared_mutex>
#include <type_traits>

using quire::downgradable;
using quire::hybrid_latch;
using quire::no_latch;
using quire::page_latch;
using quire::pinning;
using quire::timed_latch;
using quire::versioned;

namespace {

// The archetype: what the base concept asks for, and nothing else.
struct archetype {
    archetype() = default;
    archetype(archetype const&) = delete;
    archetype& operator=(archetype const&) = delete;
    void lock() {}
    bool try_lock() { return true; }
    void unlock() {}
    void lock_shared() {}
    bool try_lock_shared() { return true; }
    void unlock_shared() {}
};

// The near misses: each lacks one thing.
struct no_default : archetype {
    explicit no_default(int) {}
};
struct try_lock_says_nothing : archetype {
    void try_lock() {}
};
struct shared_by_number : archetype {
    int try_lock_shared() { return 1; }
};
struct half_timed : archetype {
    bool try_lock_for(std::chrono::nanoseconds) { return true; }
};
struct timed_without_answer : half_timed {
    void try_lock_shared_for(std::chrono::nanoseconds) {}
};
struct pins_without_eviction : archetype {
    void pin() {}
    void unpin() {}
};
struct short_version : archetype {
    [[nodiscard]] std::uint16_t version() const { return 0; }
    [[nodiscard]] bool unchanged_since(std::uint32_t) const { return true; }
};
struct version_that_changes : archetype {
    std::uint32_t version() { return 0; }
    [[nodiscard]] bool unchanged_since(std::uint32_t) const { return true; }
};
struct only_a_version : archetype {
    [[nodiscard]] std::uint32_t version() const { return 0; }
};

template <class L>
constexpr bool base_only =
    page_latch<L> && !timed_latch<L> && !downgradable<L> && !pinning<L> && !versioned<L>;

}  // namespace

static_assert(base_only<archetype> && base_only<std::shared_mutex>);
static_assert(!page_latch<std::mutex> && !page_latch<int> && !page_latch<no_default>);
static_assert(!page_latch<try_lock_says_nothing> && !page_latch<shared_by_number>);
static_assert(base_only<half_timed> && base_only<timed_without_answer>);
static_assert(base_only<pins_without_eviction>);
static_assert(base_only<short_version> && base_only<version_that_changes>);
static_assert(base_only<only_a_version>);

static_assert(quire::interruptible<hybrid_latch> && !quire::interruptible<no_latch>);
static_assert(!quire::interruptible<std::shared_timed_mutex>);
static_assert(timed_latch<hybrid_latch> && downgradable<hybrid_latch> && pinning<hybrid_latch> &&
              versioned<hybrid_latch>);
static_assert(timed_latch<no_latch> && downgradable<no_latch> && pinning<no_latch> &&
              !versioned<no_latch>);
static_assert(timed_latch<std::shared_timed_mutex> && !downgradable<std::shared_timed_mutex>);

static_assert(!std::is_copy_constructible_v<hybrid_latch> &&
              !std::is_copy_assignable_v<hybrid_latch>);
static_assert(!std::is_copy_constructible_v<no_latch> && !std::is_copy_assignable_v<no_latch>);
static_assert(sizeof(hybrid_latch) == 16 && sizeof(no_latch) == 8);

// One behaviour for all of them, as far as one thread can see it. A try_lock_shared that is refused
// by the same thread's exclusive hold is asked of the others only: std::shared_mutex forbids it.
TEMPLATE_TEST_CASE("page_latch: readers share and a writer is alone", "", hybrid_latch, no_latch,
                   std::shared_mutex) {
    TestType latch;
    constexpr bool may_ask_again = !std::is_same_v<TestType, std::shared_mutex>;
    for (int round = 0; round < 3; ++round) {
        latch.lock_shared();
        if constexpr (may_ask_again) {
            CHECK(latch.try_lock_shared());
            CHECK_FALSE(latch.try_lock());
            latch.unlock_shared();
            CHECK_FALSE(latch.try_lock());
        }
        latch.unlock_shared();

        REQUIRE(latch.try_lock());
        if constexpr (may_ask_again) {
            CHECK_FALSE(latch.try_lock());
            CHECK_FALSE(latch.try_lock_shared());
        }
        latch.unlock();

        latch.lock();
        latch.unlock();
        REQUIRE(latch.try_lock_shared());
        latch.unlock_shared();
        { std::scoped_lock const exclusive{latch}; }
        std::shared_lock const shared{latch};
        CHECK(shared.owns_lock());
    }
}
