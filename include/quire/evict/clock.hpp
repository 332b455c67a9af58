// SPDX-License-Identifier: BSL-1.0
#pragma once

/// clock: second chance. An approximation of LRU whose hit costs at most one relaxed store.
///
/// The frames form a ring with a hand. A hit sets the frame's reference bit. A search moves the
/// hand: a referenced frame loses its bit and is passed, the first unreferenced one is the
/// candidate. A page enters unreferenced: only a second use earns the second chance. When the pool
/// refuses a candidate, the hand has passed it already and reaches it again after a full turn.
///
/// The reference bit is a count up to one, so that a page that was read ahead begins below zero:
/// its first use is the one it was read for.
///
/// Invariants
///   I1. A search visits each frame at most twice (the first visit may only clear the bit).
///   I2. `held` changes under the pool's mutex only; any thread changes `uses` at any time.
/// Cost: a hit on a referenced frame is one load. 2 bytes a frame.
/// Source: F. J. Corbato, "A Paging Experiment with the Multics System", 1968.

#include <quire/evict/eviction_policy.hpp>

#include <atomic>  // std::atomic

namespace quire::inline QUIRE_ABI {

class clock {
public:
    struct frame_state {
        std::atomic<std::int8_t> uses{0};  ///< up to 1: referenced
        bool held = false;
    };

    explicit clock(frame_states<frame_state> frames) noexcept : frames_{frames} {}

    [[gnu::always_inline]] void touch(frame_state& state) noexcept {
        auto const uses = state.uses.load(std::memory_order_relaxed);
        if (uses < 1) {
            state.uses.store(static_cast<std::int8_t>(uses + 1), std::memory_order_relaxed);
        }
    }

    void insert(frame_no frame, page_id) noexcept { enter(frame, 0); }
    void insert_ahead(frame_no frame, page_id) noexcept { enter(frame, -1); }
    void remove(frame_no frame, page_id) noexcept { frames_[frame].held = false; }
    [[nodiscard]] bool holds(frame_no frame) const noexcept { return frames_[frame].held; }

    void search() noexcept { steps_left_ = 2 * std::uint64_t{frames_.size()}; }

    [[nodiscard]] std::optional<frame_no> propose() noexcept {
        for (; steps_left_ > 0; --steps_left_) {
            auto const at = static_cast<frame_no>(hand_);
            hand_ = after(hand_);
            auto& state = frames_[at];
            if (!state.held) { continue; }
            if (state.uses.load(std::memory_order_relaxed) < 1) {
                --steps_left_;
                return at;
            }
            state.uses.store(0, std::memory_order_relaxed);
        }
        return std::nullopt;
    }

    /// Looks once around, without the frames whose bit the hand would only clear.
    template <class Visit>
    void peek(Visit visit) const noexcept {
        auto at = hand_;
        for (auto left = frames_.size(); left > 0; --left) {
            auto const& state = frames_[static_cast<frame_no>(at)];
            bool const next = state.held && state.uses.load(std::memory_order_relaxed) < 1;
            if (next && !visit(static_cast<frame_no>(at))) { return; }
            at = after(at);
        }
    }

private:
    void enter(frame_no frame, std::int8_t uses) noexcept {
        frames_[frame].uses.store(uses, std::memory_order_relaxed);
        frames_[frame].held = true;
    }
    [[nodiscard]] std::uint32_t after(std::uint32_t at) const noexcept {
        return at + 1 == frames_.size() ? 0 : at + 1;
    }

    frame_states<frame_state> frames_;
    std::uint32_t hand_ = 0;
    std::uint64_t steps_left_ = 0;
};

static_assert(policy_that_heeds_arrival<clock> && policy_that_peeks<clock>);

}  // namespace quire::inline QUIRE_ABI
