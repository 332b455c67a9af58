// SPDX-License-Identifier: BSL-1.0
#pragma once

/// stats: what a pool counts, and how a hit is counted without paying for it.
///
/// Misses and everything behind them are rare, and counted in plain atomics of their file. Hits are
/// not: each thread adds to a row of its own, by an ordinary load and store, and a reader of the
/// statistics sums the rows. A thread finds its row through a thread-local slot; a row is owned by
/// the address of that slot, so that it passes on to a later thread that gets the same address when
/// its owner is gone. Threads past the first 64 such addresses share the last row, by an atomic
/// addition after a look at all rows; and a thread that alternates between two pools finds its row
/// again each time, which costs some nanoseconds a hit.
///
/// Invariants
///   I1. A row but the last is written by one thread at a time: a slot's address is one thread's.
///   I2. The slot is trusted only for the pool and the moment of birth it was filled for; a pool
///       at the same address later was born later.
/// Threads: any; a sum read while others count is a moment's picture, exact once they are quiet.

#include <quire/base/page_id.hpp>

#include <array>    // std::array
#include <atomic>   // std::atomic
#include <chrono>   // std::chrono::steady_clock
#include <memory>   // std::unique_ptr

namespace quire::inline QUIRE_ABI {

/// Sums since the pool was made, or since the file was opened.
struct pool_stats {
    std::uint64_t hits = 0;           ///< accesses that found their page resident
    std::uint64_t misses = 0;         ///< pages read from the file
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
        for (auto* counter : {&misses, &appends, &evictions, &write_backs, &waits, &syncs}) {
            counter->store(0, std::memory_order_relaxed);
        }
    }
    [[nodiscard]] pool_stats read(std::uint64_t hits, std::size_t page_size) const noexcept {
        auto const of = [](auto const& c) { return c.load(std::memory_order_relaxed); };
        return {hits,      of(misses), of(appends), of(evictions),          of(write_backs),
                of(waits), of(syncs),  of(misses) * page_size, of(write_backs) * page_size};
    }
};

class hit_counters;

/// A thread's way to its row. Trivially destructible.
struct hit_slot {
    hit_counters const* owner = nullptr;
    std::int64_t birth = 0;
    std::atomic<std::uint64_t>* row = nullptr;
};
inline thread_local hit_slot this_threads_hits;

class hit_counters {
public:
    explicit hit_counters(std::size_t files)
        : files_{files}, cells_(std::make_unique<std::atomic<std::uint64_t>[]>(rows * stride())) {}

    void count(file_no file) noexcept {
        auto& slot = this_threads_hits;
        if (slot.owner == this && slot.birth == birth_) [[likely]] {
            auto& cell = slot.row[static_cast<std::size_t>(file)];
            cell.store(cell.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            return;
        }
        count_slowly(file);
    }

    [[nodiscard]] std::uint64_t sum(file_no file) const noexcept {
        std::uint64_t total = 0;
        for (std::size_t row = 0; row < rows; ++row) {
            total += cells_[row * stride() + static_cast<std::size_t>(file)].load(
                std::memory_order_relaxed);
        }
        return total;
    }

private:
    static constexpr std::size_t own_rows = 64;
    static constexpr std::size_t rows = own_rows + 1;

    /// Cells of a row: whole cache lines.
    [[nodiscard]] std::size_t stride() const noexcept { return (files_ + 7) / 8 * 8; }

    [[gnu::noinline]] void count_slowly(file_no file) noexcept {
        auto& slot = this_threads_hits;
        std::size_t row = own_rows;
        for (std::size_t i = 0; i < own_rows && row == own_rows; ++i) {
            void const* nobody = nullptr;
            if (owners_[i].load(std::memory_order_relaxed) == &slot ||
                owners_[i].compare_exchange_strong(nobody, &slot, std::memory_order_relaxed)) {
                row = i;
                slot = {this, birth_, &cells_[i * stride()]};
            }
        }
        cells_[row * stride() + static_cast<std::size_t>(file)].fetch_add(
            1, std::memory_order_relaxed);
    }

    std::size_t files_;
    std::int64_t birth_ = std::chrono::steady_clock::now().time_since_epoch().count();
    std::array<std::atomic<void const*>, own_rows> owners_{};
    std::unique_ptr<std::atomic<std::uint64_t>[]> cells_;
};

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
