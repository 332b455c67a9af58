// SPDX-License-Identifier: BSL-1.0
#pragma once

/// futex: sleeping in the kernel until a word changes, for a bounded time.
///
/// `std::atomic::wait` has no deadline, and the pool never waits without one. A wake between a
/// caller's look at the word and its sleep is not lost: the kernel compares the word again before
/// it puts the thread to sleep.
///
/// A sleeper has a mask of bits, and a wake reaches the sleepers whose mask shares a bit with its
/// own. So sleepers that wait for different things can share a word.

#include <quire/base/attributes.hpp>
#include <quire/base/duration.hpp>

#include <atomic>   // std::atomic
#include <cstdint>  // std::uint32_t

#include <ctime>            // timespec, clock_gettime
#include <linux/futex.h>    // FUTEX_WAIT_BITSET
#include <sched.h>          // sched_yield
#include <sys/syscall.h>    // SYS_futex
#include <unistd.h>         // syscall

namespace quire::inline QUIRE_ABI::detail {

/// Lets another thread run first, without sleeping.
inline void yield() noexcept { static_cast<void>(::sched_yield()); }

inline constexpr std::uint32_t every_sleeper = ~std::uint32_t{0};

/// Sleeps while `word` is `seen`, at most `wait`. May return early. Expects: mask is not 0.
inline void futex_wait(std::atomic<std::uint32_t> const& word, std::uint32_t seen,
                       std::chrono::nanoseconds wait,
                       std::uint32_t mask = every_sleeper) noexcept {
    static_assert(sizeof(word) == sizeof(std::uint32_t));
    if (wait <= wait.zero()) { return; }
    constexpr long second = 1'000'000'000;
    ::timespec end{};  // a moment: FUTEX_WAIT_BITSET takes no duration
    static_cast<void>(::clock_gettime(CLOCK_MONOTONIC, &end));
    auto const whole = std::chrono::duration_cast<std::chrono::seconds>(wait);
    end.tv_sec += whole.count();
    end.tv_nsec += (wait - whole).count();
    if (end.tv_nsec >= second) {
        end.tv_nsec -= second;
        ++end.tv_sec;
    }
    static_cast<void>(::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, seen,
                                &end, nullptr, mask));
}

/// Wakes at most `count` of the sleepers that have a bit of `mask`.
inline void futex_wake(std::atomic<std::uint32_t> const& word, int count,
                       std::uint32_t mask = every_sleeper) noexcept {
    static_cast<void>(::syscall(SYS_futex, &word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, count,
                                nullptr, nullptr, mask));
}

inline void futex_wake_all(std::atomic<std::uint32_t> const& word,
                           std::uint32_t mask = every_sleeper) noexcept {
    constexpr int all = 0x7FFF'FFFF;
    futex_wake(word, all, mask);
}

}  // namespace quire::inline QUIRE_ABI::detail
