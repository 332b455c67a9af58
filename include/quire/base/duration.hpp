// SPDX-License-Identifier: BSL-1.0
#pragma once

/// duration: std::chrono's durations and its steady clock, without its calendars.
///
/// <chrono> takes half as long to compile as all that quire needs of the standard library, for
/// dates and time zones. Both libraries that quire is tested with have what it needs in <mutex>,
/// whose locks take durations.

#include <quire/base/detail/supported.hpp>

#include <version>

#if defined(__GLIBCXX__) || defined(_LIBCPP_VERSION)
#include <mutex>  // std::chrono::nanoseconds, std::chrono::steady_clock
#else
#include <chrono>  // std::chrono::nanoseconds, std::chrono::steady_clock
#endif
