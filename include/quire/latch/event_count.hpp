// SPDX-License-Identifier: BSL-1.0
#pragma once

/// event_count: where threads sleep until something that they wait for may have changed.
///
///   a sleeper                             a waker
///     look at the condition                 change the condition
///     announce()                            wake(key)
///     look at the condition again
///     sleep(...)
///     leave()
///
/// A key says what is waited for: a page, the transfers of one owner, a free frame. Sleepers of all
/// keys share one word, so that any of them can be woken for work that any can do (wake_one).
///
/// Invariants
///   I1. No wake-up is lost. Both sides change `sleepers_` by a read-modify-write. If the waker's
///       is the later one it sees the sleeper; if the sleeper's is, what the waker changed before
///       is visible to the sleeper's second look.
///   I2. A sleep is bounded: a wake-up with a key that nobody computes costs time, never a hang.
///
/// Threads: any. Cost: one atomic operation for a wake without sleepers.

#include <quire/base/immovable.hpp>
#include <quire/base/page_id.hpp>
#include <quire/latch/detail/futex.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// What a sleeper waits for. Keys are hashed to few bits: a wake may reach a sleeper of another
/// key, which looks at its condition and sleeps again.
class wake_key {
public:
    /// Nobody wakes for this condition: it is looked at again and again.
    [[nodiscard]] static constexpr wake_key none() noexcept { return wake_key{bit(31)}; }
    /// A frame may have become free, or clean.
    [[nodiscard]] static constexpr wake_key frames() noexcept { return wake_key{bit(30)}; }
    [[nodiscard]] static wake_key of(page_id page) noexcept { return hashed(page.bits()); }
    /// The transfers of one owner, by its address.
    [[nodiscard]] static wake_key of(void const* owner) noexcept {
        return hashed(reinterpret_cast<std::uintptr_t>(owner) / 16);
    }

    /// One of many things of which the owner of the event_count keeps count.
    [[nodiscard]] static wake_key numbered(std::uint64_t number) noexcept {
        return hashed(number);
    }

    [[nodiscard]] constexpr std::uint32_t mask() const noexcept { return mask_; }

private:
    explicit constexpr wake_key(std::uint32_t mask) noexcept : mask_{mask} {}
    static constexpr std::uint32_t bit(std::uint32_t n) noexcept { return std::uint32_t{1} << n; }
    [[nodiscard]] static wake_key hashed(std::uint64_t value) noexcept {
        auto const mixed = static_cast<std::uint32_t>((value * 0x9E3779B97F4A7C15ULL) >> 32);
        return wake_key{bit(mixed % 30)};
    }

    std::uint32_t mask_;
};

class event_count : immovable {
public:
    using seen = std::uint32_t;

    [[nodiscard]] seen announce() noexcept {
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        return event_.load(std::memory_order_seq_cst);
    }
    /// Returns early when there was an event since `before`.
    void sleep(seen before, wake_key key, std::chrono::nanoseconds wait) const noexcept {
        futex_wait(event_, before, wait, key.mask());
    }
    void leave() noexcept { sleepers_.fetch_sub(1, std::memory_order_seq_cst); }

    /// The condition of `key` may hold now.
    void wake(wake_key key) noexcept {
        if (has_sleepers()) [[unlikely]] {
            event_.fetch_add(1, std::memory_order_seq_cst);
            futex_wake_all(event_, key.mask());
        }
    }
    /// One sleeper, of any key, is to look again.
    void wake_one() noexcept {
        if (has_sleepers()) {
            event_.fetch_add(1, std::memory_order_seq_cst);
            futex_wake(event_, 1);
        }
    }
    /// After a change of the caller's: sees every sleeper that may have missed it. See I1.
    [[nodiscard]] bool has_sleepers() noexcept {
        return sleepers_.fetch_add(0, std::memory_order_seq_cst) != 0;
    }

private:
    std::atomic<std::uint32_t> sleepers_{0};
    std::atomic<std::uint32_t> event_{0};
};

}  // namespace quire::inline QUIRE_ABI::detail
