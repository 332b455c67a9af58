// SPDX-License-Identifier: BSL-1.0
#pragma once

/// results: the content of bench/run's JSON.
///
/// It has the origin of the run (machine, compiler, date, commit). Each other member that is an
/// object has the results of one program, whatever its name. A member that is missing or of another
/// type is an error that says where; an unknown one is skipped, so that a program may add members
/// later.

#include <boost/describe.hpp>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace quire_report {

/// A system's figures for one workload, over all rounds.
struct line {
    std::string workload;
    std::string set;
    unsigned threads = 0;
    std::string system;
    std::string unit;
    double median = 0;
    double min = 0;
    double max = 0;
    unsigned rounds = 0;
};
BOOST_DESCRIBE_STRUCT(line, (), (workload, set, threads, system, unit, median, min, max, rounds))

struct goal {
    std::string name;
    double measured = 0;
    double target = 0;
    std::string met_by;  ///< "at most" or "at least"
    bool ok = false;
};
BOOST_DESCRIBE_STRUCT(goal, (), (name, measured, target, met_by, ok))

struct origin {
    std::string machine;
    std::string kernel;
    std::string compiler;
    std::string date;
    std::string commit;
    bool quick = false;  ///< shows that everything works; the figures mean little
};
BOOST_DESCRIBE_STRUCT(origin, (), (machine, kernel, compiler, date, commit, quick))

struct program {
    std::string name;
    std::vector<line> lines;
    std::vector<goal> goals;
};

struct results {
    origin of;
    std::vector<program> programs;
};

struct malformed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Errors: malformed, which says where: no JSON, or not that of bench/run.
[[nodiscard]] results parse(std::string const& json);

}  // namespace quire_report
