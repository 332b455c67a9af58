// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_order: little-endian loads and stores at any address.
///
/// Every number that quire keeps in a page is little-endian on every machine, and is read and
/// written here: never by a cast to a struct, which would be undefined for unaligned or foreign
/// bytes. Compilers turn each load or store into one instruction.
///
/// Expects: the caller has checked that `sizeof(T)` bytes are there.
/// Cost: one load or store (and a byte swap on big-endian machines).

#include <quire/base/attributes.hpp>

#include <bit>          // std::endian, std::bit_cast
#include <concepts>     // std::integral, std::floating_point
#include <cstddef>      // std::byte
#include <cstdint>      // std::uint8_t ...
#include <cstring>      // std::memcpy
#include <type_traits>  // std::conditional_t

namespace quire::inline QUIRE_ABI {

/// A byte that a view reads through: const for shared access, plain for exclusive access.
template <class B>
concept page_byte = std::same_as<B, std::byte> || std::same_as<B, std::byte const>;

/// The byte that functions which change a page require: lent by a write guard, or the user's own.
template <class B>
concept writable_page = std::same_as<B, std::byte>;

/// A number that can be stored in a page. Not `bool`: most byte values are not valid ones.
template <class T>
concept page_number =
    (std::integral<T> && !std::same_as<std::remove_cv_t<T>, bool>) || std::floating_point<T>;

namespace detail {

template <std::size_t Size>
using uint_of_size = std::conditional_t<
    Size == 1, std::uint8_t,
    std::conditional_t<Size == 2, std::uint16_t,
                       std::conditional_t<Size == 4, std::uint32_t, std::uint64_t>>>;

template <std::unsigned_integral U>
[[nodiscard]] constexpr U to_little(U value) noexcept {
    if constexpr (std::endian::native == std::endian::little || sizeof(U) == 1) {
        return value;
    } else {
        U swapped = 0;
        for (std::size_t i = 0; i < sizeof(U); ++i) {
            swapped = static_cast<U>(swapped | (((value >> (8 * i)) & 0xFFU)
                                                << (8 * (sizeof(U) - 1 - i))));
        }
        return swapped;
    }
}

}  // namespace detail

/// The number stored at `at`.
template <page_number T>
[[nodiscard]] inline T load_le(std::byte const* at) noexcept {
    static_assert(sizeof(T) <= 8, "a page number has at most 8 bytes: long double has no format");
    detail::uint_of_size<sizeof(T)> raw;
    std::memcpy(&raw, at, sizeof(T));
    return std::bit_cast<T>(detail::to_little(raw));
}

/// Writes `value` at `at`.
template <page_number T>
inline void store_le(std::byte* at, T value) noexcept {
    static_assert(sizeof(T) <= 8, "a page number has at most 8 bytes: long double has no format");
    auto const raw = detail::to_little(std::bit_cast<detail::uint_of_size<sizeof(T)>>(value));
    std::memcpy(at, &raw, sizeof(T));
}

}  // namespace quire::inline QUIRE_ABI
