// SPDX-License-Identifier: BSL-1.0
#pragma once

/// latch_mode: the functions of a latch by the mode in which it is taken.

#include <quire/base/immovable.hpp>
#include <quire/latch/page_latch.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// How a page is latched.
enum class access : std::uint8_t { shared, exclusive };

/// What an access in this mode is called in errors.
[[nodiscard]] constexpr char const* name_of(access mode) noexcept {
    return mode == access::exclusive ? "write" : "read";
}

template <access Mode, page_latch Latch>
[[nodiscard, gnu::always_inline]] inline bool try_latch(Latch& latch) noexcept {
    if constexpr (Mode == access::shared) {
        return latch.try_lock_shared();
    } else {
        return latch.try_lock();
    }
}

/// Waits at most `wait`.
template <access Mode, timed_latch Latch>
[[nodiscard]] bool latch_within(Latch& latch, std::chrono::nanoseconds wait) noexcept {
    if constexpr (Mode == access::shared) {
        return latch.try_lock_shared_for(wait);
    } else {
        return latch.try_lock_for(wait);
    }
}

/// As latch_within, and gives up when `look()` is false.
template <access Mode, interruptible Latch, class Look>
[[nodiscard]] bool latch_within(Latch& latch, std::chrono::nanoseconds wait, Look look) noexcept {
    if constexpr (Mode == access::shared) {
        return latch.try_lock_shared_for(wait, look);
    } else {
        return latch.try_lock_for(wait, look);
    }
}

template <access Mode, page_latch Latch>
[[gnu::always_inline]] inline void unlatch(Latch& latch) noexcept {
    if constexpr (Mode == access::shared) {
        latch.unlock_shared();
    } else {
        latch.unlock();
    }
}

/// Takes the latch as an evictor does: refused by readers, writers and pins.
template <page_latch Latch>
[[nodiscard]] bool try_latch_unpinned(Latch& latch) noexcept {
    if constexpr (pinning<Latch>) {
        return latch.try_lock_unpinned();
    } else {
        return latch.try_lock();
    }
}

/// Of a frame that was pinned. A latch that cannot pin has no such frame.
template <page_latch Latch>
void unpin([[maybe_unused]] Latch& latch) noexcept {
    if constexpr (pinning<Latch>) { latch.unpin(); }
}
template <page_latch Latch>
class unpin_at_end : immovable {
public:
    explicit unpin_at_end(Latch& latch) noexcept : latch_{latch} {}
    ~unpin_at_end() { unpin(latch_); }

private:
    Latch& latch_;
};

}  // namespace quire::inline QUIRE_ABI::detail
