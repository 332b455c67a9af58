// SPDX-License-Identifier: BSL-1.0
#pragma once

/// schema: where the columns of a described struct are in its rows, computed at compile time.
///
/// Byte map of a row (little-endian, no padding, no alignment)
///
///     null bits       one per nullable column, in order: bit i%8 of byte i/8; 1 is null
///     fixed columns   in the order of description; a null one keeps its bytes, zeroed by encode
///     end offsets     2 bytes per variable column, in order: where it ends, from the row's start
///     variable bytes  one column after the other, no terminators; a null one has none
///
/// Everything up to the first variable byte has an offset that is a constant of the struct, so a
/// fixed column is one load. A row has at most 65535 bytes.
///
/// The columns are what BOOST_DESCRIBE_STRUCT names: bases first, then members, in its order. A
/// member that is not named is not in the row, and is default-initialised when a struct is made
/// from one. So is a whole base that the list of bases leaves out, and quire cannot detect that.
/// A struct inside the struct is one column. The struct's type and names are not in the row either:
/// `schema<T>::text` spells them (schema_text.hpp), `fingerprint` is their hash for a catalogue or
/// a page that keeps rows, and `same_schema` compares them.
///
/// How to describe a struct, and the limits: described.hpp. Keys and limits: row_options.hpp.

#include <quire/row/column.hpp>
#include <quire/row/row_options.hpp>

#include <boost/describe/class.hpp>  // for code that describes a struct
#include <boost/describe/enum.hpp>
#include <boost/mp11/algorithm.hpp>

#include <array>    // std::array
#include <utility>  // std::index_sequence

namespace quire::inline QUIRE_ABI {

/// Where a column is. Units: bytes from the row's start, except `null_bit` and `order`.
struct column_place {
    std::size_t null_bit;  ///< number of the null bit, if it is nullable
    std::size_t offset;    ///< fixed: of its value; variable: of its end offset
    std::size_t order;     ///< variable: how many variable columns are before it
};

template <class T>
struct schema {
    static_assert(described<T>,
                  "describe the struct with BOOST_DESCRIBE_STRUCT, in its own namespace");
    static_assert(!described<T> || detail::is_described_to_its_roots<T>(),
                  "describe the bases too: BOOST_DESCRIBE_STRUCT(base, (), (members)), each in its "
                  "own namespace");

private:
    using members = detail::members_of<T>;

public:
    static constexpr std::size_t size = boost::mp11::mp_size<members>::value;
    static constexpr std::size_t no_column = size;
    static constexpr std::size_t row_size_max = 0xFFFF;

    /// Boost.Describe's descriptor of column `I`: `pointer` and `name`.
    template <std::size_t I>
    using member = boost::mp11::mp_at_c<members, I>;
    template <std::size_t I>
    using column_at = column<detail::member_type<member<I>>>;

    /// Calls `fn(std::integral_constant<std::size_t, I>)` for each column in order.
    template <class Fn>
    static constexpr void for_each(Fn&& fn) {
        [&]<std::size_t... I>(std::index_sequence<I...>) {
            (fn(std::integral_constant<std::size_t, I>{}), ...);
        }(std::make_index_sequence<size>{});
    }

    /// The number of the column that `Member` names, or `no_column`. `Member` is a pointer to
    /// member, or the number itself.
    template <auto Member>
    [[nodiscard]] static consteval std::size_t index_of() {
        std::size_t found = no_column;
        if constexpr (std::integral<decltype(Member)>) {
            constexpr auto number = static_cast<std::size_t>(Member);
            found = number < size ? number : no_column;
        }
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
    [[nodiscard]] static consteval bool has_distinct_names() {
        std::array<std::string_view, size> names{};
        for_each([&](auto i) { names[i] = member<i>::name; });
        for (std::size_t i = 0; i < size; ++i) {
            for (std::size_t k = 0; k < i; ++k) {
                if (names[i] == names[k]) { return false; }
            }
        }
        return true;
    }
    static_assert(has_distinct_names(),
                  "two columns have one name, in a base and in the struct or in two bases: rename "
                  "one");
    static_assert(layout.end <= row_size_max,
                  "a row has at most 65535 bytes, and the columns of fixed width take more");

    [[nodiscard]] static consteval std::size_t key_of_options() {
        if constexpr (detail::has_row_options<T>()) {
            return row_options<T>.key_index();
        } else {
            return no_column;
        }
    }
    [[nodiscard]] static consteval std::size_t limit_of_options(std::size_t i) {
        if constexpr (detail::has_row_options<T>()) {
            return row_options<T>.max_bytes(i, row_size_max);
        } else {
            return i < size ? row_size_max : 0;
        }
    }

public:
    template <std::size_t I>
    static constexpr column_place place = layout.places[I];
    static constexpr std::size_t null_bytes = (layout.null_bits + 7) / 8;
    /// Variable columns.
    static constexpr std::size_t variable = layout.variable;
    /// Where the table of end offsets begins.
    static constexpr std::size_t table = layout.table;
    /// Where variable bytes begin: every row has at least this many bytes.
    static constexpr std::size_t fixed_size = layout.end;
    /// Null bits of the last null byte that belong to no column, and are 0 in every row.
    static constexpr std::byte unused_null_bits{
        static_cast<std::uint8_t>(layout.null_bits % 8 == 0 ? 0 : 0xFF << layout.null_bits % 8)};
    /// Whether a decoded T refers to the row's bytes: it has a std::string_view or std::span.
    static constexpr bool borrows = layout.borrows;

    /// The column named as the key by row_options.hpp, or `no_column`.
    static constexpr std::size_t key_index = key_of_options();
    /// Bytes that variable column `I` takes at most.
    template <std::size_t I>
    static constexpr std::size_t max_bytes = limit_of_options(I);

    /// Names, types and nullability of the columns: "id:i64,name:string,balance:f64?".
    static constexpr std::string_view text = detail::text_of<schema>::value;
    /// A hash of `text`.
    static constexpr std::uint64_t fingerprint = fingerprint_of(text);

    /// Writes `text`.
    static constexpr void spell(detail::text_writer& to) noexcept {
        for_each([&](auto i) {
            if (i > 0) { to.put(","); }
            to.put(member<i>::name);
            to.put(":");
            column_at<i>::spell(to);
        });
    }
};

/// Whether rows of `T` can be read as `U`: columns of the same names, types and nullability in the
/// same order. std::string and std::string_view count as one type here, and so do an enum and its
/// underlying type.
template <class T, class U>
concept same_schema =
    described<T> && described<U> && (std::same_as<T, U> || schema<T>::text == schema<U>::text);

}  // namespace quire::inline QUIRE_ABI
