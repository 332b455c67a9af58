// SPDX-License-Identifier: BSL-1.0
#pragma once

/// column: how one member of a described struct is stored in a row.
///
///   member                                       in the row         `get` gives
///   of fixed width (fixed_format.hpp):           those bytes        the value
///     bool, numbers, characters, enums, durations and points in time,
///     std::array and described structs of these
///   std::string, std::string_view                variable           column_text
///   std::vector<std::byte>,                      variable           byte_view<std::byte const>
///     std::span<std::byte const>
///   std::optional of one of these                that, and a        std::optional of the value,
///                                                null bit           nullable<column_text>, ...
///
/// Anything else is refused where the struct is first used, with a message that says what to write.
/// A C array is refused because no function can return one. A struct inside is flattened in place
/// and has no null bits and no end offsets of its own, so its members are of fixed width and none
/// is optional; the struct as a whole may be.
///
/// Why one bit for null and not a reserved value: every value of the type stays usable.
///
/// std::string and std::string_view make equal rows; they differ in what a decoded struct owns. So
/// do std::vector<std::byte> and std::span<std::byte const>.

#include <quire/borrow/byte_view.hpp>
#include <quire/row/compound_format.hpp>
#include <quire/row/nullable.hpp>

#include <optional>     // std::optional
#include <span>         // std::span
#include <string>       // std::string
#include <string_view>  // std::string_view
#include <vector>       // std::vector

namespace quire::inline QUIRE_ABI {

/// What a column's bytes mean.
enum class column_type : std::uint8_t {
    boolean,
    character,
    integer,
    natural,
    floating,
    string,
    bytes,
    array,
    structure,
    duration,
    time_point
};

namespace detail {

template <class M>
concept string_column = std::same_as<M, std::string> || std::same_as<M, std::string_view>;
template <class M>
concept bytes_column =
    std::same_as<M, std::vector<std::byte>> || std::same_as<M, std::span<std::byte const>>;
template <class M>
concept variable_column = string_column<M> || bytes_column<M>;
/// A type that refers to a row's bytes.
template <class M>
concept lent_column =
    std::same_as<M, std::string_view> || std::same_as<M, std::span<std::byte const>>;

/// A column's type, and whether it may be null.
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

/// What a row gives for a column of an M.
template <class M, bool IsNullable>
struct lent_as {
    using type = std::conditional_t<IsNullable, std::optional<M>, M>;
};
template <variable_column M, bool IsNullable>
struct lent_as<M, IsNullable> {
    using value =
        std::conditional_t<string_column<M>, column_text, byte_view<std::byte const>>;
    using type = std::conditional_t<IsNullable, nullable<value>, value>;
};

template <class M>
[[nodiscard]] consteval column_type column_type_of() {
    if constexpr (string_column<M>) {
        return column_type::string;
    } else if constexpr (bytes_column<M>) {
        return column_type::bytes;
    } else if constexpr (std::is_enum_v<M>) {
        return column_type_of<std::underlying_type_t<M>>();
    } else if constexpr (std::same_as<M, bool>) {
        return column_type::boolean;
    } else if constexpr (duration_column<M>) {
        return column_type::duration;
    } else if constexpr (time_column<M>) {
        return column_type::time_point;
    } else if constexpr (std::is_class_v<M>) {
        return described<M> ? column_type::structure : column_type::array;
    } else if constexpr (character<M>) {
        return column_type::character;
    } else if constexpr (std::floating_point<M>) {
        return column_type::floating;
    } else {
        return std::signed_integral<M> ? column_type::integer : column_type::natural;
    }
}

/// Why a member cannot be a column: at most one of these.
template <class M, class Value>
struct refusal {
    static constexpr bool is_const = !unqualified<M> || !unqualified<Value>;
    static constexpr bool applies = !is_const && !fixed_column<Value> && !variable_column<Value>;
    static constexpr bool pointer =
        applies && (std::is_pointer_v<Value> || std::is_member_pointer_v<Value>);
    static constexpr bool c_array = applies && std::is_array_v<Value>;
    static constexpr bool loose_enum = applies && std::is_enum_v<Value>;
    static constexpr bool structure = applies && described<Value>;
    /// Arrays, pairs and tuples are not structs that a user could describe.
    static constexpr bool undescribed = applies && !structure && std::is_aggregate_v<Value> &&
                                        std::is_class_v<Value> &&
                                        !requires { std::tuple_size<Value>::value; };
    static constexpr bool other =
        applies && !pointer && !c_array && !loose_enum && !structure && !undescribed;
};

}  // namespace detail

/// The column of a member of type `M`.
template <class M>
struct column {
private:
    using refused = detail::refusal<M, typename detail::optional_of<M>::type>;
    static_assert(!refused::is_const,
                  "a column's member is not const: a struct is made from a row by assigning its "
                  "members, so drop the const");
    static_assert(!refused::pointer,
                  "a pointer is no column, an address means nothing in a file: store the value, or "
                  "the id of what it points to");
    static_assert(!refused::c_array,
                  "a C array is no column, since no function returns one: use std::array");
    static_assert(!refused::loose_enum,
                  "an enum in a row has a fixed underlying type: write `enum class e` or "
                  "`enum e : int`");
    static_assert(!refused::structure,
                  "a struct inside of a row's struct is laid out in place: its members (at least "
                  "one) and its bases are described and of fixed width, none is a string or "
                  "optional, and it is default-constructible");
    static_assert(!refused::undescribed,
                  "describe the struct inside of a row's struct, too, with BOOST_DESCRIBE_STRUCT "
                  "in its own namespace: then it is a column, if its members are of fixed width");
    static_assert(!refused::other,
                  "use a type that a column can have, several columns, or describe the class with "
                  "BOOST_DESCRIBE_CLASS: a column is a bool, an integer or character of at most 8 "
                  "bytes, a float or double, an enum, a std::string or std::string_view, a "
                  "std::vector<std::byte> or std::span<std::byte const>, a std::chrono::duration "
                  "or point of system_clock, a std::array or a described struct of those with a "
                  "fixed width, or a std::optional of one of these");

public:
    static constexpr bool is_valid = !refused::is_const && !refused::applies;
    /// The member's type without std::optional. (After a message: any type, so no more errors.)
    using value = std::conditional_t<is_valid, typename detail::optional_of<M>::type, char>;
    static constexpr bool is_nullable = detail::optional_of<M>::is_optional;
    static constexpr bool is_variable = detail::variable_column<value>;
    /// Whether a member decoded from a row refers to the row's bytes.
    static constexpr bool borrows = detail::lent_column<value>;
    static constexpr column_type type = detail::column_type_of<value>();
    /// Bytes in the fixed part of the row, except a variable column's end offset.
    static constexpr std::size_t width = [] {
        if constexpr (detail::fixed_column<value>) {
            return detail::fixed_format<value>::width;
        } else {
            return std::size_t{0};
        }
    }();
    /// Whether some bytes are no value: reading them is errc::row_mismatch.
    static constexpr bool is_checked = [] {
        if constexpr (detail::fixed_column<value>) {
            return detail::fixed_format<value>::is_checked;
        } else {
            return true;
        }
    }();

    /// The type that `get` gives: strings and bytes are lent.
    using lent = typename detail::lent_as<value, is_nullable>::type;

    /// Writes the type as in schema_text.hpp.
    static constexpr void spell(detail::text_writer& to) noexcept {
        if constexpr (is_variable) {
            to.put(detail::string_column<value> ? "string" : "bytes");
        } else {
            detail::fixed_format<value>::spell(to);
        }
        if (is_nullable) { to.put("?"); }
    }
};

/// Whether both have the same bytes with the same meaning.
template <class A, class B>
concept same_column = detail::text_of<A>::value == detail::text_of<B>::value;

}  // namespace quire::inline QUIRE_ABI
