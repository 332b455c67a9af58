// SPDX-License-Identifier: BSL-1.0
#pragma once

/// cleaning_need: what the background writers of a pool sleep on, and what wakes them.
///
/// An eviction uses up a frame that was clean ahead of need. The writer looks 256 candidates ahead
/// and writes 64 pages at a time, so half a batch of evictions is worth its while; an eviction that
/// had to write its victim itself is the sign that the writer is late, and wakes it at once.
///
/// Threads: any. Cost: an eviction pays a load, or an atomic addition where there is a writer; a
/// hit, and the end of a write guard, nothing.

#include <quire/latch/event_count.hpp>

namespace quire::inline QUIRE_ABI::detail {

class cleaning_need : immovable {
public:
    /// Pages that make a batch worth its while.
    static constexpr std::uint32_t enough = 32;

    /// A page was evicted; it `was_dirty`, if it had to be written first.
    void evicted(bool was_dirty) noexcept {
        if (writers_.load(std::memory_order_relaxed) == 0) [[likely]] { return; }
        std::uint32_t const counts = was_dirty ? enough : 1;
        auto const before = evicted_.fetch_add(counts, std::memory_order_seq_cst);
        if (before < enough && before + counts >= enough) { wake(); }
    }
    void wake() noexcept { events_.wake(key()); }

    /// A writer is about to look: what was evicted until now is dealt with.
    void note_look() noexcept { evicted_.store(0, std::memory_order_seq_cst); }
    /// Sleeps until enough pages were evicted since the look, or `period` is over, or `stop`.
    void sleep(std::chrono::nanoseconds period, std::atomic<bool> const& stop) noexcept {
        auto const seen = events_.announce();
        if (!stop.load(std::memory_order_seq_cst) &&
            evicted_.load(std::memory_order_seq_cst) < enough) {
            events_.sleep(seen, key(), period);
        }
        events_.leave();
    }

    void add_writer() noexcept { writers_.fetch_add(1, std::memory_order_relaxed); }
    void remove_writer() noexcept { writers_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] std::uint32_t writers() const noexcept {
        return writers_.load(std::memory_order_relaxed);
    }

private:
    [[nodiscard]] static constexpr wake_key key() noexcept { return wake_key::frames(); }

    event_count events_;
    std::atomic<std::uint32_t> evicted_{0};  ///< since the last look
    std::atomic<std::uint32_t> writers_{0};
};

}  // namespace quire::inline QUIRE_ABI::detail
