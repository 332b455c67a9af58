// SPDX-License-Identifier: BSL-1.0
#pragma once

/// poison: marks bytes that no thread may touch now, for the address sanitizer.
///
/// In builds with the address sanitizer every frame without a guard is poisoned, so a use after
/// the guard's end is reported at its line, for raw spans as well. While a write guard holds a
/// page, the bytes of the page that have no meaning are poisoned too (page/page_change.hpp). In
/// other builds these functions are empty.
///
/// A poisoned granule has 8 bytes: ranges are rounded inward on poisoning. A thread that poisons a
/// frame must hold it exclusively: otherwise a reader may just have entered it.

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

/// From now on the sanitizer reports an access to `bytes`.
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
