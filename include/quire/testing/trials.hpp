// SPDX-License-Identifier: BSL-1.0
#pragma once

/// trials: the options of `check_policy`, `check_latch` and `check_backend`, with their defaults.
///
/// All are structs of named members, and each check takes one as its first argument:
///
///     quire::testing::check_latch<my_latch>({.threads = 8, .wait_max = std::chrono::seconds{20}});

#include <quire/io/file_backend.hpp>

#include <chrono>   // std::chrono::milliseconds
#include <cstdint>  // std::uint64_t
#include <string>   // std::string

namespace quire::inline QUIRE_ABI::testing {

/// For check_policy.
struct policy_trial {
    int traces = 60;         ///< of random calls
    int threads = 3;         ///< threads that touch while the policy searches; 0: none
    std::uint64_t seed = 1;  ///< of the random calls
    /// How many allocations there were in this program so far, counted in operator new. Without it
    /// the rule of allocations is not tried, and `unchecked()` of the report says so.
    std::uint64_t (*allocations)() = nullptr;
};

/// For check_latch.
struct latch_trial {
    /// Threads that use the latch at once. 1 for a latch of one thread: then nothing waits, and
    /// what needs a second thread is not tried. For a latch that says `one_thread` it is always 1.
    int threads = 4;
    int rounds = 3000;  ///< of each thread under load
    /// Longer than any correct latch keeps a thread waiting, even on a machine under load. A latch
    /// that keeps one for ever costs twice this time for each script in which it does.
    std::chrono::milliseconds wait_max = std::chrono::seconds{5};
};

/// For check_backend.
struct backend_trial {
    /// The names of the trial's files begin with it, and no such file exists before. In a file
    /// system they are removed at the end, elsewhere they stay: give each trial another path.
    std::string path = "check_backend";
    io_mode io = io_mode::direct;
    std::size_t page_size = 4096;
    /// Whether a second opener of a file is refused, as its lock says. False only for a backend
    /// that cannot do all of that: then readers open with file_lock::none.
    bool locks = true;
    /// The longest that an op takes, even on a machine under load. The check stops at an op that is
    /// not handed out by then.
    std::chrono::milliseconds wait_max = std::chrono::seconds{10};
};

}  // namespace quire::inline QUIRE_ABI::testing
