// SPDX-License-Identifier: BSL-1.0
#pragma once

/// latch_scene: a latch, the threads of a script, and what the script has seen.
///
/// `run_scene` runs a script in a thread of its own. If the script is not over in time, a thread
/// waits for ever: that breaks the script's rule, and the threads stay behind with the scene, which
/// they own together.

#include <quire/latch/page_latch.hpp>
#include <quire/testing/detail/actor.hpp>
#include <quire/testing/report.hpp>
#include <quire/testing/trials.hpp>

#include <atomic>        // std::atomic
#include <memory>        // std::shared_ptr
#include <system_error>  // std::system_error
#include <vector>        // std::vector

namespace quire::inline QUIRE_ABI::testing {

namespace detail {

struct shared_way {
    static void lock(auto& latch) { latch.lock_shared(); }
    static bool try_lock(auto& latch) { return latch.try_lock_shared(); }
    static void unlock(auto& latch) { latch.unlock_shared(); }
    /// In and out again, in at most about `wait`.
    static bool try_for(auto& latch, std::chrono::nanoseconds wait) {
        bool const in = latch.try_lock_shared_for(wait);
        if (in) { unlock(latch); }
        return in;
    }
};
struct exclusive_way {
    static void lock(auto& latch) { latch.lock(); }
    static bool try_lock(auto& latch) { return latch.try_lock(); }
    static void unlock(auto& latch) { latch.unlock(); }
    static bool try_for(auto& latch, std::chrono::nanoseconds wait) {
        bool const in = latch.try_lock_for(wait);
        if (in) { unlock(latch); }
        return in;
    }
};
struct unpinned_way : exclusive_way {
    static bool try_lock(auto& latch) { return latch.try_lock_unpinned(); }
};
inline constexpr shared_way shared;
inline constexpr exclusive_way exclusive;
inline constexpr unpinned_way unpinned;

template <class Latch>
class latch_scene {
public:
    explicit latch_scene(latch_trial const& given)
        : trial{given}, second{given.threads > 1}, third{given.threads > 1} {}

    /// The script's own thread is the first.
    template <class Act>
    void first(Act act) {
        act();
    }
    /// Whether `thread` gets in by a `try_`, which is repeated: it may fail spuriously.
    template <class Way>
    [[nodiscard]] bool gets_in(actor& thread, Way way) {
        auto const end = std::chrono::steady_clock::now() + trial.wait_max / 2;
        for (;;) {
            if (tries(thread, way)) { return true; }
            if (trial.threads <= 1 || std::chrono::steady_clock::now() > end) { return false; }
            std::this_thread::sleep_for(std::chrono::microseconds{100});
        }
    }
    /// Whether a `try_` of `thread` fails, and once more.
    template <class Way>
    [[nodiscard]] bool is_refused(actor& thread, Way way) {
        return !tries(thread, way) && !tries(thread, way);
    }

    void expect(bool holds, std::string_view rule, std::string_view seen = {}) {
        std::lock_guard const hold{mutex_};
        found_.expect(holds, rule, seen);
    }
    void need(bool holds, std::string_view rule, std::string_view seen = {}) {
        std::lock_guard const hold{mutex_};
        found_.need(holds, rule, seen);
    }
    [[nodiscard]] report found() {
        std::lock_guard const hold{mutex_};
        return found_;
    }

private:
    template <class Way>
    [[nodiscard]] bool tries(actor& thread, Way way) {
        return thread.ask([&] {
            bool const in = way.try_lock(latch);
            if (in) { way.unlock(latch); }
            return in;
        });
    }

    std::mutex mutex_;
    report found_;

public:
    latch_trial const trial;
    Latch latch{};
    actor second;
    actor third;
    std::atomic<bool> over{false};
};

/// Readers that are in at once, each in a thread of its own where there are threads: no thread
/// takes a latch twice.
template <class Latch>
class reader_crowd {
public:
    /// Returns when each of `count` is in or has tried for long enough.
    reader_crowd(latch_scene<Latch>& scene, int count) : latch_{scene.latch} {
        if (scene.trial.threads <= 1) {
            for (int i = 0; i < count; ++i) { ++(latch_.try_lock_shared() ? in_ : out_); }
            return;
        }
        auto const end = std::chrono::steady_clock::now() + scene.trial.wait_max / 2;
        try {
            while (wanted() < count) {
                threads_.emplace_back([this, end] { read(end); });
            }
        } catch (std::system_error const&) {}  // the system gives no more threads
        while (in_ + out_ < wanted()) { std::this_thread::sleep_for(pause); }
    }
    reader_crowd(reader_crowd const&) = delete;
    reader_crowd& operator=(reader_crowd const&) = delete;
    ~reader_crowd() {
        over_ = true;
        over_.notify_all();
        if (threads_.empty()) {
            for (; in_ > 0; --in_) { latch_.unlock_shared(); }
        }
        for (auto& thread : threads_) { thread.join(); }
    }

    [[nodiscard]] bool all_in() const { return out_ == 0; }

private:
    [[nodiscard]] int wanted() const { return static_cast<int>(threads_.size()); }
    void read(std::chrono::steady_clock::time_point end) {
        while (!latch_.try_lock_shared()) {
            if (std::chrono::steady_clock::now() > end) {
                ++out_;
                return;
            }
            std::this_thread::sleep_for(pause);
        }
        ++in_;
        over_.wait(false);
        latch_.unlock_shared();
    }

    static constexpr std::chrono::nanoseconds pause = std::chrono::milliseconds{1};

    Latch& latch_;
    std::atomic<int> in_{0};
    std::atomic<int> out_{0};
    std::atomic<bool> over_{false};
    std::vector<std::thread> threads_;
};

template <class Latch, class Script>
void run_scene(report& found, latch_trial const& trial, std::string_view rule, Script script) {
    auto const scene = std::make_shared<latch_scene<Latch>>(trial);
    auto const play = [scene, script] {
        try {
            script(*scene);
        } catch (report::abandoned const&) {}
        scene->over.store(true, std::memory_order_release);
    };
    if (trial.threads <= 1) {
        play();
        return found.add(scene->found());
    }
    auto const end = std::chrono::steady_clock::now() + 2 * trial.wait_max;
    std::thread first{play};
    while (!scene->over.load(std::memory_order_acquire) &&
           std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
    bool const over = scene->over.load(std::memory_order_acquire);
    over ? first.join() : first.detach();
    found.add(scene->found());
    found.expect(over, rule, "a thread waits for ever");
}

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI::testing
