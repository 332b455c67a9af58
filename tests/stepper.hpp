// SPDX-License-Identifier: BSL-1.0
#pragma once

/// stepper: an operation, and another one in the midst of it, before each of its instructions.
///
/// What two threads can do to each other depends on where one is when the other comes. `stepper`
/// lets the processor trap after each instruction of `act`; before the n-th it stops there until
/// another thread has done `meanwhile` from beginning to end. Tried for n = 0, 1, 2, ..., that is
/// every interleaving of one whole operation into another, also where the code has no seam for a
/// test: between a load and the compare-exchange that relies on it.
///
///     for (std::uint64_t n = 0; step.between([&] { ... }, [&] { ... }, n); ++n) { check; }
///
/// Where `meanwhile` has to wait for what `act` holds, the other goes on after a millisecond, once
/// it sleeps; `in_time` tells how often it had not to. x86-64 and Linux; `can_step` says so. Not
/// under sanitizers, which have a dozen instructions for one. One stepper at a time.

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <ucontext.h>
#include <unistd.h>

namespace quire_test {

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define QUIRE_TEST_CANNOT_STEP
#endif
#endif
#else
#define QUIRE_TEST_CANNOT_STEP
#endif

#if defined(QUIRE_TEST_CANNOT_STEP)

inline constexpr bool can_step = false;

#else

inline constexpr bool can_step = true;

class stepper {
public:
    stepper() : other_{[this] { serve(); }} {
        struct ::sigaction action{};
        action.sa_sigaction = on_trap;
        action.sa_flags = SA_SIGINFO;
        ::sigaction(SIGTRAP, &action, &before_);
        while (!serving_) { ::sched_yield(); }
    }
    stepper(stepper const&) = delete;
    stepper& operator=(stepper const&) = delete;
    ~stepper() {
        stop_ = true;
        other_.join();
        ::sigaction(SIGTRAP, &before_, nullptr);
    }

    /// How many instructions `act` has. It may not throw.
    template <class Act>
    [[nodiscard]] std::uint64_t count(Act act) {
        constexpr auto many = ~std::uint64_t{0};
        run(act, many);
        return many - left_;
    }
    /// Whether `act` had an n-th instruction, before which `meanwhile` was done. Neither may throw.
    template <class Act, class Meanwhile>
    [[nodiscard]] bool between(Act act, Meanwhile meanwhile, std::uint64_t n) {
        meanwhile_ = meanwhile;
        run(act, n + 1);
        bool const met = left_ == 0;
        while (met && done_ != asked_) { ::sched_yield(); }
        return met;
    }

    /// How often `meanwhile` was over before `act` went on.
    [[nodiscard]] std::uint64_t in_time() const { return in_time_; }

private:
    template <class Act>
    void run(Act act, std::uint64_t instructions) {
        left_ = instructions;
        current_ = this;
        stepping_ = true;
        static_cast<void>(std::raise(SIGTRAP));  // from here on every instruction traps
        act();
        stepping_ = false;
        static_cast<void>(std::raise(SIGTRAP));  // from here on none does
    }

    static constexpr long long trap_flag = 0x100;
    static constexpr long a_moment = 1'000'000;         // nanoseconds
    static constexpr long long_enough = 1'000'000'000;  // for a busy machine

    static void on_trap(int, ::siginfo_t*, void* context) {
        auto& flags = static_cast<::ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL];
        auto& self = *current_;
        if (!self.stepping_ || self.left_ == 0) {
            flags &= ~trap_flag;
            return;
        }
        flags |= trap_flag;
        if (--self.left_ > 0) { return; }
        flags &= ~trap_flag;
        int const error = errno;  // it is `act`'s
        ++self.asked_;
        auto const begin = now();
        while (self.done_ != self.asked_ &&
               (now() < begin + a_moment || (self.is_runnable() && now() < begin + long_enough))) {
            ::sched_yield();
        }
        if (self.done_ == self.asked_) { ++self.in_time_; }
        errno = error;
    }
    /// Whether the other thread does not sleep, but has no processor, or uses it.
    [[nodiscard]] bool is_runnable() const noexcept {
        int const file = ::open(status_.c_str(), O_RDONLY | O_CLOEXEC);
        std::array<char, 64> text{};
        auto const size = ::read(file, text.data(), text.size() - 1);
        ::close(file);
        char const* const name_end = size > 0 ? std::strrchr(text.data(), ')') : nullptr;
        return name_end == nullptr || name_end[2] == 'R';
    }
    [[nodiscard]] static long now() noexcept {
        ::timespec time{};
        ::clock_gettime(CLOCK_MONOTONIC, &time);
        return time.tv_sec * 1'000'000'000L + time.tv_nsec;
    }

    void serve() {
        status_ = "/proc/self/task/" + std::to_string(::gettid()) + "/stat";
        serving_ = true;
        while (!stop_) {
            if (done_ == asked_) {
                ::sched_yield();
                continue;
            }
            meanwhile_();
            done_.store(asked_);
        }
    }

    static inline stepper* current_ = nullptr;

    std::atomic<bool> stepping_{false};
    std::atomic<std::uint64_t> left_{0};
    std::atomic<std::uint64_t> asked_{0};
    std::atomic<std::uint64_t> done_{0};
    std::atomic<std::uint64_t> in_time_{0};
    std::atomic<bool> stop_{false};
    std::atomic<bool> serving_{false};
    std::string status_;  ///< of the other thread: where the system tells what it is doing
    std::function<void()> meanwhile_;
    struct ::sigaction before_{};
    std::thread other_;
};

#endif

}  // namespace quire_test
