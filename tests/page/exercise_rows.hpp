// SPDX-License-Identifier: BSL-1.0
#pragma once

/// exercise_rows: structs with every kind of column, and all that a row of them can be asked.
///
/// `read_row` and `change_row` take any bytes as the tuple. What a row answers must hold together:
/// a column asked for in two ways is the same; a struct decoded from it makes a row that decodes to
/// the same bytes; a column that is set reads as what was set, and no other byte has changed.

#include <quire/row/codec.hpp>

#include "page/choices.hpp"

#include <chrono>   // std::chrono::milliseconds
#include <cstring>  // std::memcmp

namespace quire_test {

enum class colour : std::uint8_t { red, green, blue };
BOOST_DESCRIBE_ENUM(colour, red, green, blue)
enum class power : bool { off, on };
BOOST_DESCRIBE_ENUM(power, off, on)
enum class flags : std::uint16_t {};  // or-ed together: any value
enum class gate : bool {};

struct pixel {
    std::int16_t x;
    std::uint32_t y;
    bool lit;
    colour paint;
};
BOOST_DESCRIBE_STRUCT(pixel, (), (x, y, lit, paint))

struct numbered {
    std::uint64_t id;
};
BOOST_DESCRIBE_STRUCT(numbered, (), (id))

/// A column of each kind, and most of them nullable too: nine null bits, so seven that are none.
struct specimen : numbered {
    bool yes;
    char letter;
    char16_t wide;
    std::int8_t small;
    float single;
    double twice;
    colour paint;
    power state;
    flags any;
    gate loose;
    std::array<std::int16_t, 3> three;
    std::array<colour, 2> paints;
    pixel spot;
    std::array<pixel, 2> spots;
    std::chrono::duration<std::int64_t, std::milli> delay;
    std::chrono::time_point<std::chrono::system_clock, std::chrono::duration<std::int64_t>> when;
    std::string text;
    std::vector<std::byte> blob;
    std::optional<std::int32_t> maybe_number;
    std::optional<bool> maybe_yes;
    std::optional<colour> maybe_paint;
    std::optional<pixel> maybe_spot;
    std::optional<std::array<std::uint8_t, 4>> maybe_four;
    std::optional<std::chrono::duration<std::int32_t>> maybe_delay;
    std::optional<std::string> maybe_text;
    std::optional<std::vector<std::byte>> maybe_blob;
    std::optional<double> maybe_twice;
};
BOOST_DESCRIBE_STRUCT(specimen, (numbered),
                      (yes, letter, wide, small, single, twice, paint, state, any, loose, three,
                       paints, spot, spots, delay, when, text, blob, maybe_number, maybe_yes,
                       maybe_paint, maybe_spot, maybe_four, maybe_delay, maybe_text, maybe_blob,
                       maybe_twice))

/// A small row, and the same that borrows.
struct record {
    std::int32_t number;
    std::string text;
    std::optional<std::string> more;
};
BOOST_DESCRIBE_STRUCT(record, (), (number, text, more))
struct lent_record {
    std::int32_t number;
    std::string_view text;
    std::optional<std::string_view> more;
};
BOOST_DESCRIBE_STRUCT(lent_record, (), (number, text, more))

/// The bytes of a string or byte string column, or of a member of that type.
template <class Value>
[[nodiscard]] std::span<std::byte const> bytes_of_column(Value const& value) {
    if constexpr (std::same_as<Value, quire::column_text>) {
        return std::as_bytes(std::span{value.unguarded_view()});
    } else if constexpr (std::same_as<Value, quire::byte_view<std::byte const>>) {
        return value.unguarded_span();
    } else {
        return std::as_bytes(std::span{value});
    }
}

/// The bytes of a column's value.
template <class Column, class Value>
[[nodiscard]] std::uint64_t digest_value(Value const& value) {
    if constexpr (Column::is_nullable) {
        using inner = quire::column<typename Column::value>;
        return value ? digest_value<inner>(*value) + 1 : 0;
    } else if constexpr (Column::is_variable) {
        return digest(bytes_of_column(value));
    } else {
        std::array<std::byte, Column::width> bytes;
        quire::detail::fixed_format<typename Column::value>::store(bytes.data(), value);
        return digest(bytes);
    }
}

/// Whether what a column lends lies in its tuple.
template <class Column, class Value>
[[nodiscard]] bool lies_in(std::span<std::byte const> tuple, Value const& value) {
    if constexpr (!Column::is_variable) {
        return true;
    } else if constexpr (Column::is_nullable) {
        return !value || lies_in<quire::column<typename Column::value>>(tuple, *value);
    } else {
        auto const bytes = bytes_of_column(value);
        return bytes.data() >= tuple.data() &&
               bytes.data() + bytes.size() <= tuple.data() + tuple.size();
    }
}

/// The values of all columns that can be read; the others throw.
template <class T>
void read_columns(auto const& row, std::span<std::byte const> tuple, outcome& out) {
    quire::schema<T>::for_each([&](auto i) {
        out.ask([&] {
            using columns = quire::schema<T>;
            using column = typename columns::template column_at<i>;
            auto const value = row.template get<std::size_t{i}>();
            require(lies_in<column>(tuple, value), "a column lies in its tuple");
            auto const a = digest_value<column>(value);
            auto const b =
                digest_value<column>(row.template get<columns::template member<i>::pointer>());
            require(a == b, "a column's number and its name mean the same");
            return a;
        });
    });
}

template <class T>
[[nodiscard]] std::vector<std::byte> row_of(T const& value) {
    std::vector<std::byte> bytes(quire::tuple_codec<T>::size(value));
    quire::tuple_codec<T>::encode(value, bytes);
    return bytes;
}

/// Reads `tuple` as a row of `T` in all ways.
template <class T>
void read_row(std::span<std::byte const> tuple, outcome& out) {
    quire::slot_id const slot{3};
    out.ask([&] {
        quire::row_view<T, std::byte const> const row{tuple, slot};
        require(row.slot() == slot, "a row keeps the slot it was asked for by");
        require(tuple.size() >= quire::schema<T>::fixed_size, "a row has all its fixed columns");
        read_columns<T>(row, tuple, out);
        return 0;
    });
    out.ask([&] {
        T const value = quire::tuple_codec<T>::decode(tuple, slot);
        auto const bytes = row_of(value);
        require(row_of(quire::tuple_codec<T>::decode(bytes)) == bytes,
                "equal values make equal rows");
        return bytes.size();
    });
}

/// A row of `record`, also by structured bindings and as the struct that borrows.
inline std::uint64_t read_record(auto const& row) {
    auto const& [number, text, more] = row;
    auto const lent = row.template unguarded_load<lent_record>();
    record const owned = row.load();
    require(owned.text == text && lent.text == text && owned.more == more && lent.more == more &&
                owned.number == number && lent.number == number,
            "a row loaded into a struct is what its columns say");
    return digest(bytes_of_column(text)) + more.value_or("").size();
}

/// A value for a fixed column out of some bytes; the zero where they are none.
template <class Column>
[[nodiscard]] typename Column::lent some_value(choices& choose) {
    using format = quire::detail::fixed_format<typename Column::value>;
    std::array<std::byte, Column::width> bytes{};
    std::size_t const how = choose.below(4);
    if constexpr (Column::is_nullable) {
        if (how == 0) { return std::nullopt; }
    }
    for (auto& b : bytes) {
        b = static_cast<std::byte>(how == 1 ? choose.below(256) : choose.below(3));
    }
    if (!format::holds(bytes.data())) { bytes = {}; }
    return format::load(bytes.data());
}

/// Sets one column of a row and sees that it is this column alone.
template <class T, std::size_t I>
void set_column(quire::row_view<T, std::byte>& row, std::span<std::byte const> tuple,
                choices& choose) {
    using columns = quire::schema<T>;
    using column = typename columns::template column_at<I>;
    if constexpr (!column::is_variable) {
        constexpr auto place = columns::template place<I>;
        std::vector<std::byte> expected{tuple.begin(), tuple.end()};
        auto const value = some_value<column>(choose);
        row.template set<I>(value);
        require(digest_value<column>(row.template get<I>()) == digest_value<column>(value),
                "a column reads as what was set");
        std::memcpy(expected.data() + place.offset, tuple.data() + place.offset, column::width);
        if constexpr (column::is_nullable) {
            auto const bit = std::byte{1} << (place.null_bit % 8);
            auto& nulls = expected[place.null_bit / 8];
            nulls = (nulls & ~bit) | (tuple[place.null_bit / 8] & bit);
        }
        require(std::memcmp(expected.data(), tuple.data(), tuple.size()) == 0,
                "a column that is set changes no other");
    }
}

/// Sets some columns of the row in `tuple`.
template <class T>
void change_row(std::span<std::byte> tuple, choices& choose, outcome& out) {
    out.ask([&] {
        quire::row_view<T, std::byte> row{tuple, quire::slot_id{0}};
        quire::row_view<T, std::byte const> const shared{row};
        std::size_t const every = choose.between(1, 8);
        quire::schema<T>::for_each([&](auto i) {
            if ((i + every) % every == 0) { set_column<T, i>(row, tuple, choose); }
        });
        read_columns<T>(shared, tuple, out);
        return shared.slot().value();
    });
}

[[nodiscard]] inline record some_record(choices& choose, std::size_t letters) {
    record value{static_cast<std::int32_t>(choose.below(65536)), choose.text(choose.below(letters)),
                 std::nullopt};
    if (choose.chance(1, 2)) { value.more = choose.text(choose.below(letters)); }
    return value;
}

[[nodiscard]] inline specimen some_specimen(choices& choose, std::size_t letters) {
    specimen value{};
    quire::schema<specimen>::for_each([&](auto i) {
        using column = typename quire::schema<specimen>::template column_at<i>;
        auto& to = value.*quire::schema<specimen>::template member<i>::pointer;
        if constexpr (!column::is_variable) { to = some_value<column>(choose); }
    });
    value.text = choose.text(choose.below(letters));
    value.blob.resize(choose.below(letters), std::byte{0xB1});
    if (choose.chance(1, 2)) { value.maybe_text = choose.text(choose.below(letters)); }
    if (choose.chance(1, 2)) { value.maybe_blob.emplace(choose.below(letters)); }
    return value;
}

}  // namespace quire_test
