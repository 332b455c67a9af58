// SPDX-License-Identifier: BSL-1.0
#pragma once

/// dirty_frames: which frames hold dirty pages of a file: a bit a frame.
///
/// A frame is added when its page becomes dirty, and removed when it becomes clean, both under the
/// frame's latch: so a page that is dirty all the while is found by every look. A look costs a bit
/// a frame of the pool (4 million frames: 512 KiB) and what it finds.
///
/// Why not a list: each page that becomes dirty would take a mutex that all writers share, or write
/// to the headers of two other frames.
///
/// Errors: errc::out_of_memory. Threads: any.

#include <quire/memory/mapping.hpp>

#include <atomic>  // std::atomic_ref
#include <bit>     // std::countr_zero

namespace quire::inline QUIRE_ABI::detail {

class dirty_frames {
public:
    explicit dirty_frames(std::size_t frames)
        : memory_{(frames + word_bits - 1) / word_bits * sizeof(word), 64, after_fork::zeroed,
                  extent::sparse} {}

    void add(frame_no f) const noexcept {
        word_of(f).fetch_or(bit_of(f), std::memory_order_release);
    }
    void remove(frame_no f) const noexcept {
        word_of(f).fetch_and(~bit_of(f), std::memory_order_release);
    }

    /// The first one from `begin` on for which `take(frame)` is false ends the look; returns where
    /// the next look goes on, or 0 after the last frame.
    template <class Take>
    std::size_t look(std::size_t begin, Take take) const {
        auto const words = memory_.bytes().size() / sizeof(word);
        word mask = ~word{0} << begin % word_bits;
        for (std::size_t i = begin / word_bits; i < words; ++i, mask = ~word{0}) {
            for (word rest = at(i).load(std::memory_order_acquire) & mask; rest != 0;
                 rest &= rest - 1) {
                auto const f = i * word_bits + static_cast<std::size_t>(std::countr_zero(rest));
                if (!take(static_cast<frame_no>(f))) { return f; }
            }
        }
        return 0;
    }

private:
    using word = std::uint64_t;
    static constexpr std::size_t word_bits = 64;

    [[nodiscard]] std::atomic_ref<word> at(std::size_t i) const noexcept {
        return std::atomic_ref<word>{*(reinterpret_cast<word*>(memory_.bytes().data()) + i)};
    }
    [[nodiscard]] std::atomic_ref<word> word_of(frame_no f) const noexcept {
        return at(index(f) / word_bits);
    }
    [[nodiscard]] static word bit_of(frame_no f) noexcept {
        return word{1} << index(f) % word_bits;
    }

    mapping memory_;
};

}  // namespace quire::inline QUIRE_ABI::detail
