// SPDX-License-Identifier: BSL-1.0
#pragma once

/// sieve: a queue and a hand that keeps its position. As cheap as clock on a hit, and better at
/// separating the pages that are used again from those that are not.
///
/// Pages are queued in the order in which they were loaded, and are not moved: a hit only sets the
/// page's visited bit. A page enters unvisited. A search moves the hand from the oldest towards the
/// newest, and from there to the oldest again: a visited page loses its bit and is passed, the
/// first unvisited one is the candidate. The next search starts from there. Pages that were used
/// again gather behind the hand, and new pages, in front of it, are examined soon after they were
/// loaded. In clock a new page takes the victim's place instead, just behind the hand, and stays
/// for a full turn.
///
/// The price: it does not resist scans about as large as the pool, whose pages wait for the hand
/// like all others; and when the pages in use change, old ones with their bit set keep their frames
/// until the hand has made a full turn (bench/README.md has figures of both).
///
/// The visited bit is a count up to one, so that a page that was read ahead begins below zero: its
/// first use is the one it was read for.
///
/// When the pool refuses a candidate, the hand has passed it already and reaches it again after a
/// full turn.
///
/// Invariants
///   I1. A search visits each page at most twice (the first visit may only clear the bit).
///   I2. The hand is at a page of the queue, or past the newest.
///   I3. `held`, the queue and the hand change under the pool's mutex only; any thread may change
///       `uses`.
/// Cost: a hit on a visited page is one load, else also one relaxed store. 10 bytes a frame.
/// Source: Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is Simpler than LRU", NSDI 2024.

#include <quire/base/fixed_array.hpp>
#include <quire/evict/detail/index_queue.hpp>
#include <quire/evict/eviction_policy.hpp>

#include <atomic>  // std::atomic

namespace quire::inline QUIRE_ABI {

class sieve {
    using queue_type = detail::index_queue;

public:
    struct frame_state {
        std::atomic<std::int8_t> uses{0};  ///< up to 1: visited
        bool held = false;
    };

    explicit sieve(frame_states<frame_state> frames)
        : frames_{frames},
          links_(frames.size()),
          queue_{{links_.data(), frames.size()}} {}

    [[gnu::always_inline]] void touch(frame_state& state) noexcept {
        auto const uses = state.uses.load(std::memory_order_relaxed);
        if (uses < 1) {
            state.uses.store(static_cast<std::int8_t>(uses + 1), std::memory_order_relaxed);
        }
    }

    void insert(frame_no frame, page_id) noexcept { enter(frame, 0); }
    void insert_ahead(frame_no frame, page_id) noexcept { enter(frame, -1); }
    void remove(frame_no frame, page_id) noexcept {
        if (hand_ == index(frame)) { hand_ = queue_.newer(hand_); }
        frames_[frame].held = false;
        queue_.remove(index(frame));
    }
    [[nodiscard]] bool holds(frame_no frame) const noexcept { return frames_[frame].held; }

    void search() noexcept { steps_left_ = 2 * std::uint64_t{queue_.size()}; }

    [[nodiscard]] std::optional<frame_no> propose() noexcept {
        for (; steps_left_ > 0 && queue_.size() > 0; --steps_left_) {
            auto const at = hand_ == queue_type::none ? queue_.oldest() : hand_;
            hand_ = queue_.newer(at);
            auto const frame = static_cast<frame_no>(at);
            auto& uses = frames_[frame].uses;
            if (uses.load(std::memory_order_relaxed) < 1) {
                --steps_left_;
                return frame;
            }
            uses.store(0, std::memory_order_relaxed);
        }
        return std::nullopt;
    }

    /// Looks once around, without the pages whose bit the hand would only clear.
    template <class Visit>
    void peek(Visit visit) const noexcept {
        auto at = hand_;
        for (auto left = queue_.size(); left > 0; --left) {
            if (at == queue_type::none) { at = queue_.oldest(); }
            auto const frame = static_cast<frame_no>(at);
            bool const next = frames_[frame].uses.load(std::memory_order_relaxed) < 1;
            if (next && !visit(frame)) { return; }
            at = queue_.newer(at);
        }
    }

private:
    void enter(frame_no frame, std::int8_t uses) noexcept {
        frames_[frame].uses.store(uses, std::memory_order_relaxed);
        frames_[frame].held = true;
        queue_.push(index(frame));
    }

    frame_states<frame_state> frames_;
    fixed_array<detail::queue_link> links_;
    queue_type queue_;
    queue_type::index_type hand_ = queue_type::none;  ///< none: past the newest
    std::uint64_t steps_left_ = 0;
};

static_assert(policy_that_heeds_arrival<sieve> && policy_that_peeks<sieve>);

}  // namespace quire::inline QUIRE_ABI
