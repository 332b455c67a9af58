// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_difference: in which bytes a page differs from what it was.
///
/// Ranges begin and end at multiples of eight bytes. Two with at most eight equal bytes between
/// them are one: each costs eight bytes in the log. Long ones are searched for bytes that were only
/// moved (page_moves.hpp).

#include <quire/pool/detail/page_moves.hpp>

namespace quire::inline QUIRE_ABI::detail {

inline constexpr std::size_t compared_at_once = 256;  // bytes

/// Whether so many bytes are equal. In vectors of 16 bytes, which every machine has: of a memcmp
/// g++ 12 makes a chain of branches, which takes twice the time.
[[nodiscard]] inline bool equal_block(std::byte const* a, std::byte const* b) noexcept {
    using vector [[gnu::vector_size(16), gnu::aligned(1), gnu::may_alias]] = std::uint64_t;
    auto const* const l = reinterpret_cast<vector const*>(a);
    auto const* const r = reinterpret_cast<vector const*>(b);
    vector even{};
    vector odd{};
    for (std::size_t i = 0; i < compared_at_once / sizeof(vector); i += 2) {
        even |= l[i] ^ r[i];
        odd |= l[i + 1] ^ r[i + 1];
    }
    vector const differs = even | odd;
    return (differs[0] | differs[1]) == 0;
}

/// Adds the ranges to `found`; the bytes that they take in a record. Moves read bytes from
/// `first_readable` on; with the page's size there are none.
/// Expects: both are of one size, a multiple of compared_at_once.
[[nodiscard]] inline std::size_t find_difference(std::span<std::byte const> before,
                                                 std::span<std::byte const> now,
                                                 std::size_t first_readable,
                                                 std::vector<byte_range>& found) {
    constexpr std::size_t word = 8;
    auto const begin = found.size();
    std::size_t size = 0;
    bool is_long = false;
    for (std::size_t at = 0; at < now.size(); at += compared_at_once) {
        if (equal_block(before.data() + at, now.data() + at)) { continue; }
        for (auto i = at; i < at + compared_at_once; i += word) {
            if (std::memcmp(before.data() + i, now.data() + i, word) == 0) { continue; }
            auto* const last = found.size() > begin ? &found.back() : nullptr;
            if (last != nullptr && i - (last->offset + last->size) <= word) {
                auto const grown = static_cast<std::uint32_t>(i + word - last->offset);
                size += grown - last->size;
                last->size = grown;
                is_long |= grown >= page_moves::size_min;
            } else {
                found.push_back(byte_range::literal(i, word));
                size += record_writer::range_head + word;
            }
        }
    }
    if (is_long && first_readable < now.size()) {
        size -= page_moves{before, now, first_readable}.find(found, begin);
    }
    return size;
}

}  // namespace quire::inline QUIRE_ABI::detail
