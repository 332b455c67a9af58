// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fetch_line: asks for a line of memory that will be needed, and waits for nothing.
///
/// __builtin_prefetch by itself is not enough: g++ 12 takes a function that does nothing else for
/// one without effect, and leaves out the calls that it has not inlined by then. The empty
/// statement beside it is one that compilers keep.

#include <quire/base/attributes.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// The line of `at`, which may be any address.
inline void fetch_line(void const* at) noexcept {
    __builtin_prefetch(at);
    asm volatile("");
}

}  // namespace quire::inline QUIRE_ABI::detail
