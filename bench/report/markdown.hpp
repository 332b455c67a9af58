// SPDX-License-Identifier: BSL-1.0
#pragma once

/// markdown: a run as a page to read: its origin, its charts, its targets, and a table for each
/// workload and unit, with a row for each system and a column for each set and count of threads.
/// Nothing here depends on a workload: a new one gets its table, too.

#include "charts.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace quire_report {

namespace detail {

/// "+ 9 %" of the allowed value, or how far below it.
inline std::string missed_by(goal const& of) {
    if (of.ok) { return ""; }
    auto const off = std::abs(of.measured - of.target);
    auto const sign = of.met_by == "at most" ? "+ " : "- ";
    if (of.target <= 0) { return sign + figure(off); }
    auto const percent = 100 * off / of.target;
    return sign + fixed(percent, percent < 9.95 ? 1 : 0) + " %";
}

inline std::string row(std::vector<std::string> const& cells) {
    std::string all{"|"};
    for (auto const& cell : cells) { all += ' ' + cell + (cell.empty() ? "|" : " |"); }
    return all + '\n';
}

inline std::string heading(std::vector<std::string> const& cells) {
    std::string all = row(cells) + "|---|";
    for (std::size_t i = 1; i < cells.size(); ++i) { all += "---:|"; }
    return all + '\n';
}

template <class T>
void add_new(std::vector<T>& to, T const& one) {
    if (std::find(to.begin(), to.end(), one) == to.end()) { to.push_back(one); }
}

inline std::string column_of(line const& one) { return joined({one.set, threads(one.threads)}); }

/// The lines of one workload and unit.
inline std::string table(std::vector<line> const& of) {
    std::vector<std::string> systems;
    std::vector<std::string> columns;
    std::map<std::pair<std::string, std::string>, std::string> cells;
    for (auto const& one : of) {
        add_new(systems, one.system);
        add_new(columns, column_of(one));
        cells[{one.system, column_of(one)}] = figure(one.median) + "<br><sub>" + figure(one.min) +
                                              " to " + figure(one.max) + "</sub>";
    }
    std::vector<std::string> head{""};
    for (auto const& column : columns) { head.push_back(markdown(column)); }
    auto all = heading(head);
    for (auto const& system : systems) {
        auto const bold = role_of(system) == role::ours ? "**" : "";
        std::vector<std::string> line{bold + markdown(system) + bold};
        for (auto const& column : columns) { line.push_back(cells[{system, column}]); }
        all += row(line);
    }
    return all;
}

inline std::string tables(program const& of) {
    std::vector<std::pair<std::string, std::string>> all;
    for (auto const& one : of.lines) { add_new(all, {one.workload, one.unit}); }
    std::string text = "\n## " + markdown(of.name) + '\n';
    for (auto const& [workload, unit] : all) {
        std::vector<line> lines;
        unsigned rounds = 0;
        for (auto const& one : of.lines) {
            if (one.workload != workload || one.unit != unit) { continue; }
            lines.push_back(one);
            rounds = std::max(rounds, one.rounds);
        }
        text += "\n**" + markdown(workload) + "**, " + markdown(unit) + ", " +
                std::to_string(rounds) + (rounds == 1 ? " round" : " rounds") + "\n\n" +
                table(lines);
    }
    return text;
}

inline std::string targets(results const& of) {
    std::string rows;
    std::size_t met = 0;
    std::size_t all = 0;
    for (auto const& program : of.programs) {
        for (auto const& one : program.goals) {
            rows += row({markdown(one.name), figure(one.measured),
                         one.met_by + ' ' + figure(one.target), one.ok ? "ok" : "**MISS**",
                         missed_by(one)});
            met += one.ok ? 1 : 0;
            ++all;
        }
    }
    if (all == 0) { return ""; }
    return "\n## Targets\n\n" + std::to_string(met) + " of " + std::to_string(all) +
           " are met.\n\n" + heading({"target", "measured", "wanted", "", "missed by"}) + rows;
}

inline std::string picture(chart const& of) {
    std::string const name{of.kind.program};
    return "\n<picture>\n  <source media=\"(prefers-color-scheme: dark)\" srcset=\"" + name +
           "-dark.svg\">\n  <img src=\"" + name + "-light.svg\" alt=\"" + xml(of.kind.title) +
           "; the figures are in the tables below\">\n</picture>\n";
}

}  // namespace detail

/// The page, which shows `charts` as files beside it.
[[nodiscard]] inline std::string report_of(results const& of, std::vector<chart> const& charts) {
    auto const& by = of.of;
    auto page = "# What was measured\n\n- machine: " + markdown(by.machine) + "\n- kernel: Linux " +
                markdown(by.kernel) + "\n- compiler: " + markdown(by.compiler) +
                "\n- date: " + markdown(by.date) + "\n- commit: " + markdown(by.commit) + '\n';
    if (by.quick) {
        page += "\n**A quick run**: it shows that everything works; its figures mean "
                "little.\n";
    }
    page += "\nMedians of the rounds, with the least and the most of them. Made by `bench/run` and "
            "`bench/charts` ([what is measured, and how](../README.md)); the figures as JSON: "
            "[results.json](results.json).\n";
    for (auto const& one : charts) { page += detail::picture(one); }
    page += detail::targets(of);
    for (auto const& one : of.programs) { page += detail::tables(one); }
    return page;
}

}  // namespace quire_report
