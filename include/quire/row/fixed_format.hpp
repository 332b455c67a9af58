// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fixed_format: values of fixed width, as bytes of a row and back.
///
///   value                                  bytes
///   bool                                   1: 0 or 1
///   integers, characters, float, double    their own width, little-endian
///   enum, scoped or with a fixed type      its underlying type's
///   made of these                          compound_format.hpp
///
/// A file can have any bytes, and not all are a value. `holds` says whether they are, and `load` is
/// never undefined behaviour: a bool is 0 or 1; an enum described by BOOST_DESCRIBE_ENUM is one of
/// its enumerators; an enum that is not described may be any value of its underlying type. So do
/// not describe an enum of flags that are or-ed together.
///
/// Cost: one load; for a bool a comparison with 1, for a described enum a comparison with each of
/// its enumerators, or a single one if they are 0, 1, 2, ...
///
/// Storing a value that is no enumerator of a described enum is a contract violation, since the row
/// could not be read again. A plain enum without a fixed type is refused: not every value of its
/// bytes is a value of the enum, so reading a foreign row would be undefined behaviour.

#include <quire/base/byte_order.hpp>
#include <quire/base/contract.hpp>
#include <quire/row/schema_text.hpp>

#include <boost/describe/enumerators.hpp>

#include <type_traits>  // std::underlying_type_t

namespace quire::inline QUIRE_ABI::detail {

/// How an M is stored in a row. A specialisation has
///
///   width             its bytes
///   is_checked        whether some bytes are no M
///   holds(at)         whether the bytes at `at` are an M
///   load(at)          the M there; an unspecified M if the bytes are none
///   store(at, value)  writes `width` bytes
///   spell(writer)     writes its type as in schema_text.hpp
template <class M>
struct fixed_format;

template <class M>
concept fixed_column = requires { fixed_format<M>::width; };

template <class M>
concept unqualified = std::same_as<M, std::remove_cv_t<M>>;
/// Not long double, whose bytes differ from machine to machine.
template <class M>
concept number_column = unqualified<M> && page_number<M> && sizeof(M) <= 8;
template <class M>
concept character = std::same_as<M, char> || std::same_as<M, wchar_t> || std::same_as<M, char8_t> ||
                    std::same_as<M, char16_t> || std::same_as<M, char32_t>;
/// An enum each of whose underlying values is a value of it: then E{n} is allowed.
template <class M>
concept fixed_enum =
    unqualified<M> && std::is_enum_v<M> && requires { M{std::underlying_type_t<M>{}}; };

template <number_column M>
struct fixed_format<M> {
    static constexpr std::size_t width = sizeof(M);
    static constexpr bool is_checked = false;
    [[nodiscard]] static bool holds(std::byte const*) noexcept { return true; }
    [[nodiscard]] static M load(std::byte const* at) noexcept { return load_le<M>(at); }
    static void store(std::byte* at, M value) noexcept { store_le(at, value); }
    static constexpr void spell(text_writer& to) noexcept {
        to.put(character<M>              ? "c"
               : std::floating_point<M>  ? "f"
               : std::signed_integral<M> ? "i"
                                         : "u");
        to.put(8 * sizeof(M));
    }
};

template <>
struct fixed_format<bool> {
    static constexpr std::size_t width = 1;
    static constexpr bool is_checked = true;
    [[nodiscard]] static bool holds(std::byte const* at) noexcept { return *at <= std::byte{1}; }
    [[nodiscard]] static bool load(std::byte const* at) noexcept { return *at != std::byte{0}; }
    static void store(std::byte* at, bool value) noexcept {
        *at = value ? std::byte{1} : std::byte{0};
    }
    static constexpr void spell(text_writer& to) noexcept { to.put("bool"); }
};

template <fixed_enum M>
struct fixed_format<M> {
private:
    using number = fixed_format<std::underlying_type_t<M>>;
    static constexpr bool is_described = boost::describe::has_describe_enumerators<M>::value;
    [[nodiscard]] static constexpr bool is_enumerator([[maybe_unused]] M value) noexcept {
        if constexpr (is_described) {
            return [&]<template <class...> class List, class... Each>(List<Each...>) {
                return ((value == Each::value) || ...);
            }(boost::describe::describe_enumerators<M>{});
        } else {
            return true;
        }
    }

public:
    static constexpr std::size_t width = number::width;
    static constexpr bool is_checked = is_described || number::is_checked;
    [[nodiscard]] static bool holds(std::byte const* at) noexcept {
        return number::holds(at) && is_enumerator(load(at));
    }
    [[nodiscard]] static M load(std::byte const* at) noexcept {
        return static_cast<M>(number::load(at));
    }
    static void store(std::byte* at, M value) noexcept {
        QUIRE_EXPECTS(is_enumerator(value), "a described enum in a row is one of its enumerators");
        number::store(at, static_cast<std::underlying_type_t<M>>(value));
    }
    static constexpr void spell(text_writer& to) noexcept { number::spell(to); }
};

}  // namespace quire::inline QUIRE_ABI::detail
