// SPDX-License-Identifier: BSL-1.0
#pragma once

/// row_options: what a program declares about a struct's columns beyond their types.
///
///     template <>
///     inline constexpr auto quire::row_options<user> = quire::options_of<user>(
///         quire::key<&user::id>, quire::max_bytes<&user::name, 64>);
///
/// Write it after the description and before the first use of the struct in a row, outside of the
/// struct's namespace. It takes pointers to members, not names: the compiler checks that they
/// exist.
///
///   key<&T::m>           column m identifies a row, `schema<T>::key_index`; it is not optional.
///                        For code that builds an index: quire keeps none, and does not refuse two
///                        rows with one key
///   max_bytes<&T::m, N>  a string or byte string has N bytes at most. A longer one is refused:
///                        errc::tuple_too_large with the column's name. Reading does not check it,
///                        so a limit may be lowered later
///
/// Options are part neither of the row's bytes nor of its fingerprint.
///
/// Why a variable and not marks in the struct: a described struct stays as it was, and a struct of
/// another library may have options too.

#include <quire/row/described.hpp>

namespace quire::inline QUIRE_ABI {

template <class T>
struct schema;

/// The options of T; none if it is not specialised.
template <class T>
inline constexpr auto row_options = nullptr;

namespace detail {

template <auto Member>
struct key_option {
    static constexpr auto member = Member;
    static constexpr bool is_key = true;
    static constexpr std::size_t bytes = 0;
};
template <auto Member, std::size_t Bytes>
struct max_bytes_option {
    static constexpr auto member = Member;
    static constexpr bool is_key = false;
    static constexpr std::size_t bytes = Bytes;
};

template <class T, class Option>
inline constexpr std::size_t column_of_option = schema<T>::template index_of<Option::member>();

template <class T, class... Option>
struct row_option_list {
    [[nodiscard]] static consteval std::size_t key_index() {
        std::size_t found = schema<T>::no_column;
        ((found = Option::is_key ? column_of_option<T, Option> : found), ...);
        return found;
    }
    /// The limit of column `i`; `otherwise` when it has none.
    [[nodiscard]] static consteval std::size_t max_bytes([[maybe_unused]] std::size_t i,
                                                         std::size_t otherwise) {
        std::size_t found = otherwise;
        ((found = !Option::is_key && column_of_option<T, Option> == i ? Option::bytes : found),
         ...);
        return found;
    }
    /// How many options of the kind of `Other` name its column.
    template <class Other>
    [[nodiscard]] static consteval std::size_t as_often() {
        return (std::size_t{Option::is_key == Other::is_key &&
                            column_of_option<T, Option> == column_of_option<T, Other>} +
                ...);
    }
};

/// The T of an option list; void for anything else.
template <class Options>
struct row_of_options {
    using type = void;
};
template <class T, class... Option>
struct row_of_options<row_option_list<T, Option...>> {
    using type = T;
};

/// Whether T has options, and whether they are of T.
template <class T, class Options = std::remove_cv_t<decltype(row_options<T>)>>
[[nodiscard]] consteval bool has_row_options() {
    using row = typename row_of_options<Options>::type;
    constexpr bool none = std::is_null_pointer_v<Options>;
    static_assert(none || !std::is_void_v<row>,
                  "row_options<T> is initialised with quire::options_of<T>(...), around the keys "
                  "and limits");
    static_assert(none || std::is_void_v<row> || std::same_as<row, T>,
                  "row_options<T> is initialised with options_of<T>, the same T");
    return std::same_as<row, T>;
}

template <class T, class Option>
[[nodiscard]] consteval bool option_fits() {
    constexpr std::size_t i = column_of_option<T, Option>;
    static_assert(i != schema<T>::no_column,
                  "the pointer in a row option names no described member of the struct, nor one of "
                  "a base that its description lists");
    if constexpr (i != schema<T>::no_column) {
        using column = typename schema<T>::template column_at<i>;
        static_assert(!Option::is_key || !column::is_nullable,
                      "a key is not optional: a row without one could not be found");
        static_assert(Option::is_key || column::is_variable,
                      "max_bytes limits a string or byte string: a column of fixed width has its "
                      "width already");
        static_assert(Option::is_key ||
                          (Option::bytes > 0 && Option::bytes <= schema<T>::row_size_max),
                      "max_bytes is at least 1, and at most 65535, as a row has no more");
    }
    return true;
}

}  // namespace detail

/// The column that identifies a row. Only code that builds an index reads it.
template <auto Member>
inline constexpr detail::key_option<Member> key{};
/// At most `Bytes` bytes of a string or byte string.
template <auto Member, std::size_t Bytes>
inline constexpr detail::max_bytes_option<Member, Bytes> max_bytes{};

/// What `row_options<T>` is initialised with.
template <class T, class... Option>
[[nodiscard]] consteval auto options_of(Option...) {
    using options = detail::row_option_list<T, Option...>;
    static_assert((detail::option_fits<T, Option>() && ...));
    static_assert((std::size_t{Option::is_key} + ... + 0) <= 1,
                  "a struct has one key: name one column, or make it a struct of several");
    static_assert(((Option::is_key || options::template as_often<Option>() == 1) && ...),
                  "a column has one max_bytes");
    return options{};
}

}  // namespace quire::inline QUIRE_ABI
