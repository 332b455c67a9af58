// SPDX-License-Identifier: BSL-1.0
#pragma once

/// contract: when the caller breaks a rule, the program prints the rule and stops.
///
/// A failure of the device, the system or the data is an error (error.hpp). An outcome that callers
/// expect is in the return type. What is left is a bug of the caller, and a program with a bug must
/// not go on changing data. QUIRE_EXPECTS is on in every build: it is for checks that cost almost
/// nothing. QUIRE_CHECK is for checks that cost more. It exists in checked builds only
/// (-DQUIRE_CHECKED=1); in other builds its condition is not evaluated, not even compiled. Neither
/// is ever turned into an assumption for the optimiser.

#include <quire/base/attributes.hpp>

#include <cstdio>   // std::fprintf
#include <cstdlib>  // std::abort

namespace quire::inline QUIRE_ABI {

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
inline constexpr bool checked_build = true;
#else
inline constexpr bool checked_build = false;
#endif

namespace detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void contract_violated(char const* rule,
                                                                    char const* file,
                                                                    int line) noexcept {
    std::fprintf(stderr, "quire: contract violation: %s (%s:%d)\n", rule, file, line);
    std::abort();
}

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI

/// Prints `rule`, a message, and stops the program when `condition` is false. In every build.
#define QUIRE_EXPECTS(condition, rule) \
    ((condition) ? void() : ::quire::detail::contract_violated(rule, __FILE__, __LINE__))

/// In checked builds, does what QUIRE_EXPECTS does. In other builds, nothing.
#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
#define QUIRE_CHECK(condition, rule) QUIRE_EXPECTS(condition, rule)
#else
#define QUIRE_CHECK(condition, rule) void()
#endif
