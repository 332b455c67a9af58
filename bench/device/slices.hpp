// SPDX-License-Identifier: BSL-1.0
#pragma once

/// slices: systems side by side, each for a slice of time, in interleaved rounds.
///
/// The speed of a device changes, and a slow system would use most of the time: so a round gives
/// every system the same time, in several turns, and counts its operations. A work is a call for
/// one thread that does its operations until the deadline and returns their number; it completes
/// an operation that it has begun, and that time counts. Ratios are taken within a round, then
/// their median. The round before the first one warms up, and fills the systems' pools.

#include "../contest.hpp"
#include "page_file.hpp"

#include <barrier>
#include <chrono>
#include <functional>
#include <vector>

namespace quire_bench {

using slice_clock = std::chrono::steady_clock;
using slice_end = slice_clock::time_point;

/// Processor time of this thread, in nanoseconds.
[[nodiscard]] inline double processor_time() {
    ::timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

/// The work of one or several threads.
struct deed {
    double operations = 0;
    double seconds = 0;    ///< from the first one's begin to the last one's end
    double processor = 0;  ///< nanoseconds, of all threads
    double read = 0;       ///< bytes, from the device

    deed& operator+=(deed const& other) noexcept {
        operations += other.operations;
        seconds += other.seconds;
        processor += other.processor;
        read += other.read;
        return *this;
    }
};

/// Runs `work(thread)`, which returns a number of operations, in `threads` threads that begin
/// together and stay on their processors. An exception of one of them is thrown on.
template <class Work>
[[nodiscard]] deed do_together(unsigned threads, Work work) {
    std::vector<deed> done(threads);
    std::vector<std::exception_ptr> failures(threads);
    std::barrier ready{static_cast<std::ptrdiff_t>(threads)};
    std::vector<slice_clock::time_point> begins(threads);
    std::vector<slice_clock::time_point> ends(threads);
    auto const one = [&](unsigned which) {
        stay_on(which);
        ready.arrive_and_wait();
        auto const busy = processor_time();
        begins[which] = slice_clock::now();
        try {
            done[which].operations = static_cast<double>(work(which));
        } catch (...) {
            failures[which] = std::current_exception();
        }
        ends[which] = slice_clock::now();
        done[which].processor = processor_time() - busy;
    };
    {
        std::vector<std::jthread> running;
        for (unsigned t = 0; t < threads; ++t) { running.emplace_back(one, t); }
    }
    deed all;
    for (unsigned t = 0; t < threads; ++t) {
        if (failures[t]) { std::rethrow_exception(failures[t]); }
        all.operations += done[t].operations;
        all.processor += done[t].processor;
    }
    auto const first = *std::min_element(begins.begin(), begins.end());
    auto const last = *std::max_element(ends.begin(), ends.end());
    all.seconds = std::chrono::duration<double>(last - first).count();
    return all;
}

class slices {
public:
    using work = std::function<std::uint64_t(slice_end)>;
    struct result {
        std::string system;
        unsigned threads;
        figures rate;       ///< operations per second, of all threads
        figures processor;  ///< nanoseconds per operation
        figures read;       ///< bytes per operation, from the device
    };

    /// `before` is called before each slice, and is not timed.
    void add(std::string system, unsigned threads, work doing, std::function<void()> before = {}) {
        entries_.push_back({std::move(system), threads, std::move(doing), std::move(before)});
    }

    /// In a round every system has `turns` slices of `length`; the systems take turns.
    [[nodiscard]] std::vector<result> run(int rounds, int turns,
                                          std::chrono::nanoseconds length) const {
        std::vector<result> results;
        for (auto const& one : entries_) {
            results.push_back({one.system, one.threads, {}, {}, {}});
        }
        for (int round = -1; round < rounds; ++round) {
            std::vector<deed> done(entries_.size());
            for (int turn = 0; turn < turns; ++turn) {
                for (std::size_t i = 0; i < entries_.size(); ++i) {
                    done[i] += take(entries_[i], length);
                }
            }
            if (round < 0) { continue; }
            for (std::size_t i = 0; i < entries_.size(); ++i) {
                results[i].rate.push_back(done[i].operations / done[i].seconds);
                results[i].processor.push_back(done[i].processor / done[i].operations);
                results[i].read.push_back(done[i].read / done[i].operations);
            }
        }
        return results;
    }

private:
    struct entry {
        std::string system;
        unsigned threads;
        work doing;
        std::function<void()> before;
    };

    [[nodiscard]] static deed take(entry const& one, std::chrono::nanoseconds length) {
        if (one.before) { one.before(); }
        auto const before = counted_io("read_bytes");
        auto did = do_together(one.threads,
                               [&](unsigned) { return one.doing(slice_clock::now() + length); });
        did.read = counted_io("read_bytes") - before;
        return did;
    }

    std::vector<entry> entries_;
};

[[nodiscard]] inline slices::result const* find(std::vector<slices::result> const& all,
                                                std::string const& system, unsigned threads) {
    for (auto const& one : all) {
        if (one.system == system && one.threads == threads) { return &one; }
    }
    return nullptr;
}
[[nodiscard]] inline slices::result const& of(std::vector<slices::result> const& all,
                                              std::string const& system, unsigned threads) {
    auto const* const found = find(all, system, threads);
    if (found == nullptr) { fail("no " + system); }
    return *found;
}

/// Stops when pages that should have come from the device were in memory, if the system counts. A
/// few always are: those that were being read ahead while the page cache was emptied.
inline void expect_from_device(std::vector<slices::result> const& all) {
    for (auto const& one : all) {
        auto const bytes = median(one.read);
        if (bytes > 0 && bytes < 0.8 * page_size) {
            fail(one.system + " read " + std::to_string(bytes) + " bytes a page from the device");
        }
    }
}

/// Pages in an order that several threads share: each takes the next few, in a loop.
class page_order {
public:
    static constexpr std::size_t few = 16;

    /// Expects: a multiple of `few` pages.
    explicit page_order(std::vector<std::uint32_t> const& pages) : pages_{pages} {}

    [[nodiscard]] std::span<std::uint32_t const> take() noexcept {
        auto const at = next_.fetch_add(few, std::memory_order_relaxed) % pages_.size();
        return std::span{pages_}.subspan(at, few);
    }

private:
    std::vector<std::uint32_t> const& pages_;
    std::atomic<std::uint64_t> next_{0};
};

}  // namespace quire_bench
