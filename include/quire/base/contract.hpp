// SPDX-License-Identifier: BSL-1.0
#pragma once

/// contract: a broken rule of the caller stops the program with the rule's name.
///
/// What the world refuses is an error (error.hpp); what both sides expect is in the type; what is
/// left is a bug, and a bug must not go on with somebody's data. QUIRE_EXPECTS is on in every
/// build: it is for checks that cost next to nothing. QUIRE_CHECK costs, and exists in checked
/// builds only (-DQUIRE_CHECKED=1); there its condition is evaluated, elsewhere it is not even
/// looked at. Neither is ever turned into an assumption for the optimiser.

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

/// Stops the program with `rule`, a sentence, when `condition` is false. In every build.
#define QUIRE_EXPECTS(condition, rule) \
    ((condition) ? void() : ::quire::detail::contract_violated(rule, __FILE__, __LINE__))

/// The same in checked builds; elsewhere nothing.
#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
#define QUIRE_CHECK(condition, rule) QUIRE_EXPECTS(condition, rule)
#else
#define QUIRE_CHECK(condition, rule) void()
#endif
