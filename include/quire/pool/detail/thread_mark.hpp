// SPDX-License-Identifier: BSL-1.0
#pragma once

/// thread_mark: which thread this is, by the address of its control block.
///
/// That is the same in every shared object of a program, unlike a thread_local variable of a
/// header. A mark has 32 bits of it, for a frame's header: two threads that run at the same time
/// have different marks unless their control blocks are a multiple of 256 GiB apart.

#include <quire/base/attributes.hpp>

#include <cstdint>  // std::uintptr_t

namespace quire::inline QUIRE_ABI::detail {

[[nodiscard]] inline void const* this_thread() noexcept { return __builtin_thread_pointer(); }

enum class thread_mark : std::uint32_t { none = 0 };

[[nodiscard]] inline thread_mark this_thread_mark() noexcept {
    auto const block = reinterpret_cast<std::uintptr_t>(this_thread());
    return static_cast<thread_mark>(static_cast<std::uint32_t>(block >> 6));
}

}  // namespace quire::inline QUIRE_ABI::detail
