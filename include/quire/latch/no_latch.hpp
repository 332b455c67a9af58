// SPDX-License-Identifier: BSL-1.0
#pragma once

/// no_latch: the page latch of a pool that one thread uses.
///
/// There is no other thread to exclude. It only counts, because the pool still has to know which
/// frames are held. A thread that waited for it would wait for itself and never end, so taking a
/// latch that is not available stops the program with a message.
///
/// Threads: one. Cost: 8 bytes, plain additions.

#include <quire/base/contract.hpp>
#include <quire/latch/page_latch.hpp>

namespace quire::inline QUIRE_ABI {

class no_latch {
public:
    static constexpr bool one_thread = true;  ///< for check_latch

    no_latch() noexcept = default;
    no_latch(no_latch const&) = delete;
    no_latch& operator=(no_latch const&) = delete;
    ~no_latch() = default;

    void lock() noexcept { static_cast<void>(try_lock_for({})); }
    /// Expects: the latch is available. See above.
    bool try_lock_for(std::chrono::nanoseconds) noexcept {
        QUIRE_EXPECTS(try_lock(), self_deadlock);
        return true;
    }
    [[nodiscard]] bool try_lock() noexcept {
        if (holders_ != 0) { return false; }
        holders_ = exclusive;
        return true;
    }
    void unlock() noexcept { holders_ = 0; }

    void lock_shared() noexcept { static_cast<void>(try_lock_shared_for({})); }
    /// Expects: the latch is available. See above.
    bool try_lock_shared_for(std::chrono::nanoseconds) noexcept {
        QUIRE_EXPECTS(try_lock_shared(), self_deadlock);
        return true;
    }
    [[nodiscard]] bool try_lock_shared() noexcept {
        if (holders_ == exclusive) { return false; }
        ++holders_;
        return true;
    }
    void unlock_shared() noexcept { --holders_; }

    void downgrade() noexcept { holders_ = 1; }

    void pin() noexcept { ++pins_; }
    void unpin() noexcept { --pins_; }
    [[nodiscard]] bool try_lock_unpinned() noexcept { return pins_ == 0 && try_lock(); }

private:
    static constexpr std::int32_t exclusive = -1;
    static constexpr char const* self_deadlock =
        "a pool with no_latch has one thread, which must not wait for a page that it holds";

    std::int32_t holders_ = 0;
    std::uint32_t pins_ = 0;
};

static_assert(timed_latch<no_latch> && downgradable<no_latch> && pinning<no_latch>);

}  // namespace quire::inline QUIRE_ABI
