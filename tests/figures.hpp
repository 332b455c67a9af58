// SPDX-License-Identifier: BSL-1.0
#pragma once

/// figures: how much a test does, and the count of what it did.
///
/// Some tests have a long form, for which `tests/long` sets QUIRE_LONG in the environment. They ask
/// `amount(usual, in_the_long_form)` how much to do, and end with a `figure`: the command adds up
/// the figures of one name and compares them with what tests/README.md says is to be reached.
///
/// Threads: any, but a figure is one line on the standard output: best from the test's own.

#include <cstdint>      // std::uint64_t
#include <cstdlib>      // std::getenv
#include <iostream>     // std::cout
#include <string_view>  // std::string_view

namespace quire_test {

[[nodiscard]] inline bool long_form() {
    char const* const text = std::getenv("QUIRE_LONG");
    return text != nullptr && *text != '\0';
}

[[nodiscard]] inline std::uint64_t amount(std::uint64_t usual, std::uint64_t in_the_long_form) {
    return long_form() ? in_the_long_form : usual;
}

inline void figure(std::string_view name, std::uint64_t count) {
    std::cout << "\nFIGURE " << name << ": " << count << '\n' << std::flush;
}

}  // namespace quire_test
