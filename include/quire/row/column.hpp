// SPDX-License-Identifier: BSL-1.0
#pragma once

/// column: how one member of a described struct stands in a row.
///
///   member                                   in the row                       `get` gives
///   bool                                     1 byte; any that is not 0: true  bool
///   integers, characters, float, double      their own width, little-endian   the same
///   enum, scoped or with a fixed type        its underlying type              the same
///   std::string, std::string_view            variable                         std::string_view
///   std::optional of one of these            that, and a bit that says null   std::optional of it
///
/// Anything else is refused where the struct is first used, by a sentence. A plain enum without a
/// fixed type is refused because not every value of its bytes is a value of the enum: reading a
/// foreign row would be undefined.
///
/// std::string and std::string_view make the same rows: they differ in what a decoded struct owns.

#include <quire/base/byte_order.hpp>

#include <optional>     // std::optional
#include <string>       // std::string
#include <string_view>  // std::string_view
#include <type_traits>  // std::underlying_type_t

namespace quire::inline QUIRE_ABI {

/// What a column's bytes mean; with their number and nullability, all that a format knows of it.
enum class column_type : std::uint8_t { boolean, character, integer, natural, floating, string };

namespace detail {

template <class M>
concept character = std::same_as<M, char> || std::same_as<M, wchar_t> || std::same_as<M, char8_t> ||
                    std::same_as<M, char16_t> || std::same_as<M, char32_t>;

/// An enum each of whose underlying values is a value of it: then E{n} is allowed.
template <class M>
concept fixed_enum = std::is_enum_v<M> && requires { M{std::underlying_type_t<M>{}}; };

template <class M>
concept string_column = std::same_as<M, std::string> || std::same_as<M, std::string_view>;

template <class M>
concept fixed_column = !std::is_const_v<M> && (fixed_enum<M> || std::same_as<M, bool> ||
                                               (page_number<M> && sizeof(M) <= 8));

template <class M>
struct optional_of {
    using type = M;
    static constexpr bool is_optional = false;
};
template <class M>
struct optional_of<std::optional<M>> {
    using type = M;
    static constexpr bool is_optional = true;
};

template <class M>
[[nodiscard]] consteval column_type column_type_of() {
    if constexpr (string_column<M>) {
        return column_type::string;
    } else if constexpr (std::is_enum_v<M>) {
        return column_type_of<std::underlying_type_t<M>>();
    } else if constexpr (std::same_as<M, bool>) {
        return column_type::boolean;
    } else if constexpr (character<M>) {
        return column_type::character;
    } else if constexpr (std::floating_point<M>) {
        return column_type::floating;
    } else {
        return std::signed_integral<M> ? column_type::integer : column_type::natural;
    }
}

/// The value that stands at `at`. Every byte is read as some value of `M`.
template <fixed_column M>
[[nodiscard]] M load_column(std::byte const* at) noexcept {
    if constexpr (std::is_enum_v<M>) {
        return static_cast<M>(load_column<std::underlying_type_t<M>>(at));
    } else if constexpr (std::same_as<M, bool>) {
        return *at != std::byte{0};
    } else {
        return load_le<M>(at);
    }
}

template <fixed_column M>
void store_column(std::byte* at, M value) noexcept {
    if constexpr (std::is_enum_v<M>) {
        store_column(at, static_cast<std::underlying_type_t<M>>(value));
    } else if constexpr (std::same_as<M, bool>) {
        *at = std::byte{value ? std::uint8_t{1} : std::uint8_t{0}};
    } else {
        store_le(at, value);
    }
}

}  // namespace detail

/// The column that a member of type `M` is.
template <class M>
struct column {
    /// The member's type without std::optional.
    using value = typename detail::optional_of<M>::type;
    static constexpr bool is_nullable = detail::optional_of<M>::is_optional;
    static constexpr bool is_valid = detail::fixed_column<value> || detail::string_column<value>;
    static_assert(is_valid,
                  "a column is a bool, an integer or character of at most 8 bytes, a float or "
                  "double, an enum that is scoped or has a fixed underlying type, a std::string or "
                  "std::string_view, or a std::optional of one of these; and it is not const");

    static constexpr bool is_variable = detail::string_column<value>;
    /// Whether a member decoded from a row refers to the row's bytes.
    static constexpr bool borrows = std::same_as<value, std::string_view>;
    static constexpr column_type type = detail::column_type_of<value>();
    /// Bytes in the fixed part of the row, besides an end offset where it is variable.
    static constexpr std::size_t width = is_variable ? 0 : sizeof(value);

    /// What a value looks like from outside: strings are lent.
    using lent_value = std::conditional_t<is_variable, std::string_view, value>;
    using lent = std::conditional_t<is_nullable, std::optional<lent_value>, lent_value>;
};

/// Whether both are the same bytes with the same meaning.
template <class A, class B>
concept same_column =
    A::type == B::type && A::width == B::width && A::is_nullable == B::is_nullable;

}  // namespace quire::inline QUIRE_ABI
