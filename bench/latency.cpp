// SPDX-License-Identifier: BSL-1.0

/// latency: how long one hit and one miss take, while nothing else happens and during a flush.
///
/// A pool of 256 MiB over a file of 4 GiB. Half of its frames hold scattered pages that are
/// flushed; hits are reads of these, and misses reads of other pages. Each is timed by itself: for
/// half a second alone, then during a flush that another thread runs on another processor. Reads
/// that began during the flush count. `clock` is the time to measure nothing. Percentiles of each
/// round, to a sixteenth; the figures are their medians.
///
/// Usage: latency [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/readers.hpp"
#include "device/slices.hpp"
#include "report.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <map>
#include <thread>

namespace {

using namespace quire_bench;
using pool_type = quire::buffer_pool<page_size>;

/// Counts of nanoseconds, in sixteen steps for each power of two.
class histogram {
public:
    void add(std::uint64_t nanoseconds) noexcept {
        ++counts_[step_of(nanoseconds)];
        ++total_;
        most_ = std::max(most_, nanoseconds);
    }
    [[nodiscard]] double percentile(double percent) const {
        auto left = static_cast<std::uint64_t>(static_cast<double>(total_) * percent / 100.0);
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (left < counts_[i]) { return begin_of(i); }
            left -= counts_[i];
        }
        return static_cast<double>(most_);
    }
    [[nodiscard]] double most() const noexcept { return static_cast<double>(most_); }
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

private:
    static constexpr unsigned bits = 4;
    [[nodiscard]] static std::size_t step_of(std::uint64_t value) noexcept {
        auto const power = static_cast<unsigned>(std::bit_width(value | 15U)) - bits;
        return (std::size_t{power} << bits) + ((value >> (power == 0 ? 0 : power - 1)) & 15U);
    }
    [[nodiscard]] static double begin_of(std::size_t step) noexcept {
        auto const power = step >> bits;
        auto const rest = static_cast<double>(step & 15U);
        return power == 0 ? rest : (16.0 + rest) * static_cast<double>(1ULL << (power - 1));
    }

    std::array<std::uint64_t, 64U << bits> counts_{};
    std::uint64_t total_ = 0;
    std::uint64_t most_ = 0;
};

/// Percentiles of several rounds.
struct figures_of {
    figures half, of_100, of_1000, most;
    void add(histogram const& one) {
        if (one.total() == 0) { fail("a flush ended before anything was timed"); }
        half.push_back(one.percentile(50));
        of_100.push_back(one.percentile(99));
        of_1000.push_back(one.percentile(99.9));
        most.push_back(one.most());
    }
};

/// Calls of `access` while `go_on()`, each timed.
template <class Access, class GoOn>
histogram timed(Access access, GoOn go_on) {
    histogram times;
    while (go_on()) {
        auto const begin = slice_clock::now();
        access();
        auto const took = slice_clock::now() - begin;
        times.add(static_cast<std::uint64_t>(took.count()));
    }
    return times;
}

template <class Access>
histogram timed_for(std::chrono::milliseconds length, Access access) {
    auto const end = slice_clock::now() + length;
    return timed(access, [&] { return slice_clock::now() < end; });
}

/// While another thread flushes `file`, whose pages are dirty.
template <class Access>
histogram timed_during_flush(pool_type::file const& file, Access access) {
    std::atomic<bool> begun{false};
    std::atomic<bool> ended{false};
    std::exception_ptr failure;
    std::jthread const flushing{[&] {
        stay_on(1);
        begun = true;
        try {
            file.flush();
        } catch (...) {
            failure = std::current_exception();
        }
        ended = true;
    }};
    while (!begun) { std::this_thread::yield(); }
    auto times = timed(access, [&] { return !ended.load(std::memory_order_relaxed); });
    if (failure) { std::rethrow_exception(failure); }
    return times;
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("latency", argc, argv);
    std::uint32_t const frames = given.quick ? 1U << 10 : 1U << 16;
    std::uint32_t const pages = 16 * frames;
    std::chrono::milliseconds const alone{given.quick ? 10 : 500};
    scratch_folder const scratch{given.scratch};
    expect_room(scratch.path(), pages, 1);
    make_page_file(scratch.path() / "pages", pages);
    pool_type pool{{.frames = frames}};
    auto const file = pool.open(scratch.path() / "pages", quire::open_mode::read_write,
                                {.dirty_pages_max = 2 * std::size_t{frames}});

    auto const order = shuffled_pages(pages);
    std::span const flushed = std::span{order}.first(frames / 2);
    std::span const others = std::span{order}.subspan(frames / 2);
    std::uint64_t next = 0;
    auto const read = [&](std::uint32_t no) {
        auto page = file.read(no);
        return page->bytes().load<std::uint64_t>(value_at);
    };
    std::mt19937 random{3};
    auto const hit = [&] { return read(flushed[random() % flushed.size()]); };
    auto const miss = [&] { return read(others[next++ % others.size()]); };
    auto const nothing = [] {};
    auto const make_dirty = [&] {
        for (auto const no : flushed) {
            auto page = file.write(no);
            auto const bytes = page->bytes();
            bytes.store(value_at, bytes.load<std::uint64_t>(value_at) + 1);
        }
    };

    stay_on(0);
    std::map<std::pair<std::string, std::string>, figures_of> found;
    for (std::size_t i = 0; i < frames + frames / 8; ++i) { static_cast<void>(miss()); }
    for (int round = 0; round < (given.quick ? 3 : 5); ++round) {
        make_dirty();
        found[{"clock", "alone"}].add(timed_for(alone / 5, nothing));
        found[{"hit", "flush"}].add(timed_during_flush(file, hit));
        auto const misses = pool.stats().misses;
        found[{"hit", "alone"}].add(timed_for(alone, hit));
        if (pool.stats().misses != misses) { fail("reads that should have hit were misses"); }
        auto const hits = pool.stats().hits;
        found[{"miss", "alone"}].add(timed_for(alone, miss));
        if (pool.stats().hits != hits) { fail("reads that should have missed were hits"); }
        make_dirty();
        found[{"miss", "flush"}].add(timed_during_flush(file, miss));
    }
    file.close();

    report to;
    for (auto const& [name, times] : found) {
        auto const& [what, while_what] = name;
        to.add("latency", while_what, 1, what + ", p50", times.half);
        to.add("latency", while_what, 1, what + ", p99", times.of_100);
        to.add("latency", while_what, 1, what + ", p99.9", times.of_1000);
        to.add("latency", while_what, 1, what + ", most", times.most);
    }
    if (!given.json.empty()) { to.write(given.json); }
} catch (std::exception const& e) {
    std::fprintf(stderr, "latency: %s\n", e.what());
    return 1;
}
