// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fence: std::atomic_thread_fence, but for builds with the thread sanitizer, which knows no fences
/// and warns of them. There pages are not read without their latch, which is what they are for.

#include <quire/base/attributes.hpp>

#include <atomic>  // std::atomic_thread_fence

namespace quire::inline QUIRE_ABI::detail {

inline void fence([[maybe_unused]] std::memory_order order) noexcept {
#if !defined(QUIRE_TSAN)
    std::atomic_thread_fence(order);
#endif
}

}  // namespace quire::inline QUIRE_ABI::detail
