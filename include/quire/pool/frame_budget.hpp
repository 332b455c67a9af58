// SPDX-License-Identifier: BSL-1.0
#pragma once

/// frame_budget: frames set aside, so that a later read or append cannot fail for want of one.
///
/// Made by `buffer_pool::reserve`. An access that is given one by `access_options::budget` draws on
/// it before it looks for a frame elsewhere. What is left goes back when the budget ends.
///
/// Threads: one at a time. Lifetime: must not outlive the pool, whose destructor checks it.

#include <quire/base/immovable.hpp>
#include <quire/memory/arena.hpp>
#include <quire/pool/detail/free_list.hpp>

#include <utility>  // std::move
#include <vector>   // std::vector

namespace quire::inline QUIRE_ABI {

class [[nodiscard("a budget sets frames aside as long as it lives")]] frame_budget : immovable {
public:
    /// For the pool: `frames` of `memory` are private, and go to `home` in the end.
    frame_budget(detail::free_list& home, arena const& memory,
                 std::vector<frame_no> frames) noexcept
        : home_{home}, memory_{memory}, frames_{std::move(frames)} {}
    ~frame_budget() {
        if (memory_.inherited()) { return; }  // a fork may have copied the list's mutex held
        for (auto const frame : frames_) { home_.give_back(frame); }
    }

    /// How many frames are left.
    [[nodiscard]] std::size_t frames() const noexcept { return frames_.size(); }

    /// For the pool: one of the frames, which the caller now has to itself.
    [[nodiscard]] std::optional<frame_no> draw() noexcept {
        if (frames_.empty()) { return std::nullopt; }
        auto const frame = frames_.back();
        frames_.pop_back();
        return frame;
    }

private:
    detail::free_list& home_;
    arena const& memory_;
    std::vector<frame_no> frames_;
};

}  // namespace quire::inline QUIRE_ABI
