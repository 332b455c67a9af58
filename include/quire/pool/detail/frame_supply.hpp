// SPDX-License-Identifier: BSL-1.0
#pragma once

/// frame_supply: the free frames and the policy, under the pool's one mutex.
///
/// A frame that is needed is a free one, or the victim of an eviction. Eviction takes clean frames
/// only: a dirty candidate is offered to the caller, who writes it back without any lock of the
/// supply and asks for it again by name. (States and invariants: pool/frame.hpp.)
///
/// Under the mutex a frame is proposed, latched without waiting, checked, and taken away from its
/// page: nothing here waits or does I/O. So a candidate that was evicted and loaded again in the
/// meantime is no danger: it is in the policy only once it is published in full.

#include <quire/borrow/byte_view.hpp>
#include <quire/base/contract.hpp>
#include <quire/pool/detail/frame_table.hpp>

#include <algorithm>  // std::count_if, std::find
#include <array>      // std::array
#include <mutex>      // std::mutex
#include <vector>     // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// Frames that nobody uses. Not a template, so that a budget can give its frames back.
class free_frames {
public:
    void give_back(frame_no frame) noexcept {
        std::lock_guard const hold{mutex_};
        free_.push_back(frame);  // never grows: its capacity is all frames
    }

    [[nodiscard]] std::size_t free_count() noexcept {
        std::lock_guard const hold{mutex_};
        return free_.size();
    }

protected:
    ~free_frames() = default;

    std::mutex mutex_;
    std::vector<frame_no> free_;
};

/// Victims that could not be written, so that a search goes on to others: after two of one file to
/// those of other files, since a file that cannot be written must not hold others up; after eight
/// to clean ones.
class failed_victims {
public:
    void add(page_id page) noexcept { pages_[count_++] = page; }
    [[nodiscard]] bool bars(page_id page) const noexcept {
        auto const failed = std::span{pages_}.first(count_);
        auto const of_file = std::count_if(failed.begin(), failed.end(), [&](page_id other) {
            return other.file() == page.file();
        });
        return count_ == pages_.size() || of_file >= 2 ||
               std::find(failed.begin(), failed.end(), page) != failed.end();
    }

private:
    std::array<page_id, 8> pages_;
    std::size_t count_ = 0;
};

template <class Frame, eviction_policy Policy>
class frame_supply : public free_frames {
public:
    /// What `take` found.
    struct offer {
        enum class kind : std::uint8_t { nothing, frame, dirty } what = kind::nothing;
        frame_no frame{};
        page_id page{};  ///< of a dirty candidate; the page a frame was taken from, or none
    };

    explicit frame_supply(std::span<Frame> frames)
        : frames_{frames}, policy_{frame_states{frames, &Frame::policy_state}} {
        free_.reserve(frames.size());
        for (auto i = static_cast<std::uint32_t>(frames.size()); i > 0; --i) {
            free_.push_back(static_cast<frame_no>(i - 1));
        }
    }

    /// The one policy call on a hit.
    void touch(Frame& frame) noexcept { policy_.touch(frame.policy_state); }

    /// A frame in hand, or the first dirty candidate that `failed` does not bar, or nothing.
    /// `only_of`: a victim of that file. `unmap(id, header)` makes the entry of an evicted
    /// page absent.
    template <class Unmap>
    [[nodiscard]] offer take(failed_victims const& failed, Unmap unmap,
                             std::optional<file_no> only_of = {}) noexcept {
        std::lock_guard const hold{mutex_};
        if (!only_of && !free_.empty()) {
            auto const frame = free_.back();
            free_.pop_back();
            return {offer::kind::frame, frame, {}};
        }
        policy_.search();
        [[maybe_unused]] std::optional<frame_no> refused;
        for (auto tries = 2 * frames_.size(); tries > 0; --tries) {
            auto const candidate = policy_.propose();
            QUIRE_CHECK(!refused || policy_.holds(*refused), proposes_held);
            if (!candidate) { break; }
            QUIRE_CHECK(index(*candidate) < frames_.size() && policy_.holds(*candidate),
                        proposes_held);
            refused = candidate;
            auto const page = page_id::from_bits(
                frames_[index(*candidate)].page.load(std::memory_order_acquire));
            if (only_of && (page == page_id::none() || page.file() != *only_of)) { continue; }
            auto const verdict = try_evict(*candidate, page, unmap);
            if (verdict == verdict_type::evicted) {
                return {offer::kind::frame, *candidate, page};
            }
            if (verdict == verdict_type::dirty && !failed.bars(page)) {
                return {offer::kind::dirty, *candidate, page};
            }
        }
        return {};
    }

    /// Takes `frame` away from `page` if it is still there, clean and not held.
    template <class Unmap>
    [[nodiscard]] bool take_this(frame_no frame, page_id page, Unmap unmap) noexcept {
        std::lock_guard const hold{mutex_};
        return policy_.holds(frame) &&
               try_evict(frame, page, unmap) == verdict_type::evicted;
    }

    /// Latches `frame` exclusively if it holds `page` for good, and nobody holds or pins it.
    [[nodiscard]] bool latch_resident(frame_no frame, page_id page) noexcept {
        std::lock_guard const hold{mutex_};
        auto& header = frames_[index(frame)];
        if (!policy_.holds(frame) || !latch_to_evict(header)) { return false; }
        if (header.holds(page)) { return true; }
        header.latch.unlock();
        return false;
    }
    /// Takes a frame that was latched so away from `page`, whatever its state, and unlatches it.
    template <class Unmap>
    void take_latched(frame_no frame, page_id page, Unmap unmap) noexcept {
        std::lock_guard const hold{mutex_};
        take_away(frame, page, unmap);
        frames_[index(frame)].latch.unlock();
    }

    /// `frame` has been published: it may be proposed from now on.
    void insert(frame_no frame) noexcept {
        std::lock_guard const hold{mutex_};
        QUIRE_CHECK(!policy_.holds(frame),
                    "an eviction_policy holds no frame before it is inserted");
        policy_.insert(frame, page_id::from_bits(frames_[index(frame)].page.load(
                                  std::memory_order_relaxed)));
        QUIRE_CHECK(policy_.holds(frame), "an eviction_policy holds a frame that was inserted");
    }

private:
    enum class verdict_type : std::uint8_t { refused, dirty, evicted };

    [[nodiscard]] static bool latch_to_evict(Frame& frame) noexcept {
        if constexpr (pinning<decltype(frame.latch)>) {
            return frame.latch.try_lock_unpinned();
        } else {
            return frame.latch.try_lock();
        }
    }

    template <class Unmap>
    [[nodiscard]] verdict_type try_evict(frame_no f, page_id page, Unmap unmap) noexcept {
        auto& frame = frames_[index(f)];
        if (!latch_to_evict(frame)) { return verdict_type::refused; }
        auto verdict = verdict_type::refused;
        if (frame.holds(page)) {
            verdict = frame.dirty() ? verdict_type::dirty : verdict_type::evicted;
        }
        if (verdict == verdict_type::evicted) {
            take_away(f, page, unmap);
        }
        frame.latch.unlock();
        return verdict;
    }

    template <class Unmap>
    void take_away(frame_no f, page_id page, Unmap unmap) noexcept {
        auto& frame = frames_[index(f)];
        frame.page.store(page_id::none().bits(), std::memory_order_release);
        unmap(page, frame);
        QUIRE_CHECK(policy_.holds(f), proposes_held);
        policy_.remove(f, page);
        QUIRE_CHECK(!policy_.holds(f), "an eviction_policy holds no frame that was removed");
    }

    static constexpr char const* proposes_held =
        "an eviction_policy proposes a frame that it holds, and holds it until it is removed";

    std::span<Frame> frames_;
    Policy policy_;
};

}  // namespace quire::inline QUIRE_ABI::detail

namespace quire::inline QUIRE_ABI {

/// frame_budget: frames set aside, so that a later read or append cannot fail for want of one.
///
/// Made by `buffer_pool::reserve`; handed to accesses by `access_options::budget`, which draw on
/// it before they look elsewhere. What is left goes back when the budget ends. One thread's.
class [[nodiscard("a budget sets frames aside as long as it lives")]] frame_budget : immovable {
public:
    frame_budget(detail::free_frames& home, std::vector<frame_no> frames) noexcept
        : home_{home}, frames_{std::move(frames)} {}
    ~frame_budget() {
        for (auto const frame : frames_) { home_.give_back(frame); }
    }

    /// How many frames are left.
    [[nodiscard]] std::size_t frames() const noexcept { return frames_.size(); }

    /// For the pool: one of the frames, now in hand.
    [[nodiscard]] std::optional<frame_no> draw() noexcept {
        if (frames_.empty()) { return std::nullopt; }
        auto const frame = frames_.back();
        frames_.pop_back();
        return frame;
    }

private:
    detail::free_frames& home_;
    std::vector<frame_no> frames_;
};

}  // namespace quire::inline QUIRE_ABI
