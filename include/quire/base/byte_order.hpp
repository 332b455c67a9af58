// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_order: little-endian and big-endian loads and stores at any address.
///
/// Every number that quire keeps in a page is little-endian on every machine. Big-endian ones are
/// for formats of other programs (SQLite, InnoDB). Both are read and written here: never by a cast
/// to a struct, which would be undefined for unaligned or foreign bytes. Compilers turn each load
/// or store into one instruction, or two.
///
/// A page_field is a number's place in a page, with its type and its order: code that has it can
/// load the number and store it, and cannot mistake any of the three.
///
///     static constexpr quire::field_le<std::uint16_t> used{16};
///     used.store(bytes, 18);
///
/// Expects: the caller has checked that `sizeof(T)` bytes are there. A page_field checks it itself.
/// Cost: one load or store (and a byte swap where the machine has the other order).

#include <quire/base/contract.hpp>

#include <bit>          // std::endian, std::bit_cast
#include <concepts>     // std::integral, std::floating_point
#include <cstddef>      // std::byte
#include <cstdint>      // std::uint8_t ...
#include <cstring>      // std::memcpy
#include <span>         // std::span
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

/// Where a page has a number of type T. Page views of your own read and write by it
/// (borrow/page_view.hpp); here it reads and writes the bytes of a page that has no view yet.
template <page_number T, std::endian Order>
struct page_field {
    std::size_t offset;  ///< in bytes, from the beginning of the page

    /// The first byte behind it.
    [[nodiscard]] constexpr std::size_t end() const noexcept { return offset + sizeof(T); }
    /// Whether it lies inside of a page of `page_size` bytes.
    [[nodiscard]] constexpr bool fits(std::size_t page_size) const noexcept {
        return page_size >= sizeof(T) && offset <= page_size - sizeof(T);
    }

    /// The number at `page`, the beginning of a page. Expects: the page has the field.
    template <class Byte>
    [[nodiscard]] T load_unchecked(Byte* page) const noexcept {
        if constexpr (Order == std::endian::little) {
            return load_le<T>(page + offset);
        } else {
            return load_be<T>(page + offset);
        }
    }
    void store_unchecked(std::byte* page, T value) const noexcept {
        detail::store<Order>(page + offset, value);
    }

    /// The number in `page`. Expects: it lies inside.
    template <class Byte, std::size_t Size>
    [[nodiscard]] T load(std::span<Byte, Size> page) const noexcept {
        QUIRE_EXPECTS(fits(page.size()), "a field lies inside of its page");
        return load_unchecked(page.data());
    }
    /// Writes the number in `page`. Expects: it lies inside.
    void store(std::span<std::byte> page, T value) const noexcept {
        QUIRE_EXPECTS(fits(page.size()), "a field lies inside of its page");
        store_unchecked(page.data(), value);
    }
};

template <page_number T>
using field_le = page_field<T, std::endian::little>;
template <page_number T>
using field_be = page_field<T, std::endian::big>;

}  // namespace quire::inline QUIRE_ABI
