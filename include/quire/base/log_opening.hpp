// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_opening: one time that a log was open. What needs its log keeps it; the log keeps a history
/// of its own openings, by which it is told from other logs, and from copies of it that are older.
///
/// A history ends: who comes back after 56 openings is told that this is another log.

#include <quire/base/attributes.hpp>

#include <array>    // std::array
#include <cstdint>  // std::uint64_t

namespace quire::inline QUIRE_ABI {

struct log_opening {
    std::uint64_t log = 0;      ///< random, made with the log's file; 0: none
    std::uint64_t opening = 0;  ///< random, new each time that it is opened

    friend bool operator==(log_opening const&, log_opening const&) = default;
};

struct log_history {
    std::uint64_t log = 0;
    std::array<std::uint64_t, 56> openings{};  ///< the last one is the first; 0: there was none

    [[nodiscard]] constexpr log_opening now() const noexcept { return {log, openings[0]}; }
    /// Whether the log was open then, and has what it had.
    [[nodiscard]] constexpr bool has(log_opening const& earlier) const noexcept {
        if (earlier.log != log) { return false; }
        for (auto const one : openings) {
            if (one == earlier.opening) { return true; }
        }
        return false;
    }
    constexpr void add(std::uint64_t opening) noexcept {
        for (auto i = openings.size() - 1; i > 0; --i) { openings[i] = openings[i - 1]; }
        openings[0] = opening;
    }
};

}  // namespace quire::inline QUIRE_ABI
