// SPDX-License-Identifier: BSL-1.0
#pragma once

/// sort_ascending: sorts plain values by their operator<.
///
/// Through the C library: <algorithm> would take a fifth of the time that quire's headers take to
/// compile, for one list in a flush, which then writes each of its pages.

#include <quire/base/attributes.hpp>

#include <cstdlib>      // std::qsort
#include <span>         // std::span
#include <type_traits>  // std::is_trivially_copyable_v

namespace quire::inline QUIRE_ABI::detail {

template <class T>
void sort_ascending(std::span<T> values) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    if (values.empty()) { return; }
    std::qsort(values.data(), values.size(), sizeof(T), [](void const* left, void const* right) {
        auto const& a = *static_cast<T const*>(left);
        auto const& b = *static_cast<T const*>(right);
        return a < b ? -1 : b < a ? 1 : 0;
    });
}

}  // namespace quire::inline QUIRE_ABI::detail
