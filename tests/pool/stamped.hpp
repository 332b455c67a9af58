// SPDX-License-Identifier: BSL-1.0
#pragma once

/// stamped: pages that carry their version in every sector, so that a torn, stale or foreign page
/// shows, and so does an update that was lost.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace quire_test {

inline constexpr std::size_t sector = 512;  // bytes

/// The version that all sectors of a page carry; nothing when they do not agree.
template <class View>
[[nodiscard]] std::optional<std::uint64_t> stamp_of(View const& page) {
    auto const first = page.bytes().template load<std::uint64_t>(16);
    for (std::size_t at = sector; at < page.bytes().size(); at += sector) {
        if (page.bytes().template load<std::uint64_t>(at + 16) != first) { return std::nullopt; }
    }
    return first;
}

template <class View>
void stamp(View&& page, std::uint64_t version) {
    for (std::size_t at = 0; at < page.bytes().size(); at += sector) {
        page.bytes().template store<std::uint64_t>(at + 16, version);
    }
}

/// What the threads of one run found. Catch2's macros belong to one thread, so they only count.
struct findings {
    std::atomic<int> torn{0};
    std::atomic<int> fell{0};      ///< a version lower than one seen before
    std::atomic<int> lost{0};      ///< a version other than the number of exclusive sections
    std::atomic<int> expected{0};  ///< errors that the run provokes
    std::atomic<int> other{0};     ///< errors that it does not
    static constexpr std::size_t pages_max = 512;
    std::array<std::atomic<std::uint64_t>, pages_max> sections{};  ///< exclusive ones, by page
    std::array<std::atomic<std::uint64_t>, pages_max> seen{};      ///< highest version, by page

    template <class View>
    void look(View const& page, std::uint64_t no) {
        auto const before = seen[no].load();
        auto const now = stamp_of(page);
        if (!now) {
            ++torn;
            return;
        }
        if (*now < before) { ++fell; }
        auto highest = seen[no].load();
        while (highest < *now && !seen[no].compare_exchange_weak(highest, *now)) {}
    }
    /// Expects: exclusive access.
    template <class View>
    void change(View&& page, std::uint64_t no) {
        auto const now = stamp_of(page);
        if (!now) { ++torn; }
        auto const sections_before = sections[no].fetch_add(1);
        if (now && *now != sections_before) { ++lost; }
        stamp(page, sections_before + 1);
    }
};

}  // namespace quire_test
