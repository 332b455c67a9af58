// SPDX-License-Identifier: BSL-1.0
#pragma once

/// row_view: a tuple looked at as a row of a described struct, column by column, in place.
///
///     for (auto row : page.rows<user>()) { total += row.get<&user::balance>().value_or(0); }
///
/// Nothing is decoded before it is asked for. A fixed column is one load at a constant offset; a
/// string is a std::string_view into the page.
///
/// Lifetime: what `get` and `load` lend ends where the page is next changed, at the latest with its
/// guard. Column values are standard types, because they are what programs pass on; so they are
/// lent from a named row only, and clang reports those that outlive it. Values that borrow nothing
/// may be taken from a temporary: `page.row<user>(slot).get<&user::id>()`.
///
/// Invariants
///   I1. The tuple has at least `schema<T>::fixed_size` bytes: the constructor throws otherwise.
///   I2. An end offset is checked at each use against its neighbour and the tuple's size; any bytes
///       are some row or errc::row_mismatch, never undefined behaviour.

#include <quire/base/byte_view.hpp>
#include <quire/base/error.hpp>
#include <quire/page/line_pointer.hpp>
#include <quire/row/schema.hpp>

namespace quire::inline QUIRE_ABI {

namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void row_mismatch(std::string_view what) {
    throw error{errc::row_mismatch, what};
}

/// Stands for the argument of a `set` that ends in a static_assert.
struct anything {
    template <class V>
    anything(V const&) noexcept {}
};

template <class T, auto Member>
inline constexpr std::size_t index_in = schema<T>::template index_of<Member>();

/// What `Member` is in `T`, as far as it is a column at all.
template <class T, auto Member, bool = index_in<T, Member> != schema<T>::no_column>
struct selected {
    using column = typename schema<T>::template column_at<index_in<T, Member>>;
    static constexpr bool exists = true;
    static constexpr bool is_variable = column::is_variable;
    using argument = std::conditional_t<is_variable, anything, typename column::lent>;
};
template <class T, auto Member>
struct selected<T, Member, false> {
    static constexpr bool exists = false;
    static constexpr bool is_variable = false;
    using argument = anything;
};

}  // namespace detail

template <class T, page_byte Byte>
class QUIRE_BORROWER QUIRE_POINTER row_view : pinned {
    using columns = schema<T>;
    template <auto Member>
    using selected = detail::selected<T, Member>;

public:
    /// Errors: errc::row_mismatch when the tuple is too short to be a T.
    row_view(std::span<Byte> tuple, slot_id slot) QUIRE_UNSEEN : tuple_{tuple}, slot_{slot} {
        if (tuple.size() < columns::fixed_size) { detail::row_mismatch("row"); }
    }
    /// From a mutable view to a const one, as std::span converts.
    row_view(row_view<T, std::byte> const& other) noexcept
        requires std::same_as<Byte, std::byte const>
    QUIRE_UNSEEN : tuple_{other.tuple_},
          slot_{other.slot_} {}

    QUIRE_ENDS_LOAN(row_view)
    using ends_its_loan = void;

    /// The slot by which the row was asked for.
    [[nodiscard]] slot_id slot() const noexcept { return slot_; }

    /// A fixed column's value; std::optional of it where the member is one.
    template <auto Member>
        requires(!selected<Member>::is_variable)
    [[nodiscard]] auto get() const noexcept {
        if constexpr (is_column<Member>()) { return lend<detail::index_in<T, Member>>(); }
    }
    /// A string's std::string_view into the page; std::optional of it where the member is one.
    /// Errors: errc::row_mismatch when the end offsets contradict the tuple.
    template <auto Member>
        requires(selected<Member>::is_variable)
    [[nodiscard]] auto get() const& QUIRE_LIFETIMEBOUND {
        return lend<detail::index_in<T, Member>>();
    }
    template <auto Member>
        requires(selected<Member>::is_variable)
    auto get() const&& = delete;

    /// Writes a fixed column in place; std::nullopt makes a nullable one null.
    template <auto Member>
        requires std::same_as<Byte, std::byte>
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

    /// The whole row as a struct: T, or another of the same schema. Its std::string_view members
    /// refer to the page, and are then taken from a named row only; std::string members own.
    /// Errors: errc::row_mismatch when the end offsets contradict the tuple.
    template <class U = T>
        requires(!schema<U>::borrows)
    [[nodiscard]] U load() const {
        return make<U>();
    }
    template <class U = T>
        requires(schema<U>::borrows)
    [[nodiscard]] U load() const& QUIRE_LIFETIMEBOUND {
        return make<U>();
    }
    template <class U = T>
        requires(schema<U>::borrows)
    U load() const&& = delete;

private:
    template <class, page_byte>
    friend class row_view;

    template <auto Member>
    [[nodiscard]] static consteval bool is_column() {
        static_assert(selected<Member>::exists,
                      "the pointer names no described member of the row's struct");
        return selected<Member>::exists;
    }

    template <std::size_t I>
    [[nodiscard]] bool is_null() const noexcept {
        constexpr std::size_t bit = columns::template place<I>.null_bit;
        return (load_le<std::uint8_t>(tuple_.data() + bit / 8) >> (bit % 8) & 1U) != 0;
    }

    /// The bytes of variable column `I`, checked.
    template <std::size_t I>
    [[nodiscard]] std::string_view string() const {
        constexpr column_place at = columns::template place<I>;
        std::size_t const end = load_le<std::uint16_t>(tuple_.data() + at.offset);
        std::size_t begin = columns::fixed_size;
        if constexpr (at.order > 0) {
            begin = load_le<std::uint16_t>(tuple_.data() + at.offset - 2);
        }
        if (begin < columns::fixed_size || begin > end || end > tuple_.size()) {
            detail::row_mismatch(columns::template member<I>::name);
        }
        return {reinterpret_cast<char const*>(tuple_.data()) + begin, end - begin};
    }

    /// Column `I` as `Column`, which is the same bytes under perhaps another type.
    template <std::size_t I, class Column = typename columns::template column_at<I>>
    [[nodiscard]] auto lend() const noexcept(!Column::is_variable) -> typename Column::lent {
        if constexpr (Column::is_nullable) {
            if (is_null<I>()) { return std::nullopt; }
        }
        if constexpr (Column::is_variable) {
            return string<I>();
        } else {
            return detail::load_column<typename Column::value>(tuple_.data() +
                                                               columns::template place<I>.offset);
        }
    }

    template <std::size_t I>
    void store(typename columns::template column_at<I>::lent value) const noexcept {
        using column = typename columns::template column_at<I>;
        std::byte* const at = tuple_.data() + columns::template place<I>.offset;
        if constexpr (column::is_nullable) {
            constexpr std::size_t bit = columns::template place<I>.null_bit;
            std::byte const mask{static_cast<std::uint8_t>(1U << (bit % 8))};
            std::byte& nulls = tuple_[bit / 8];
            nulls = value ? nulls & ~mask : nulls | mask;
            detail::store_column(at, value.value_or(typename column::value{}));
        } else {
            detail::store_column(at, value);
        }
    }

    template <class U>
    [[nodiscard]] U make() const {
        static_assert(same_schema<T, U>,
                      "a row is loaded into a struct of the same schema: columns of the same "
                      "names, types and nullability in the same order");
        static_assert(std::is_default_constructible_v<U>,
                      "a struct loaded from a row is made empty, then its members are assigned");
        U out{};
        if constexpr (same_schema<T, U>) {
            columns::for_each([&](auto i) {
                using column = typename schema<U>::template column_at<i>;
                auto& to = out.*schema<U>::template member<i>::pointer;
                if constexpr (column::is_nullable && column::is_variable) {
                    auto const lent = lend<i, column>();
                    if (lent) {
                        to.emplace(*lent);
                    } else {
                        to.reset();
                    }
                } else {
                    to = lend<i, column>();
                }
            });
        }
        return out;
    }

    std::span<Byte> tuple_;
    slot_id slot_;
};

}  // namespace quire::inline QUIRE_ABI
