// SPDX-License-Identifier: BSL-1.0
#pragma once

/// text: figures to read, and text with its special characters escaped for Markdown and SVG.

#include "results.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

namespace quire_report {

/// "1,234,567" of digits, which may have a sign before them and a fraction behind.
[[nodiscard]] inline std::string with_commas(std::string digits) {
    auto const point = std::min(digits.find('.'), digits.size());
    auto const first = static_cast<std::size_t>(digits.starts_with('-') ? 1 : 0);
    for (std::size_t at = point; at > first + 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

[[nodiscard]] inline std::string fixed(double value, int decimals) {
    char text[400];  // the largest double has 309 digits before the point
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    return with_commas(text);
}

/// Three significant digits, or all before the point.
[[nodiscard]] inline std::string figure(double value) {
    auto const size = std::abs(value);
    return fixed(value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/// A value on an axis: as short as possible.
[[nodiscard]] inline std::string tick(double value) {
    if (value == std::floor(value)) { return fixed(value, 0); }
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

[[nodiscard]] inline std::string threads(unsigned count) {
    return std::to_string(count) + (count == 1 ? " thread" : " threads");
}

/// Joined by commas; empty texts are left out.
[[nodiscard]] inline std::string joined(std::initializer_list<std::string> parts) {
    std::string all;
    for (auto const& part : parts) { all += (all.empty() || part.empty() ? "" : ", ") + part; }
    return all;
}

/// `text` with each of `special` replaced by the result of `by`.
template <class Fn>
std::string escaped(std::string_view text, std::string_view special, Fn by) {
    std::string all;
    for (char const c : text) {
        if (special.find(c) == special.npos) {
            all += c;
        } else {
            all += by(c);
        }
    }
    return all;
}

[[nodiscard]] inline std::string xml(std::string_view text) {
    return escaped(text, "&<>\"", [](char c) {
        return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&quot;";
    });
}

/// In a cell of a table, too.
[[nodiscard]] inline std::string markdown(std::string_view text) {
    return escaped(text, "\\`*_|<>[]&\n", [](char c) {
        return c == '\n' ? std::string{" "} : std::string{'\\', c};
    });
}

}  // namespace quire_report
