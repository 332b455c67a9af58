// SPDX-License-Identifier: BSL-1.0
#pragma once

/// stats: what a pool counts, and how a hit is counted without paying for it.
///
/// Misses and everything behind them are rare, and counted in plain atomics of their file. Hits are
/// not: each is counted in the header of its frame, in the line of memory that the latch has
/// fetched already, by an ordinary load and store; when the page loses its frame they are added to
/// the file's. So hits are exact while threads are in different pages. Of hits of one page by
/// several threads at once some are lost, many if one of them is stopped between load and store;
/// and reading statistics looks at every frame.
///
/// Why not sums of each thread's own: finding the thread's row took an eighth of a hit that waits
/// for memory, in two loads, a comparison and a cache line more (bench/README.md, "hit").
///
/// Threads: any. Sums read while others count lack the hits of pages that lose their frame just
/// then, so the next may be smaller; and they never exceed what happened.

#include <quire/base/attributes.hpp>

#include <atomic>   // std::atomic
#include <cstddef>  // std::size_t
#include <cstdint>  // std::uint64_t

namespace quire::inline QUIRE_ABI {

/// Sums since the pool was made, or since the file was opened.
struct pool_stats {
    std::uint64_t hits = 0;           ///< accesses that found their page resident, not optimistic
    std::uint64_t misses = 0;         ///< pages read from the file, ahead of need included
    std::uint64_t appends = 0;        ///< pages made
    std::uint64_t evictions = 0;      ///< pages that lost their frame to another
    std::uint64_t write_backs = 0;    ///< pages written
    std::uint64_t waits = 0;          ///< accesses that waited for another thread's read
    std::uint64_t syncs = 0;          ///< calls that made the file durable
    std::uint64_t bytes_read = 0;
    std::uint64_t bytes_written = 0;

    pool_stats& operator+=(pool_stats const& other) noexcept {
        hits += other.hits;
        misses += other.misses;
        appends += other.appends;
        evictions += other.evictions;
        write_backs += other.write_backs;
        waits += other.waits;
        syncs += other.syncs;
        bytes_read += other.bytes_read;
        bytes_written += other.bytes_written;
        return *this;
    }
};

namespace detail {

/// One file's counters off the hit path.
struct file_counters {
    std::atomic<std::uint64_t> hits{0};  ///< of pages that have lost their frame
    std::atomic<std::uint64_t> misses{0};
    std::atomic<std::uint64_t> appends{0};
    std::atomic<std::uint64_t> evictions{0};
    std::atomic<std::uint64_t> write_backs{0};
    std::atomic<std::uint64_t> waits{0};
    std::atomic<std::uint64_t> syncs{0};

    static void add(std::atomic<std::uint64_t>& counter, std::uint64_t count = 1) noexcept {
        counter.fetch_add(count, std::memory_order_relaxed);
    }
    void clear() noexcept {
        for (auto* counter : {&hits, &misses, &appends, &evictions, &write_backs, &waits, &syncs}) {
            counter->store(0, std::memory_order_relaxed);
        }
    }
    /// Without the hits of pages that still have their frame: those are added after, so that a page
    /// that leaves meanwhile is not counted twice.
    [[nodiscard]] pool_stats read(std::size_t page_size) const noexcept {
        auto const of = [](auto const& c) { return c.load(std::memory_order_relaxed); };
        return {of(hits), of(misses), of(appends), of(evictions), of(write_backs),
                of(waits), of(syncs), of(misses) * page_size, of(write_backs) * page_size};
    }
};

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
