// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_pin: keeps a page in its frame without holding its latch.
///
/// For cursors and tasks that come back to a page: what a pin saves is the read, not the latch. It
/// lends nothing, so it can be moved, kept in a container and ended by any thread; to see the page
/// one asks for a guard, which is a hit.
///
/// Lifetime: must not outlive the pool, whose destructor checks it. A file with a pinned page can
/// be flushed, not closed.
/// Cost: a pinned frame is no victim. Too many pins are errc::no_free_frame for others.

#include <quire/base/page_id.hpp>
#include <quire/borrow/owned.hpp>

#include <utility>  // std::exchange, std::move, std::swap

namespace quire::inline QUIRE_ABI {

template <class Core>
class [[nodiscard("a pin keeps its page resident as long as it lives: name it")]] page_pin {
public:
    /// For the pool: a page that is pinned in `frame`.
    page_pin(Core& core, frame_no frame, page_id page) noexcept
        : core_{&core}, frame_{frame}, page_{page} {}
    page_pin(page_pin&& other) noexcept
        : core_{std::exchange(other.core_, nullptr)}, frame_{other.frame_}, page_{other.page_} {}
    /// Ends the pin that this was.
    page_pin& operator=(page_pin&& other) noexcept {
        page_pin taken{std::move(other)};
        std::swap(core_, taken.core_);
        std::swap(frame_, taken.frame_);
        std::swap(page_, taken.page_);
        return *this;
    }
    ~page_pin() {
        if (core_ != nullptr) { core_->frames[frame_].latch.unpin(); }
    }

    [[nodiscard]] page_id id() const noexcept { return page_; }

private:
    Core* core_;
    frame_no frame_;
    page_id page_;
};

template <class Core>
inline constexpr bool owns_its_values<page_pin<Core>> = true;

}  // namespace quire::inline QUIRE_ABI
