// SPDX-License-Identifier: BSL-1.0
#pragma once

/// item: what examples/pagedump.cpp shows: a line of named values, and the lines below it.
///
/// It is printed for people, or as JSON. What stands in a file is any bytes: each byte that is no
/// part of a printable UTF-8 character is shown as a dot, so nothing that a page has reaches the
/// terminal as a command.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pagedump {

using bytes_type = std::span<std::byte const>;

/// How many bytes the first character of `text` takes; 0: it is none that is printed.
inline std::size_t printed_size(std::string_view text) {
    auto const byte = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    auto const first = byte(0);
    if (first < 0x80) { return first >= ' ' && first <= '~' ? 1 : 0; }
    std::size_t const size = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size == 0 || first > 0xF4) { return 0; }
    auto code = first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) { return 0; }
        code = code << 6 | (byte(i) & 0x3FU);
    }
    constexpr unsigned smallest[] = {0xA0, 0x800, 0x10000};  // below: controls, or too long a form
    bool const is_character = code >= smallest[size - 2] && code <= 0x10FFFF &&
                              (code < 0xD800 || code > 0xDFFF);
    bool const has_no_shape = (code >= 0x200B && code <= 0x200F) ||
                              (code >= 0x2028 && code <= 0x202E) ||
                              (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
    return is_character && !has_no_shape ? size : 0;
}
inline std::string printable(std::string_view text) {
    std::string all;
    while (!text.empty()) {
        auto const size = printed_size(text);
        all += size > 0 ? text.substr(0, size) : std::string_view{"."};
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return all;
}
inline std::string_view text_of(bytes_type bytes) {
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}
/// In quotation marks; of a long one the beginning.
inline std::string in_quotes(std::string_view text) {
    constexpr std::size_t most = 60;
    auto const end = text.size() > most ? "...\"" : "\"";
    return '"' + printable(text.substr(0, most)) + end;
}
/// "Ada..b" and the length.
inline std::string shown(bytes_type bytes) {
    return in_quotes(text_of(bytes)) + ' ' + std::to_string(bytes.size());
}
inline std::string counted(std::uint64_t count, std::string const& what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

struct item {
    using field = std::pair<std::string, std::string>;

    std::string name;
    std::vector<field> fields{};
    std::vector<field> columns{};  ///< of a row
    std::vector<item> below{};

    template <class T>
    item& add(std::string key, T const& value) {
        if constexpr (std::is_arithmetic_v<T>) {
            fields.emplace_back(std::move(key), std::to_string(value));
        } else {
            fields.emplace_back(std::move(key), std::string{value});
        }
        return *this;
    }
    [[nodiscard]] bool has(std::string_view key) const {
        return std::any_of(fields.begin(), fields.end(),
                           [&](field const& one) { return one.first == key; });
    }
    void print(std::ostream& out, std::size_t depth = 0) const {
        out << std::string(2 * depth, ' ') << printable(name);
        for (auto const& list : {std::cref(fields), std::cref(columns)}) {
            for (auto const& [key, value] : list.get()) {
                out << "  " << printable(key) << ' ' << printable(value);
            }
        }
        out << '\n';
        for (auto const& one : below) { one.print(out, depth + 1); }
    }
    void print_json(std::ostream& out) const {
        out << "{\"name\":" << json(name);
        print_json(out, fields, ",");
        if (!columns.empty()) {
            out << ",\"columns\":{";
            print_json(out, columns, "");
            out << '}';
        }
        if (!below.empty()) {
            out << ",\"items\":[";
            for (std::size_t i = 0; i < below.size(); ++i) {
                if (i > 0) { out << ','; }
                below[i].print_json(out);
            }
            out << ']';
        }
        out << '}';
    }

private:
    static void print_json(std::ostream& out, std::vector<field> const& all, char const* before) {
        for (auto const& [key, value] : all) {
            out << std::exchange(before, ",") << json(key) << ':' << json(value);
        }
    }
    static std::string json(std::string const& text) {
        std::string all{'"'};
        for (char const c : printable(text)) {
            if (c == '"' || c == '\\') { all += '\\'; }
            all += c;
        }
        return all + '"';
    }
};

}  // namespace pagedump
