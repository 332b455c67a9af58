// SPDX-License-Identifier: BSL-1.0
#pragma once

/// deadline: the moment at which a wait ends without success.

#include <quire/base/attributes.hpp>
#include <quire/base/duration.hpp>


namespace quire::inline QUIRE_ABI::detail {

using deadline = std::chrono::steady_clock::time_point;

/// `wait` from now, or the end of time when that is earlier.
[[nodiscard]] inline deadline deadline_after(std::chrono::nanoseconds wait) noexcept {
    auto const now = std::chrono::steady_clock::now();
    return wait < deadline::max() - now ? now + wait : deadline::max();
}

/// Zero when `until` has passed.
[[nodiscard]] inline std::chrono::nanoseconds left_until(deadline until) noexcept {
    auto const left = until - std::chrono::steady_clock::now();
    return left > left.zero() ? left : left.zero();
}

[[nodiscard]] inline bool has_passed(deadline until) noexcept {
    return std::chrono::steady_clock::now() >= until;
}

[[nodiscard]] inline std::chrono::nanoseconds shorter(std::chrono::nanoseconds a,
                                                      std::chrono::nanoseconds b) noexcept {
    return a < b ? a : b;
}

}  // namespace quire::inline QUIRE_ABI::detail
