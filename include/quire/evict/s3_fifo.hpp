// SPDX-License-Identifier: BSL-1.0
#pragma once

/// s3_fifo: three queues. New pages first have to be used twice in a small queue, so that a scan
/// passes through a tenth of the pool and leaves the rest alone.
///
///                      used twice, when it is the oldest
///    new page ──▶ small ─────────────────────────▶ main ──▶ leaves, unless it was used:
///                   │                               ▲       then to the back, one use fewer
///                   ▼ else: leaves, its id is kept  │
///                 ghost ────────────────────────────┘ loaded again while its id is kept
///
/// A page enters `small` unused, or `main` if its id is among the ghosts, the ids of the last pages
/// that left `small`. A hit is a use, counted up to three; of a page that was read ahead from below
/// zero, since its first use is the one it was read for. A search looks into `small` first when
/// that has its tenth of the frames, else into `main`; each from the oldest to the newest. When a
/// queue has no more candidates the search continues in the other. It ends in `main`, because pages
/// that `small` does not give up have moved there.
///
/// As in the authors' own implementation, a page that moves from `small` to `main` makes no other
/// page leave, and its uses are reset. `small` aims at a tenth of the frames, at least one; as many
/// ids are kept as `main` aims at frames. A page that leaves `small` because its file is closed
/// leaves a ghost too, which may let a page of a later file enter `main`: that does no harm.
///
/// The price: pages that are used in bursts (a scan that reads each page several times) look like
/// pages in use; and when the pages in use change, the old ones leave `main` slowly.
/// bench/README.md compares it with two_q, which does better there and worse elsewhere.
///
/// A refused candidate stays where it is in its queue. If it is held or pinned, it counts as used:
/// twice in `small`, so that it moves to `main`, and once in `main`. So pages that are pinned for
/// long are in `main`, and are proposed once in a turn of that.
///
/// Invariants
///   I1. A frame that is held is in exactly one of `small` and `main`, and `at` says in which.
///   I2. A search proposes each frame at most twice, and takes at most 6 x frames steps.
///   I3. Everything except `uses` changes under the pool's mutex only; any thread changes `uses`. A
///       hit may be lost while a search takes a use away: `uses` is an estimate.
/// Cost: a hit is one load, on each of a page's first three hits also one relaxed store. 10 bytes a
/// frame and up to 32 for its ghost.
/// Source: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO Queues are All You Need for Cache Eviction",
/// SOSP 2023; libCacheSim.

#include <quire/base/fixed_array.hpp>
#include <quire/evict/detail/ghost_list.hpp>
#include <quire/evict/eviction_policy.hpp>

#include <atomic>     // std::atomic

namespace quire::inline QUIRE_ABI {

class s3_fifo {
    using queue_type = detail::index_queue;

    static constexpr std::int8_t uses_max = 3;
    static constexpr std::int8_t uses_to_stay = 2;  ///< in `small`

public:
    enum class place : std::uint8_t { nowhere, small, main };

    struct frame_state {
        std::atomic<std::int8_t> uses{0};
        place at = place::nowhere;
    };

    explicit s3_fifo(frame_states<frame_state> frames)
        : frames_{frames},
          small_aim_{frames.size() >= 10 ? frames.size() / 10 : 1},
          links_(frames.size()),
          small_{{links_.data(), frames.size()}},
          main_{{links_.data(), frames.size()}},
          ghosts_{frames.size() > small_aim_ ? frames.size() - small_aim_ : 0} {}

    [[gnu::always_inline]] void touch(frame_state& state) noexcept {
        auto const uses = state.uses.load(std::memory_order_relaxed);
        if (uses < uses_max) {
            state.uses.store(static_cast<std::int8_t>(uses + 1), std::memory_order_relaxed);
        }
    }

    void insert(frame_no frame, page_id page) noexcept { insert(frame, page, 0); }
    void insert_ahead(frame_no frame, page_id page) noexcept { insert(frame, page, -1); }
    void remove(frame_no frame, page_id page) noexcept {
        auto const from = frames_[frame].at;
        if (cursor_ == index(frame)) { cursor_ = queue(from).newer(cursor_); }
        leave(frame);
        if (from == place::small) { ghosts_.add(page); }
    }
    [[nodiscard]] bool holds(frame_no frame) const noexcept {
        return frames_[frame].at != place::nowhere;
    }

    void in_use(frame_no frame) noexcept {
        auto& state = frames_[frame];
        auto const uses = state.at == place::small ? uses_to_stay : std::int8_t{1};
        if (state.uses.load(std::memory_order_relaxed) < uses) {
            state.uses.store(uses, std::memory_order_relaxed);
        }
    }

    void search() noexcept {
        steps_left_ = 6 * std::uint64_t{frames_.size()};
        queues_left_ = small_first() ? 2 : 3;
        look_into(small_first() ? place::small : place::main);
    }

    [[nodiscard]] std::optional<frame_no> propose() noexcept {
        while (queues_left_ > 0) {
            if (auto const found = looking_in_ == place::small ? in_small() : in_main()) {
                return found;
            }
            --queues_left_;
            look_into(looking_in_ == place::small ? place::main : place::small);
        }
        return std::nullopt;
    }

    /// Looks into both queues once, without the pages that would only move to `main` or its back.
    template <class Visit>
    void peek(Visit visit) const noexcept {
        auto const goes_on = [&](queue_type const& queue, std::int8_t uses) noexcept {
            for (auto at = queue.oldest(); at != queue_type::none; at = queue.newer(at)) {
                auto const frame = static_cast<frame_no>(at);
                bool const next = frames_[frame].uses.load(std::memory_order_relaxed) < uses;
                if (next && !visit(frame)) { return false; }
            }
            return true;
        };
        constexpr std::int8_t one = 1;
        if (small_first()) {
            static_cast<void>(goes_on(small_, uses_to_stay) && goes_on(main_, one));
        } else {
            static_cast<void>(goes_on(main_, one) && goes_on(small_, uses_to_stay));
        }
    }

private:
    void insert(frame_no frame, page_id page, std::int8_t uses) noexcept {
        frames_[frame].uses.store(uses, std::memory_order_relaxed);
        enter(ghosts_.take(page) ? place::main : place::small, frame);
    }
    [[nodiscard]] bool small_first() const noexcept { return small_.size() >= small_aim_; }

    /// The next in `small` that has not been used enough; those that have go to `main`.
    [[nodiscard]] std::optional<frame_no> in_small() noexcept {
        while (cursor_ != queue_type::none && steps_left_ > 0) {
            --steps_left_;
            auto const frame = static_cast<frame_no>(cursor_);
            cursor_ = small_.newer(cursor_);
            auto& uses = frames_[frame].uses;
            if (uses.load(std::memory_order_relaxed) < uses_to_stay) { return frame; }
            uses.store(0, std::memory_order_relaxed);
            move(frame, place::main);
        }
        return std::nullopt;
    }

    /// The next in `main` without a use; a page that has one loses it and moves to the back.
    [[nodiscard]] std::optional<frame_no> in_main() noexcept {
        while (cursor_ != queue_type::none && steps_left_ > 0) {
            --steps_left_;
            auto const frame = static_cast<frame_no>(cursor_);
            auto const next = main_.newer(cursor_);
            auto& uses = frames_[frame].uses;
            auto const left = uses.load(std::memory_order_relaxed);
            if (left <= 0) {
                cursor_ = next;
                return frame;
            }
            uses.store(static_cast<std::int8_t>(left - 1), std::memory_order_relaxed);
            move(frame, place::main);
            if (next != queue_type::none) { cursor_ = next; }  // else it is still the newest
        }
        return std::nullopt;
    }

    [[nodiscard]] queue_type& queue(place at) noexcept {
        return at == place::small ? small_ : main_;
    }
    void look_into(place at) noexcept {
        looking_in_ = at;
        cursor_ = queue(at).oldest();
    }
    void enter(place at, frame_no frame) noexcept {
        frames_[frame].at = at;
        queue(at).push(index(frame));
    }
    void leave(frame_no frame) noexcept {
        queue(frames_[frame].at).remove(index(frame));
        frames_[frame].at = place::nowhere;
    }
    void move(frame_no frame, place to) noexcept {
        leave(frame);
        enter(to, frame);
    }

    frame_states<frame_state> frames_;
    std::uint32_t small_aim_;  ///< frames
    fixed_array<detail::queue_link> links_;
    queue_type small_;
    queue_type main_;
    detail::ghost_list ghosts_;
    place looking_in_ = place::small;
    queue_type::index_type cursor_ = queue_type::none;  ///< the search's next, in `looking_in_`
    int queues_left_ = 0;
    std::uint64_t steps_left_ = 0;
};

static_assert(policy_that_heeds_use<s3_fifo> && policy_that_heeds_arrival<s3_fifo> &&
              policy_that_peeks<s3_fifo>);

}  // namespace quire::inline QUIRE_ABI
