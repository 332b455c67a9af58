// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fixed_size: what a codec says of its sizes, if it says something.

#include <quire/base/attributes.hpp>

#include <cstddef>   // std::size_t
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

/// How many bytes each value of a codec has: nothing when they differ, or it has no `fixed_size`.
template <class Codec>
[[nodiscard]] consteval std::optional<std::size_t> fixed_size_of() {
    if constexpr (requires { Codec::fixed_size; }) {
        return Codec::fixed_size;
    } else {
        return std::nullopt;
    }
}

}  // namespace quire::inline QUIRE_ABI::detail
