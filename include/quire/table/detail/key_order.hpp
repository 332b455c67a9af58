// SPDX-License-Identifier: BSL-1.0
#pragma once

/// key_order: keys of a tree as bytes, and their order: that of std::memcmp, the shorter one first
/// where one begins with the other.
///
/// A key in a page may be racy, so it is compared eight bytes at a time by load_be, each loaded
/// once. The head of a key is its first four bytes as a number, zeros where there are none: keys
/// with different heads are in the order of their heads.

#include <quire/borrow/racy_byte.hpp>

#include <compare>  // std::strong_ordering
#include <cstdint>  // std::uint32_t
#include <span>     // std::span

namespace quire::inline QUIRE_ABI::detail {

using key_bytes = std::span<std::byte const>;

/// Up to 8 bytes at `at`, as the first bytes of a big-endian number; zeros where there are none.
template <class Byte>
[[nodiscard]] std::uint64_t leading_bytes(Byte* at, std::size_t size) noexcept {
    if (size >= 8) { return load_be<std::uint64_t>(at); }
    if (size == 0) { return 0; }
    // Two loads that overlap: the first bytes, and as many up to the last one.
    auto const both = [&]<class N>(N first, N last) {
        return std::uint64_t{first} << (64 - 8 * sizeof(N)) |
               std::uint64_t{last} << (64 - 8 * size);
    };
    if (size >= 4) {
        return both(load_be<std::uint32_t>(at), load_be<std::uint32_t>(at + size - 4));
    }
    if (size >= 2) {
        return both(load_be<std::uint16_t>(at), load_be<std::uint16_t>(at + size - 2));
    }
    return std::uint64_t{load_be<std::uint8_t>(at)} << 56;
}

[[nodiscard]] inline std::uint32_t head_of(key_bytes key) noexcept {
    return static_cast<std::uint32_t>(leading_bytes(key.data(), key.size()) >> 32);
}

/// A key, or what a page has of one, beside another key.
template <class Byte>
[[nodiscard]] std::strong_ordering compare_keys(std::span<Byte> left, key_bytes right) noexcept {
    std::size_t const common = left.size() < right.size() ? left.size() : right.size();
    for (std::size_t i = 0; i < common; i += 8) {
        std::size_t const size = common - i < 8 ? common - i : 8;
        auto const a = leading_bytes(left.data() + i, size);
        auto const b = leading_bytes(right.data() + i, size);
        if (a != b) { return a <=> b; }
    }
    return left.size() <=> right.size();
}

/// How many bytes both begin with.
[[nodiscard]] inline std::size_t common_prefix(key_bytes a, key_bytes b) noexcept {
    std::size_t const shorter = a.size() < b.size() ? a.size() : b.size();
    std::size_t same = 0;
    while (same < shorter && a[same] == b[same]) { ++same; }
    return same;
}

}  // namespace quire::inline QUIRE_ABI::detail
