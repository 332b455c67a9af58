// SPDX-License-Identifier: BSL-1.0
#include <quire/latch/hybrid_latch.hpp>

#include <quire/latch/page_latch.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <shared_mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using quire::hybrid_latch;

namespace {

constexpr int threads_max = 8;

template <class Act>
void run_threads(int count, Act act) {
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t) {
        threads.emplace_back([&, t] {
            ready.fetch_add(1);
            while (ready.load() < count) { std::this_thread::yield(); }
            act(t);
        });
    }
    for (auto& thread : threads) { thread.join(); }
}

/// Plain memory, under the latch alone: the thread sanitizer sees what the latch leaves open.
struct guarded {
    std::uint64_t count = 0;
    std::uint64_t negated = ~std::uint64_t{0};

    void add() {
        ++count;
        negated = ~count;
    }
    [[nodiscard]] bool is_whole() const { return negated == ~count; }
};

/// Now and then lets others run, so that holds overlap on few processors too.
void linger(generator& random) {
    if (random.chance(1, 16)) { std::this_thread::yield(); }
}

}  // namespace

TEMPLATE_TEST_CASE("page_latch: writers exclude each other and readers see whole states", "",
                   hybrid_latch, std::shared_mutex) {
    constexpr int rounds = 10'000;
    TestType latch;
    guarded data;
    std::atomic<std::uint64_t> sections{0};
    std::atomic<int> torn{0};
    run_threads(threads_max, [&](int t) {
        generator random{static_cast<std::uint64_t>(t) + 1};
        for (int i = 0; i < rounds; ++i) {
            switch (random.below(6)) {
                case 0:
                    latch.lock();
                    torn += data.is_whole() ? 0 : 1;
                    linger(random);
                    data.add();
                    latch.unlock();
                    sections.fetch_add(1);
                    break;
                case 1:
                    if (latch.try_lock()) {
                        data.add();
                        latch.unlock();
                        sections.fetch_add(1);
                    }
                    break;
                case 2:
                    if (latch.try_lock_shared()) {
                        torn += data.is_whole() ? 0 : 1;
                        latch.unlock_shared();
                    }
                    break;
                default:
                    latch.lock_shared();
                    linger(random);
                    torn += data.is_whole() ? 0 : 1;
                    latch.unlock_shared();
            }
        }
    });
    CHECK(torn == 0);
    CHECK(data.count == sections);
    CHECK(data.is_whole());
}

TEST_CASE("hybrid_latch: all of its ways in and out together keep the data and the version") {
    constexpr int rounds = 10'000;
    hybrid_latch latch;
    guarded data;
    std::atomic<std::uint64_t> sections{0};
    std::atomic<std::uint64_t> evictions{0};
    std::atomic<int> pinned{0};
    std::atomic<int> wrong{0};
    auto const expect = [&](bool holds) { wrong += holds ? 0 : 1; };
    auto const edit = [&](generator& random) {
        expect(data.is_whole());
        linger(random);
        data.add();
        sections.fetch_add(1);
    };
    run_threads(threads_max, [&](int t) {
        generator random{static_cast<std::uint64_t>(t) + 100};
        for (int i = 0; i < rounds; ++i) {
            switch (random.below(8)) {
                case 0:
                    latch.lock();
                    edit(random);
                    latch.unlock();
                    break;
                case 1:
                    if (latch.try_lock_for(std::chrono::microseconds{random.below(2000)})) {
                        edit(random);
                        latch.unlock();
                    }
                    break;
                case 2: {  // downgraded: nobody writes before the hold ends
                    latch.lock();
                    edit(random);
                    auto const mine = data.count;
                    latch.downgrade();
                    auto const version = latch.version();
                    std::this_thread::yield();
                    expect(data.count == mine && data.is_whole() && latch.version() == version);
                    latch.unlock_shared();
                    break;
                }
                case 3:
                    if (latch.try_lock_unpinned()) {
                        expect(pinned.load() == 0);
                        edit(random);
                        latch.unlock();
                        evictions.fetch_add(1);
                    }
                    break;
                case 4:  // `pinned` is a lower bound of the pins at any time
                    latch.lock_shared();
                    latch.pin();
                    pinned.fetch_add(1);
                    latch.unlock_shared();
                    std::this_thread::yield();
                    pinned.fetch_sub(1);
                    latch.unpin();
                    break;
                case 5:
                    if (latch.try_lock_shared_for(std::chrono::microseconds{random.below(2000)})) {
                        expect(data.is_whole());
                        latch.unlock_shared();
                    }
                    break;
                default:
                    latch.lock_shared();
                    auto const before = latch.version();
                    linger(random);
                    expect(data.is_whole());
                    expect(latch.version() == before);
                    latch.unlock_shared();
            }
        }
    });
    CHECK(wrong == 0);
    CHECK(data.count == sections);
    CHECK(latch.version() == static_cast<std::uint32_t>(sections));
    CHECK(evictions > 0);
    CHECK(latch.try_lock_unpinned());  // no reader and no pin is left, and the door is open
    latch.unlock();
    CHECK(latch.try_lock_shared());
    latch.unlock_shared();
}

// Every reader of the storm is refused most of the time: a writer's leaving meets many in transit.
TEST_CASE("hybrid_latch: readers in transit are not erased by a writer's leaving - I2") {
    constexpr std::uint32_t sections_max = 20'000;
    auto const end = std::chrono::steady_clock::now() + 2s;
    std::uint32_t sections = 0;
    hybrid_latch latch;
    guarded data;
    std::atomic<bool> done{false};
    std::atomic<int> torn{0};
    run_threads(5, [&](int t) {
        if (t == 0) {
            for (; sections < sections_max && std::chrono::steady_clock::now() < end; ++sections) {
                latch.lock();
                data.add();
                latch.unlock();
            }
            done = true;
            return;
        }
        while (!done) {
            if (latch.try_lock_shared()) {
                torn += data.is_whole() ? 0 : 1;
                latch.unlock_shared();
            }
        }
    });
    CHECK(torn == 0);
    CHECK(sections > 0);
    CHECK(data.count == sections);
    CHECK(latch.version() == sections);
    CHECK(latch.try_lock_unpinned());
    latch.unlock();
}

// Threads that hand the latch to each other. A wake-up that is lost for good would end the test by
// its time limit.
TEST_CASE("hybrid_latch: hand-overs between sleepers all arrive - I5") {
    constexpr std::uint64_t hand_overs = 1000;
    hybrid_latch latch;
    std::uint64_t turn = 0;
    run_threads(4, [&](int t) {
        for (;;) {
            latch.lock();
            if (turn >= hand_overs) {
                latch.unlock();
                return;
            }
            if (turn % 4 == static_cast<std::uint64_t>(t)) { ++turn; }
            latch.unlock();
            std::this_thread::yield();
        }
    });
    CHECK(turn == hand_overs);
    CHECK(latch.try_lock_unpinned());
    latch.unlock();
}
