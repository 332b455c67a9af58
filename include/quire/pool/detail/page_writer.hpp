// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_writer: the one write-back, for eviction, writers over their limit, flush and close.
///
/// A list of dirty pages, sorted by page, becomes batches (write_batch.hpp), each one submit; up to
/// four are in flight. For each page: latch exclusively (sealing changes bytes; pins do not refuse
/// this), seal, downgrade to shared, write, raise `written`, unlatch. The write runs under the
/// shared latch, because bytes that change during a DMA arrive torn; readers read on meanwhile.
///
/// A caller that has claimed an entry, or holds a file's grow latch or a page, only tries latches:
/// `latching::tries`. Two threads that wait for each other's pages while they hold something would
/// wait for ever. Flush and close hold nothing, and wait a moment for the first latch of a batch:
/// `latching::waits`. No thread waits for a latch while a write of its own is unfinished: a batch
/// whose first latch is refused finishes those before it, and then waits. The first wait that is
/// in vain is the last; pages that are refused then are written from copies.
///
/// A list is gone through in rounds: pages that were refused, or moved, are left for the next one.
///
/// The log comes first: with nothing latched and nothing in flight, the hook is asked to make the
/// log durable up to the round's highest LSN; then the pages are latched. A batch whose pages have
/// been logged since finishes those before it, and asks again. A page has *moved* if its LSN is
/// past the answer when it is latched; or, with a latch that cannot be downgraded, if another
/// thread changed it between its seal and its write.
///
/// A page that moves in two rounds, or that others read on and on, must not keep a flush from its
/// end: it is written from a copy. The copy is made under the shared latch, in the pool's spare
/// page, in front of threads that wait for the readers; the log is asked for its LSN; the copy is
/// sealed, and then written: under the shared latch if the page is still the same and no other
/// thread writes it, else under the exclusive one, unless a newer version has been written in the
/// meantime. The page stays dirty if it has changed since, and what was dirty when the flush began
/// is in the file. So a flush waits for those who change pages, not for those who read them. There
/// is one spare page: a second flush that needs it waits, also while the first is in the log hook
/// or writes; and each copy asks the log once.
///
/// Errors: a page that could not be written stays dirty, resident and readable; the first failure
/// is in the outcome, the other pages are written all the same.
/// Cost: no allocation; up to 21 KiB of stack.

#include <quire/pool/detail/log_gate.hpp>
#include <quire/pool/detail/reasons.hpp>
#include <quire/pool/detail/write_batch.hpp>

#include <cstring>   // std::memcpy
#include <mutex>     // std::unique_lock
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

enum class latching : std::uint8_t { tries, waits };

template <class Types>
class page_writer : immovable {
public:
    using frame_type = typename Types::frame_type;
    using file_type = typename Types::file_type;
    using transfers_type = typename Types::transfers_type;
    static constexpr std::size_t batch_max = transfers_type::batch_max;  // pages

    page_writer(typename Types::frames_type frames, typename Types::files_type& files,
                transfers_type& transfers, log_gate const& log,
                pool_observer const& observer) noexcept
        : frames_{frames},
          files_{files},
          transfers_{transfers},
          log_{log},
          conclusion_{frames, files, observer} {}

    /// Writes `pages`, which must be sorted. Pages that are clean by the time they are latched, or
    /// have moved, count as done. Each wait for a latch is at most `wait`. With latching::tries
    /// there is one round, and each page's fate is known then; else `pages` is used up.
    [[nodiscard]] write_outcome write(std::span<dirty_page> pages, latching how,
                                      std::chrono::nanoseconds wait) {
        write_outcome outcome;
        patience left{how == latching::waits, wait};
        patience for_copies{true, wait};
        for (bool again = false; !pages.empty(); again = true) {
            write_round(pages, left, outcome);
            if (how == latching::tries) { break; }
            for (auto& target : pages) {
                if (target.fate == page_fate::held || (again && target.fate == page_fate::moved)) {
                    write_copy(target, for_copies, outcome);
                }
            }
            pages = those_left(pages);
        }
        return outcome;
    }

private:
    using operation = typename transfers_type::transfer_type;
    using in_flight = batches_in_flight<Types>;

    /// How long readers, or another thread's write, may have a page before it is copied.
    static constexpr std::chrono::nanoseconds moment = std::chrono::milliseconds{1};
    static constexpr std::chrono::nanoseconds moment_of_writes = std::chrono::seconds{1};

    /// How long a thread waits for a latch.
    struct patience {
        bool waits;  ///< until it has waited in vain
        std::chrono::nanoseconds wait;
        bool over = false;
    };
    enum class outcome_of_wait : std::uint8_t { latched, gone, held_here, late };
    /// A page that is being added to a batch, and what for.
    struct attempt {
        dirty_page& target;
        in_flight& before;  ///< must be finished before a wait
        bool first;         ///< the batch has no latch yet
        patience& left;
        write_outcome& outcome;
    };

    [[nodiscard]] static std::span<dirty_page> those_left(std::span<dirty_page> pages) noexcept {
        std::size_t left = 0;
        for (auto const& one : pages) {
            if (!one.is_left()) { continue; }
            pages[left] = one;
            pages[left++].fate = page_fate::open;
        }
        return pages.first(left);
    }

    /// Latches, seals and writes what can be. Nothing is latched or in flight after it.
    void write_round(std::span<dirty_page> pages, patience& left, write_outcome& outcome) {
        auto durable = make_log_durable(pages, 0, outcome);
        in_flight batches{transfers_, conclusion_, outcome};
        for (bool first = true; !pages.empty(); first = false) {
            auto const part = pages.first(pages.size() < batch_max ? pages.size() : batch_max);
            pages = pages.subspan(part.size());
            if (!first && highest_lsn(part) > durable) {
                batches.finish_all();
                durable = make_log_durable(part, durable, outcome);
            }
            auto& batch = batches.fill();
            for (auto& target : part) {
                if (!target.is_left()) { continue; }
                if (auto const version =
                        seal({target, batches, batch.empty(), left, outcome}, durable)) {
                    if (!conclusion_.begin(target)) {
                        unlatch<access::shared>(target);
                        target.fate = page_fate::moved;
                        continue;
                    }
                    batch.add(target, *version,
                              {{io_verb::write, &*files_.of(target.page).file,
                                *byte_offset(target.page.page(), Types::page_size),
                                frames_.bytes(target.frame)}});
                }
            }
            batches.start();
        }
    }

    /// Latches and seals one page, and leaves it latched shared: the version that is sealed. Else
    /// nothing, and the page's fate tells.
    [[nodiscard]] std::optional<std::uint64_t> seal(attempt const& a, std::uint64_t durable) {
        auto& target = a.target;
        auto& file = files_.of(target.page);
        if (int const broken = file.sync_error.load(std::memory_order_acquire); broken != 0) {
            a.outcome.fail(file, errc::sync_failed, target, broken);
            return std::nullopt;
        }
        if (!latch_for<access::exclusive>(a)) { return std::nullopt; }
        auto& frame = frames_[target.frame];
        if (!frame.dirty()) {
            unlatch<access::exclusive>(target);
            target.fate = page_fate::done;
            return std::nullopt;
        }
        if (auto const lsn = frame.lsn.load(std::memory_order_relaxed); lsn > durable) {
            unlatch<access::exclusive>(target);
            target.fate = page_fate::moved;
            return std::nullopt;
        }
        auto const version = frame.version.load(std::memory_order_relaxed);
        file.seal_page(frames_.bytes(target.frame), target.page);
        if constexpr (downgradable<decltype(frame.latch)>) {
            frame.latch.downgrade();
            return version;
        } else {
            unlatch<access::exclusive>(target);
            if (!latch_for<access::shared>(a)) { return std::nullopt; }
            if (frame.version.load(std::memory_order_acquire) == version) { return version; }
            unlatch<access::shared>(target);
            target.fate = page_fate::moved;  // another thread wrote in between: a stale seal
            return std::nullopt;
        }
    }

    /// Whether the page is latched now. If another page is there it is done; if it is held, it is
    /// left for another round or for a copy, or has failed.
    template <access Mode>
    [[nodiscard]] bool latch_for(attempt const& a) {
        auto& target = a.target;
        auto const at = frames_.at(target.frame);
        if (try_latch<Mode>(at.header->latch)) {
            if (frames_.template begin_access<Mode>(at, target.page)) { return true; }
            target.fate = page_fate::done;
            return false;
        }
        if (!a.left.waits || !(a.first || a.left.over)) { return false; }
        if (!a.left.over) { a.before.finish_all(); }
        auto const until = deadline_after(a.left.over ? moment.zero()
                                                      : shorter(a.left.wait, moment_of_writes));
        auto const came = wait_for_latch<Mode>(target, until, [&, soon = deadline_after(moment)] {
            return at.header->is_being_written() || !has_passed(soon);
        });
        if (came == outcome_of_wait::late) {
            a.left.over = true;
            target.fate = page_fate::held;
            return false;
        }
        return is_latched(came, target, a.outcome);
    }
    /// Expects: this thread has no latch, and nothing in flight; or no time is left.
    template <access Mode, class Wanted>
    [[nodiscard]] outcome_of_wait wait_for_latch(dirty_page const& target, deadline until,
                                                 Wanted wanted) {
        auto const at = frames_.at(target.frame);
        bool const latched = enter<Mode>(at.header->latch, until, wanted);
        if (latched && frames_.template begin_access<Mode>(at, target.page)) {
            return outcome_of_wait::latched;
        }
        if (latched || !at.header->holds(target.page)) { return outcome_of_wait::gone; }
        return at.header->held_here() ? outcome_of_wait::held_here : outcome_of_wait::late;
    }
    template <access Mode>
    [[nodiscard]] outcome_of_wait wait_for_latch(dirty_page const& target, deadline until) {
        return wait_for_latch<Mode>(target, until, [] { return true; });
    }
    /// A copy is made in front of threads that wait for the readers, too. While another thread
    /// changes the page it is waited for as by any reader: so it cannot come back first each time.
    template <access Mode, class Latch, class Wanted>
    [[nodiscard]] bool enter(Latch& latch, deadline until, Wanted wanted) {
        if constexpr (Mode == access::shared && requires { latch.try_lock_shared_in_front(); }) {
            bool in_front = latch.try_lock_shared_in_front();
            return in_front || transfers_.template latch<Mode>(latch, until, [&] {
                in_front = latch.try_lock_shared_in_front();
                return !in_front;
            }) || in_front;
        } else {
            return transfers_.template latch<Mode>(latch, until, wanted);
        }
    }
    /// Else the page is done, or has failed.
    [[nodiscard]] bool is_latched(outcome_of_wait came, dirty_page& target,
                                  write_outcome& outcome) {
        switch (came) {
            case outcome_of_wait::latched: return true;
            case outcome_of_wait::gone: target.fate = page_fate::done; break;
            case outcome_of_wait::held_here:
                outcome.fail(files_.of(target.page), errc::held_here, target);
                break;
            case outcome_of_wait::late:
                outcome.fail(files_.of(target.page), errc::timed_out, target, 0, waited_for_guard);
                break;
        }
        return false;
    }
    template <access Mode>
    void unlatch(dirty_page const& target) noexcept {
        frames_.template end_access<Mode>(frames_.at(target.frame), target.page);
    }
    /// Writes the page from a copy. Expects: nothing is latched and nothing in flight.
    void write_copy(dirty_page& target, patience& left, write_outcome& outcome) {
        auto const until = deadline_after(left.over ? moment.zero() : left.wait);
        for (auto pause = moment;; pause *= 2) {
            // Whoever changes the page is waited for before the spare page is taken from others.
            auto const came = wait_for_latch<access::shared>(target, until);
            left.over = left.over || came == outcome_of_wait::late;
            if (!is_latched(came, target, outcome)) { return; }
            unlatch<access::shared>(target);
            if (!transfers_.template latch<access::exclusive>(copying_, until)) {
                left.over = true;
                return outcome.fail(files_.of(target.page), errc::timed_out, target, 0,
                                    waited_for_copy);
            }
            std::unique_lock const copies{copying_, std::adopt_lock};
            if (try_write_copy(target, pause, until, outcome)) { return; }
            if (has_passed(until)) {
                left.over = true;
                return static_cast<void>(is_latched(outcome_of_wait::late, target, outcome));
            }
        }
    }
    /// False: it is held for changes; or was changed since it was copied, and is held again. It is
    /// waited for at most for `pause` each time.
    [[nodiscard]] bool try_write_copy(dirty_page& target, std::chrono::nanoseconds pause,
                                      deadline until, write_outcome& outcome) {
        auto const soon = [&] { return deadline_after(shorter(pause, left_until(until))); };
        auto came = wait_for_latch<access::shared>(target, soon());
        if (came == outcome_of_wait::late) { return false; }
        if (!is_latched(came, target, outcome)) { return true; }
        auto const& frame = frames_[target.frame];
        bool const dirty = frame.dirty();
        auto const version = frame.version.load(std::memory_order_relaxed);
        auto const lsn = frame.lsn.load(std::memory_order_relaxed);
        quire::unpoison(frames_.spare());
        std::memcpy(frames_.spare().data(), frames_.bytes(target.frame).data(), Types::page_size);
        unlatch<access::shared>(target);
        target.fate = page_fate::done;  // unless it fails
        if (!dirty || !is_covered(lsn, target, outcome)) { return true; }

        came = wait_for_latch<access::shared>(target, soon());
        if (came == outcome_of_wait::latched) {
            if (frame.version.load(std::memory_order_acquire) != version) {
                unlatch<access::shared>(target);
            } else if (write_spare<access::shared>(target, version, outcome)) {
                return true;
            }
        }
        came = wait_for_latch<access::exclusive>(target, soon());
        if (came == outcome_of_wait::late) { return false; }
        return !is_latched(came, target, outcome) ||
               write_spare<access::exclusive>(target, version, outcome);
    }
    /// Writes the copy, which is `version` of the page, and gives up the page's latch. False:
    /// another thread is writing it.
    template <access Mode>
    [[nodiscard]] bool write_spare(dirty_page& target, std::uint64_t version,
                                   write_outcome& outcome) {
        auto& file = files_.of(target.page);
        if (int const broken = file.sync_error.load(std::memory_order_acquire); broken != 0) {
            outcome.fail(file, errc::sync_failed, target, broken);
            unlatch<Mode>(target);
            return true;
        }
        bool const is_done =
            frames_[target.frame].written.load(std::memory_order_acquire) >= version;
        if (is_done || !conclusion_.begin(target)) {
            unlatch<Mode>(target);
            return is_done;
        }
        file.seal_page(frames_.spare(), target.page);
        operation op{{io_verb::write, &*file.file,
                      *byte_offset(target.page.page(), Types::page_size), frames_.spare()}};
        transfers_.run({&op, 1});
        conclusion_.conclude(target, version, op, outcome);
        conclusion_.template end<Mode>(target);
        quire::poison(frames_.spare());
        return true;
    }
    /// Whether the log has what was changed in the page, up to `lsn`. Else it has failed.
    [[nodiscard]] bool is_covered(std::uint64_t lsn, dirty_page& target, write_outcome& outcome) {
        if (!log_.is_there() || lsn == 0) { return true; }
        auto const [covered, why] = log_.ask(lsn);
        if (covered >= lsn) { return true; }
        not_covered(target, why, outcome);
        return false;
    }

    /// How far the log must be durable for `pages`.
    [[nodiscard]] std::uint64_t highest_lsn(std::span<dirty_page const> pages) const noexcept {
        std::uint64_t highest = 0;
        if (!log_.is_there()) { return highest; }
        for (auto const& one : pages) {
            if (auto const lsn = lsn_of(one); lsn > highest) { highest = lsn; }
        }
        return highest;
    }
    [[nodiscard]] std::uint64_t lsn_of(dirty_page const& one) const noexcept {
        auto const& frame = frames_[one.frame];
        return one.is_left() && frame.holds(one.page) ? frame.lsn.load(std::memory_order_acquire)
                                                      : 0;
    }
    /// Asks the hook, unless it has answered `before` and that is enough; how far the log is
    /// durable now. Pages that it does not cover have failed. Expects: nothing is latched and
    /// nothing in flight.
    [[nodiscard]] std::uint64_t make_log_durable(std::span<dirty_page> pages, std::uint64_t before,
                                                 write_outcome& outcome) {
        if (!log_.is_there()) { return ~std::uint64_t{0}; }
        auto const highest = highest_lsn(pages);
        if (highest <= before) { return before; }
        auto const [answer, why] = log_.ask(highest);
        auto const covered = answer > before ? answer : before;
        if (covered >= highest) { return covered; }
        for (auto& target : pages) {
            if (lsn_of(target) > covered) { not_covered(target, why, outcome); }
        }
        return covered;
    }
    void not_covered(dirty_page& target, std::exception_ptr const& why, write_outcome& outcome) {
        auto& file = files_.of(target.page);
        file.could_not_write();
        if (outcome.failure == nullptr && why != nullptr) {
            outcome.failure = log_gate::nested(file, target.page, why);
        }
        outcome.fail(file, errc::log_failed, target);
    }

    typename Types::frames_type frames_;
    typename Types::files_type& files_;
    transfers_type& transfers_;
    log_gate const& log_;
    write_conclusion<Types> const conclusion_;
    hybrid_latch copying_;  ///< of the spare page
};

}  // namespace quire::inline QUIRE_ABI::detail
