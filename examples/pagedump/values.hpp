// SPDX-License-Identifier: BSL-1.0
#pragma once

/// values: rows, keys and values of a file as text, by their schema (schema.hpp).
///
/// The bytes are any bytes. A row is looked at as quire's own row_view does: what that refuses is
/// a `misfit` here, with the column. (A described enum is a number in the schema's text: whether it
/// is one of its enumerators nobody can tell here.)

#include "item.hpp"
#include "schema.hpp"

#include <quire/table/key_codec.hpp>
#include <quire/table/record_id.hpp>

#include <chrono>
#include <cstdio>

namespace pagedump {

/// Thrown: the bytes are none of the schema.
struct misfit {
    std::string what;
};

/// `fn(N{})` with the type of a number.
template <class Fn>
auto with_number(std::string_view spelled, Fn fn) {
    if (spelled == "i8") { return fn(std::int8_t{}); }
    if (spelled == "i16") { return fn(std::int16_t{}); }
    if (spelled == "i32") { return fn(std::int32_t{}); }
    if (spelled == "i64") { return fn(std::int64_t{}); }
    if (spelled == "u8") { return fn(std::uint8_t{}); }
    if (spelled == "u16") { return fn(std::uint16_t{}); }
    if (spelled == "u32") { return fn(std::uint32_t{}); }
    if (spelled == "u64") { return fn(std::uint64_t{}); }
    if (spelled == "f32") { return fn(float{}); }
    if (spelled == "f64") { return fn(double{}); }
    if (spelled == "c8") { return fn(char{}); }
    if (spelled == "c16") { return fn(char16_t{}); }
    if (spelled == "c32") { return fn(char32_t{}); }
    throw misfit{"no number"};
}
template <class N>
std::string number_text(N value) {
    if constexpr (std::floating_point<N>) {
        char text[40];
        return {text, std::to_chars(text, text + sizeof text, value).ptr};
    } else if constexpr (std::same_as<N, char>) {
        return '\'' + printable({&value, 1}) + "' " +
               std::to_string(static_cast<unsigned char>(value));
    } else if constexpr (std::signed_integral<N>) {
        return std::to_string(static_cast<std::int64_t>(value));
    } else {
        return std::to_string(static_cast<std::uint64_t>(value));
    }
}
/// Of a number's size, and no character.
template <class N>
using wide_of = std::conditional_t<std::is_signed_v<N>, std::int64_t, std::uint64_t>;

inline std::string record_text(quire::record_id id) {
    return std::to_string(id.page.value()) + ':' + std::to_string(id.slot.value());
}

/// A count of numerator/denominator seconds.
inline std::string duration_text(std::string const& count, column const& of) {
    struct unit {
        std::uint64_t numerator, denominator;
        char const* name;
    };
    static constexpr unit units[] = {{1, 1, "s"},     {1, 1'000, "ms"},   {1, 1'000'000, "us"},
                                     {60, 1, "min"},  {3'600, 1, "h"},    {1, 1'000'000'000, "ns"},
                                     {86'400, 1, "d"}};
    for (auto const& one : units) {
        if (of.numerator == one.numerator && of.denominator == one.denominator) {
            return count + ' ' + one.name;
        }
    }
    return count + " x " + std::to_string(of.numerator) + '/' + std::to_string(of.denominator) +
           " s";
}
/// "2026-11-28T10:15:00.250Z"; what is far away, or in another unit, is a count.
inline std::string time_text(std::int64_t count, column const& of) {
    using namespace std::chrono;
    constexpr std::int64_t earliest = -62'000'000'000, latest = 250'000'000'000;  // year 5, 9892
    auto const n = static_cast<std::int64_t>(std::min<std::uint64_t>(of.numerator, 1'000'000));
    auto const d = static_cast<std::int64_t>(std::min<std::uint64_t>(of.denominator, 1 << 30));
    bool const is_usual =
        d == 1 || (n == 1 && (d == 1'000 || d == 1'000'000 || d == 1'000'000'000));
    auto const near = [](std::int64_t value) { return value >= earliest && value <= latest; };
    if (is_usual && n < 1'000'000 && (d > 1 || near(count)) && near(count * n / d)) {
        auto const rest = (count % d + d) % d;
        sys_seconds const at{seconds{d > 1 ? count / d - (count % d < 0) : count * n}};
        auto const day = floor<days>(at);
        year_month_day const date{day};
        hh_mm_ss const clock{at - day};
        char text[80];
        auto const number = [](auto part) { return static_cast<long>(part.count()); };
        std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02ld:%02ld:%02ld",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), number(clock.hours()),
                      number(clock.minutes()), number(clock.seconds()));
        auto const fraction = d > 1 ? '.' + std::to_string(d + rest).substr(1) : std::string{};
        return text + fraction + 'Z';
    }
    return duration_text(std::to_string(count), of) + " since 1970";
}

// ---- rows -----------------------------------------------------------------------------------

/// A value of fixed width. Expects: its bytes are there.
inline std::string fixed_text(column const& of, std::byte const* at) {
    auto const count_text = [&](column const& number) {
        return with_number(number.spelled,
                           [&](auto n) { return number_text(quire::load_le<decltype(n)>(at)); });
    };
    switch (of.type) {
        case form::number: return count_text(of);
        case form::boolean:
            if (*at > std::byte{1}) { throw misfit{"no bool"}; }
            return *at == std::byte{1} ? "true" : "false";
        case form::array: {
            auto const& each = of.parts[0];
            if (each.spelled == "c8") {
                return in_quotes({reinterpret_cast<char const*>(at), of.width});
            }
            constexpr std::uint64_t most = 16;
            std::string all;
            for (std::uint64_t i = 0; i < of.count; ++i) {
                auto const one = fixed_text(each, at + i * each.width);
                if (i < most) { all += (i > 0 ? "," : "") + one; }
            }
            return '[' + all + (of.count > most ? ",..." : "") + ']';
        }
        case form::structure: {
            std::string all;
            for (auto const& part : of.parts) {
                all += (all.empty() ? "" : ",") + part.name + ' ' + fixed_text(part, at);
                at += part.width;
            }
            return '{' + all + '}';
        }
        case form::duration: return duration_text(count_text(of.parts[0]), of);
        case form::time: {
            auto const& count = of.parts[0];
            return with_number(count.spelled, [&](auto n) {
                if constexpr (std::floating_point<decltype(n)>) {
                    return duration_text(count_text(count), of) + " since 1970";
                } else {
                    auto const value = quire::load_le<decltype(n)>(at);
                    if (!std::in_range<std::int64_t>(static_cast<wide_of<decltype(n)>>(value))) {
                        return duration_text(count_text(count), of) + " since 1970";
                    }
                    return time_text(static_cast<std::int64_t>(value), of);
                }
            });
        }
        default: throw misfit{"no value of a row"};
    }
}

/// The bytes of a row's column; nothing: it is null. Errors: misfit.
inline std::optional<bytes_type> column_bytes(row_schema const& of, bytes_type row,
                                              std::size_t number) {
    if (row.size() < of.fixed_size) { throw misfit{"it is too short"}; }
    std::size_t null_bit = 0;
    std::size_t begin = of.fixed_size;
    for (std::size_t i = 0; i < number; ++i) {
        null_bit += of.columns[i].is_nullable;
        if (of.columns[i].is_variable()) {
            begin = quire::load_le<std::uint16_t>(row.data() + of.places[i]);
        }
    }
    auto const& one = of.columns[number];
    auto const nulls = one.is_nullable ? std::to_integer<unsigned>(row[null_bit / 8]) : 0U;
    if ((nulls >> null_bit % 8 & 1U) != 0) { return std::nullopt; }
    auto const* const at = row.data() + of.places[number];
    if (!one.is_variable()) { return bytes_type{at, one.width}; }
    std::size_t const end = quire::load_le<std::uint16_t>(at);
    if (begin < of.fixed_size || begin > end || end > row.size()) { throw misfit{one.name}; }
    return row.subspan(begin, end - begin);
}
/// Adds the columns of a row to `to`. Errors: misfit; then nothing is added.
inline void add_row(item& to, row_schema const& of, bytes_type row) {
    std::vector<item::field> all;
    std::size_t end = of.fixed_size;
    for (std::size_t i = 0; i < of.columns.size(); ++i) {
        auto const& one = of.columns[i];
        auto const bytes = column_bytes(of, row, i);
        if (one.is_variable()) {
            end = quire::load_le<std::uint16_t>(row.data() + of.places[i]);
        }
        try {
            all.emplace_back(one.name, !bytes              ? "null"
                                       : one.is_variable() ? in_quotes(text_of(*bytes))
                                                           : fixed_text(one, bytes->data()));
        } catch (misfit const& why) { throw misfit{one.name + ", " + why.what}; }
    }
    auto const used = of.null_bits % 8;
    auto const last = of.null_bits > 0 ? std::to_integer<unsigned>(row[of.null_bits / 8]) : 0U;
    if (used > 0 && last >> used != 0) { throw misfit{"null bits of no column"}; }
    to.columns = std::move(all);
    if (end < row.size()) { to.add("bytes behind it", row.size() - end); }
}
/// Likewise, or says that it does not fit, and shows its bytes.
inline void add_row_or_bytes(item& to, row_schema const* of, bytes_type row) {
    if (of == nullptr) {
        to.add("content", shown(row));
        return;
    }
    try {
        add_row(to, *of, row);
    } catch (misfit const& why) {
        to.add("DOES NOT FIT the schema", why.what).add("content", shown(row));
    }
}

// ---- trees ----------------------------------------------------------------------------------

/// A key, or a part of one. Errors: quire::error, misfit.
inline std::string key_text(column const& of, quire::key_reader& from) {
    switch (of.type) {
        case form::number:
            return with_number(of.spelled, [&](auto n) {
                return number_text(quire::key_codec<decltype(n)>::read(from));
            });
        case form::boolean: return quire::key_codec<bool>::read(from) ? "true" : "false";
        case form::string:
        case form::bytes: return in_quotes(from.text());
        case form::record: return record_text(quire::key_codec<quire::record_id>::read(from));
        case form::structure:
        case form::tuple:
            return from.compound([&] {
                std::string all;
                for (auto const& part : of.parts) {
                    auto const name = part.name.empty() ? "" : part.name + ' ';
                    all += (all.empty() ? "" : ",") + name + key_text(part, from);
                }
                return of.type == form::tuple ? '(' + all + ')' : '{' + all + '}';
            });
        default: throw misfit{"a key of another codec"};
    }
}
/// As bytes, if it is none of the schema's or only the beginning of one.
inline std::string key_text(tree_schema const* of, bytes_type key) {
    if (of == nullptr) { return shown(key); }
    try {
        quire::key_reader from{key};
        auto const text = key_text(of->key, from);
        from.expect_end();
        return text;
    } catch (misfit const&) {
    } catch (quire::error const&) {}
    return shown(key);
}
inline void add_value(item& to, tree_schema const* of, bytes_type value) {
    auto const type = of == nullptr ? form::other : of->value.type;
    auto const width = of == nullptr ? 0 : type == form::record ? 8 : of->value.width;
    bool const fits = type == form::nothing ? value.empty() : value.size() == width;
    if (of != nullptr && of->row) { return add_row_or_bytes(to, &*of->row, value); }
    if (type == form::number && fits) {
        to.add("value", fixed_text(of->value, value.data()));
    } else if (type == form::record && fits) {
        auto const bits = quire::load_le<std::uint64_t>(value.data());
        to.add("value", record_text(quire::record_id::from_bits(bits)));
    } else if (type == form::string || type == form::bytes) {
        to.add("value", in_quotes(text_of(value)));
    } else if (type != form::nothing || !fits) {
        to.add("value", shown(value));
    }
}

}  // namespace pagedump
