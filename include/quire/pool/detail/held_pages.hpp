// SPDX-License-Identifier: BSL-1.0
#pragma once

/// held_pages: which thread holds which pages of a pool, in checked builds; nothing elsewhere.
///
/// In other builds a frame remembers the last thread that entered (frame.hpp): that costs next to
/// nothing, and misses some guards. This list misses none. It also stops the program where a rule
/// is about guards in general: a thread that flushes or closes holds none, one that discards or
/// truncates holds none of what it removes, and a guard ends in the thread that made it.
///
/// In the pool, not in a thread_local variable: shared objects of one program may each have a copy
/// of such a variable. A shard that is full is not checked any further.
///
/// Threads: any. Cost: a mutex of the shard's threads for each guard's beginning and end.

#include <quire/base/contract.hpp>
#include <quire/base/fixed_array.hpp>
#include <quire/base/page_id.hpp>
#include <quire/pool/detail/thread_mark.hpp>

#include <array>    // std::array
#include <cstddef>  // std::size_t
#include <mutex>    // std::mutex

namespace quire::inline QUIRE_ABI::detail {

class held_pages : immovable {
public:
    held_pages() : shards_{checked_build ? shard_count : 0} {}

    void note_latched(page_id page) noexcept {
        auto& shard = shard_of_this_thread();
        std::lock_guard const hold{shard.mutex};
        if (shard.count == shard.entries.size()) {
            shard.overflowed = true;
        } else {
            shard.entries[shard.count++] = {this_thread(), page};
        }
    }
    void note_released(page_id page) noexcept {
        auto& shard = shard_of_this_thread();
        std::lock_guard const hold{shard.mutex};
        auto const at = shard.find([&](page_id held) { return held == page; });
        QUIRE_EXPECTS(at < shard.count || shard.overflowed,
                      "a guard ends in the thread that made it");
        if (at < shard.count) { shard.entries[at] = shard.entries[--shard.count]; }
    }

    /// Whether this thread holds a page of the pool of which `is_meant(page)` is true.
    template <class IsMeant>
    [[nodiscard]] bool holds_any(IsMeant is_meant) const noexcept {
        auto const& shard = shard_of_this_thread();
        std::lock_guard const hold{shard.mutex};
        return shard.find(is_meant) < shard.count;
    }

private:
    struct entry {
        void const* thread;
        page_id page;
    };
    struct alignas(64) shard_type {
        mutable std::mutex mutex;
        std::size_t count = 0;
        bool overflowed = false;
        std::array<entry, 256> entries;

        template <class IsMeant>
        [[nodiscard]] std::size_t find(IsMeant is_meant) const noexcept {
            std::size_t i = 0;
            while (i < count &&
                   !(entries[i].thread == this_thread() && is_meant(entries[i].page))) {
                ++i;
            }
            return i;
        }
    };
    static constexpr std::size_t shard_count = 32;

    /// Threads' control blocks differ in the bits of a page's address and above.
    [[nodiscard]] shard_type& shard_of_this_thread() const noexcept {
        return shards_[reinterpret_cast<std::uintptr_t>(this_thread()) >> 12 & (shard_count - 1)];
    }

    mutable fixed_array<shard_type> shards_;
};

}  // namespace quire::inline QUIRE_ABI::detail
