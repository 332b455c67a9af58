// SPDX-License-Identifier: BSL-1.0
#pragma once

/// transfers: the reads and writes of a pool that are under way, and the one wait.
///
/// A transfer is complete when the backend has handed it out: in front of `submit`, or in a `reap`,
/// which any thread of the pool may call for all of them. So a thread that waits, for whatever it
/// waits, reaps: the transfer that it needs may be its own, or one that another thread started, or
/// one that keeps a latch held. Every wait of the pool is a call of `wait` or `latch` here.
///
///   wait      look at the condition, and leave if it holds
///             no thread reaps and something is in flight: take the role, look again, reap, lay the
///                 role down, then finish what was handed out
///             else: announce oneself, look again at both, sleep
///
/// Invariants
///   I1. One thread has the role of the reaper at a time (`reaper_`). It lays the role down before
///       it finishes anything, and holds no mutex in either.
///   I2. While something is in flight and a thread waits, a thread has the role, or one that does
///       not is about to look: a thread that lays the role down, leaves the wait, or submits
///       without waiting looks at what is in flight and at the sleepers, in this order, and wakes
///       one.
///   I3. An owner's transfers are counted down by the thread that finishes them; the last one wakes
///       the owner, or does what the owner says follows. The owner may be gone then: what is needed
///       of it is read before.
///   I4. A thread that changes a condition wakes by its key, and interrupts a reaper that waits for
///       that key inside the backend.
///   I5. No thread waits inside the backend with nothing in flight. Every sleep is bounded.
///   I6. A wait for an own transfer has no deadline: its frame is under DMA until it is complete.
///
/// `in_flight_` counts what `submit` has left pending, after it has returned: a transfer may be
/// reaped before it is counted, so that the count is below the truth for a moment, never above.
///
/// A transfer that is waited for at once, with nothing else in flight, is made by this thread, if
/// the backend can do that (blocking_backend): it is in no count, and wakes nobody.
///
/// Threads: any. Cost: a batch that completes in `submit` pays an atomic operation for each of its
/// transfers, and two on words that all threads share.

#include <quire/pool/detail/deadline.hpp>
#include <quire/base/cancellation_off.hpp>
#include <quire/io/file_backend.hpp>
#include <quire/pool/detail/latch_mode.hpp>
#include <quire/latch/event_count.hpp>

#include <array>  // std::array

namespace quire::inline QUIRE_ABI::detail {

/// Transfers that one thread waits for; or that none waits for, and something follows.
class transfer_owner : immovable {
public:
    /// Called by the thread that finishes the last transfer, with no lock held. It does not start
    /// transfers, and does not wait.
    using follow_up = void (*)(transfer_owner&) noexcept;

    explicit transfer_owner(std::size_t transfers, follow_up next = nullptr) noexcept
        : pending_{transfers}, then_{next} {}

    /// For another batch. Expects: all are complete.
    void expect(std::size_t transfers) noexcept {
        pending_.store(transfers, std::memory_order_relaxed);
    }
    [[nodiscard]] follow_up then() const noexcept { return then_; }
    [[nodiscard]] wake_key key() const noexcept { return wake_key::of(this); }
    [[nodiscard]] bool all_complete() const noexcept {
        return pending_.load(std::memory_order_acquire) == 0;
    }
    /// Whether that was the last one. The owner may be gone when this returns.
    [[nodiscard]] bool count_down() noexcept {
        return pending_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }

private:
    std::atomic<std::size_t> pending_;
    follow_up const then_;
};

template <class File>
struct owned_transfer : io_op<File> {
    transfer_owner* owner = nullptr;
};

template <file_backend Backend>
class transfers : immovable {
public:
    using op_type = io_op<typename Backend::file>;
    using transfer_type = owned_transfer<typename Backend::file>;
    static constexpr std::size_t batch_max = 64;

    /// A thread sleeps for at most `slice` in one piece: tests that must see a wake-up make it
    /// long.
    explicit transfers(Backend& backend,
                       std::chrono::nanoseconds slice = std::chrono::milliseconds{5}) noexcept
        : backend_{backend}, slice_{slice} {}

    /// Does all of `batch`, at most batch_max, and returns when they are complete.
    void run(std::span<transfer_type> batch) noexcept {
        if (done_here(batch)) { return; }
        transfer_owner owner{batch.size()};
        std::array<op_type*, batch_max> ops;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            batch[i].owner = &owner;
            ops[i] = &batch[i];
        }
        submit(std::span{ops}.first(batch.size()));
        wait_for(owner);
    }

    /// Starts transfers whose owner waits later. They stay in place until they are complete, and
    /// `ops`, which is used up, until this returns.
    void start(std::span<op_type*> ops) noexcept {
        submit(ops);
        pass_on();
    }

    /// Waits until the transfers of `owner`, which were started, are complete. See I6.
    void wait_for(transfer_owner const& owner) noexcept {
        static_cast<void>(
            wait(deadline::max(), owner.key(), [&] { return owner.all_complete(); }));
    }

    /// Waits until `ready()`, at most until `until`; whether it is. `ready` is asked several times,
    /// by this thread, and does not throw.
    template <class Ready>
    [[nodiscard]] bool wait(deadline until, wake_key key, Ready ready) noexcept {
        leaving const at_the_end{*this};
        bool const woken = key.mask() != wake_key::none().mask();
        std::chrono::nanoseconds pause = woken ? slice_ : shortest_pause;
        for (;;) {
            if (ready()) { return true; }
            auto const left = left_until(until);
            if (left == left.zero()) { return false; }
            if (take_role(key)) {
                if (ready()) {
                    lay_role_down();
                    return true;
                }
                reap(shorter(left, pause));
            } else {
                sleeping const asleep{events_};
                if (ready()) { return true; }
                if (!nobody_reaps()) { events_.sleep(asleep.seen, key, shorter(left, pause)); }
            }
            if (!woken) { pause = shorter(2 * pause, longest_pause); }
        }
    }

    /// Latches in the given mode, waiting at most until `until`, and only while `wanted()`. A latch
    /// that is interruptible is waited for in one piece, so that the thread keeps its place.
    template <access Mode, page_latch Latch, class Wanted>
    [[nodiscard]] bool latch(Latch& latch, deadline until, Wanted wanted) noexcept {
        if (try_latch<Mode>(latch)) { return true; }
        leaving const at_the_end{*this};
        if constexpr (interruptible<Latch>) {
            return latch_within<Mode>(latch, left_until(until), [&] {
                reap_what_is_there();
                return wanted();
            });
        } else if constexpr (timed_latch<Latch>) {
            do {
                reap_what_is_there();
                if (latch_within<Mode>(latch, shorter(slice_, left_until(until)))) { return true; }
            } while (!has_passed(until) && wanted());
            return false;
        } else {
            bool latched = false;
            return wait(until, wake_key::none(), [&] {
                       latched = try_latch<Mode>(latch);
                       return latched || !wanted();
                   }) &&
                   latched;
        }
    }
    template <access Mode, page_latch Latch>
    [[nodiscard]] bool latch(Latch& latch, deadline until) noexcept {
        return this->latch<Mode>(latch, until, [] { return true; });
    }

    /// Finishes what is complete now, without waiting, unless another thread does so.
    void reap_complete() noexcept {
        while (take_role(wake_key::none()) && reap({}) > 0) {}
    }

    /// Likewise, also when nothing is in flight: an interrupt may be left in the backend.
    void poll() noexcept {
        do {
            std::uint32_t none = 0;
            if (!reaper_.compare_exchange_strong(none, wake_key::none().mask(),
                                                 std::memory_order_seq_cst)) {
                return;
            }
        } while (reap({}) > 0);
    }

    /// A condition with this key may hold now.
    void wake(wake_key key) noexcept {
        if ((reaper_.fetch_or(0, std::memory_order_seq_cst) & key.mask()) != 0) [[unlikely]] {
            cancellation_off const meanwhile;
            backend_.interrupt();
        }
        events_.wake(key);
    }

    /// A frame has become free, or clean: for threads that wait for one.
    void frame_changed() noexcept {
        frame_changes_.fetch_add(1, std::memory_order_seq_cst);
        wake(wake_key::frames());
    }
    [[nodiscard]] std::uint32_t frame_changes() const noexcept {
        return frame_changes_.load(std::memory_order_seq_cst);
    }

    /// Waits until nothing is in flight; whether that is so.
    [[nodiscard]] bool drain(deadline until) noexcept {
        return wait(until, wake_key::none(), [&] {
            return in_flight_.load(std::memory_order_seq_cst) <= 0;
        });
    }

private:
    static constexpr std::chrono::nanoseconds shortest_pause = std::chrono::microseconds{20};
    static constexpr std::chrono::nanoseconds longest_pause = std::chrono::milliseconds{1};
    static constexpr std::size_t reaped_max = 16;

    /// A thread that leaves the wait leaves no transfer without a reaper behind. See I2.
    struct leaving {
        transfers& from;
        ~leaving() { from.pass_on(); }
    };
    struct sleeping {
        explicit sleeping(event_count& at) noexcept : events{at}, seen{at.announce()} {}
        sleeping(sleeping const&) = delete;
        sleeping& operator=(sleeping const&) = delete;
        ~sleeping() { events.leave(); }
        event_count& events;
        event_count::seen seen;
    };

    /// Does a single transfer in this thread, if the backend can and nothing is in flight that it
    /// would hold up; whether it has.
    [[nodiscard]] bool done_here(std::span<transfer_type> batch) noexcept {
        if constexpr (blocking_backend<Backend>) {
            if (batch.size() != 1 || in_flight_.load(std::memory_order_relaxed) > 0) {
                return false;
            }
            op_type* only = &batch.front();
            cancellation_off const meanwhile;
            backend_.transfer({&only, 1});
            return true;
        } else {
            return false;
        }
    }

    void submit(std::span<op_type*> ops) noexcept {
        if (ops.empty()) { return; }
        cancellation_off const meanwhile;
        std::size_t const complete = backend_.submit(ops);
        if (complete < ops.size()) {
            in_flight_.fetch_add(static_cast<std::int64_t>(ops.size() - complete),
                                 std::memory_order_seq_cst);
        }
        finish(ops.first(complete));
    }

    [[nodiscard]] bool nobody_reaps() const noexcept {
        return in_flight_.load(std::memory_order_seq_cst) > 0 &&
               reaper_.load(std::memory_order_seq_cst) == 0;
    }
    /// If there is something to reap and the role is free. See I5.
    [[nodiscard]] bool take_role(wake_key key) noexcept {
        if (!nobody_reaps()) { return false; }
        std::uint32_t none = 0;
        return reaper_.compare_exchange_strong(none, key.mask(), std::memory_order_seq_cst);
    }
    /// What a latch's holder waits for may be a transfer that only a reaper completes.
    void reap_what_is_there() noexcept {
        if (take_role(wake_key::none())) { reap({}); }
    }
    void lay_role_down() noexcept {
        reaper_.store(0, std::memory_order_seq_cst);
        pass_on();
    }
    /// Expects: this thread has the role. Lays it down. Returns how many transfers were complete.
    std::size_t reap(std::chrono::nanoseconds wait) noexcept {
        std::array<op_type*, reaped_max> done;
        cancellation_off const meanwhile;
        std::size_t const count = backend_.reap(done, wait);
        in_flight_.fetch_sub(static_cast<std::int64_t>(count), std::memory_order_seq_cst);
        lay_role_down();
        finish(std::span{done}.first(count));
        return count;
    }
    void pass_on() noexcept {
        if (nobody_reaps()) [[unlikely]] { events_.wake_one(); }
    }

    void finish(std::span<op_type* const> done) noexcept {
        for (auto* const op : done) {
            auto& owner = *static_cast<transfer_type*>(op)->owner;
            auto const key = owner.key();
            auto const then = owner.then();
            if (!owner.count_down()) { continue; }
            if (then != nullptr) {
                then(owner);
            } else {
                wake(key);
            }
        }
    }

    Backend& backend_;
    std::chrono::nanoseconds slice_;
    event_count events_;
    std::atomic<std::int64_t> in_flight_{0};
    std::atomic<std::uint32_t> frame_changes_{0};
    std::atomic<std::uint32_t> reaper_{0};  ///< the mask of the reaper's key; 0: there is none
};

}  // namespace quire::inline QUIRE_ABI::detail
