// SPDX-License-Identifier: BSL-1.0
#pragma once

/// free_list: the frames without a page that no thread has.
///
/// Threads: any. Cost: one mutex; none while the list is empty, as it is in a pool that is full.

#include <quire/base/immovable.hpp>
#include <quire/base/page_id.hpp>

#include <atomic>    // std::atomic
#include <mutex>     // std::mutex
#include <optional>  // std::optional
#include <vector>    // std::vector

namespace quire::inline QUIRE_ABI::detail {

class free_list : immovable {
public:
    /// All of `frames` frames, which are given out from the first on.
    explicit free_list(std::size_t frames) : count_{frames} {
        free_.reserve(frames);
        for (auto i = static_cast<std::uint32_t>(frames); i > 0; --i) {
            free_.push_back(static_cast<frame_no>(i - 1));
        }
    }

    /// A frame that is now the caller's alone.
    [[nodiscard]] std::optional<frame_no> take() noexcept {
        if (count() == 0) { return std::nullopt; }
        std::lock_guard const hold{mutex_};
        if (free_.empty()) { return std::nullopt; }
        auto const frame = free_.back();
        free_.pop_back();
        count_.store(free_.size(), std::memory_order_relaxed);
        return frame;
    }
    void give_back(frame_no frame) noexcept {
        std::lock_guard const hold{mutex_};
        free_.push_back(frame);  // never grows: its capacity is all frames
        count_.store(free_.size(), std::memory_order_relaxed);
    }

    [[nodiscard]] std::size_t count() const noexcept {
        return count_.load(std::memory_order_relaxed);
    }

private:
    std::mutex mutex_;
    std::vector<frame_no> free_;
    std::atomic<std::size_t> count_;
};

}  // namespace quire::inline QUIRE_ABI::detail
