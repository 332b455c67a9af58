// SPDX-License-Identifier: BSL-1.0
#pragma once

/// guard_slot: room for a guard that is made later, or several times.
///
///     quire::guard_slot<read_guard> held;
///     held.emplace(file, 0);
///     auto row = held->row<user>(slot);
///
/// Guards stay where they were made, so std::optional can only emplace one; this also takes a guard
/// that a function returns, and has what borrow checks need. It is empty or holds one guard, whose
/// access ends where the slot is reset, filled again or ends.
///
/// Threads: those of its guard.

#include <quire/borrow/loan.hpp>

#include <new>      // placement new
#include <utility>  // std::exchange

namespace quire::inline QUIRE_ABI {

/// Room for a guard that is made later: what std::optional is to movable types.
/// `slot->` goes through the guard to its view; the guard's own functions are `(*slot).release()`.
template <class Guard>
class guard_slot : immovable {
public:
    guard_slot() noexcept {}
    /// With the guard that `make()` returns, unless `keep(guard)` says no.
    template <class Make, class Keep>
    guard_slot(Make make, Keep keep) {
        if (!keep(fill(make))) { reset(); }
    }
    ~guard_slot() { reset(); }

    /// Ends the guard that is here, if any, and makes another: `slot.emplace(file, no)`.
    template <class... Arguments>
    Guard& emplace(Arguments&&... arguments) QUIRE_LIFETIMEBOUND
        QUIRE_UNLENT((**this)->lent, (**this)->lent_mutable) {
        return fill([&]() -> Guard { return Guard(std::forward<Arguments>(arguments)...); });
    }
    /// Ends the guard that is here, if any, and takes the one that `make()` returns:
    /// `slot.fill([&] { return other.transfer(); })`.
    template <class Make>
    Guard& fill(Make make) QUIRE_LIFETIMEBOUND
        QUIRE_UNLENT((**this)->lent, (**this)->lent_mutable) {
        reset();
        ::new (static_cast<void*>(&guard_)) Guard(make());
        engaged_ = true;
        return guard_;
    }
    void reset() noexcept QUIRE_UNLENT((**this)->lent, (**this)->lent_mutable) {
        if (std::exchange(engaged_, false)) { guard_.~Guard(); }
    }

    [[nodiscard]] bool has_value() const noexcept { return engaged_; }
    [[nodiscard]] Guard& value() & noexcept QUIRE_LIFETIMEBOUND {
        QUIRE_EXPECTS(engaged_, "a guard_slot that is asked for its guard has one");
        return guard_;
    }
    [[nodiscard]] Guard const& value() const& noexcept QUIRE_LIFETIMEBOUND {
        QUIRE_EXPECTS(engaged_, "a guard_slot that is asked for its guard has one");
        return guard_;
    }
    [[nodiscard]] Guard& operator*() & noexcept QUIRE_LIFETIMEBOUND { return value(); }
    [[nodiscard]] Guard const& operator*() const& noexcept QUIRE_LIFETIMEBOUND { return value(); }
    [[nodiscard]] Guard& operator->() & noexcept QUIRE_LIFETIMEBOUND { return value(); }
    [[nodiscard]] Guard const& operator->() const& noexcept QUIRE_LIFETIMEBOUND { return value(); }
    name_the_guard_first value() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_guard_first operator*() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_guard_first operator->() const&& QUIRE_REFUSED_ON_TEMPORARIES;

private:
    union {
        Guard guard_;
    };
    bool engaged_ = false;
};

}  // namespace quire::inline QUIRE_ABI
