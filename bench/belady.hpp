// SPDX-License-Identifier: BSL-1.0
#pragma once

/// belady: the fewest misses that any policy could have, knowing all later uses.
///
/// The page that is needed again last, or never, is evicted (Belady 1966). Exact; O(n log n) in the
/// length of the trace: a heap of the pages by their next use. Outdated entries stay in it and are
/// skipped, since they are uses of the past.

#include <cstddef>
#include <cstdint>
#include <queue>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quire_bench {

[[nodiscard]] inline std::uint64_t fewest_misses(std::vector<std::uint64_t> const& trace,
                                                 std::size_t frames) {
    if (frames == 0) { return trace.size(); }
    auto const never = trace.size();
    std::vector<std::size_t> next_use(trace.size());
    std::unordered_map<std::uint64_t, std::size_t> next;
    for (std::size_t i = trace.size(); i-- > 0;) {
        auto const [at, first] = next.try_emplace(trace[i], never);
        next_use[i] = at->second;
        at->second = i;
    }

    std::priority_queue<std::pair<std::size_t, std::uint64_t>> by_next_use;
    std::unordered_map<std::uint64_t, std::size_t> resident;  // and when it is used next
    std::uint64_t misses = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
        if (!resident.contains(trace[i])) {
            ++misses;
            while (resident.size() == frames) {
                auto const [use, page] = by_next_use.top();
                by_next_use.pop();
                auto const at = resident.find(page);
                if (at != resident.end() && at->second == use) { resident.erase(at); }
            }
        }
        resident[trace[i]] = next_use[i];
        by_next_use.emplace(next_use[i], trace[i]);
    }
    return misses;
}

}  // namespace quire_bench
