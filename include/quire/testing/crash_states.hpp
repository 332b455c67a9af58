// SPDX-License-Identifier: BSL-1.0
#pragma once

/// crash_states: what a loss of power at some moment can leave of a file.
///
/// A disk writes sectors in any order, each whole or not at all. So the file has its durable size,
/// or any that it was given since. Each sector holds what is durable there, or any one of what was
/// written to it since. A `crash_states` is all these combinations, by number. `crash_disk` gives
/// it.

#include <quire/base/attributes.hpp>

#include <algorithm>  // std::copy_n, std::min
#include <cstddef>    // std::byte
#include <cstdint>    // std::uint64_t
#include <map>        // std::map
#include <utility>    // std::move
#include <vector>     // std::vector

namespace quire::inline QUIRE_ABI::testing {

namespace detail {
class crash_history;
}

class crash_states {
public:
    using bytes = std::vector<std::byte>;

    /// How many; 2^64 - 1 if that or more.
    [[nodiscard]] std::uint64_t count() const noexcept {
        std::uint64_t product = sizes_.size();
        for (auto const& [sector, contents] : sectors_) {
            if (__builtin_mul_overflow(product, contents.size() + 1, &product)) {
                return ~std::uint64_t{0};
            }
        }
        return product;
    }

    /// The bytes of the file after the crash. State 0 is what is durable; the last one has
    /// everything that was written: a reader sees it when nothing is in flight.
    /// Expects: n < count().
    [[nodiscard]] bytes state(std::uint64_t n) const {
        return state_by([&](std::uint64_t choices) {
            auto const chosen = n % choices;
            n /= choices;
            return chosen;
        });
    }

    /// The state that `choose(k)`, a number below k, leads to. It is called for the size, and for
    /// each sector that is not certain: 0 is what is durable, k - 1 what is newest.
    template <class Choose>
    [[nodiscard]] bytes state_by(Choose choose) const {
        auto made = durable_;
        auto const size = sizes_[choose(sizes_.size())];
        made.resize(size);
        for (auto const& [sector, contents] : sectors_) {
            auto const which = choose(contents.size() + 1);
            auto const at = sector * sector_size_;
            if (which == 0 || at >= size) { continue; }
            std::copy_n(contents[which - 1].begin(), std::min(sector_size_, size - at),
                        made.begin() + static_cast<std::ptrdiff_t>(at));
        }
        return made;
    }

private:
    friend class detail::crash_history;
    crash_states(bytes durable, std::uint64_t sector_size)
        : durable_{std::move(durable)}, sector_size_{sector_size} {}

    bytes durable_;
    std::uint64_t sector_size_;                            // in bytes
    std::vector<std::uint64_t> sizes_;                     // in bytes; the first is durable
    std::map<std::uint64_t, std::vector<bytes>> sectors_;  // by number; the newest is the last
};

}  // namespace quire::inline QUIRE_ABI::testing
