// SPDX-License-Identifier: BSL-1.0
#pragma once

/// schema: where the columns of a described struct lie in its rows, worked out at compile time.
///
/// Byte map of a row (little-endian, no padding, no alignment)
///
///     null bits       one per nullable column, in order: bit i%8 of byte i/8; 1 is null
///     fixed columns   in the order of description; a null one keeps its bytes, zeroed by encode
///     end offsets     2 bytes per variable column, in order: where it ends, from the row's start
///     variable bytes  one column behind the other, no terminators; a null one has none
///
/// Everything up to the first variable byte has an offset that is a constant of the struct, so a
/// fixed column is one load. A row has at most 65535 bytes.
///
/// The columns are what BOOST_DESCRIBE_STRUCT names: bases first, then members, in its order. What
/// is not named there is not in the row, and is default-initialised when a struct is made from one.
/// The struct's type and names are not in the row either: `same_schema` compares structs, and a
/// program reads what it wrote.
///
/// Limits of Boost.Describe: at most 52 members; the description must stand in the struct's own
/// namespace, else it is not found, and the sentence says so.

#include <quire/row/column.hpp>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include <array>    // std::array
#include <utility>  // std::index_sequence

namespace quire::inline QUIRE_ABI {

/// A struct that Boost.Describe knows: BOOST_DESCRIBE_STRUCT(T, (bases), (members)).
template <class T>
concept described = std::is_class_v<T> && boost::describe::has_describe_members<T>::value;

/// Where a column lies. Units: bytes from the row's start, but for `null_bit` and `order`.
struct column_place {
    std::size_t null_bit;  ///< number of the null bit, if it is nullable
    std::size_t offset;    ///< fixed: of its value; variable: of its end offset
    std::size_t order;     ///< variable: how many variable columns come before it
};

template <class T>
struct schema {
    static_assert(described<T>,
                  "describe the struct with BOOST_DESCRIBE_STRUCT, in its own namespace");

private:
    using members = boost::describe::describe_members<T, boost::describe::mod_any_access |
                                                             boost::describe::mod_inherited>;
    template <class D>
    using column_of = column<std::remove_reference_t<decltype(std::declval<T&>().*D::pointer)>>;

public:
    static constexpr std::size_t size = boost::mp11::mp_size<members>::value;
    static constexpr std::size_t no_column = size;
    static constexpr std::size_t row_size_max = 0xFFFF;

    /// Boost.Describe's descriptor of column `I`: `pointer` and `name`.
    template <std::size_t I>
    using member = boost::mp11::mp_at_c<members, I>;
    template <std::size_t I>
    using column_at = column_of<member<I>>;

    /// Calls `fn(std::integral_constant<std::size_t, I>)` for each column in order.
    template <class Fn>
    static constexpr void for_each(Fn&& fn) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (fn(std::integral_constant<std::size_t, I>{}), ...);
        }(std::make_index_sequence<size>{});
    }

    /// The number of the column that `Member`, a pointer to member, names, or `no_column`.
    template <auto Member>
    [[nodiscard]] static consteval std::size_t index_of() {
        std::size_t found = no_column;
        for_each([&](auto i) {
            if constexpr (std::same_as<decltype(member<i>::pointer), decltype(Member) const>) {
                if (member<i>::pointer == Member) { found = i; }
            }
        });
        return found;
    }

private:
    struct map {
        std::array<column_place, size> places{};
        std::size_t null_bits = 0;
        std::size_t variable = 0;
        std::size_t table = 0;
        std::size_t end = 0;
        bool borrows = false;
    };
    [[nodiscard]] static consteval map make_map() {
        map m;
        for_each([&](auto i) { m.null_bits += column_at<i>::is_nullable ? 1 : 0; });
        m.end = (m.null_bits + 7) / 8;
        std::size_t null_bit = 0;
        for_each([&](auto i) {
            m.places[i] = {.null_bit = null_bit, .offset = m.end, .order = m.variable};
            null_bit += column_at<i>::is_nullable ? 1 : 0;
            m.variable += column_at<i>::is_variable ? 1 : 0;
            m.end += column_at<i>::width;
            m.borrows = m.borrows || column_at<i>::borrows;
        });
        m.table = m.end;
        m.end += 2 * m.variable;
        for_each([&](auto i) {
            if (column_at<i>::is_variable) { m.places[i].offset = m.table + 2 * m.places[i].order; }
        });
        return m;
    }
    static constexpr map layout = make_map();

public:
    template <std::size_t I>
    static constexpr column_place place = layout.places[I];
    static constexpr std::size_t null_bytes = (layout.null_bits + 7) / 8;
    /// Variable columns.
    static constexpr std::size_t variable = layout.variable;
    /// Where the table of end offsets begins.
    static constexpr std::size_t table = layout.table;
    /// Where variable bytes begin: every row has at least so many bytes.
    static constexpr std::size_t fixed_size = layout.end;
    /// Whether a decoded T refers to the row's bytes: it has a std::string_view.
    static constexpr bool borrows = layout.borrows;
};

namespace detail {

template <class T, class U>
[[nodiscard]] consteval bool have_same_columns() {
    using a = schema<T>;
    using b = schema<U>;
    if constexpr (a::size != b::size) {
        return false;
    } else {
        bool same = true;
        a::for_each([&](auto i) {
            same =
                same &&
                same_column<typename a::template column_at<i>, typename b::template column_at<i>> &&
                std::string_view{a::template member<i>::name} == b::template member<i>::name;
        });
        return same;
    }
}

}  // namespace detail

/// Whether rows of `T` can be read as `U`: columns of the same names, meanings, widths and
/// nullability in the same order. std::string and std::string_view are the same here, and so are
/// an enum and its underlying type.
template <class T, class U>
concept same_schema = described<T> && described<U> && detail::have_same_columns<T, U>();

}  // namespace quire::inline QUIRE_ABI
