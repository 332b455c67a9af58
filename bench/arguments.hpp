// SPDX-License-Identifier: BSL-1.0
#pragma once

/// arguments: PROGRAM [--quick] [--json FILE] [--scratch DIRECTORY], as all benchmarks take them,
/// and [--keys N] for those that have one.
///
/// An unknown argument ends the program with the usage and exit status 2; so does a scratch folder
/// that already exists, since it would be removed.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace quire_bench {

struct arguments {
    enum class sized : bool { no, by_keys };

    arguments(std::string const& program, int argc, char const* const* argv,
              sized size = sized::no)
        : scratch{std::filesystem::current_path() / (program + ".scratch")} {
        for (int i = 1; i < argc; ++i) {
            if (std::strcmp(argv[i], "--quick") == 0) {
                quick = true;
            } else if (i + 1 < argc && std::strcmp(argv[i], "--json") == 0) {
                json = argv[++i];
            } else if (i + 1 < argc && std::strcmp(argv[i], "--scratch") == 0) {
                scratch = argv[++i];
            } else if (size == sized::by_keys && i + 1 < argc &&
                       std::strcmp(argv[i], "--keys") == 0 && std::atoll(argv[i + 1]) > 0) {
                keys = static_cast<std::uint64_t>(std::atoll(argv[++i]));
            } else {
                std::fprintf(stderr,
                             "usage: %s [--quick] [--json FILE] [--scratch DIRECTORY]%s\n",
                             program.c_str(), size == sized::by_keys ? " [--keys N]" : "");
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
    std::uint64_t keys = 0;         ///< 0: as many as the benchmark thinks right
};

}  // namespace quire_bench
