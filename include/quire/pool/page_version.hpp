// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_version: for asking later whether a page is still as a guard saw it.
///
/// Two versions are equal only if the page neither changed nor left its frame in between. Eviction
/// changes the version, and so does the end of a write guard that lent mutable bytes: take the
/// version from a shared guard.

#include <quire/base/page_id.hpp>

namespace quire::inline QUIRE_ABI {

class page_version {
public:
    /// Equal to no version of a page.
    constexpr page_version() noexcept = default;
    /// For guards: what frame and header say.
    constexpr page_version(frame_no frame, std::uint64_t count) noexcept
        : frame_{frame}, count_{count} {}
    friend constexpr bool operator==(page_version, page_version) noexcept = default;

private:
    frame_no frame_{};
    std::uint64_t count_ = ~std::uint64_t{0};
};

}  // namespace quire::inline QUIRE_ABI
