// SPDX-License-Identifier: BSL-1.0
#pragma once

/// hybrid_latch: the default page latch: shared, exclusive, pins and a version in one word.
///
///     63          32   31      30       29     15   14      0
///     version          writer  closed   pins        readers
///
/// A reader enters by one fetch_add and looks for the writer afterwards; on a hit that is the whole
/// cost of entering, and one fetch_sub leaves. A writer enters by compare-exchange from "no reader,
/// no writer". A thread that cannot enter spins briefly, then sleeps in the kernel on a word of its
/// own, always for a bounded time.
///
/// Invariants
///   I1. writer set  =>  no other thread reads or writes the page. A reader count above zero beside
///       a writer is a visitor in transit: it sees the writer bit and leaves.
///   I2. Because of I1's visitors a writer leaves by one fetch_add of (version step - writer), not
///       by a store: a store would erase a visitor, which would then wrap the count as it leaves.
///   I3. The version moves with every exclusive section, at its end. It wraps after 2^32 of them;
///       the carry is lost at the top of the word.
///   I4. `closed` keeps new readers and writers out in favour of a thread that has slept for long,
///       so no stream of threads starves another (try_lock_shared_in_front alone passes it). That
///       thread clears it when it enters or gives up. A reader gets past it when it has slept long
///       and a writer has left since: readers and writers that wait take turns.
///   I5. No wake-up is lost. A sleeper counts itself in `waiters_`, then looks at the word again. A
///       thread that leaves changes the word, then looks at `waiters_`; a reader then looks at the
///       word once more. All this is in the one total order of seq_cst.
///
///   I6. No count runs into its neighbour: the top bit of `readers` keeps readers out like a writer
///       does, and is tested in the same instruction. So there are at most 16,384 readers, further
///       ones wait, and 16,383 threads may be in transit at the same time. The 32,768th pin stops
///       the program.
///
/// Threads: any. A thread must not take a latch that it already holds.
/// Cost: 16 bytes; one uncontended atomic operation to enter and one to leave.

#include <quire/base/contract.hpp>
#include <quire/latch/detail/fence.hpp>
#include <quire/latch/detail/futex.hpp>
#include <quire/latch/page_latch.hpp>

namespace quire::inline QUIRE_ABI {

class hybrid_latch {
public:
    hybrid_latch() noexcept = default;
    hybrid_latch(hybrid_latch const&) = delete;
    hybrid_latch& operator=(hybrid_latch const&) = delete;
    ~hybrid_latch() = default;

    [[nodiscard, gnu::always_inline]] bool try_lock_shared() noexcept {
        auto const before = word_.fetch_add(reader, std::memory_order_acquire);
        if ((before & (writer | closed | crowded)) == 0) [[likely]] { return true; }
        unlock_shared();
        return false;
    }
    [[nodiscard]] bool try_lock_shared_for(std::chrono::nanoseconds wait) noexcept {
        return try_lock_shared_for(wait, [] { return true; });
    }
    /// `look()` is called between sleeps of at most 2 ms. When it is false the wait is over.
    template <class Look>
    [[nodiscard]] bool try_lock_shared_for(std::chrono::nanoseconds wait, Look look) noexcept {
        return try_lock_shared() ||
               wait_for(wait, look, [this, before = version()](bool slept_long) {
                   return enter_shared(slept_long, before);
               });
    }
    /// Likewise, in front of threads that wait: for a hold that is short.
    [[nodiscard]] bool try_lock_shared_in_front() noexcept {
        auto const before = word_.fetch_add(reader, std::memory_order_acquire);
        if ((before & (writer | crowded)) == 0) { return true; }
        unlock_shared();
        return false;
    }
    void lock_shared() noexcept {
        while (!try_lock_shared_for(forever)) {}
    }
    [[gnu::always_inline]] void unlock_shared() noexcept {
        QUIRE_CHECK((word_.load(std::memory_order_relaxed) & readers) != 0,
                    "unlock_shared matches an earlier lock_shared");
        word_.fetch_sub(reader, std::memory_order_seq_cst);
        if (has_waiters()) [[unlikely]] { wake_if_last(); }
    }

    [[nodiscard, gnu::always_inline]] bool try_lock() noexcept {
        return enter_exclusive(readers | writer | closed);
    }
    [[nodiscard]] bool try_lock_for(std::chrono::nanoseconds wait) noexcept {
        return try_lock_for(wait, [] { return true; });
    }
    template <class Look>
    [[nodiscard]] bool try_lock_for(std::chrono::nanoseconds wait, Look look) noexcept {
        return try_lock() || wait_for(wait, look, [this](bool slept_long) {
                   return slept_long ? close_and_lock() : try_lock();
               });
    }
    void lock() noexcept {
        while (!try_lock_for(forever)) {}
    }
    [[gnu::always_inline]] void unlock() noexcept {
        word_.fetch_add(version_step - writer, std::memory_order_seq_cst);
        wake();
    }

    /// Exclusive to shared, in one step. The version moves, since the section may have written.
    void downgrade() noexcept {
        word_.fetch_add(version_step - writer + reader, std::memory_order_seq_cst);
        wake();
    }

    /// Keeps the frame resident. Expects: the caller holds the latch in some mode.
    void pin() noexcept {
        auto const before = word_.fetch_add(pin_step, std::memory_order_acquire);
        QUIRE_EXPECTS((before & pins) != pins, "a page has at most 32,767 pins");
    }
    void unpin() noexcept {
        auto const before = word_.fetch_sub(pin_step, std::memory_order_release);
        QUIRE_EXPECTS((before & pins) != 0, "unpin matches an earlier pin");
    }
    /// Exclusive if there is no reader, no writer and no pin. Never waits.
    [[nodiscard]] bool try_lock_unpinned() noexcept {
        return enter_exclusive(readers | writer | closed | pins);
    }

    /// How many exclusive sections have ended, modulo 2^32.
    [[nodiscard]] std::uint32_t version() const noexcept {
        return static_cast<std::uint32_t>(word_.load(std::memory_order_acquire) >> 32);
    }
    /// Whether no writer held the latch since `version` gave `seen`. A writer that held it then
    /// still does, or has moved the version. Stores nothing.
    [[nodiscard]] bool unchanged_since(std::uint32_t seen) const noexcept {
        detail::fence(std::memory_order_acquire);  // the page is read before the word is
        auto const word = word_.load(std::memory_order_relaxed);
        return word / writer == std::uint64_t{seen} * (version_step / writer);
    }

private:
    static constexpr std::uint64_t reader = 1;
    static constexpr std::uint64_t readers = (std::uint64_t{1} << 15) - 1;
    static constexpr std::uint64_t crowded = std::uint64_t{1} << 14;  ///< in `readers`
    static constexpr std::uint64_t pin_step = std::uint64_t{1} << 15;
    static constexpr std::uint64_t pins = std::uint64_t{0x7FFF} << 15;
    static constexpr std::uint64_t closed = std::uint64_t{1} << 30;
    static constexpr std::uint64_t writer = std::uint64_t{1} << 31;
    static constexpr std::uint64_t version_step = std::uint64_t{1} << 32;

    static constexpr auto forever = std::chrono::nanoseconds::max();
    static constexpr std::chrono::nanoseconds slice = std::chrono::milliseconds{2};
    static constexpr std::chrono::nanoseconds long_wait = std::chrono::microseconds{100};
    static constexpr int spins = 64;

    /// Looks before it enters: many waiting readers must not keep the count above zero. One that
    /// has slept long gets past `closed` only when a writer has had its turn since `before`.
    [[nodiscard]] bool enter_shared(bool slept_long, std::uint32_t before) noexcept {
        auto const word = word_.load(std::memory_order_seq_cst);
        bool const writer_is_in = (word & writer) != 0;
        if (slept_long && (writer_is_in || static_cast<std::uint32_t>(word >> 32) != before)) {
            return close_and_lock_shared();
        }
        return (word & (writer | closed | crowded)) == 0 && try_lock_shared();
    }

    [[nodiscard]] bool close_and_lock_shared() noexcept {
        if ((word_.fetch_or(closed, std::memory_order_seq_cst) & writer) != 0) { return false; }
        if ((word_.fetch_add(reader, std::memory_order_acquire) & (writer | crowded)) != 0) {
            unlock_shared();
            return false;
        }
        reopen();
        return true;
    }
    [[nodiscard]] bool close_and_lock() noexcept {
        word_.fetch_or(closed, std::memory_order_seq_cst);
        return enter_exclusive(readers | writer);
    }
    void reopen() noexcept {
        if ((word_.fetch_and(~closed, std::memory_order_seq_cst) & closed) != 0) { wake(); }
    }

    [[nodiscard, gnu::always_inline]] bool enter_exclusive(std::uint64_t excluded) noexcept {
        auto word = word_.load(std::memory_order_seq_cst);
        while ((word & excluded) == 0) {
            auto const open = (excluded & closed) != 0 ? word : word & ~closed;
            if (word_.compare_exchange_weak(word, open | writer,
                                            std::memory_order_acquire,
                                            std::memory_order_relaxed)) {
                detail::fence(std::memory_order_release);  // readers without the latch see the bit
                return true;                               // before what is written under it
            }
        }
        return false;
    }

    /// Tries `enter(slept_long)` until it succeeds, `wait` is over or `look()` is false.
    template <class Look, class Enter>
    [[nodiscard, gnu::noinline]] bool wait_for(std::chrono::nanoseconds wait, Look look,
                                               Enter enter) noexcept {
        for (int i = 0; i < spins; ++i) {
            if (enter(false)) { return true; }
            if (i % 16 == 15) { detail::yield(); }
        }
        auto const begin = std::chrono::steady_clock::now();
        waiters_.fetch_add(1, std::memory_order_seq_cst);
        bool entered = false;
        for (;;) {
            auto const seen = event_.load(std::memory_order_seq_cst);
            auto const passed = std::chrono::steady_clock::now() - begin;
            entered = enter(passed > long_wait);
            if (entered || passed >= wait || !look()) { break; }
            // A short first sleep: a wait of some ms must close the latch before it is over.
            auto const pause = passed > long_wait ? slice : long_wait;
            detail::futex_wait(event_, seen, wait - passed < pause ? wait - passed : pause);
        }
        waiters_.fetch_sub(1, std::memory_order_seq_cst);
        if (!entered) { reopen(); }  // gave up: let other threads in
        return entered;
    }

    /// A reader looks again after it has left. Of several that leave at the same time one sees that
    /// no reader is left, or it sees a new reader, which will look again itself. The result of the
    /// subtraction is not used: a hit would wait for it.
    [[gnu::noinline]] void wake_if_last() noexcept {
        if ((word_.load(std::memory_order_seq_cst) & readers) == 0) { wake_all(); }
    }

    [[nodiscard]] bool has_waiters() const noexcept {
        return waiters_.load(std::memory_order_seq_cst) != 0;
    }
    [[gnu::always_inline]] void wake() noexcept {
        if (has_waiters()) [[unlikely]] { wake_all(); }
    }
    [[gnu::noinline]] void wake_all() noexcept {
        event_.fetch_add(1, std::memory_order_seq_cst);
        detail::futex_wake_all(event_);
    }

    std::atomic<std::uint64_t> word_{0};
    std::atomic<std::uint32_t> waiters_{0};
    std::atomic<std::uint32_t> event_{0};
};

static_assert(interruptible<hybrid_latch> && downgradable<hybrid_latch> &&
              pinning<hybrid_latch> && versioned<hybrid_latch>);
static_assert(sizeof(hybrid_latch) == 16);

}  // namespace quire::inline QUIRE_ABI
