// SPDX-License-Identifier: BSL-1.0

/// charts: the results of bench/run as a page and charts.
///
/// Writes into FOLDER a copy of the JSON, report.md, and a chart of each kind that was measured,
/// for light pages and for dark ones. An earlier run's chart for which this run has no figures is
/// removed, as it does not belong to this JSON.
///
/// Usage: charts RESULTS.json FOLDER

#include "bars.hpp"
#include "markdown.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace quire_report;

std::string read(fs::path const& path) {
    std::ifstream in{path, std::ios::binary};
    if (!in || fs::is_directory(path)) { throw std::runtime_error{"cannot read " + path.string()}; }
    return {std::istreambuf_iterator<char>{in}, {}};
}

results parse_of(fs::path const& path, std::string const& text) {
    try {
        return parse(text);
    } catch (malformed const& e) { throw malformed{path.string() + ": " + e.what()}; }
}

void write(fs::path const& path, std::string const& all) {
    std::ofstream out{path, std::ios::binary};
    out << all;
    if (!out.flush()) { throw std::runtime_error{"cannot write " + path.string()}; }
    std::cout << path.string() << '\n';
}

fs::path file_of(fs::path const& folder, chart_kind const& kind, palette const& colours) {
    return folder / (std::string{kind.program} + '-' + colours.name + ".svg");
}

std::vector<chart> charts_of(results const& of) {
    std::vector<chart> all;
    for (auto const& kind : chart_kinds) {
        for (auto const& one : of.programs) {
            if (one.name == kind.program && !one.lines.empty()) {
                all.push_back(chart_of(kind, one));
            }
        }
    }
    return all;
}

void remove_old(fs::path const& folder, std::vector<chart> const& made) {
    for (auto const& kind : chart_kinds) {
        auto const is = [&](chart const& one) { return one.kind.program == kind.program; };
        if (std::any_of(made.begin(), made.end(), is)) { continue; }
        std::cout << "no figures of " << kind.program << ", and so no chart of them\n";
        for (auto const& colours : palettes) { fs::remove(file_of(folder, kind, colours)); }
    }
}

void run(fs::path const& json, fs::path const& folder) {
    auto const text = read(json);
    auto const found = parse_of(json, text);
    auto const charts = charts_of(found);
    fs::create_directories(folder);
    remove_old(folder, charts);
    for (auto const& one : charts) {
        for (auto const& colours : palettes) {
            write(file_of(folder, one.kind, colours), bars::draw(one, found.of, colours));
        }
    }
    write(folder / "report.md", report_of(found, charts));
    write(folder / "results.json", text);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: charts RESULTS.json FOLDER\n";
        return 2;
    }
    try {
        run(argv[1], argv[2]);
        return EXIT_SUCCESS;
    } catch (std::exception const& e) {
        std::cerr << "charts: " << e.what() << '\n';
        return EXIT_FAILURE;
    }
}
