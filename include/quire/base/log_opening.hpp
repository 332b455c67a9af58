// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_opening: one time that a log was open. What needs its log keeps it; the log keeps a history
/// of its own openings, by which it is told from other logs, and from copies of it that are older.
///
/// A history ends: a file that needs the log, and of which the log has no records (the pool ended
/// without catalog::close, or a crash came in the middle of it), is refused after 56 openings.
///
/// A file whose page 0 has the magic says there which log it needs, all of it in the page's first
/// 512 bytes: a file of tables (table/catalog_page.hpp). So a log asks before it is replayed.

#include <quire/base/byte_order.hpp>

#include <array>        // std::array
#include <cstdint>      // std::uint64_t
#include <optional>     // std::optional
#include <span>         // std::span
#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI {

struct log_opening {
    std::uint64_t log = 0;      ///< random, made with the log's file; 0: none
    std::uint64_t opening = 0;  ///< random, new each time that it is opened

    friend bool operator==(log_opening const&, log_opening const&) = default;
};

/// What is done with a file that was not closed, without the log that it had.
enum class lost_log : std::uint8_t {
    refused,   ///< errc::needs_log, errc::log_mismatch
    accepted,  ///< what only the log had is lost; see catalog::was_closed_cleanly
};

/// What page 0 of a file says of its log.
struct needed_log {
    static constexpr std::size_t magic_at = 32;
    static constexpr std::uint64_t magic = 0x62'64'20'65'72'69'75'71;  // "quire db"
    static constexpr std::size_t at = 72;                              // three numbers

    log_opening opening;     ///< none: it needs no log
    std::uint64_t name = 0;  ///< of the file, as the log knows it: hash_of_name

    friend bool operator==(needed_log const&, needed_log const&) = default;

    /// FNV-1a.
    [[nodiscard]] static constexpr std::uint64_t hash_of_name(std::string_view name) noexcept {
        std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
        for (char const c : name) {
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
        }
        return hash;
    }
    /// Of a page 0 that says something.
    [[nodiscard]] static std::optional<needed_log> of(
        std::span<std::byte const> page_0) noexcept {
        if (page_0.size() < at + 24 ||
            load_le<std::uint64_t>(page_0.data() + magic_at) != magic) {
            return std::nullopt;
        }
        auto const* const here = page_0.data() + at;
        return needed_log{{load_le<std::uint64_t>(here), load_le<std::uint64_t>(here + 8)},
                          load_le<std::uint64_t>(here + 16)};
    }
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
