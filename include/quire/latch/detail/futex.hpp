// SPDX-License-Identifier: BSL-1.0
#pragma once

/// futex: sleeping in the kernel until a word changes, for a bounded time.
///
/// `std::atomic::wait` has no deadline, and the pool never waits without one; so it uses these two
/// system calls. A wake-up between the caller's look and its sleep is not lost: the kernel compares
/// the word again before it puts the thread to sleep.

#include <quire/base/attributes.hpp>

#include <atomic>   // std::atomic
#include <chrono>   // std::chrono::nanoseconds
#include <cstdint>  // std::uint32_t
#include <limits>   // std::numeric_limits

#include <ctime>            // timespec
#include <linux/futex.h>    // FUTEX_WAIT_PRIVATE
#include <sys/syscall.h>    // SYS_futex
#include <unistd.h>         // syscall

namespace quire::inline QUIRE_ABI::detail {

/// Sleeps while `word` is `seen`, at most `wait`. May return early.
inline void futex_wait(std::atomic<std::uint32_t> const& word, std::uint32_t seen,
                       std::chrono::nanoseconds wait) noexcept {
    static_assert(sizeof(word) == sizeof(std::uint32_t));
    if (wait <= wait.zero()) { return; }
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
    ::timespec limit{};
    limit.tv_sec = static_cast<std::time_t>(seconds.count());
    limit.tv_nsec = static_cast<long>((wait - seconds).count());
    static_cast<void>(
        ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen, &limit, nullptr, 0));
}

/// Wakes every thread that sleeps on `word`.
inline void futex_wake_all(std::atomic<std::uint32_t> const& word) noexcept {
    static_cast<void>(::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE,
                                std::numeric_limits<int>::max(), nullptr, nullptr, 0));
}

}  // namespace quire::inline QUIRE_ABI::detail
