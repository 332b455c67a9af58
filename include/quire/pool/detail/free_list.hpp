// SPDX-License-Identifier: BSL-1.0
#pragma once

/// free_list: the frames without a page that no thread has.
///
/// Threads: any. Cost: one mutex; none while the list is empty, as it is in a pool that is full.

#include <quire/base/fixed_array.hpp>
#include <quire/base/page_id.hpp>

#include <atomic>    // std::atomic
#include <mutex>     // std::mutex
#include <optional>  // std::optional
#include <span>      // std::span

namespace quire::inline QUIRE_ABI::detail {

class free_list : immovable {
public:
    /// All of `frames` frames, which are given out from the first on.
    explicit free_list(std::size_t frames) : free_{frames}, count_{frames} {
        for (std::size_t i = 0; i < frames; ++i) {
            free_[i] = static_cast<frame_no>(frames - 1 - i);
        }
    }

    /// A frame that is now the caller's alone.
    [[nodiscard]] std::optional<frame_no> take() noexcept {
        if (count() == 0) { return std::nullopt; }
        std::lock_guard const hold{mutex_};
        auto const left = count();
        if (left == 0) { return std::nullopt; }
        count_.store(left - 1, std::memory_order_relaxed);
        return free_[left - 1];
    }
    /// As many as there are, and `to` has room for; how many.
    [[nodiscard]] std::size_t take(std::span<frame_no> to) noexcept {
        if (count() == 0 || to.empty()) { return 0; }
        std::lock_guard const hold{mutex_};
        auto const left = count();
        auto const taken = to.size() < left ? to.size() : left;
        for (std::size_t i = 0; i < taken; ++i) { to[i] = free_[left - 1 - i]; }
        count_.store(left - taken, std::memory_order_relaxed);
        return taken;
    }
    void give_back(frame_no frame) noexcept {
        std::lock_guard const hold{mutex_};
        auto const before = count();
        free_[before] = frame;
        count_.store(before + 1, std::memory_order_relaxed);
    }

    [[nodiscard]] std::size_t count() const noexcept {
        return count_.load(std::memory_order_relaxed);
    }

private:
    std::mutex mutex_;
    fixed_array<frame_no> free_;       // the first `count_` of them
    std::atomic<std::size_t> count_;  // changed under the mutex
};

}  // namespace quire::inline QUIRE_ABI::detail
