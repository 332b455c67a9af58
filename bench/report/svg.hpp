// SPDX-License-Identifier: BSL-1.0
#pragma once

/// svg: the tools to draw charts: colours, a pen, and an axis.
///
/// A picture needs nothing else: no script, no style sheet, no font except the reader's, and it has
/// its own background. The colours of bars also differ in lightness, for readers who see no
/// difference in hue.

#include "charts.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace quire_report {

struct palette {
    char const* name;
    char const* ground;
    char const* text;
    char const* muted;
    char const* grid;
    std::array<char const*, 3> bars;  ///< by role
};

inline constexpr std::array palettes{
    palette{"light", "#ffffff", "#1f2328", "#59636e", "#d8dee4", {"#0850b8", "#c06a10", "#8b949e"}},
    palette{"dark", "#0d1117", "#e6edf3", "#9aa4af", "#2b323b", {"#79b8ff", "#c9782b", "#636b75"}},
};

class pen {
public:
    /// Of an element; numbers are pixels.
    using attributes = std::map<std::string, std::string>;

    void text(double x, double y, std::string const& what, attributes with = {}) {
        with["x"] = pixels(x);
        with["y"] = pixels(y);
        element("text", with, what);
    }
    void box(double x, double y, double width, double height, attributes with) {
        with["x"] = pixels(x);
        with["y"] = pixels(y);
        with["width"] = pixels(width);
        with["height"] = pixels(height);
        element("rect", with);
    }
    /// Level or upright, in the middle of pixels, so that it is sharp.
    void stroke(double x1, double y1, double x2, double y2, char const* colour, int width = 1) {
        auto const point = [](double x, double y) {
            return pixels(std::floor(x) + 0.5) + ' ' + pixels(std::floor(y) + 0.5);
        };
        element("path", {{"d", 'M' + point(x1, y1) + 'L' + point(x2, y2)},
                         {"stroke", colour},
                         {"stroke-width", std::to_string(width)}});
    }
    void element(std::string const& name, attributes const& with, std::string const& text = "") {
        open(name, with, text.empty() ? "/>\n" : ">");
        if (!text.empty()) { out_ += xml(text) + "</" + name + ">\n"; }
    }
    void open(std::string const& name, attributes const& with, char const* end = ">\n") {
        out_ += '<' + name;
        for (auto const& [attribute, value] : with) {
            out_ += ' ' + attribute + "=\"" + xml(value) + '"';
        }
        out_ += end;
    }
    void close(std::string const& name) { out_ += "</" + name + ">\n"; }

    [[nodiscard]] std::string const& out() const noexcept { return out_; }
    [[nodiscard]] static std::string pixels(double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.1f", value);
        std::string const all{text};
        return all.ends_with(".0") ? all.substr(0, all.size() - 2) : all;
    }

private:
    std::string out_;
};

/// Where a value lies on an axis, and which values are named there.
class scale {
public:
    /// A logarithmic axis begins at the power of ten below `least` and names the powers; any other
    /// begins at zero and names `room` values or fewer.
    scale(bool logarithmic, double least, double most, double room)
        : log_{logarithmic && least > 0} {
        if (log_) {
            from_ = std::floor(std::log10(least));
            to_ = std::max(from_ + 1, std::log10(most));
            for (auto at = from_; at <= to_; ++at) { ticks_.push_back(std::pow(10, at)); }
        } else {
            to_ = most > 0 ? most : 1;
            auto const power = std::pow(10, std::floor(std::log10(to_ / room)));
            auto const rest = to_ / room / power;
            auto const step = power * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10);
            for (int i = 0; i * step <= to_; ++i) { ticks_.push_back(i * step); }
        }
    }
    /// 0 is its beginning and 1 its end; a value outside is less or more.
    [[nodiscard]] double at(double value) const {
        auto const here = !log_ ? value : value > 0 ? std::log10(value) : from_;
        return (here - from_) / (to_ - from_);
    }
    /// The nearest that is on it.
    [[nodiscard]] double within(double value) const { return std::clamp(at(value), 0.0, 1.0); }
    [[nodiscard]] std::vector<double> const& ticks() const noexcept { return ticks_; }

private:
    bool log_;
    double from_ = 0;
    double to_ = 1;
    std::vector<double> ticks_;
};

}  // namespace quire_report
