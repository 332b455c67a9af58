// SPDX-License-Identifier: BSL-1.0
#pragma once

/// poison: bytes that nobody may touch now, as the address sanitizer sees them.
///
/// In builds with the address sanitizer every frame without a guard is poisoned, so a use after
/// the guard's end is reported at the very line, for raw spans as well; and so are, while a write
/// guard holds a page, the bytes of it that mean nothing (page/page_change.hpp). In other builds
/// these functions are empty.
///
/// A poisoned granule has 8 bytes: ranges are rounded inward on poisoning. Who poisons a frame
/// must hold it exclusively: another reader might just have entered it.

#include <quire/base/attributes.hpp>

#include <cstddef>  // std::byte
#include <cstdint>  // std::uintptr_t
#include <span>     // std::span

#if defined(QUIRE_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace quire::inline QUIRE_ABI {

#if defined(QUIRE_ASAN)
inline constexpr bool poisoning = true;
#else
inline constexpr bool poisoning = false;
#endif

/// From now on touching `bytes` is reported.
inline void poison([[maybe_unused]] std::span<std::byte const> bytes) noexcept {
#if defined(QUIRE_ASAN)
    auto const first = (reinterpret_cast<std::uintptr_t>(bytes.data()) + 7) & ~std::uintptr_t{7};
    auto const last = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) &
                      ~std::uintptr_t{7};
    if (first < last) {
        __asan_poison_memory_region(reinterpret_cast<void*>(first), last - first);
    }
#endif
}

/// From now on `bytes` may be touched again.
inline void unpoison([[maybe_unused]] std::span<std::byte const> bytes) noexcept {
#if defined(QUIRE_ASAN)
    __asan_unpoison_memory_region(bytes.data(), bytes.size());
#endif
}

}  // namespace quire::inline QUIRE_ABI
