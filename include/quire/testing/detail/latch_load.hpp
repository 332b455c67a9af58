// SPDX-License-Identifier: BSL-1.0
#pragma once

/// latch_load: threads that use every way in and out of a latch at random.
///
/// The threads that are in are counted beside the latch, by relaxed atomics, which order nothing.
/// The latch guards plain memory, so that the thread sanitizer reports what it fails to order.

#include <quire/testing/detail/latch_scene.hpp>

#include <random>  // std::minstd_rand
#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI::testing::detail {

namespace latch_rules {
inline constexpr std::string_view excludes =
    "page_latch: under load writers exclude each other, and readers see whole states";
inline constexpr std::string_view load_ends = "page_latch: under load every wait ends";
inline constexpr std::string_view between =
    "downgradable: no writer gets in between downgrade and unlock_shared";
inline constexpr std::string_view pinned_frames =
    "pinning: under load try_lock_unpinned gets no frame with pins";
inline constexpr std::string_view still = "versioned: version does not change while a reader is in";
}  // namespace latch_rules

template <class Latch>
class latch_load {
public:
    explicit latch_load(latch_scene<Latch>& scene) : scene_{scene}, latch_{scene.latch} {}

    /// What one thread does.
    void run(unsigned seed) {
        std::minstd_rand random{seed};
        auto const end = std::chrono::steady_clock::now() + scene_.trial.wait_max / 4;
        for (int round = 0; round < scene_.trial.rounds; ++round) {
            if (std::chrono::steady_clock::now() > end) { return; }
            linger_ = random() % 8 == 0;
            step(random() % 9);
        }
    }
    /// Called when all threads have ended.
    void judge() {
        expect(count_ == sections_.load() && negated_ == ~count_, latch_rules::excludes);
    }

private:
    void step(unsigned long what) {
        switch (what) {
            case 0: latch_.lock(); return write_and_unlock();
            case 1:
                if (latch_.try_lock()) { write_and_unlock(); }
                return;
            case 2:
                if (latch_.try_lock_shared()) { read_and_unlock(); }
                return;
            case 3: return downgrade();
            case 4: return pin();
            case 5: return evict();
            case 6: return timed();
            default: latch_.lock_shared(); return read_and_unlock();
        }
    }

    void write() {
        expect(writers_.fetch_add(1, relaxed) == 0 && readers_.load(relaxed) == 0,
               latch_rules::excludes, "a writer was not alone");
        expect(negated_ == ~count_, latch_rules::excludes, "half a state");
        ++count_;
        linger();
        negated_ = ~count_;
        sections_.fetch_add(1, relaxed);
        writers_.fetch_sub(1, relaxed);
    }
    void write_and_unlock() {
        write();
        latch_.unlock();
    }
    void read_and_unlock() {
        auto const version = version_now();
        readers_.fetch_add(1, relaxed);
        expect(writers_.load(relaxed) == 0, latch_rules::excludes, "a reader beside a writer");
        linger();
        expect(negated_ == ~count_, latch_rules::excludes, "half a state");
        expect(version_now() == version, latch_rules::still);
        readers_.fetch_sub(1, relaxed);
        latch_.unlock_shared();
    }
    void downgrade() {
        if constexpr (downgradable<Latch>) {
            latch_.lock();
            write();
            auto const mine = count_;
            latch_.downgrade();
            std::this_thread::yield();
            expect(count_ == mine && negated_ == ~mine, latch_rules::between);
            read_and_unlock();
        }
    }
    void pin() {
        if constexpr (pinning<Latch>) {
            latch_.lock_shared();
            latch_.pin();
            pins_.fetch_add(1, relaxed);  // at any time at most as many as there are
            latch_.unlock_shared();
            linger();
            pins_.fetch_sub(1, relaxed);
            latch_.unpin();
        }
    }
    void evict() {
        if constexpr (pinning<Latch>) {
            if (!latch_.try_lock_unpinned()) { return; }
            expect(pins_.load(relaxed) == 0, latch_rules::pinned_frames);
            write_and_unlock();
        }
    }
    void timed() {
        if constexpr (timed_latch<Latch>) {
            if (latch_.try_lock_for(std::chrono::microseconds{200})) { write_and_unlock(); }
            if (latch_.try_lock_shared_for(std::chrono::microseconds{200})) { read_and_unlock(); }
        }
    }

    /// Now and then lets others run, so that holds overlap on few processors too.
    void linger() const {
        if (linger_) { std::this_thread::yield(); }
    }
    [[nodiscard]] std::uint32_t version_now() const {
        if constexpr (versioned<Latch>) { return latch_.version(); }
        return 0;
    }
    /// Takes no lock while the rule holds: that would order what the latch must order.
    void expect(bool holds, std::string_view rule, std::string_view seen = {}) {
        if (!holds) { scene_.expect(false, rule, seen); }
    }

    static constexpr auto relaxed = std::memory_order_relaxed;
    static inline thread_local bool linger_ = false;

    latch_scene<Latch>& scene_;
    Latch& latch_;
    std::uint64_t count_ = 0;  // both under the latch alone
    std::uint64_t negated_ = ~std::uint64_t{0};
    std::atomic<int> readers_{0};
    std::atomic<int> writers_{0};
    std::atomic<int> pins_{0};
    std::atomic<std::uint64_t> sections_{0};
};

template <class Latch>
void check_load(report& found, latch_trial const& trial) {
    run_scene<Latch>(found, trial, latch_rules::load_ends, [](latch_scene<Latch>& scene) {
        latch_load<Latch> load{scene};
        std::vector<std::thread> threads;
        for (int t = 0; t < scene.trial.threads; ++t) {
            threads.emplace_back([&load, t] { load.run(static_cast<unsigned>(t) + 1); });
        }
        for (auto& thread : threads) { thread.join(); }
        load.judge();
    });
}

}  // namespace quire::inline QUIRE_ABI::testing::detail
