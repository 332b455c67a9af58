// SPDX-License-Identifier: BSL-1.0
#pragma once

/// row_view: a tuple viewed as a row of a described struct, column by column, in place.
///
///     for (auto row : page.rows<user>()) { total += row.get<&user::balance>().value_or(0); }
///
/// A column is decoded only when it is read. A fixed column is one load at a constant offset; a
/// string is a column_text in the page. All columns at once, by structured bindings:
///
///     for (auto const& [id, name, balance] : page->rows<user>()) { ... }
///
/// The bindings name parts of the row itself, not of a tuple that one of its functions returns. So
/// the hidden variable behind the names is the row, and it lives, and is lent, as long as they do.
/// The names are constants: use `set` to write. All columns are loaded and checked at that line.
/// `auto` without `const&` is refused when the row has strings, or would be copied. Clang follows
/// the row behind the names, and reports a change of the page while they live. It does not report a
/// name that leaves its function, as it does for `get`: the address sanitizer does.
///
/// Lifetime: what `get` and `load` lend is valid until the page is next changed, at the latest
/// until its guard ends. Strings and byte strings are loans of their own (column_text.hpp,
/// byte_view.hpp): code that needs one longer copies it, or keeps the slot. Every column may be
/// read from a temporary row, to be used at once: `page.row<user>(slot).get<&user::name>() ==
/// "Ada"`. To keep a string, name the row too. It would be valid without, and a checked build
/// counts it; but clang follows rows, so it would report no change of the page under the string,
/// and therefore reports the string itself.
///
/// A struct with a std::string_view or std::span is loaded by `unguarded_load`: it is an ordinary
/// value, and no compiler follows what its members show for long. A reviewer can search for it.
///
/// Invariants
///   I1. The tuple has at least `schema<T>::fixed_size` bytes: the constructor throws otherwise.
///   I2. An end offset is checked at each use against its neighbour and the tuple's size; any bytes
///       are a row or errc::row_mismatch, never undefined behaviour.
///   I3. A value is checked when it is read (fixed_format.hpp says which can be wrong), unless it
///       is null. Null bits that belong to no column are 0, else the constructor throws.

#include <quire/row/detail/selected.hpp>

namespace quire::inline QUIRE_ABI {

/// Result type of an overload that is refused, as in loan.hpp.
struct bind_columns_by_auto_const_ref;

template <class T, page_byte Byte>
class QUIRE_BORROWER QUIRE_POINTER row_view : immovable {
    using columns = schema<T>;
    template <auto Member>
    using selected = detail::selected<T, Member>;

public:
    /// Errors: errc::row_mismatch when the tuple is too short to be a T, or has null bits of no
    /// column. Like all errors here it names the slot, and the page if `place` does.
    row_view(std::span<Byte> tuple, tuple_place place, borrow const& from = {}) QUIRE_UNSEEN
        : tuple_{tuple},
          place_{place},
          borrow_{from} {
        borrow_.until_change();
        if (tuple.size() < columns::fixed_size) { place.mismatch("row"); }
        if constexpr (columns::unused_null_bits != std::byte{0}) {
            if ((tuple[columns::null_bytes - 1] & columns::unused_null_bits) != std::byte{0}) {
                place.mismatch("null bits");
            }
        }
    }
    /// From a mutable view to a const one, as std::span converts.
    row_view(row_view<T, std::byte> const& other QUIRE_LIFETIMEBOUND) noexcept
        requires(!writable_page<Byte>)
    QUIRE_UNSEEN : tuple_{other.tuple_}, place_{other.place_}, borrow_{other.borrow_} {}
    row_view(row_view const&) QUIRE_REFUSED_TO_MOVE;
    QUIRE_ENDS_LOAN(row_view)
    void operator&() const QUIRE_REFUSED_ADDRESS;

    /// The slot that the caller gave for this row.
    [[nodiscard]] slot_id slot() const noexcept { return place_.slot(); }

    /// A fixed column's value; std::optional of it if the member is one. `Member` is a pointer to
    /// member, or the column's number, which structured bindings use.
    /// Errors: errc::row_mismatch when the bytes are no value of a bool or a described enum.
    template <auto Member>
        requires(!selected<Member>::is_variable)
    [[nodiscard]] auto get() const noexcept(!selected<Member>::is_checked) {
        if constexpr (is_column<Member>()) { return lend<detail::index_in<T, Member>>(); }
    }
    /// A string's column_text, a byte string's byte_view<std::byte const>, in the page; nullable
    /// of it if the member is a std::optional.
    /// Errors: errc::row_mismatch when the end offsets contradict the tuple.
    template <auto Member>
        requires(selected<Member>::is_variable && !selected<Member>::is_number)
    [[nodiscard]] auto get() const QUIRE_LIFETIMEBOUND {
        return lend<detail::index_in<T, Member>>();
    }
    template <auto Member>
        requires(selected<Member>::is_variable && selected<Member>::is_number)
    [[nodiscard]] auto get() const& QUIRE_LIFETIMEBOUND {
        return lend<detail::index_in<T, Member>>();
    }
    template <auto Member>
        requires(selected<Member>::is_variable && selected<Member>::is_number)
    bind_columns_by_auto_const_ref get() const&& QUIRE_REFUSED(
        "columns are bound by `auto const& [...]`, so that the row is kept");

    /// Writes a fixed column in place; std::nullopt makes a nullable one null.
    /// Expects: a described enum is one of its enumerators.
    template <auto Member>
        requires writable_page<Byte>
    void set(typename selected<Member>::argument value) noexcept {
        if constexpr (is_column<Member>()) {
            static_assert(!selected<Member>::is_variable,
                          "set writes columns of fixed width: a string would change the row's "
                          "size, use page.edit<T>(slot, fn)");
            if constexpr (!selected<Member>::is_variable) {
                store<detail::index_in<T, Member>>(value);
            }
        }
    }
    template <auto Member, class Value>
        requires(!writable_page<Byte>)
    the_page_is_shared set(Value const&) const QUIRE_REFUSED_AS_SHARED;

    /// The whole row as a struct that owns its strings: T, or another of the same schema.
    /// Errors: errc::row_mismatch when the end offsets contradict the tuple.
    template <class U = T>
        requires(!schema<U>::borrows)
    [[nodiscard]] U load() const {
        return make<U>();
    }
    template <class U = T>
        requires(schema<U>::borrows)
    load_a_struct_that_owns load() const QUIRE_REFUSED(
        "a struct with a std::string_view or std::span is loaded by unguarded_load<U>(), or "
        "another of the same schema, which owns its strings, by load<V>()");
    /// Likewise into a struct whose std::string_view and std::span members refer to the page.
    /// Lifetime: as that of column_text::unguarded_view.
    template <class U = T>
        requires(schema<U>::borrows)
    [[nodiscard]] U unguarded_load() const& QUIRE_LIFETIMEBOUND {
        borrow_.keep();
        return make<U>();
    }
    template <class U = T>
        requires(schema<U>::borrows)
    name_the_row_first unguarded_load() const&& QUIRE_REFUSED_ON_TEMPORARIES;

private:
    template <class, page_byte>
    friend class row_view;

    template <auto Member>
    [[nodiscard]] static consteval bool is_column() {
        static_assert(selected<Member>::exists,
                      "the pointer names no described member of the row's struct, nor one of a "
                      "base that its description lists");
        return selected<Member>::exists;
    }

    template <std::size_t I>
    [[nodiscard]] bool is_null() const noexcept {
        constexpr std::size_t bit = columns::template place<I>.null_bit;
        return (load_le<std::uint8_t>(tuple_.data() + bit / 8) >> (bit % 8) & 1U) != 0;
    }

    /// The bytes of variable column `I`, checked.
    template <std::size_t I>
    [[nodiscard]] std::span<std::byte const> variable() const {
        constexpr column_place at = columns::template place<I>;
        std::size_t const end = load_le<std::uint16_t>(tuple_.data() + at.offset);
        std::size_t begin = columns::fixed_size;
        if constexpr (at.order > 0) {
            begin = load_le<std::uint16_t>(tuple_.data() + at.offset - 2);
        }
        if (begin < columns::fixed_size || begin > end || end > tuple_.size()) {
            place_.mismatch(columns::template member<I>::name);
        }
        return tuple_.subspan(begin, end - begin);
    }

    /// Column `I` as `Column`, which has the same bytes and perhaps another type.
    template <std::size_t I, class Column = typename columns::template column_at<I>>
    [[nodiscard]] auto lend() const noexcept(!Column::is_checked) -> typename Column::lent {
        using value = typename Column::value;
        borrow_.expect_current();
        if constexpr (Column::is_nullable) {
            if (is_null<I>()) { return std::nullopt; }
        }
        if constexpr (Column::is_variable && Column::is_nullable) {
            return typename Column::lent{std::in_place, variable<I>(), borrow_};
        } else if constexpr (Column::is_variable) {
            return typename Column::lent{variable<I>(), borrow_};
        } else {
            std::byte const* const at = tuple_.data() + columns::template place<I>.offset;
            if constexpr (Column::is_checked) {
                if (!detail::fixed_format<value>::holds(at)) {
                    place_.mismatch(columns::template member<I>::name);
                }
            }
            return detail::fixed_format<value>::load(at);
        }
    }

    template <std::size_t I>
    void store(typename columns::template column_at<I>::lent const& value) const noexcept {
        using column = typename columns::template column_at<I>;
        using format = detail::fixed_format<typename column::value>;
        borrow_.expect_current();
        std::byte* const at = tuple_.data() + columns::template place<I>.offset;
        if constexpr (column::is_nullable) {
            constexpr std::size_t bit = columns::template place<I>.null_bit;
            std::byte const mask{static_cast<std::uint8_t>(1U << (bit % 8))};
            std::byte& nulls = tuple_[bit / 8];
            nulls = value ? nulls & ~mask : nulls | mask;
            if (value) {
                format::store(at, *value);
            } else {
                std::memset(at, 0, format::width);
            }
        } else {
            format::store(at, value);
        }
    }

    /// Assigns the bytes of a variable column to a member: a copy if the member owns.
    template <class V>
    static void assign(V& to, std::span<std::byte const> from) {
        if constexpr (detail::string_column<V>) {
            to = std::string_view{reinterpret_cast<char const*>(from.data()), from.size()};
        } else if constexpr (detail::lent_column<V>) {
            to = from;
        } else {
            to.assign(from.begin(), from.end());
        }
    }

    template <class U>
    [[nodiscard]] U make() const {
        static_assert(same_schema<T, U>,
                      "a row is loaded into a struct of the same schema: columns of the same "
                      "names, types and nullability in the same order");
        static_assert(std::is_default_constructible_v<U>,
                      "a struct loaded from a row is made empty, then its members are assigned");
        borrow_.expect_current();
        U out{};
        if constexpr (same_schema<T, U>) {
            columns::for_each([&](auto i) {
                using column = typename schema<U>::template column_at<i>;
                auto& to = out.*schema<U>::template member<i>::pointer;
                if constexpr (!column::is_variable) {
                    to = lend<i, column>();
                } else if constexpr (!column::is_nullable) {
                    assign(to, variable<i>());
                } else if (!is_null<i>()) {
                    assign(to.emplace(), variable<i>());
                } else {
                    to.reset();
                }
            });
        }
        return out;
    }

    std::span<Byte> tuple_;
    tuple_place place_;
    [[no_unique_address]] borrow borrow_;
};

}  // namespace quire::inline QUIRE_ABI

/// For structured bindings.
template <class T, quire::page_byte Byte>
struct std::tuple_size<quire::row_view<T, Byte>>
    : std::integral_constant<std::size_t, quire::schema<T>::size> {};
template <std::size_t I, class T, quire::page_byte Byte>
struct std::tuple_element<I, quire::row_view<T, Byte>> {
    using type = typename quire::schema<T>::template column_at<I>::lent const;
};
