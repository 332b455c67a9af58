// SPDX-License-Identifier: BSL-1.0
#pragma once

/// report: figures of a run as JSON, and as lines to read.
///
///     {"lines":   [{"workload", "set", "threads", "system", "unit",
///                   "median", "min", "max", "rounds"}, ...],
///      "targets": [{"name", "measured", "target", "met_by", "ok"}, ...]}
///
/// Units: "ns" per operation, "pages/s", "bytes"...; `met_by` is "at most" or "at least". In the
/// last lines on stdout, a target that is met is `ok`, and one that is missed is `MISS`.

#include "contest.hpp"

#include <cstdio>
#include <fstream>
#include <vector>

namespace quire_bench {

class report {
public:
    void add(std::string const& workload, std::string const& set, unsigned threads,
             std::string const& system, figures const& values, std::string const& unit = "ns") {
        auto const [least, most] = std::minmax_element(values.begin(), values.end());
        std::printf("%-8s %-12s %u thread%s  %-15s %9.2f %s  (%.2f to %.2f)\n", workload.c_str(),
                    set.c_str(), threads, threads == 1 ? " " : "s", system.c_str(),
                    median(values), unit.c_str(), *least, *most);
        std::fflush(stdout);
        add_quietly(workload, set, threads, system, values, unit);
    }
    /// Adds figures without a line on stdout.
    void add_quietly(std::string const& workload, std::string const& set, unsigned threads,
                     std::string const& system, figures const& values, std::string const& unit) {
        auto const [least, most] = std::minmax_element(values.begin(), values.end());
        lines_.push_back("{\"workload\": \"" + workload + "\", \"set\": \"" + set +
                         "\", \"threads\": " + std::to_string(threads) + ", \"system\": \"" +
                         system + "\", \"unit\": \"" + unit +
                         "\", \"median\": " + number(median(values)) +
                         ", \"min\": " + number(*least) + ", \"max\": " + number(*most) +
                         ", \"rounds\": " + std::to_string(values.size()) + "}");
    }
    /// Met when `measured` is at most `limit`.
    void at_most(std::string const& name, double measured, double limit) {
        targets_.push_back({name, measured, limit, "at most", measured <= limit});
    }
    /// Met when `measured` is at least `limit`.
    void at_least(std::string const& name, double measured, double limit) {
        targets_.push_back({name, measured, limit, "at least", measured >= limit});
    }

    void print_targets() const {
        for (auto const& one : targets_) {
            std::printf("%-48s %6.2f %6.2f %s\n", one.name.c_str(), one.measured, one.limit,
                        one.ok ? "ok" : "MISS");
        }
    }
    void write(std::filesystem::path const& path) const {
        std::ofstream out{path};
        out << "{\n \"lines\": [";
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            out << (i == 0 ? "\n  " : ",\n  ") << lines_[i];
        }
        out << "\n ],\n \"targets\": [";
        for (std::size_t i = 0; i < targets_.size(); ++i) {
            auto const& one = targets_[i];
            out << (i == 0 ? "\n  " : ",\n  ") << "{\"name\": \"" << one.name
                << "\", \"measured\": " << number(one.measured)
                << ", \"target\": " << number(one.limit)
                << ", \"met_by\": \"" << one.met_by
                << "\", \"ok\": " << (one.ok ? "true" : "false") << "}";
        }
        out << "\n ]\n}\n";
        if (!out.flush()) { fail("write " + path.string()); }
    }

private:
    struct target {
        std::string name;
        double measured;
        double limit;
        std::string met_by;
        bool ok;
    };
    [[nodiscard]] static std::string number(double value) {
        char text[32];
        std::snprintf(text, sizeof text, "%.3f", value);
        return text;
    }

    std::vector<std::string> lines_;
    std::vector<target> targets_;
};

}  // namespace quire_bench
