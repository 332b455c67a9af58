// SPDX-License-Identifier: BSL-1.0
#pragma once

/// rules: the rules of the house that a program can check, over a source tree.
///
/// layer     a room includes only what its line of the layer table names; detail/ is its room's own
/// include   headers include with <>, by full path
/// umbrella  quire.hpp has only includes, and misses no public header that belongs to it
/// boost     Boost only in row/
/// posix     headers of the operating system only where it is spoken to
/// listed    cmake/headers.cmake and the tree name the same headers
/// pragma    a header has #pragma once
/// note      a header's note (///) is the first comment after it, within the first 10 lines
/// length    a header has at most 400 lines
/// columns   a line of C++ has at most 100 columns
/// words     no TODO, FIXME, XXX, `using namespace`, <iostream>, NDEBUG in a header
/// spdx      the licence stands on line 1 (2 in a script with #!)
/// readme    a C++ block of README.md or docs/*.md is a region of an example, word for word

#include <cstddef>     // std::size_t
#include <filesystem>  // std::filesystem::path
#include <string>      // std::string
#include <vector>      // std::vector

namespace house {

struct violation {
    std::string path;  // below the root
    std::size_t line;  // from 1
    std::string rule;  // "<name>: <what is wrong>"
};

/// Every violation in the tree, ordered by path and line.
std::vector<violation> check_tree(std::filesystem::path const& root);

/// "path:line: rule"
std::string to_string(violation const& v);

/// Writes small trees below `work_dir`, each with one violation, and checks that exactly this one
/// is found. Prints what went wrong; true when nothing did.
bool self_test(std::filesystem::path const& work_dir);

}  // namespace house
