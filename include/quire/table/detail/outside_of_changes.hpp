// SPDX-License-Identifier: BSL-1.0
#pragma once

/// outside_of_changes: stands where code that reads pages takes a change, and there is none: each
/// page is then read under a guard of its own, or without its latch.

#include <quire/base/attributes.hpp>

namespace quire::inline QUIRE_ABI::detail {

struct outside_of_changes {};

}  // namespace quire::inline QUIRE_ABI::detail
