// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_latch: what the pool asks of the lock in each frame.
///
/// A latch is held in shared mode by readers or in exclusive mode by one writer. In quire the latch
/// is also the hold: a frame can be evicted exactly when its latch can be taken exclusively
/// without waiting, and there is no second count to keep in step.
///
/// The base concept is the standard's SharedLockable without a word more, so `std::shared_mutex`
/// models it as it is. Refinements add what a latch can do beyond; the pool asks by concept.
///
///   concept         expression                 semantics
///   page_latch      lock() unlock()            exclusive; unlocking releases what was written
///                   try_lock()                 exclusive if no reader and no writer is in; no wait
///                   lock_shared() ...          shared with other readers
///   timed_latch     try_lock_for(d)            waits at most about `d`
///                   try_lock_shared_for(d)
///   downgradable    downgrade()                exclusive to shared; no writer gets in between
///   pinning         pin() unpin()              keeps the frame resident and excludes nobody;
///                                              `pin` is called with the latch held in some mode
///                   try_lock_unpinned()        exclusive if also no pin is there: the evictor's
///   versioned       version()                  moves with every exclusive section, at its end
///                   unchanged_since(v)         whether no writer is in, and none has left since
///                                              version() gave `v`: then none was in at all, and
///                                              what was read in between is whole. (So what a
///                                              writer stores is seen only after that it is in: a
///                                              release fence in every exclusive entry.)
///
/// What the pool uses: try_lock and try_lock_shared first, then try_lock_for and
/// try_lock_shared_for, an access in slices of 5 ms. A latch without them is polled by try_* with
/// sleeps of 1 us to 1 ms. lock() and lock_shared() it never calls: a queue in them is not seen in
/// a pool, one in the timed functions is. pinning is for `pin` and for eviction, downgradable for
/// `downgrade` of a guard and for write-back, versioned for reading without the latch.
///
/// try_lock and try_lock_unpinned may fail spuriously. Every model is default constructible, and is
/// never copied. One that is for one thread says so by `static constexpr bool one_thread = true`.
/// Threads: any; who locked unlocks.

#include <quire/base/attributes.hpp>

#include <chrono>        // std::chrono::nanoseconds
#include <concepts>      // std::same_as
#include <cstdint>       // std::uint32_t
#include <shared_mutex>  // std::shared_mutex

namespace quire::inline QUIRE_ABI {

template <class L>
concept page_latch = std::default_initializable<L> && requires(L latch) {
    latch.lock();
    { latch.try_lock() } -> std::same_as<bool>;
    latch.unlock();
    latch.lock_shared();
    { latch.try_lock_shared() } -> std::same_as<bool>;
    latch.unlock_shared();
};

template <class L>
concept timed_latch = page_latch<L> && requires(L latch, std::chrono::nanoseconds wait) {
    { latch.try_lock_for(wait) } -> std::same_as<bool>;
    { latch.try_lock_shared_for(wait) } -> std::same_as<bool>;
};

template <class L>
concept downgradable = page_latch<L> && requires(L latch) { latch.downgrade(); };

template <class L>
concept pinning = page_latch<L> && requires(L latch) {
    latch.pin();
    latch.unpin();
    { latch.try_lock_unpinned() } -> std::same_as<bool>;
};

template <class L>
concept versioned = page_latch<L> && requires(L const latch) {
    { latch.version() } -> std::same_as<std::uint32_t>;
    { latch.unchanged_since(std::uint32_t{}) } -> std::same_as<bool>;
};

static_assert(page_latch<std::shared_mutex>);

}  // namespace quire::inline QUIRE_ABI
