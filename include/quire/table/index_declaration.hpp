// SPDX-License-Identifier: BSL-1.0
#pragma once

/// index_declaration: `unique` and `indexed`, which say by which members of its rows a table
/// (table.hpp) is indexed.
///
///     quire::table<order, quire::unique<&order::id>,
///                         quire::indexed<&order::customer, &order::day>> orders{db, "orders"};
///
/// Several members make one key: first by the first one. The members are of types with a
/// key_codec.

#include <quire/row/codec.hpp>
#include <quire/table/record_id.hpp>

namespace quire::inline QUIRE_ABI {

/// Each key belongs to one row at most.
template <auto... Members>
struct unique;
/// Any number of rows may have the same key.
template <auto... Members>
struct indexed;

namespace detail {

template <auto Member>
struct member_named;
template <class T, class Class, T Class::*Member>
struct member_named<Member> {
    using type = std::remove_cv_t<T>;
    using row = Class;
};

/// The type of a key over members: that of the member, or a tuple.
template <auto... Members>
struct key_over {
    using type = std::tuple<typename member_named<Members>::type...>;
};
template <auto Member>
struct key_over<Member> {
    using type = typename member_named<Member>::type;
};

template <auto... Members>
struct member_list;

/// How rows become entries of an index: the key, and the row's id behind it if the key is not
/// enough to tell rows apart.
template <class Row, bool IsUnique, auto... Members>
struct index_format {
    using key_type = typename key_over<Members...>::type;
    using members = member_list<Members...>;
    static constexpr bool is_unique = IsUnique;
    static_assert(sizeof...(Members) > 0, "an index names members: quire::unique<&order::id>");
    static_assert(described<Row>, "the rows of a table with an index are described structs");
    static_assert(((schema<Row>::template index_of<Members>() != schema<Row>::no_column) && ...),
                  "an index names described members of the table's rows");
    static_assert((tree_key<typename member_named<Members>::type> && ...),
                  "the members of an index have a key_codec (table/key_codec.hpp)");

    /// "id", "customer,day"
    [[nodiscard]] static std::string name() {
        std::string names;
        ((names += (names.empty() ? "" : ",") + name_of<Members>()), ...);
        return names;
    }
    [[nodiscard]] static std::string schema_name() {
        auto const key = key_codec<key_type>::name();
        return IsUnique ? key + ":record" : "(" + key + ",record):nothing";
    }
    static void write(key_writer& to, key_type const& key, record_id id) {
        if constexpr (IsUnique) {
            key_codec<key_type>::write(to, key);
        } else {
            key_codec<std::pair<key_type, record_id>>::write(to, {key, id});
        }
    }
    /// Likewise without the id.
    static void write_key(key_writer& to, key_type const& key) {
        if constexpr (IsUnique) {
            key_codec<key_type>::write(to, key);
        } else {
            to.compound([&] { key_codec<key_type>::write(to, key); });
        }
    }
    [[nodiscard]] static auto lend(std::span<std::byte const> row) {
        return value_codec<Row>::lend(row);
    }
    /// Of a row that is lent.
    template <class Lent>
    static void write_of(key_writer& to, Lent const& row, record_id id) {
        if constexpr (IsUnique && sizeof...(Members) == 1) {
            (write_member<Members>(to, row), ...);
        } else {
            to.compound([&] {
                (write_member<Members>(to, row), ...);
                if constexpr (!IsUnique) { key_codec<record_id>::write(to, id); }
            });
        }
    }
    [[nodiscard]] static key_type key_of(Row const& row) { return {row.*Members...}; }

private:
    template <auto Member>
    [[nodiscard]] static std::string name_of() {
        return schema<Row>::template member<schema<Row>::template index_of<Member>()>::name;
    }
    template <auto Member, class Lent>
    static void write_member(key_writer& to, Lent const& row) {
        using type = typename member_named<Member>::type;
        auto const& value = row.template get<Member>();
        if constexpr (requires { value.unguarded_view(); }) {
            key_codec<type>::write(to, value.unguarded_view());
        } else if constexpr (requires { value.unguarded_span(); }) {
            key_codec<type>::write(to, value.unguarded_span());
        } else {
            key_codec<type>::write(to, value);
        }
    }
};

template <class Row, class Declared>
struct declared_index {
    static_assert(sizeof(Row) == 0,
                  "behind its rows a table names indexes: quire::unique<&order::id>, "
                  "quire::indexed<&order::customer>");
};
template <class Row, auto... Members>
struct declared_index<Row, unique<Members...>> {
    using type = index_format<Row, true, Members...>;
};
template <class Row, auto... Members>
struct declared_index<Row, indexed<Members...>> {
    using type = index_format<Row, false, Members...>;
};

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
