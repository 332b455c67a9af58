// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_writer: the one write-back, for eviction, writers over their limit, flush and close.
///
/// A batch of dirty pages, sorted by page, becomes one submit. For each page: latch exclusively
/// (sealing changes bytes; pins do not refuse this), seal, downgrade to shared, write, raise
/// `written`, unlatch. The write runs under the shared latch, because bytes that change during a
/// DMA arrive torn; readers read on meanwhile.
///
/// A caller that has claimed an entry, or holds a file's grow latch or a page, only tries latches:
/// `latching::tries`. Two threads that wait for each other's pages while they hold something would
/// wait for ever. Flush and close hold nothing, and wait for the first latch of each batch:
/// `latching::waits`. No thread waits for a latch while a write of its own is unfinished.
///
/// The log comes first: with nothing latched and nothing in flight, the hook is asked to make the
/// log durable up to the batch's highest LSN; then the pages are latched. A page has *moved* if its
/// LSN is past the answer by then; or, with a latch that cannot be downgraded, if another thread
/// changed it between its seal and its write.
///
/// A page that moves in two rounds must not keep a flush from its end: it is written from a copy.
/// The copy is made under the shared latch, in the pool's spare page; the log is asked for its LSN;
/// the copy is sealed, and then written under the page's latch, unless a newer version has been
/// written in the meantime. The page stays dirty if it has changed since, and what was dirty when
/// the flush began is in the file. There is one spare page: a second flush that needs it waits,
/// also while the first is in the log hook or writes; and each copy asks the log once.
///
/// Errors: a page that could not be written stays dirty, resident and readable; the first failure
/// is in the outcome, the other pages of the batch are written all the same.

#include <quire/pool/detail/log_gate.hpp>
#include <quire/pool/detail/pool_types.hpp>
#include <quire/pool/detail/reasons.hpp>

#include <cstring>   // std::memcpy
#include <mutex>     // std::unique_lock
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

/// A page found dirty, and where.
struct dirty_page {
    frame_no frame{};
    page_id page{};

    friend bool operator<(dirty_page a, dirty_page b) noexcept { return a.page < b.page; }
};

enum class latching : std::uint8_t { tries, waits };

/// What became of a write-back.
struct write_outcome {
    std::size_t written = 0;  ///< pages
    std::exception_ptr failure = nullptr;

    /// Called with latches held: must not throw, even when there is no memory for an error.
    template <class File>
    void fail(File const& file, errc code, page_id page, int system = 0,
              std::string_view why = {}) noexcept {
        if (failure != nullptr) { return; }
        try {
            failure = std::make_exception_ptr(file.failure(code, "write", page, system, why));
        } catch (...) {
            failure = std::current_exception();
        }
    }
    void rethrow() const {
        if (failure != nullptr) { std::rethrow_exception(failure); }
    }
};

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
        : frames_{frames}, files_{files}, transfers_{transfers}, log_{log}, observer_{observer} {}

    /// Writes `pages`, which must be sorted and is used up. Pages that are clean by the time they
    /// are latched, or have moved, count as done. `wait` is for each batch: the time that the
    /// writes of those before it took is not held against it.
    [[nodiscard]] write_outcome write(std::span<dirty_page> pages, latching how,
                                      std::chrono::nanoseconds wait) {
        write_outcome outcome;
        while (!pages.empty()) {
            auto const until = deadline_after(wait);
            auto batch = pages.first(pages.size() < batch_max ? pages.size() : batch_max);
            pages = pages.subspan(batch.size());
            int round = 0;
            do {
                write_batch(batch, how, round++ > 0, until, wait, outcome);
                batch = without_done(batch);
            } while (how == latching::waits && !batch.empty());
        }
        return outcome;
    }

private:
    using operation = typename transfers_type::transfer_type;

    struct sealed_page {
        dirty_page* target;
        std::uint64_t version;
    };
    enum class step : std::uint8_t { sealed, later, moved, done };

    [[nodiscard]] static std::span<dirty_page> without_done(std::span<dirty_page> batch) noexcept {
        std::size_t left = 0;
        for (auto const& one : batch) {
            if (one.page != page_id::none()) { batch[left++] = one; }
        }
        return batch.first(left);
    }

    /// One round: what is done has its page set to none, the rest is for another round.
    void write_batch(std::span<dirty_page> batch, latching how, bool again, deadline until,
                     std::chrono::nanoseconds wait, write_outcome& outcome) {
        std::uint64_t const durable = make_log_durable(batch, outcome);
        std::array<sealed_page, batch_max> sealed;
        std::array<operation, batch_max> ops;
        std::array<dirty_page*, batch_max> moved;
        std::size_t count = 0;
        std::size_t moved_count = 0;
        for (auto& target : batch) {
            if (target.page == page_id::none()) { continue; }
            bool const may_wait = how == latching::waits && count == 0;
            std::uint64_t version = 0;
            auto const result = seal(target, durable, may_wait, until, version, outcome);
            if (result == step::sealed) {
                sealed[count] = {&target, version};
                ops[count++] = {{io_verb::write, &*files_.of(target.page).file,
                                 *byte_offset(target.page.page(), Types::page_size),
                                 frames_.bytes(target.frame)}};
            } else if (result == step::moved && how == latching::waits && again) {
                moved[moved_count++] = &target;
            } else if (result == step::done) {
                target.page = page_id::none();
            }
        }
        transfers_.run(std::span{ops}.first(count));
        for (std::size_t i = 0; i < count; ++i) { finish(sealed[i], ops[i], outcome); }
        if (count > 0) { transfers_.frame_changed(); }
        for (auto* const target : std::span{moved}.first(moved_count)) {
            write_copy(*target, deadline_after(wait), outcome);
            target->page = page_id::none();
        }
    }

    /// Latches and seals one page; leaves it latched shared if the result is `sealed`.
    [[nodiscard]] step seal(dirty_page target, std::uint64_t durable, bool may_wait, deadline until,
                            std::uint64_t& version, write_outcome& outcome) {
        auto& file = files_.of(target.page);
        if (int const broken = file.sync_error.load(std::memory_order_acquire); broken != 0) {
            outcome.fail(file, errc::sync_failed, target.page, broken);
            return step::done;
        }
        auto& frame = frames_[target.frame];
        if (!latch<access::exclusive>(target, may_wait, until)) {
            if (may_wait && frame.held_here()) {
                outcome.fail(file, errc::held_here, target.page);
                return step::done;
            }
            return refused(frame, target, may_wait, until, outcome);
        }
        if (!frame.dirty()) {
            end_exclusive(target);
            return step::done;
        }
        if (auto const lsn = frame.lsn.load(std::memory_order_relaxed); lsn > durable) {
            end_exclusive(target);
            return step::moved;
        }
        version = frame.version.load(std::memory_order_relaxed);
        file.seal_page(frames_.bytes(target.frame), target.page);
        if constexpr (downgradable<decltype(frame.latch)>) {
            frame.latch.downgrade();
            return step::sealed;
        } else {
            end_exclusive(target);
            if (!latch<access::shared>(target, may_wait, until)) {
                return refused(frame, target, may_wait, until, outcome);
            }
            if (frame.version.load(std::memory_order_acquire) == version) { return step::sealed; }
            frames_.template end_access<access::shared>(frames_.at(target.frame), target.page);
            return step::moved;  // another thread wrote in between: the seal is stale
        }
    }

    template <access Mode>
    [[nodiscard]] bool latch(dirty_page target, bool may_wait, deadline until) const {
        auto const at = frames_.at(target.frame);
        bool const latched =
            try_latch<Mode>(at.header->latch) ||
            (may_wait && !at.header->held_here() &&
             transfers_.template latch<Mode>(at.header->latch, until));
        return latched && frames_.template begin_access<Mode>(at, target.page);
    }

    /// After a latch that was not acquired: done if another page is there now; later, or never, if
    /// it is held.
    [[nodiscard]] step refused(frame_type& frame, dirty_page target, bool may_wait,
                               deadline until, write_outcome& outcome) {
        return frame.holds(target.page) ? later(target, may_wait, until, outcome) : step::done;
    }

    /// In another round, unless this page's time is over.
    [[nodiscard]] step later(dirty_page target, bool may_wait, deadline until,
                             write_outcome& outcome) {
        if (!may_wait || !has_passed(until)) { return step::later; }
        outcome.fail(files_.of(target.page), errc::timed_out, target.page, 0, waited_for_guard);
        return step::done;
    }

    /// Writes a page that moves all the time. Expects: nothing is latched and nothing in flight.
    void write_copy(dirty_page target, deadline until, write_outcome& outcome) {
        auto& file = files_.of(target.page);
        if (!transfers_.template latch<access::exclusive>(copying_, until)) {
            return outcome.fail(file, errc::timed_out, target.page, 0, waited_for_copy);
        }
        std::unique_lock const copies{copying_, std::adopt_lock};
        auto const version = copy(target, until, outcome);
        if (!version || !latch_for_copy<access::exclusive>(target, until, outcome)) { return; }
        auto& frame = frames_[target.frame];
        if (int const broken = file.sync_error.load(std::memory_order_acquire); broken != 0) {
            outcome.fail(file, errc::sync_failed, target.page, broken);
            return end_exclusive(target);
        }
        if (frame.written.load(std::memory_order_acquire) >= *version) {
            return end_exclusive(target);
        }
        file.seal_page(frames_.spare(), target.page);
        constexpr bool downgrades = downgradable<typename Types::latch_type>;
        if constexpr (downgrades) { frame.latch.downgrade(); }
        operation op{{io_verb::write, &*file.file,
                      *byte_offset(target.page.page(), Types::page_size), frames_.spare()}};
        transfers_.run({&op, 1});
        conclude(target, *version, op, outcome);
        constexpr auto mode = downgrades ? access::shared : access::exclusive;
        frames_.template end_access<mode>(frames_.at(target.frame), target.page);
        quire::poison(frames_.spare());
    }
    /// The page's version that is in the spare page now, and in the log. Nothing when it has become
    /// clean, or failed.
    [[nodiscard]] std::optional<std::uint64_t> copy(dirty_page target, deadline until,
                                                    write_outcome& outcome) {
        if (!latch_for_copy<access::shared>(target, until, outcome)) { return std::nullopt; }
        auto const& frame = frames_[target.frame];
        bool const dirty = frame.dirty();
        auto const version = frame.version.load(std::memory_order_relaxed);
        auto const lsn = frame.lsn.load(std::memory_order_relaxed);
        quire::unpoison(frames_.spare());
        std::memcpy(frames_.spare().data(), frames_.bytes(target.frame).data(), Types::page_size);
        frames_.template end_access<access::shared>(frames_.at(target.frame), target.page);
        if (!dirty) { return std::nullopt; }
        if (!log_.is_there() || lsn == 0) { return version; }
        auto const [covered, why] = log_.ask(lsn);
        if (covered >= lsn) { return version; }
        not_covered(target, why, outcome);
        return std::nullopt;
    }
    template <access Mode>
    [[nodiscard]] bool latch_for_copy(dirty_page target, deadline until, write_outcome& outcome) {
        if (latch<Mode>(target, true, until)) { return true; }
        auto const& frame = frames_[target.frame];
        if (frame.held_here()) {
            outcome.fail(files_.of(target.page), errc::held_here, target.page);
        } else if (frame.holds(target.page) && has_passed(until)) {
            outcome.fail(files_.of(target.page), errc::timed_out, target.page, 0,
                         waited_for_guard);
        }
        return false;
    }
    void end_exclusive(dirty_page target) noexcept {
        frames_.template end_access<access::exclusive>(frames_.at(target.frame), target.page);
    }

    void finish(sealed_page const& one, operation const& op, write_outcome& outcome) noexcept {
        auto const target = *one.target;
        conclude(target, one.version, op, outcome);
        frames_.template end_access<access::shared>(frames_.at(target.frame), target.page);
        one.target->page = page_id::none();
    }

    /// What comes of a write that is complete. Expects: its page is latched.
    void conclude(dirty_page target, std::uint64_t version, operation const& op,
                  write_outcome& outcome) noexcept {
        auto& frame = frames_[target.frame];
        auto& file = files_.of(target.page);
        if (op.error != 0) {
            int const system = op.error == io_ended ? 0 : op.error;
            outcome.fail(file, errc::write_failed, target.page, system);
            observer_.tell(observer_.on_write_error, target.page, system);
        } else {
            if (frame.written_back(version)) { file.now_clean(target.frame); }
            file_counters::add(file.counters.write_backs);
            ++outcome.written;
        }
    }

    /// Asks the hook for the batch's highest LSN. Pages it cannot cover are failed and done.
    [[nodiscard]] std::uint64_t make_log_durable(std::span<dirty_page> batch,
                                                 write_outcome& outcome) {
        if (!log_.is_there()) { return ~std::uint64_t{0}; }
        std::uint64_t highest = 0;
        auto const lsn_of = [&](dirty_page const& p) {
            auto const& frame = frames_[p.frame];
            return frame.holds(p.page) ? frame.lsn.load(std::memory_order_acquire) : 0;
        };
        for (auto const& target : batch) {
            auto const lsn = lsn_of(target);
            if (lsn > highest) { highest = lsn; }
        }
        if (highest == 0) { return 0; }
        auto const [covered, why] = log_.ask(highest);
        if (covered >= highest) { return covered; }
        for (auto& target : batch) {
            if (lsn_of(target) <= covered) { continue; }
            not_covered(target, why, outcome);
            target.page = page_id::none();
        }
        return covered;
    }
    void not_covered(dirty_page target, std::exception_ptr const& why, write_outcome& outcome) {
        auto const& file = files_.of(target.page);
        if (outcome.failure == nullptr && why != nullptr) {
            outcome.failure = log_gate::nested(file, target.page, why);
        }
        outcome.fail(file, errc::log_failed, target.page);
    }

    typename Types::frames_type frames_;
    typename Types::files_type& files_;
    transfers_type& transfers_;
    log_gate const& log_;
    pool_observer const& observer_;
    hybrid_latch copying_;  ///< of the spare page
};

}  // namespace quire::inline QUIRE_ABI::detail
