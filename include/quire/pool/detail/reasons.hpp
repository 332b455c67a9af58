// SPDX-License-Identifier: BSL-1.0
#pragma once

/// reasons: what the messages of errors say of waits and of pages in use.

#include <quire/base/attributes.hpp>

#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI::detail {

inline constexpr std::string_view waited_for_guard =
    "waited for a guard of the page to end, which another thread holds, or this one";
inline constexpr std::string_view waited_for_load = "waited for another thread's read of the page";
inline constexpr std::string_view waited_for_uses =
    "waited for reads and flushes of other threads";
inline constexpr std::string_view waited_for_file =
    "waited for another thread that appends to, truncates, syncs or closes the file";
inline constexpr std::string_view waited_for_copy =
    "waited for another thread's write of a page that changes all the time";
inline constexpr std::string_view held_by_a_guard = "a guard or a pin is on the page";
inline constexpr std::string_view being_closed = "another thread closes the file";
inline constexpr std::string_view leaving =
    "the file has left its log, and is closed next, or joins it again";

}  // namespace quire::inline QUIRE_ABI::detail
