// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_latch: what the pool requires of the lock in each frame.
///
/// A latch is held in shared mode by readers or in exclusive mode by one writer. In quire the latch
/// also keeps the page in its frame: a frame can be evicted exactly when its latch can be taken
/// exclusively without waiting. There is no second count to keep consistent with it.
///
/// The base concept is the standard's SharedLockable and nothing more, so `std::shared_mutex`
/// models it. Refinements add what a latch can do beyond; the pool checks for each by its concept.
///
///   concept         expression                 semantics
///   page_latch      lock() unlock()            exclusive; unlocking publishes what was written
///                   try_lock()                 exclusive if no reader or writer has it; no wait
///                   lock_shared() ...          shared with other readers
///   timed_latch     try_lock_for(d)            waits at most about `d`
///                   try_lock_shared_for(d)
///   interruptible   try_lock_for(d, look)      waits at most about `d`, calls `look()` before each
///                   try_lock_shared_for(d,     of its sleeps, none longer than some ms, and gives
///                                       look)  up when that is false: a thread keeps its place
///                                              while it does other things now and then
///   downgradable    downgrade()                exclusive to shared; no writer enters in between
///   pinning         pin() unpin()              keeps the frame resident and excludes no thread;
///                                              `pin` is called with the latch held in some mode,
///                                              or before another thread can find the page
///                   try_lock_unpinned()        exclusive if it is not pinned either; for eviction
///   versioned       version()                  moves with every exclusive section, at its end
///                   unchanged_since(v)         whether no writer holds the latch, and none has
///                                              released it since version() gave `v`. Then no
///                                              writer held it in between, and what was read in
///                                              between is whole. (So every exclusive entry has a
///                                              release fence: a reader that sees what a writer
///                                              stored also sees the writer.)
///
/// What the pool uses: try_lock and try_lock_shared first, then the interruptible functions. A
/// latch without these is waited for in slices of 5 ms by the timed ones, and one without those is
/// polled by try_* with sleeps of 20 us to 1 ms. The pool never calls lock() and lock_shared(): a
/// latch that queues waiting threads must do so in the timed functions. pinning is for `pin` and
/// for eviction, downgradable for `downgrade` of a guard and for write-back, versioned for reading
/// without the latch.
///
/// try_lock and try_lock_unpinned may fail spuriously. Every model is default constructible, and is
/// never copied. A latch for one thread declares `static constexpr bool one_thread = true`.
/// Threads: any; the thread that locked a latch unlocks it.

#include <quire/base/attributes.hpp>
#include <quire/base/duration.hpp>

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
concept interruptible =
    timed_latch<L> && requires(L latch, std::chrono::nanoseconds wait, bool (*look)()) {
        { latch.try_lock_for(wait, look) } -> std::same_as<bool>;
        { latch.try_lock_shared_for(wait, look) } -> std::same_as<bool>;
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
