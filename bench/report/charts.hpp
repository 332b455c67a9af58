// SPDX-License-Identifier: BSL-1.0
#pragma once

/// charts: the charts, and which figure is in which chart.
///
///     chart   one program's lines
///     strip   panels side by side, whose bars are of the same systems in the same order
///     panel   one workload, set and count of threads: a bar for each system
///
/// A line whose system is "X, CPU" is no separate system: it is the processor time of X, and is a
/// second bar below that of X.

#include "results.hpp"
#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace quire_report {

enum class role : std::uint8_t { ours, peer, limit };

struct bar {
    std::string system;
    role as = role::peer;
    std::optional<line> whole;      ///< none: not measured here
    std::optional<line> processor;  ///< its share of `whole`
};

struct panel {
    std::string title;
    std::vector<bar> bars;
};

struct strip {
    std::string unit;
    std::vector<panel> panels;
};

/// What can be compared: panels of one unit on a common axis, or the bars of each panel alone.
enum class axis : std::uint8_t { logarithmic, linear, linear_each };

struct chart_kind {
    char const* program;
    char const* title;
    char const* each;    ///< what nanoseconds are of
    char const* ours;    ///< what the highlighted bars are
    char const* others;  ///< and what the other ones
    axis by;
    bool sets_abreast;  ///< panels abreast differ in the set, or else in the count of threads
    bool sorted;        ///< best first, by the first panel of a strip; or else as measured
};

inline constexpr std::array chart_kinds{
    chart_kind{"hit", "Eight bytes of a page that is in memory", "an access", "quire", "peers",
               axis::logarithmic, false, true},
    chart_kind{"miss", "Pages that are not in memory, at random", "a page", "quire", "peers",
               axis::linear, false, true},
    chart_kind{"scan", "A file from its first page to its last", "a page", "quire", "peers",
               axis::linear, false, true},
    chart_kind{"copy", "What it is worth not to copy pages", "a row", "in the frame, direct I/O",
               "other ways", axis::linear_each, true, false},
    chart_kind{"table", "Ordered maps in memory: values of 8 and of 120 bytes", "an operation",
               "quire", "peers", axis::linear_each, true, true},
    chart_kind{"heap", "Rows of 60 bytes in a heap file", "a row", "quire", "an array, plain reads",
               axis::linear_each, true, false},
    chart_kind{"cold", "Values from trees sixteen times as large as memory", "a get", "quire",
               "peers", axis::linear, false, true},
};

struct chart {
    chart_kind kind;
    std::vector<strip> strips;
};

[[nodiscard]] inline bool more_is_better(std::string const& unit) { return unit.ends_with("/s"); }

[[nodiscard]] inline role role_of(std::string const& system) {
    static std::set<std::string> const limits{"bare", "pair", "plain"};
    if (system.starts_with("quire") || system == "views") { return role::ours; }
    bool const limit =
        limits.contains(system) || system.starts_with("fio") || system.find("loop") != system.npos;
    return limit ? role::limit : role::peer;
}

namespace detail {

inline constexpr std::size_t panels_abreast = 2;
inline std::string const processor_suffix = ", CPU";

/// The element of `all` for which `is` holds, made by `fresh` when there is none.
template <class T, class Is, class Fresh>
T& find_or_add(std::vector<T>& all, Is is, Fresh fresh) {
    auto const at = std::find_if(all.begin(), all.end(), is);
    return at != all.end() ? *at : all.emplace_back(fresh());
}

/// "X" of "X, CPU", if there is an X.
inline std::optional<std::string> whole_of(line const& one, std::vector<line> const& all) {
    if (!one.system.ends_with(processor_suffix)) { return {}; }
    auto const name = one.system.substr(0, one.system.size() - processor_suffix.size());
    bool const there = std::any_of(all.begin(), all.end(), [&](line const& other) {
        return other.system == name && other.workload == one.workload && other.set == one.set &&
               other.threads == one.threads && other.unit == one.unit;
    });
    return there ? std::optional{name} : std::nullopt;
}

/// Every panel of a strip gets the bars of all its panels, in one order.
inline void align(strip& of, bool sorted) {
    std::vector<bar> order;
    for (auto const& one : of.panels) {
        for (auto const& it : one.bars) {
            auto const same = [&](bar const& other) { return other.system == it.system; };
            find_or_add(order, same, [&] { return it; });
        }
    }
    if (sorted) {
        bool const more = more_is_better(of.unit);
        std::sort(order.begin(), order.end(), [&](bar const& a, bar const& b) {
            auto const [x, y] = std::pair{a.whole->median, b.whole->median};
            return x != y ? (more ? x > y : x < y) : a.system < b.system;
        });
    }
    for (auto& one : of.panels) {
        auto const had = std::move(one.bars);
        one.bars.clear();
        for (auto const& it : order) {
            auto const at = std::find_if(had.begin(), had.end(),
                                         [&](bar const& b) { return b.system == it.system; });
            one.bars.push_back(at != had.end() ? *at : bar{it.system, it.as, {}, {}});
        }
    }
}

/// The workload is named if it differs from the chart's name.
inline std::string title_of(line const& one, chart_kind const& kind, std::vector<line> const& all) {
    bool const counted =
        std::any_of(all.begin(), all.end(), [](line const& it) { return it.threads != 1; });
    return joined({one.workload == kind.program ? "" : one.workload, one.set,
                   counted ? threads(one.threads) : ""});
}

}  // namespace detail

/// The chart of what `from` has measured.
[[nodiscard]] inline chart chart_of(chart_kind const& kind, program const& from) {
    struct group {
        std::string key;
        strip bars;
    };
    std::vector<group> groups;
    for (auto const& one : from.lines) {
        auto const rest = kind.sets_abreast ? std::to_string(one.threads) : one.set;
        auto const key = one.workload + '\n' + one.unit + '\n' + rest;
        auto& in = detail::find_or_add(
            groups, [&](group const& g) { return g.key == key; },
            [&] { return group{key, {one.unit, {}}}; });
        auto const title = detail::title_of(one, kind, from.lines);
        auto& at = detail::find_or_add(
            in.bars.panels, [&](panel const& p) { return p.title == title; },
            [&] { return panel{title, {}}; });
        auto const whole = detail::whole_of(one, from.lines);
        auto const system = whole.value_or(one.system);
        auto& it = detail::find_or_add(
            at.bars, [&](bar const& b) { return b.system == system; },
            [&] { return bar{system, role_of(system), {}, {}}; });
        (whole ? it.processor : it.whole) = one;
    }
    chart made{kind, {}};
    for (auto& [key, bars] : groups) {
        for (std::size_t i = 0; i < bars.panels.size(); i += detail::panels_abreast) {
            auto const end = std::min(bars.panels.size(), i + detail::panels_abreast);
            strip part{bars.unit, {}};
            for (auto at = i; at < end; ++at) { part.panels.push_back(bars.panels[at]); }
            detail::align(part, kind.sorted);
            made.strips.push_back(std::move(part));
        }
    }
    return made;
}

/// The meaning of the bars' lengths.
[[nodiscard]] inline std::string legend(chart const& of) {
    std::vector<std::string> units;
    for (auto const& one : of.strips) {
        detail::find_or_add(
            units, [&](std::string const& unit) { return unit == one.unit; },
            [&] { return one.unit; });
    }
    std::string all;
    for (auto const& unit : units) {
        auto const each = more_is_better(unit) ? "" : std::string{" "} + of.kind.each;
        all += (all.empty() ? "" : "; ") + unit + each +
               (more_is_better(unit) ? ", longer is better" : ", shorter is better");
    }
    if (of.kind.by == axis::logarithmic) { all += "; the axis is logarithmic"; }
    if (of.kind.by == axis::linear_each) { all += "; each panel has an axis of its own"; }
    return all;
}

/// All figures as text.
[[nodiscard]] inline std::string description(chart const& of) {
    auto all = legend(of) + '.';
    for (auto const& one : of.strips) {
        for (auto const& it : one.panels) {
            std::string figures;
            for (auto const& each : it.bars) {
                if (!each.whole) { continue; }
                figures += (figures.empty() ? " " : ", ") + each.system + ' ' +
                           figure(each.whole->median);
                if (each.processor) { figures += " (CPU " + figure(each.processor->median) + ')'; }
            }
            all += ' ' + it.title + ", " + one.unit + ':' + figures + '.';
        }
    }
    return all;
}

}  // namespace quire_report
