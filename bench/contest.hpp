// SPDX-License-Identifier: BSL-1.0
#pragma once

/// contest: systems side by side, in interleaved rounds, and the times they took.
///
/// All systems of a contest are built before the first round and see the same draws: a list of
/// positions, drawn before, each an index into the pages that the system has in memory. A round
/// runs every system in turn; a figure is nanoseconds for one operation of one thread. Ratios are
/// taken within a round, then their median: a slow phase of the machine slows both systems.

#include "systems/system.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <sched.h>  // sched_setaffinity

namespace quire_bench {

using figures = std::vector<double>;  ///< one per round

[[nodiscard]] inline double median(figures values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}
/// The ratio of `a` to `b`, round by round.
[[nodiscard]] inline figures ratios(figures const& a, figures const& b) {
    figures result;
    for (std::size_t i = 0; i < a.size(); ++i) { result.push_back(a[i] / b[i]); }
    return result;
}
/// The difference of `a` and `b`, round by round.
[[nodiscard]] inline figures differences(figures const& a, figures const& b) {
    figures result;
    for (std::size_t i = 0; i < a.size(); ++i) { result.push_back(a[i] - b[i]); }
    return result;
}

/// Keeps this thread on one processor, if the system lets it.
inline void stay_on(unsigned processor) noexcept {
    ::cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor % std::max(1U, std::thread::hardware_concurrency()), &set);
    static_cast<void>(::sched_setaffinity(0, sizeof set, &set));
}

class contestant {
public:
    contestant() = default;
    contestant(contestant const&) = delete;
    contestant& operator=(contestant const&) = delete;
    virtual ~contestant() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    /// Nanoseconds per operation, of `threads` threads at once.
    [[nodiscard]] virtual double run(std::vector<std::uint32_t> const& draws,
                                     unsigned threads) = 0;
};

template <readable_system System>
class contestant_of final : public contestant {
public:
    contestant_of(std::filesystem::path const& scratch, std::uint32_t pages)
        : system_{scratch, pages}, pages_{system_.resident()} {}

    [[nodiscard]] std::string name() const override { return System::name; }

    [[nodiscard]] double run(std::vector<std::uint32_t> const& draws, unsigned threads) override {
        std::vector<std::uint32_t> sequence(draws.size());
        for (std::size_t i = 0; i < draws.size(); ++i) {
            sequence[i] = pages_[draws[i] % pages_.size()];
        }
        std::atomic<unsigned> ready{0};
        std::vector<double> took(threads);
        std::vector<std::thread> others;
        auto const one = [&](unsigned which) {
            stay_on(which);
            if (!readers_[which]) { readers_[which].emplace(system_); }
            auto& reader = *readers_[which];
            ready.fetch_add(1);
            while (ready.load() < threads) {}
            took[which] = pass(reader, sequence, which * sequence.size() / threads);
        };
        for (unsigned t = 1; t < threads; ++t) { others.emplace_back(one, t); }
        one(0);
        for (auto& thread : others) { thread.join(); }
        return *std::max_element(took.begin(), took.end());
    }

private:
    using reader_type = typename System::reader;

    /// Once through the sequence, beginning somewhere in it.
    [[gnu::noinline]] static double pass(reader_type& reader,
                                         std::vector<std::uint32_t> const& sequence,
                                         std::size_t first) {
        std::uint64_t sum = 0;
        auto const begin = std::chrono::steady_clock::now();
        for (std::size_t i = first; i < sequence.size(); ++i) { sum += reader.read(sequence[i]); }
        for (std::size_t i = 0; i < first; ++i) { sum += reader.read(sequence[i]); }
        auto const end = std::chrono::steady_clock::now();
        asm volatile("" : : "r"(sum));  // the sum is used
        return std::chrono::duration<double, std::nano>(end - begin).count() /
               static_cast<double>(sequence.size());
    }

    System system_;
    std::vector<std::uint32_t> pages_;
    std::array<std::optional<reader_type>, 2> readers_;
};

class contest {
public:
    contest(std::filesystem::path scratch, std::uint32_t pages)
        : scratch_{std::move(scratch)}, pages_{pages} {}

    template <readable_system System>
    void add() {
        auto const folder = scratch_ / std::to_string(systems_.size());
        std::filesystem::create_directories(folder);
        systems_.push_back(std::make_unique<contestant_of<System>>(folder, pages_));
    }

    struct result {
        std::string system;
        figures nanoseconds;
    };
    /// `draw` gives a position of the pages in memory.
    template <class Draw>
    [[nodiscard]] std::vector<result> run(std::size_t draws, int rounds, unsigned threads,
                                          Draw draw) {
        std::vector<std::uint32_t> positions(draws);
        for (auto& position : positions) { position = draw(); }
        std::vector<result> results;
        for (auto const& system : systems_) { results.push_back({system->name(), {}}); }
        for (int round = -1; round < rounds; ++round) {  // the first one warms up
            for (std::size_t i = 0; i < systems_.size(); ++i) {
                auto const took = systems_[i]->run(positions, threads);
                if (round >= 0) { results[i].nanoseconds.push_back(took); }
            }
        }
        return results;
    }

private:
    std::filesystem::path scratch_;
    std::uint32_t pages_;
    std::vector<std::unique_ptr<contestant>> systems_;
};

}  // namespace quire_bench
