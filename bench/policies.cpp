// SPDX-License-Identifier: BSL-1.0

/// policies: how many misses each eviction policy has, relative to the fewest possible.
///
/// Real pools over memory, one thread, over made-up traces (traces.hpp) and several cache sizes, in
/// shares of the pages that the trace uses. The figures are exact and equal on every machine.
///
///     policies                   the table, as Markdown; with --json FILE the figures, too
///     policies --write KIND      the trace of that kind, one page number a line, for policy_trace
///     policies --quick           short traces, to see that it works

#include "arguments.hpp"
#include "belady.hpp"
#include "replay.hpp"
#include "report.hpp"
#include "traces.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <unordered_set>

namespace {

constexpr std::size_t length = 1'000'000;
constexpr std::array shares{0.02, 0.1, 0.3, 0.9};

void print_row(std::string_view name, std::string_view second, std::string_view third) {
    std::printf("| %.*s | %.*s | %.*s |", static_cast<int>(name.size()), name.data(),
                static_cast<int>(second.size()), second.data(), static_cast<int>(third.size()),
                third.data());
}

void table(std::size_t uses, quire_bench::report& to) {
    print_row("trace", "cache", "fewest misses");
    for (auto const& policy : quire_bench::policies) {
        std::printf(" %.*s |", static_cast<int>(policy.name.size()), policy.name.data());
    }
    std::printf("\n|---|---|---|");
    for (std::size_t i = 0; i < quire_bench::policies.size(); ++i) { std::printf("---|"); }
    std::printf("\n");

    std::array<double, quire_bench::policies.size()> logs{};
    int rows = 0;
    for (auto const& kind : quire_bench::trace_maker::kinds()) {
        auto const trace =
            quire_bench::renumbered((quire_bench::trace_maker{uses}.*kind.make)());
        auto const pages =
            std::unordered_set<std::uint64_t>{trace.begin(), trace.end()}.size();
        for (double const share : shares) {
            auto const frames = static_cast<std::size_t>(static_cast<double>(pages) * share);
            auto const fewest = static_cast<double>(quire_bench::fewest_misses(trace, frames));
            auto const cache = std::to_string(std::lround(share * 100)) + "%";
            print_row(kind.name, cache, std::to_string(std::lround(fewest)));
            for (std::size_t i = 0; i < quire_bench::policies.size(); ++i) {
                double const ratio =
                    static_cast<double>(quire_bench::policies[i].misses(trace, frames)) / fewest;
                logs[i] += std::log(ratio);
                to.add_quietly("policies", std::string{kind.name} + ", " + cache, 1,
                               std::string{quire_bench::policies[i].name}, {ratio},
                               "x fewest misses");
                std::printf(" %.3f |", ratio);
            }
            std::printf("\n");
            std::fflush(stdout);
            ++rows;
        }
    }
    print_row("geometric mean", "", "");
    for (double const log : logs) { std::printf(" %.3f |", std::exp(log / rows)); }
    std::printf("\n");
}

int write(std::string_view name) {
    for (auto const& kind : quire_bench::trace_maker::kinds()) {
        if (kind.name != name) { continue; }
        for (auto const no : (quire_bench::trace_maker{length}.*kind.make)()) {
            std::printf("%llu\n", static_cast<unsigned long long>(no));
        }
        return 0;
    }
    std::fprintf(stderr, "policies: no such trace; there are:");
    for (auto const& kind : quire_bench::trace_maker::kinds()) {
        std::fprintf(stderr, " %.*s", static_cast<int>(kind.name.size()), kind.name.data());
    }
    std::fprintf(stderr, "\n");
    return 2;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc == 3 && std::strcmp(argv[1], "--write") == 0) { return write(argv[2]); }
    quire_bench::arguments const given{"policies", argc, argv};
    quire_bench::report found;
    table(given.quick ? length / 50 : length, found);
    if (!given.json.empty()) { found.write(given.json); }
    return 0;
} catch (std::exception const& e) {
    std::fprintf(stderr, "policies: %s\n", e.what());
    return 1;
}
