// SPDX-License-Identifier: BSL-1.0
#pragma once

/// eviction_policy: which page is evicted when a frame is needed.
///
/// A policy knows frame numbers and its own state in each frame (`frame_state`, stored beside the
/// frame's latch, so that a hit finds it in a cache line it has already). It is given page ids for
/// one purpose: to remember pages that left. It knows no files and no latches: it proposes, and the
/// pool refuses candidates that are held or pinned.
///
///   expression                  semantics
///   P::frame_state              default constructible; at most 2 bytes, to keep a frame's header
///                               in one cache line with the default latch, else 8
///   P{frame_states<state>}      over all frames of a pool, none of them held by the policy. Only
///                               here may it allocate, and throw std::bad_alloc
///   p.touch(state)              the page in this frame was used (or one that has just left it).
///                               Called by any number of threads at once, even while another
///                               function runs; noexcept; its cost is part of every hit
///   p.insert(frame, page)       the frame holds this page now. Expects: !holds(frame)
///   p.remove(frame, page)       no longer: the page was evicted, or its file was closed.
///                               Expects: holds(frame), since an insert with the same page
///   p.holds(frame)              whether insert was called later than remove
///   p.search()                  a frame is needed: begins a search
///   p.propose()                 the search's next candidate, or nothing when it has no more. The
///                               candidate stays where it is until it is removed; a refusal must
///                               not change its rank. A search ends, after at most 2 x frames
///                               candidates
///   p.in_use(frame)             (may be missing) the last candidate is held or pinned by a thread.
///                               It should not be among the first of the next searches: else many
///                               pinned pages make each of them long
///   p.peek(visit)               (may be missing) visit(frame) for the frames that would come next
///                               in a search, in this order, until it returns false: the pool
///                               writes their pages in time. It may leave out those that have
///                               been used, and so have another turn. Changes nothing. Without it
///                               the pool looks at the candidates of a search: as good where a
///                               search changes nothing either, not where it moves a hand
///
/// `remove` does not say whether the page was evicted or its file closed, and file numbers are used
/// again: what a policy remembers of a closed file can match a later one. That costs hits, nothing
/// else.
///
/// All functions are noexcept. All except `touch` are called under the pool's mutex, one at a time.

#include <quire/base/page_id.hpp>

#include <concepts>  // std::same_as
#include <cstddef>   // std::byte
#include <optional>  // std::optional
#include <span>      // std::span

namespace quire::inline QUIRE_ABI {

/// A policy's state in every frame, wherever the frames keep it. Borrows the frames.
template <class State>
class frame_states {
public:
    /// `member` of each of `frames`.
    template <class Frame>
    frame_states(std::span<Frame> frames, State Frame::*member) noexcept
        : first_{frames.empty() ? nullptr
                                : reinterpret_cast<std::byte*>(&(frames.front().*member))},
          stride_{sizeof(Frame)},
          size_{static_cast<std::uint32_t>(frames.size())} {}
    /// For code that runs a policy without a pool.
    explicit frame_states(std::span<State> states) noexcept
        : first_{reinterpret_cast<std::byte*>(states.data())},
          stride_{sizeof(State)},
          size_{static_cast<std::uint32_t>(states.size())} {}

    /// Expects: `index(frame) < size()`.
    [[nodiscard]] State& operator[](frame_no frame) const noexcept {
        return *reinterpret_cast<State*>(first_ + std::size_t{index(frame)} * stride_);
    }
    /// Frames.
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

private:
    std::byte* first_;
    std::size_t stride_;
    std::uint32_t size_;
};

template <class P>
concept eviction_policy =
    requires { typename P::frame_state; } &&
    std::default_initializable<typename P::frame_state> && sizeof(typename P::frame_state) <= 8 &&
    std::constructible_from<P, frame_states<typename P::frame_state>> &&
    requires(P policy, P const& watched, typename P::frame_state& state, frame_no frame,
             page_id page) {
        { policy.touch(state) } noexcept;
        { policy.insert(frame, page) } noexcept;
        { policy.remove(frame, page) } noexcept;
        { watched.holds(frame) } noexcept -> std::same_as<bool>;
        { policy.search() } noexcept;
        { policy.propose() } noexcept -> std::same_as<std::optional<frame_no>>;
    };

/// A policy with `in_use`.
template <class P>
concept policy_that_heeds_use = eviction_policy<P> && requires(P policy, frame_no frame) {
    { policy.in_use(frame) } noexcept;
};

/// A policy with `peek`.
template <class P>
concept policy_that_peeks =
    eviction_policy<P> && requires(P const& policy, bool (&visit)(frame_no) noexcept) {
        { policy.peek(visit) } noexcept;
    };

}  // namespace quire::inline QUIRE_ABI
