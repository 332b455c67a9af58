// SPDX-License-Identifier: BSL-1.0
#pragma once

/// waiting_room: where threads wait for a page that another thread is loading.
///
/// The loader changes the page's entry inside `announce`, under the room's mutex, and hands its
/// outcome to exactly those who waited at that moment: nothing when the page is there or when they
/// should try for themselves, the error when the read or the check failed. Waiters stand in a list
/// of nodes on their own stacks, so nothing is allocated.
///
/// Invariants
///   I1. No wake-up is lost: a waiter looks at the entry again under the mutex that the loader's
///       change needs.
///   I2. An error reaches only those who waited for the load that failed.
///   I3. Nobody holds the mutex across I/O.
/// Cost: a loader without waiters pays one uncontended mutex.

#include <quire/base/error.hpp>
#include <quire/pool/detail/frame_table.hpp>

#include <array>               // std::array
#include <condition_variable>  // std::condition_variable
#include <mutex>               // std::mutex
#include <utility>             // std::exchange

namespace quire::inline QUIRE_ABI::detail {

/// Why a read or a check failed, as plain data: an exception object is not shared by threads.
struct load_failure {
    errc code{};  ///< 0: it did not
    int system = 0;

    [[nodiscard]] bool happened() const noexcept { return code != errc{}; }
    [[noreturn]] void raise(page_id page) const { throw error{code, "read", page, system}; }
};

class waiting_room {
public:
    /// Waits until `page` is announced or the time is over, unless `still_loading()` is false.
    /// Throws the loader's failure. Returns false when the time is over.
    template <class StillLoading>
    [[nodiscard]] bool wait(page_id page, deadline until, StillLoading still_loading) {
        auto& shard = shard_of(page);
        waiter self{page};
        {
            std::unique_lock hold{shard.mutex};
            if (!still_loading()) { return true; }
            self.next = std::exchange(shard.first, &self);
            shard.changed.wait_until(hold, until, [&] { return self.announced; });
            if (!self.announced) { remove(shard, self); }
        }
        if (self.failure.happened()) { self.failure.raise(page); }
        return self.announced;
    }

    /// Runs `change()` and lets those go who wait for `page`.
    template <class Change>
    void announce(page_id page, Change change, load_failure failure = {}) {
        auto& shard = shard_of(page);
        bool anybody = false;
        {
            std::lock_guard const hold{shard.mutex};
            change();
            for (waiter** at = &shard.first; *at != nullptr;) {
                waiter& one = **at;
                if (one.page == page) {
                    one.failure = failure;
                    one.announced = true;
                    anybody = true;
                    *at = one.next;
                } else {
                    at = &one.next;
                }
            }
        }
        if (anybody) { shard.changed.notify_all(); }
    }

private:
    struct waiter {
        page_id page;
        bool announced = false;
        load_failure failure{};
        waiter* next = nullptr;
    };
    struct alignas(64) shard_type {
        std::mutex mutex;
        std::condition_variable changed;
        waiter* first = nullptr;
    };

    static void remove(shard_type& shard, waiter& one) noexcept {
        waiter** at = &shard.first;
        while (*at != &one) { at = &(*at)->next; }
        *at = one.next;
    }

    [[nodiscard]] shard_type& shard_of(page_id page) noexcept {
        return shards_[std::hash<page_id>{}(page) >> 59];
    }

    std::array<shard_type, 32> shards_;
};

}  // namespace quire::inline QUIRE_ABI::detail
