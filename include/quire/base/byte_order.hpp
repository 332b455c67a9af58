// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_order: little-endian and big-endian loads and stores at any address.
///
/// Every number that quire keeps in a page is little-endian on every machine. Big-endian ones are
/// for formats of other programs (SQLite, InnoDB). Both are read and written here: never by a cast
/// to a struct, which would be undefined for unaligned or foreign bytes. Compilers turn each load
/// or store into one instruction, or two.
///
/// Expects: the caller has checked that `sizeof(T)` bytes are there.
/// Cost: one load or store (and a byte swap where the machine has the other order).

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
[[nodiscard]] constexpr U swap_bytes(U value) noexcept {
    if constexpr (sizeof(U) == 8) {
        return __builtin_bswap64(value);
    } else if constexpr (sizeof(U) == 4) {
        return __builtin_bswap32(value);
    } else if constexpr (sizeof(U) == 2) {
        return __builtin_bswap16(value);
    } else {
        return value;
    }
}

/// From the machine's order to `Order`, and back.
template <std::endian Order, std::unsigned_integral U>
[[nodiscard]] constexpr U in_order(U value) noexcept {
    return Order == std::endian::native ? value : swap_bytes(value);
}

template <std::endian Order, page_number T>
[[nodiscard]] inline T load(std::byte const* at) noexcept {
    static_assert(sizeof(T) <= 8, "a page number has at most 8 bytes: long double has no format");
    uint_of_size<sizeof(T)> raw;
    std::memcpy(&raw, at, sizeof(T));
    return std::bit_cast<T>(in_order<Order>(raw));
}
template <std::endian Order, page_number T>
inline void store(std::byte* at, T value) noexcept {
    static_assert(sizeof(T) <= 8, "a page number has at most 8 bytes: long double has no format");
    auto const raw = in_order<Order>(std::bit_cast<uint_of_size<sizeof(T)>>(value));
    std::memcpy(at, &raw, sizeof(T));
}

}  // namespace detail

/// The number stored at `at`, lowest byte first.
template <page_number T>
[[nodiscard]] inline T load_le(std::byte const* at) noexcept {
    return detail::load<std::endian::little, T>(at);
}
/// Writes `value` at `at`, lowest byte first.
template <page_number T>
inline void store_le(std::byte* at, T value) noexcept {
    detail::store<std::endian::little>(at, value);
}

/// The number stored at `at`, highest byte first.
template <page_number T>
[[nodiscard]] inline T load_be(std::byte const* at) noexcept {
    return detail::load<std::endian::big, T>(at);
}
/// Writes `value` at `at`, highest byte first.
template <page_number T>
inline void store_be(std::byte* at, T value) noexcept {
    detail::store<std::endian::big>(at, value);
}

}  // namespace quire::inline QUIRE_ABI
