// SPDX-License-Identifier: BSL-1.0
#pragma once

/// write_batch: up to 64 dirty pages that are latched, sealed and being written; and up to four
/// such batches of one thread in flight at once.
///
///   add       a page that this thread has latched shared and sealed
///   start     its writes are submitted: it is in flight
///   finish    waits for the writes, raises `written` of each page, and unlatches it
///
/// One batch after the other leaves the device idle while the next one is latched and sealed. With
/// a backend that completes in `submit` a batch is finished where it was started, and its latches
/// are held no longer than before.
///
/// Invariants
///   I1. Batches are finished in the order in which they were started, by the thread that started
///       them, and a page is unlatched only there.
///   I2. `written` is raised only when the page's write is complete, and before it is unlatched.
///   I3. What is in flight is finished before its thread waits for a latch, for the log, or for
///       anything else of another thread (page_writer).
///
/// Cost: no allocation; 5 KiB of stack a batch, 21 KiB for all, of which only batches in use are
/// touched.

#include <quire/pool/detail/pool_types.hpp>
#include <quire/pool/detail/sort_ascending.hpp>
#include <quire/pool/options.hpp>

#include <exception>  // std::exception_ptr
#include <optional>   // std::optional

namespace quire::inline QUIRE_ABI::detail {

/// What became of a page of a list that is to be written.
enum class page_fate : std::uint8_t {
    open,    ///< nothing yet
    moved,   ///< latched, and left for another round: see page_writer
    held,    ///< by a guard: left for a copy
    done,    ///< written; or clean, or gone, when it was latched
    failed,  ///< still dirty, and the reason is reported
};

/// A page found dirty, and where.
struct dirty_page {
    frame_no frame{};
    page_fate fate = page_fate::open;
    page_id page{};

    dirty_page() = default;
    dirty_page(frame_no where, page_id what) noexcept : frame{where}, page{what} {}

    [[nodiscard]] bool is_left() const noexcept {
        return fate == page_fate::open || fate == page_fate::moved;
    }
    friend bool operator<(dirty_page a, dirty_page b) noexcept { return a.page < b.page; }
};

/// The pages of one batch, before they are latched.
template <std::size_t PagesMax>
class dirty_list {
public:
    [[nodiscard]] bool has_room() const noexcept { return count_ < PagesMax; }
    /// Expects: has_room().
    void add(dirty_page one) noexcept { pages_[count_++] = one; }

    /// All of them, each once, by page.
    [[nodiscard]] std::span<dirty_page> sorted() noexcept {
        auto const all = std::span{pages_}.first(count_);
        sort_ascending(all);
        count_ = 0;
        for (auto const& one : all) {
            if (count_ == 0 || pages_[count_ - 1] < one) { pages_[count_++] = one; }
        }
        return all.first(count_);
    }

private:
    std::array<dirty_page, PagesMax> pages_;
    std::size_t count_ = 0;
};

/// What became of a write-back.
struct write_outcome {
    std::size_t written = 0;  ///< pages
    std::exception_ptr failure = nullptr;

    /// Page `of` stays dirty. Called with latches held: must not throw, even when there is no
    /// memory for an error.
    template <class File>
    void fail(File const& file, errc code, dirty_page& of, int system = 0,
              std::string_view why = {}) noexcept {
        of.fate = page_fate::failed;
        if (failure != nullptr) { return; }
        try {
            failure = std::make_exception_ptr(file.failure(code, "write", of.page, system, why));
        } catch (...) {
            failure = std::current_exception();
        }
    }
    void rethrow() const {
        if (failure != nullptr) { std::rethrow_exception(failure); }
    }
};

/// What comes of a write that is complete.
template <class Types>
class write_conclusion {
public:
    using operation = typename Types::transfers_type::transfer_type;

    write_conclusion(typename Types::frames_type frames, typename Types::files_type& files,
                     pool_observer const& observer) noexcept
        : frames_{frames}, files_{files}, observer_{observer} {}

    /// Page `of` is latched for its write. Until `end`. False: another thread writes it.
    [[nodiscard]] bool begin(dirty_page const& of) const noexcept {
        if (!frames_[of.frame].begin_write()) { return false; }
        files_.of(of.page).writes.fetch_add(1, std::memory_order_seq_cst);
        return true;
    }
    template <access Mode>
    void end(dirty_page const& of) const noexcept {
        frames_[of.frame].end_write();
        frames_.template end_access<Mode>(frames_.at(of.frame), of.page);
        files_.of(of.page).writes.fetch_sub(1, std::memory_order_seq_cst);
    }
    /// Expects: the page is latched; `version` is what was written, or was to be.
    void conclude(dirty_page& target, std::uint64_t version, operation const& op,
                  write_outcome& outcome) const noexcept {
        auto& file = files_.of(target.page);
        if (op.error != 0) {
            int const system = op.error == io_ended ? 0 : op.error;
            file.could_not_write(system);
            outcome.fail(file, errc::write_failed, target, system);
            observer_.tell(observer_.on_write_error, target.page, system);
            return;
        }
        if (frames_[target.frame].written_back(version)) { file.now_clean(target.frame); }
        file_counters::add(file.counters.write_backs);
        ++outcome.written;
        target.fate = page_fate::done;
    }
    /// Of a page that was latched shared, which ends.
    void finish(dirty_page& target, std::uint64_t version, operation const& op,
                write_outcome& outcome) const noexcept {
        conclude(target, version, op, outcome);
        end<access::shared>(target);
    }

private:
    typename Types::frames_type frames_;
    typename Types::files_type& files_;
    pool_observer const& observer_;
};

template <class Types>
class write_batch : immovable {
public:
    using transfers_type = typename Types::transfers_type;
    using operation = typename transfers_type::transfer_type;
    static constexpr std::size_t pages_max = transfers_type::batch_max;

    write_batch() noexcept {}  // not = default: members without a value would get one

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

    /// Expects: not started, and fewer than pages_max. Pages come in ascending order.
    void add(dirty_page& target, std::uint64_t version, operation const& write) noexcept {
        pages_[count_] = {&target, version};
        ops_[count_++] = write;
    }
    void start(transfers_type& transfers) noexcept {
        owner_.emplace(count_);
        for (std::size_t i = 0; i < count_; ++i) {
            ops_[i].owner = &*owner_;
            order_[i] = &ops_[i];
        }
        transfers.start(std::span{order_}.first(count_));
    }
    [[nodiscard]] bool is_complete() const noexcept { return owner_->all_complete(); }

    /// Expects: started.
    void finish(transfers_type& transfers, write_conclusion<Types> const& conclusion,
                write_outcome& outcome) noexcept {
        transfers.wait_for(*owner_);
        for (std::size_t i = 0; i < count_; ++i) {
            conclusion.finish(*pages_[i].target, pages_[i].version, ops_[i], outcome);
        }
        transfers.frame_changed();
    }

private:
    struct sealed_page {
        dirty_page* target;
        std::uint64_t version;
    };

    std::size_t count_ = 0;
    std::optional<transfer_owner> owner_;
    std::array<sealed_page, pages_max> pages_;
    std::array<operation, pages_max> ops_;
    std::array<typename transfers_type::op_type*, pages_max> order_;
};

/// The batches that one thread has in flight, the oldest first, and the one that it fills.
template <class Types>
class batches_in_flight : immovable {
public:
    using batch_type = write_batch<Types>;
    static constexpr std::size_t batches_max = 4;

    batches_in_flight(typename Types::transfers_type& transfers,
                      write_conclusion<Types> const& conclusion, write_outcome& outcome) noexcept
        : transfers_{transfers}, conclusion_{conclusion}, outcome_{outcome} {}
    ~batches_in_flight() { finish_all(); }

    /// The batch to be filled. Expects: the one before was started.
    [[nodiscard]] batch_type& fill() noexcept {
        if (count_ == batches_max) { finish_oldest(); }
        return at(count_).emplace();
    }
    /// Starts the batch that was filled; finishes those that are complete, from the oldest on.
    void start() noexcept {
        if (at(count_)->empty()) { return; }
        at(count_)->start(transfers_);
        ++count_;
        while (count_ > 0 && at(0)->is_complete()) { finish_oldest(); }
    }
    void finish_all() noexcept {
        while (count_ > 0) { finish_oldest(); }
    }

private:
    [[nodiscard]] std::optional<batch_type>& at(std::size_t n) noexcept {
        return batches_[(oldest_ + n) % batches_max];
    }
    void finish_oldest() noexcept {
        at(0)->finish(transfers_, conclusion_, outcome_);
        oldest_ = (oldest_ + 1) % batches_max;
        --count_;
    }

    typename Types::transfers_type& transfers_;
    write_conclusion<Types> const& conclusion_;
    write_outcome& outcome_;
    std::array<std::optional<batch_type>, batches_max> batches_;
    std::size_t oldest_ = 0;
    std::size_t count_ = 0;  ///< in flight
};

}  // namespace quire::inline QUIRE_ABI::detail
