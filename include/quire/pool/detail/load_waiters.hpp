// SPDX-License-Identifier: BSL-1.0
#pragma once

/// load_waiters: the pages that a thread loads or makes now, and the threads that wait for them.
///
/// Two lists, no more: waiting itself is in transfers.hpp. The loading thread changes the page's
/// entry inside `release`, under the list's mutex, and gives its outcome to exactly the threads
/// that are in the list at that moment: nothing when the page is there or when they should try for
/// themselves, the error when the read or the check failed. A waiter that asks for it gets its
/// frame pinned, so that the page is still there when it comes. A waiter, and a claim, is an object
/// of its owner's, on a stack, in a stream or in a request, so nothing is allocated.
///
/// A waiter that no thread sleeps for has a function that is told. The announcing thread calls it,
/// with no mutex held; of the waiters of one shard one thread at a time tells all.
///
/// Invariants
///   I1. No announcement is lost: a waiter looks at the entry under the mutex that the change
///       needs.
///   I2. An error reaches only those that waited for the load that failed.
///   I3. No thread holds the mutex across I/O. A waiter that was announced is touched no more; one
///       with a function, once that has been called. Its owner may end it from inside.
///   I4. After `remove`, and when `is_being_told` is false, the function runs no more.
///
/// Threads: any. Cost: a load without waiters takes an uncontended mutex twice.

#include <quire/base/cancellation_off.hpp>
#include <quire/base/error.hpp>
#include <quire/base/immovable.hpp>
#include <quire/pool/detail/thread_mark.hpp>

#include <array>    // std::array
#include <atomic>   // std::atomic
#include <mutex>    // std::mutex
#include <optional>  // std::optional
#include <utility>   // std::exchange

namespace quire::inline QUIRE_ABI::detail {

/// Why a read or a check failed, as plain data: an exception object is not shared by threads.
struct load_failure {
    errc code{};  ///< 0: it did not
    int system = 0;

    [[nodiscard]] bool happened() const noexcept { return code != errc{}; }
};

class load_waiters : immovable {
public:
    class waiter : immovable {
    public:
        using told_function = void (*)(waiter&) noexcept;

        /// One with `wants_pin` unpins the frame that it gets, if it gets one.
        explicit waiter(page_id awaited, bool wants_pin = false,
                        told_function told = nullptr) noexcept
            : page{awaited}, wants_pin_{wants_pin}, told_{told} {}
        /// Whether it has been in the list. For its owner.
        [[nodiscard]] bool joined() const noexcept { return joined_; }
        [[nodiscard]] bool announced() const noexcept {
            return announced_.load(std::memory_order_acquire);
        }
        /// Expects: announced().
        [[nodiscard]] load_failure failure() const noexcept { return failure_; }
        /// Where the page is, pinned for this waiter. Expects: announced().
        [[nodiscard]] std::optional<frame_no> pinned() const noexcept { return pinned_; }

        page_id const page;

    private:
        friend class load_waiters;
        bool const wants_pin_;
        told_function const told_;
        bool joined_ = false;
        std::atomic<bool> announced_{false};
        load_failure failure_{};
        std::optional<frame_no> pinned_{};
        waiter* next_ = nullptr;
    };

    /// A page that one thread loads or makes: in a list from its claim to its release.
    class claimed : immovable {
    private:
        friend load_waiters;
        page_id page_{page_id::none()};
        claimed* next_ = nullptr;
    };

    /// Claims `page` by `claim_entry()`, for `self`; whether it did.
    template <class ClaimEntry>
    [[nodiscard, gnu::noinline]] bool claim(claimed& self, page_id page,
                                            ClaimEntry claim_entry) noexcept {
        auto& shard = shard_of(page);
        std::lock_guard const hold{shard.mutex};
        if (!claim_entry()) { return false; }
        self.page_ = page;
        self.next_ = shard.claims;
        shard.claims = &self;
        return true;
    }
    /// A page that is claimed now, of those of which `is_meant(page)` is true.
    template <class IsMeant>
    [[nodiscard]] std::optional<page_id> any_claimed(IsMeant is_meant) noexcept {
        for (auto& shard : shards_) {
            std::lock_guard const hold{shard.mutex};
            for (auto const* one = shard.claims; one != nullptr; one = one->next_) {
                if (is_meant(one->page_)) { return one->page_; }
            }
        }
        return std::nullopt;
    }

    /// Puts `self` into the list if `still_loading()`; whether it did.
    template <class StillLoading>
    [[nodiscard, gnu::noinline]] bool add(waiter& self, StillLoading still_loading) noexcept {
        auto& shard = shard_of(self.page);
        std::lock_guard const hold{shard.mutex};
        if (!still_loading()) { return false; }
        self.joined_ = true;
        self.next_ = std::exchange(shard.first, &self);
        return true;
    }

    /// Takes `self` out again, unless it is announced: then it has got what there is to get. See
    /// I4.
    void remove(waiter& self) noexcept {
        auto& shard = shard_of(self.page);
        std::lock_guard const hold{shard.mutex};
        shard_type::unlink(self.announced() ? shard.to_tell : shard.first, self);
    }
    /// Whether another thread is in the function of `self`.
    [[nodiscard]] bool is_being_told(waiter const& self) noexcept {
        auto& shard = shard_of(self.page);
        std::lock_guard const hold{shard.mutex};
        return shard.being_told == &self && shard.teller != this_thread();
    }

    /// Ends the claim of `page`: runs `change()` and announces it to all that wait; whether a
    /// thread may sleep for it. Before that, `pin()` for each that wants a pin: it is the frame
    /// that was pinned.
    template <class Change, class Pin>
    [[nodiscard]] bool release(page_id page, Change change, load_failure failure,
                               Pin pin) noexcept {
        auto& shard = shard_of(page);
        std::unique_lock hold{shard.mutex};
        waiter* const all = shard.take_out(page);
        for (auto* one = all; one != nullptr; one = one->next_) {
            if (one->wants_pin_) { one->pinned_ = pin(); }
        }
        change();
        shard.forget_claim(page);
        bool any_sleeps = false;
        for (auto* one = all; one != nullptr;) {
            auto* const next = one->next_;
            one->failure_ = failure;
            if (one->told_ != nullptr) {
                one->next_ = std::exchange(shard.to_tell, one);
            } else {
                any_sleeps = true;
            }
            one->announced_.store(true, std::memory_order_release);  // it may be gone from here on
            one = next;
        }
        shard.tell_all(hold);
        return any_sleeps;
    }
    template <class Change>
    [[nodiscard]] bool release(page_id page, Change change, load_failure failure = {}) noexcept {
        return release(page, change, failure, []() noexcept -> std::optional<frame_no> {
            return std::nullopt;
        });
    }

private:
    struct alignas(64) shard_type {
        std::mutex mutex;
        waiter* first = nullptr;
        claimed* claims = nullptr;
        waiter* to_tell = nullptr;  ///< announced, and not told yet
        waiter const* being_told = nullptr;
        void const* teller = nullptr;

        /// The waiters for `page`, as a list of their own.
        [[nodiscard]] waiter* take_out(page_id page) noexcept {
            waiter* found = nullptr;
            for (waiter** at = &first; *at != nullptr;) {
                waiter& one = **at;
                if (one.page == page) {
                    *at = std::exchange(one.next_, std::exchange(found, &one));
                } else {
                    at = &one.next_;
                }
            }
            return found;
        }
        static void tell(waiter& one) noexcept {
            cancellation_off const meanwhile;
            one.told_(one);
        }
        static void unlink(waiter*& list, waiter const& self) noexcept {
            for (waiter** at = &list; *at != nullptr; at = &(*at)->next_) {
                if (*at == &self) {
                    *at = self.next_;
                    return;
                }
            }
        }
        /// Unless another thread does it already, or this one, which is in such a function.
        void tell_all(std::unique_lock<std::mutex>& hold) noexcept {
            while (being_told == nullptr && to_tell != nullptr) {
                auto& one = *std::exchange(to_tell, to_tell->next_);
                being_told = &one;
                teller = this_thread();
                hold.unlock();
                tell(one);
                hold.lock();
                being_told = nullptr;
            }
        }
        void forget_claim(page_id page) noexcept {
            for (claimed** at = &claims; *at != nullptr; at = &(*at)->next_) {
                if ((*at)->page_ == page) {
                    *at = (*at)->next_;
                    return;
                }
            }
        }
    };

    [[nodiscard]] shard_type& shard_of(page_id page) noexcept {
        return shards_[std::hash<page_id>{}(page) >> 59];
    }

    std::array<shard_type, 32> shards_;
};

}  // namespace quire::inline QUIRE_ABI::detail
