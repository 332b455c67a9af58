// SPDX-License-Identifier: BSL-1.0
#pragma once

/// arguments: PROGRAM [--quick] [--json FILE] [--scratch DIRECTORY], as all benchmarks take them.
///
/// An unknown argument ends the program with the usage and exit status 2; so does a scratch folder
/// that already exists, since it would be removed.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace quire_bench {

struct arguments {
    arguments(std::string const& program, int argc, char const* const* argv)
        : scratch{std::filesystem::current_path() / (program + ".scratch")} {
        for (int i = 1; i < argc; ++i) {
            if (std::strcmp(argv[i], "--quick") == 0) {
                quick = true;
            } else if (i + 1 < argc && std::strcmp(argv[i], "--json") == 0) {
                json = argv[++i];
            } else if (i + 1 < argc && std::strcmp(argv[i], "--scratch") == 0) {
                scratch = argv[++i];
            } else {
                std::fprintf(stderr,
                             "usage: %s [--quick] [--json FILE] [--scratch DIRECTORY]\n",
                             program.c_str());
                std::exit(2);
            }
        }
        if (std::filesystem::exists(scratch)) {
            std::fprintf(stderr, "%s: %s is there already\n", program.c_str(), scratch.c_str());
            std::exit(2);
        }
    }

    bool quick = false;             ///< a run of a few seconds, which shows only that it works
    std::filesystem::path json;     ///< where the figures are written; empty: nowhere
    std::filesystem::path scratch;  ///< a new folder, removed at the end
};

}  // namespace quire_bench
