// SPDX-License-Identifier: BSL-1.0
#pragma once

/// frame: the header of one frame, and the protocol by which pages are loaded and evicted.
///
/// A frame is a page-sized place in the arena; its header says which page is in it. Two atomics
/// decide everything: the page table's entry of a page says where it might be, the frame's `page`
/// says what is there. A look-up takes the latch of the frame that the entry names, and believes
/// `page` alone.
///
///              take                   publish                    evict
///    free ──────────────▶ private ─────────────▶ resident ─────────────────▶ private
///     ▲                       │                      │  ▲
///     └───────────────────────┘                      ▼  │ write_back
///          give_back (failure, close)               dirty
///
///   state      page    entry      policy    which thread may touch the bytes
///   free       none    -          no        none
///   private    none    loading    no        the one thread that has it, without the latch; or the
///                      or -                 device, while a read is in flight
///   resident   id      frame      yes       one that holds the latch, by its mode
///   dirty      id      frame      yes       as resident; version != written
///
/// `page` and entries are changed in one file only, pool/detail/residency.hpp.
///
/// Invariants
///   I1. bytes before page before entry: each stored with release, read with acquire. So a reader
///       that finds a frame by its entry, and sees the right id in `page`, sees the whole page.
///   I2. `page` becomes none, and the entry absent, under the exclusive latch. So a reader that
///       holds the latch and has compared `page` keeps the page.
///   I3. Only resident frames are in the policy. The thread that publishes inserts, after the
///       entry's store: earlier, a frame could be evicted before any thread could find it.
///   I4. `version` moves, under the exclusive latch, when bytes are first lent for writing and
///       again when the guard ends; and when a page is loaded or made in the frame. `written`
///       follows it when a write has completed, under the latch held during the write, of which
///       there is one at a time (begin_write); or when the changes are discarded.
///       Neither ever decreases, not on reuse either.
///   I5. One thread loads a page: the one that changed its entry from absent to loading, before it
///       looked for a frame.
///   I6. `holder` is a thread only while that thread has a guard of the page: the guard puts it
///       there when it has the latch, and takes away what is there before it gives the latch up. So
///       a thread that finds itself would wait for itself. Other readers overwrite `holder`, and so
///       does a second guard of this thread, which takes it away at its end.
///
/// A look without the latch (detail/optimistic.hpp) may read the bytes in any state, and uses only
/// what it read of a resident page.
///
/// A visitor is a thread that followed a stale entry. It may hold the latch of a free or private
/// frame for a moment; it compares `page` and leaves. So the bytes of a private frame are touched
/// by its one thread alone.

#include <quire/base/page_id.hpp>
#include <quire/evict/eviction_policy.hpp>
#include <quire/latch/page_latch.hpp>
#include <quire/pool/detail/thread_mark.hpp>

#include <atomic>  // std::atomic

namespace quire::inline QUIRE_ABI {

template <page_latch Latch, class PolicyState>
struct alignas(64) frame_header {
    // What a hit touches comes first.
    Latch latch;
    std::atomic<std::uint64_t> page{page_id::none().bits()};
    [[no_unique_address]] PolicyState policy_state;
    std::atomic<std::uint16_t> hits{0};  ///< since the page was loaded, modulo 2^16
    std::atomic<detail::thread_mark> holder{detail::thread_mark::none};  ///< see I6
    std::atomic<std::uint64_t> version{0};
    std::atomic<std::uint64_t> written{0};
    std::atomic<std::uint64_t> lsn{0};        ///< highest logged change; 0: none
    std::atomic<std::uint64_t> first_lsn{0};  ///< see first_logged and begin_write

    /// The page that is here now, or none.
    [[nodiscard]] page_id page_now() const noexcept {
        return page_id::from_bits(page.load(std::memory_order_acquire));
    }
    [[nodiscard]] bool holds(page_id id) const noexcept {
        return page.load(std::memory_order_acquire) == id.bits();
    }
    [[nodiscard]] bool dirty() const noexcept {
        return version.load(std::memory_order_acquire) != written.load(std::memory_order_acquire);
    }

    /// Counts a hit; whether that was number 2^16. No atomic addition, which would cost as much as
    /// the latch: what others count between the load and the store is lost (stats.hpp).
    [[nodiscard]] bool count_hit() noexcept {
        auto const next = static_cast<std::uint16_t>(hits.load(std::memory_order_relaxed) + 1);
        hits.store(next, std::memory_order_relaxed);
        return next == 0;
    }

    /// This thread's guard has the latch now, or is about to give it up.
    void entered() noexcept {
        holder.store(detail::this_thread_mark(), std::memory_order_relaxed);
    }
    void left() noexcept { holder.store(detail::thread_mark::none, std::memory_order_relaxed); }
    /// Whether this thread has a guard of the page. Always right about an exclusive guard; a shared
    /// one may go unnoticed when other threads read the page, too, or when this thread has had
    /// another guard of it since.
    [[nodiscard]] bool held_here() const noexcept {
        auto const here = detail::this_thread_mark();
        return here != detail::thread_mark::none && holder.load(std::memory_order_relaxed) == here;
    }

    /// The bytes are about to change, or have changed. Expects: the latch is held exclusively.
    /// Returns whether the page was clean.
    bool modified() noexcept {
        auto const now = version.load(std::memory_order_relaxed);
        bool const was_clean = now == written.load(std::memory_order_relaxed);
        version.store(now + 1, std::memory_order_release);
        return was_clean;
    }

    /// A change of the page is in the log at `at` (above 0). Whether that is its highest.
    /// Expects: the latch is held exclusively.
    bool logged(std::uint64_t at) noexcept {
        if (first_logged() == 0) { first_lsn.store(at, std::memory_order_relaxed); }
        if (at <= lsn.load(std::memory_order_relaxed)) { return false; }
        lsn.store(at, std::memory_order_release);
        return true;
    }

    /// The first logged change since the page was clean; 0: none.
    [[nodiscard]] std::uint64_t first_logged() const noexcept {
        return first_lsn.load(std::memory_order_acquire) & ~being_written;
    }
    /// A write of the page begins, unless another one is in flight. Expects: the latch is held,
    /// until `end_write`; if exclusively, no write is in flight.
    [[nodiscard]] bool begin_write() noexcept {
        return (first_lsn.fetch_or(being_written, std::memory_order_acq_rel) & being_written) == 0;
    }
    void end_write() noexcept { first_lsn.fetch_and(~being_written, std::memory_order_acq_rel); }
    [[nodiscard]] bool is_being_written() const noexcept {
        return (first_lsn.load(std::memory_order_relaxed) & being_written) != 0;
    }

    /// The bytes of version `of` are in the file. Expects: the latch is held.
    /// Returns whether that made the page clean.
    bool written_back(std::uint64_t of) noexcept {
        auto before = written.load(std::memory_order_relaxed);
        while (before < of) {
            if (written.compare_exchange_weak(before, of, std::memory_order_acq_rel)) {
                bool const clean = of == version.load(std::memory_order_acquire);
                if (clean) { first_lsn.fetch_and(being_written, std::memory_order_relaxed); }
                return clean;
            }
        }
        return false;
    }

    /// What a private frame must look like before it is published: clean, with no log position.
    /// Its version moves, so that what a guard saw of an earlier page here equals nothing later.
    void reset() noexcept {
        auto const next = version.load(std::memory_order_relaxed) + 1;
        version.store(next, std::memory_order_relaxed);
        written.store(next, std::memory_order_relaxed);
        lsn.store(0, std::memory_order_relaxed);
        first_lsn.store(0, std::memory_order_relaxed);
    }

private:
    static constexpr std::uint64_t being_written = std::uint64_t{1} << 63;
};

}  // namespace quire::inline QUIRE_ABI
