// SPDX-License-Identifier: BSL-1.0
#pragma once

/// supported: what quire needs of the compiler and the system. Each header includes this first.
///
/// A compiler goes on after #error, and reports a thousand lines that C++17 cannot parse. So the
/// one line that says what to do is followed by an include of a file that does not exist: that
/// stops every compiler.
///
/// Other systems and older compilers are refused because nothing has been tested there.

#if defined(__clang__) && __clang_major__ < 19
#error "quire needs clang 19 or later, or g++ 12 or later: compile with one of these"
#define QUIRE_UNSUPPORTED
#elif !defined(__clang__) && (!defined(__GNUC__) || __GNUC__ < 12)
#error "quire needs g++ 12 or later, or clang 19 or later: compile with one of these"
#define QUIRE_UNSUPPORTED
#elif __cplusplus < 202002L
#error "quire needs C++20: compile with -std=c++20 or later"
#define QUIRE_UNSUPPORTED
#elif !defined(__cpp_exceptions)
#error "quire reports errors by exceptions: compile without -fno-exceptions"
#define QUIRE_UNSUPPORTED
#elif !defined(__linux__) || !defined(__LP64__)
#error "quire runs on 64-bit Linux only: it has not been tested on any other system"
#define QUIRE_UNSUPPORTED
#endif

#ifdef QUIRE_UNSUPPORTED
#include <quire_stops_here_see_the_error_above>
#endif
