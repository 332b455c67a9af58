// SPDX-License-Identifier: BSL-1.0
#pragma once

/// held_pages: the pages a thread holds, in checked builds; nothing elsewhere.
///
/// A thread that asks for a page it holds exclusively waits for itself; one that flushes while it
/// holds a guard, or discards a page that it holds, may do the same. Latches cannot know which
/// thread holds them without paying for it on every hit, so this list exists only with
/// QUIRE_CHECKED, one per thread, and stops the program with the rule's name. A thread with more
/// than `max` guards is not checked any further.

#include <quire/base/contract.hpp>
#include <quire/base/page_id.hpp>

#include <array>    // std::array
#include <cstddef>  // std::size_t

namespace quire::inline QUIRE_ABI::detail {

struct held_pages {
    struct entry {
        void const* pool;
        page_id page;
    };
    static constexpr std::size_t max = 128;

    std::array<entry, max> entries;
    std::size_t count;
    bool overflowed;

    [[nodiscard]] std::size_t find(void const* pool, page_id page) const noexcept {
        std::size_t i = 0;
        while (i < count && !(entries[i].pool == pool && entries[i].page == page)) { ++i; }
        return i;
    }
};

inline thread_local held_pages this_threads_pages{};

/// Before this thread latches `page`.
inline void expect_not_held([[maybe_unused]] void const* pool,
                            [[maybe_unused]] page_id page) noexcept {
    if constexpr (checked_build) {
        auto const& held = this_threads_pages;
        QUIRE_EXPECTS(held.find(pool, page) == held.count,
                      "a thread does not latch a page that it holds already");
    }
}

/// Before this thread takes pages `first` to `last` of a file away: discard, truncate.
inline void expect_none_held([[maybe_unused]] void const* pool, [[maybe_unused]] page_id first,
                             [[maybe_unused]] page_id last) noexcept {
    if constexpr (checked_build) {
        auto const& held = this_threads_pages;
        for (std::size_t i = 0; i < held.count; ++i) {
            auto const& one = held.entries[i];
            QUIRE_EXPECTS(one.pool != pool || one.page < first || one.page > last,
                          "a thread that discards or truncates holds no guard of what is removed");
        }
    }
}

/// Before this thread waits for pages of `pool` in general: flush, close.
inline void expect_holds_nothing([[maybe_unused]] void const* pool) noexcept {
    if constexpr (checked_build) {
        auto const& held = this_threads_pages;
        for (std::size_t i = 0; i < held.count; ++i) {
            QUIRE_EXPECTS(held.entries[i].pool != pool,
                          "a thread that flushes or closes holds no guard of the pool");
        }
    }
}

inline void note_latched([[maybe_unused]] void const* pool,
                         [[maybe_unused]] page_id page) noexcept {
    if constexpr (checked_build) {
        auto& held = this_threads_pages;
        if (held.count == held_pages::max) {
            held.overflowed = true;
        } else {
            held.entries[held.count++] = {pool, page};
        }
    }
}

inline void note_released([[maybe_unused]] void const* pool,
                          [[maybe_unused]] page_id page) noexcept {
    if constexpr (checked_build) {
        auto& held = this_threads_pages;
        auto const at = held.find(pool, page);
        QUIRE_EXPECTS(at < held.count || held.overflowed,
                      "a guard ends in the thread that made it");
        if (at < held.count) { held.entries[at] = held.entries[--held.count]; }
    }
}

}  // namespace quire::inline QUIRE_ABI::detail
