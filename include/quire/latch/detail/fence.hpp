// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fence: std::atomic_thread_fence; nothing in builds with the thread sanitizer, which warns about
/// fences because it cannot follow them. Such builds never read a page without its latch, and the
/// fences are for such reads only.

#include <quire/base/attributes.hpp>

#include <atomic>  // std::atomic_thread_fence

namespace quire::inline QUIRE_ABI::detail {

inline void fence([[maybe_unused]] std::memory_order order) noexcept {
#if !defined(QUIRE_TSAN)
    std::atomic_thread_fence(order);
#endif
}

}  // namespace quire::inline QUIRE_ABI::detail
