// SPDX-License-Identifier: BSL-1.0
#pragma once

/// rounds: pieces of work side by side in one thread, in interleaved rounds, and their times.
///
/// A piece of work is a pass: a call that does `operations` of something and returns a number made
/// from all that it read. A round runs every pass in turn, `repeats` times in a row; a figure is
/// nanoseconds for one operation. Passes that are to read the same bytes must return the same
/// number, else the run stops. The compiler can reuse nothing from an earlier call: each call is
/// through a pointer and is followed by a barrier for memory.

#include "contest.hpp"

#include <chrono>
#include <functional>
#include <vector>

namespace quire_bench {

/// Whether the passes of a run return equal numbers.
enum class answers : bool { alike, each_its_own };

class rounds {
public:
    struct result {
        std::string name;
        figures nanoseconds;
    };

    template <class Pass>
    void add(std::string name, std::size_t operations, Pass pass) {
        works_.push_back({std::move(name), static_cast<double>(operations), std::move(pass)});
    }

    [[nodiscard]] std::vector<result> run(int count, int repeats, answers how) const {
        std::vector<result> results;
        for (auto const& one : works_) { results.push_back({one.name, {}}); }
        for (int round = -1; round < count; ++round) {  // the first one warms up
            std::uint64_t first = 0;
            for (std::size_t i = 0; i < works_.size(); ++i) {
                auto const took = time(works_[i], repeats);
                if (i == 0) { first = took.sum; }
                if (how == answers::alike && took.sum != first) {
                    fail(works_[i].name + " read other bytes than " + works_[0].name);
                }
                if (round >= 0) { results[i].nanoseconds.push_back(took.nanoseconds); }
            }
        }
        return results;
    }

private:
    struct work {
        std::string name;
        double operations;
        std::function<std::uint64_t()> pass;
    };
    struct taken {
        double nanoseconds;
        std::uint64_t sum;
    };
    [[nodiscard]] static taken time(work const& one, int repeats) {
        std::uint64_t sum = 0;
        auto const begin = std::chrono::steady_clock::now();
        for (int i = 0; i < repeats; ++i) {
            sum += one.pass();
            asm volatile("" : : "r"(sum) : "memory");
        }
        auto const end = std::chrono::steady_clock::now();
        return {std::chrono::duration<double, std::nano>(end - begin).count() /
                    (one.operations * repeats),
                sum};
    }

    std::vector<work> works_;
};

}  // namespace quire_bench
