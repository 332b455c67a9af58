// SPDX-License-Identifier: BSL-1.0
#pragma once

/// uring: uring_backend where liburing is there, for tests that are typed over backends.
///
///     TEMPLATE_TEST_CASE("...", "", quire::memory_backend QUIRE_TEST_AND_URING) { ... }

#if __has_include(<liburing.h>)
#include <quire/io/uring_backend.hpp>
#define QUIRE_TEST_HAS_URING 1
#define QUIRE_TEST_AND_URING , quire::uring_backend
#else
#define QUIRE_TEST_HAS_URING 0
#define QUIRE_TEST_AND_URING
#endif
