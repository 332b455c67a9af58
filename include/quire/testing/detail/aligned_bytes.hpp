// SPDX-License-Identifier: BSL-1.0
#pragma once

/// aligned_bytes: memory for transfers, aligned as direct I/O needs it.

#include <quire/base/attributes.hpp>

#include <cstddef>  // std::byte
#include <memory>   // std::unique_ptr
#include <new>      // std::align_val_t

namespace quire::inline QUIRE_ABI::testing::detail {

inline constexpr std::align_val_t transfer_alignment{4096};

struct free_aligned {
    void operator()(std::byte* bytes) const noexcept {
        ::operator delete(bytes, transfer_alignment);
    }
};

using aligned_bytes = std::unique_ptr<std::byte, free_aligned>;

/// `size` bytes, not initialised. Throws std::bad_alloc.
[[nodiscard]] inline aligned_bytes make_aligned(std::size_t size) {
    return aligned_bytes{static_cast<std::byte*>(::operator new(size, transfer_alignment))};
}

}  // namespace quire::inline QUIRE_ABI::testing::detail
