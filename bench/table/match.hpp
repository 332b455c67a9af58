// SPDX-License-Identifier: BSL-1.0
#pragma once

/// match: ordered maps side by side, each operation in turns.
///
/// A round makes every store anew, with half of the keys, and then measures one operation after the
/// other. The draws of an operation are cut into pieces, and with each piece every store takes its
/// turn: so all see the same draws, and a slow phase of the machine slows all. A figure is
/// operations a second, over all turns of a round. What is read is added up, and all stores must
/// come to the same sum.

#include "../device/slices.hpp"
#include "store.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace quire_bench {

/// Does one piece of an operation, as one of its threads; a sum of what it read.
using piece_of_work = std::function<std::uint64_t(ordered_store&, unsigned thread, key_list keys)>;

/// A system that takes part, its store of this round, and its figures of all.
struct entrant {
    using maker = std::function<std::unique_ptr<ordered_store>(std::filesystem::path const&)>;

    std::string name;
    maker make;
    bool writes_only;
    std::unique_ptr<ordered_store> store{};
    std::map<std::string, figures> rates{};  ///< by operation and threads: see rate_name
};

[[nodiscard]] inline std::string rate_name(std::string const& what, unsigned threads) {
    return what + ' ' + std::to_string(threads);
}

/// One operation of a round.
class match {
public:
    match(std::vector<entrant>& all, bool is_write) {
        for (auto& one : all) {
            if (is_write || !one.writes_only) { players_.push_back({&one, {}}); }
        }
    }

    /// A piece of the draws, by each store in its turn; `counts`: whether it is timed.
    void play(piece_of_work const& how, key_list piece, unsigned threads, bool counts = true) {
        std::uint64_t first_sum = 0;
        auto const each = piece.size() / threads;
        for (auto& one : players_) {
            std::atomic<std::uint64_t> sum{0};
            auto const did = do_together(threads, [&](unsigned thread) {
                sum += how(*one.of->store, thread, piece.subspan(thread * each, each));
                return each;
            });
            if (&one == &players_.front()) { first_sum = sum; }
            if (sum != first_sum) { fail(one.of->name + " read other values"); }
            if (counts) { one.did[threads] += did; }
        }
    }
    /// All of the draws in `turns` pieces, after one that is not timed.
    void play_all(piece_of_work const& how, key_list draws, unsigned threads, std::size_t turns) {
        auto const each = draws.size() / turns;
        play(how, draws.first(each), threads, false);
        for (std::size_t i = 0; i < turns; ++i) {
            play(how, draws.subspan(i * each, each), threads);
        }
    }
    /// What was timed becomes a figure of the round.
    void end(std::string const& what) {
        for (auto& one : players_) {
            for (auto const& [threads, did] : one.did) {
                auto const rate = did.operations / did.seconds;
                one.of->rates[rate_name(what, threads)].push_back(rate);
            }
        }
    }

private:
    struct player {
        entrant* of;
        std::map<unsigned, deed> did;
    };
    std::vector<player> players_;
};

}  // namespace quire_bench
