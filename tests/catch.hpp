// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catch: Catch2, version 2.13 or 3, under one set of names.
///
/// Tests include this file and never Catch2 itself. They may use what both versions have, and:
///
/// - `Approx`, in the global namespace;
/// - `Catch::Matchers::ContainsSubstring` (in 2.13 it was called Contains);
/// - `return skip("reason");` in place of version 3's SKIP. ctest then reports the test as skipped,
///   unless it failed as well: a failure is never hidden.

#define CATCH_CONFIG_ENABLE_ALL_STRINGMAKERS

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_approx.hpp>
#include <catch2/catch_message.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/catch_tostring.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_predicate.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <catch2/matchers/catch_matchers_vector.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
namespace Catch::Matchers {
inline auto ContainsSubstring(std::string const& part) { return Contains(part); }
}  // namespace Catch::Matchers
#endif

#include <iostream>     // std::cout
#include <string>       // std::string
#include <string_view>  // std::string_view

namespace quire_test {

/// Says that this machine cannot run the test, and why. The caller returns.
inline void skip(std::string_view reason) {
    std::cout << "\nSKIPPED: " << reason << '\n' << std::flush;
}

}  // namespace quire_test

using quire_test::skip;
