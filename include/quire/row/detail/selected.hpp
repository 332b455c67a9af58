// SPDX-License-Identifier: BSL-1.0
#pragma once

/// selected: what the `Member` of `row.get<Member>()` names, for any `Member` that a user wrote.
///
/// Overloads of row_view are chosen by it before any static_assert, so it needs an answer even for
/// pointers that name no column: then the overload for fixed columns is chosen, and its
/// static_assert gives the message.

#include <quire/page/tuple_codec.hpp>
#include <quire/row/schema.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// Stands for the argument of a `set` that ends in a static_assert.
struct anything {
    template <class V>
    anything(V const&) noexcept {}
};

/// The column's number in T's schema, or `no_column`.
template <class T, auto Member>
inline constexpr std::size_t index_in = schema<T>::template index_of<Member>();

/// What `Member` is in `T`, if it is a column.
template <class T, auto Member, bool = index_in<T, Member> != schema<T>::no_column>
struct selected {
    using column = typename schema<T>::template column_at<index_in<T, Member>>;
    static constexpr bool exists = true;
    static constexpr bool is_number = std::integral<decltype(Member)>;
    static constexpr bool is_checked = column::is_checked;
    static constexpr bool is_variable = column::is_variable;
    using argument = std::conditional_t<is_variable, anything, typename column::lent>;
};
template <class T, auto Member>
struct selected<T, Member, false> {
    static constexpr bool exists = false;
    static constexpr bool is_number = false;
    static constexpr bool is_checked = false;
    static constexpr bool is_variable = false;
    using argument = anything;
};

}  // namespace quire::inline QUIRE_ABI::detail
