// SPDX-License-Identifier: BSL-1.0
#pragma once

/// evictor: where a frame comes from when one is needed.
///
///   take          from a budget, the free list, or an eviction, after writing back if it must
///   take_at_hand  several that are free, or hold clean pages: for reads ahead of need
///   give_back     of a frame that was taken and not used
///   clean_ahead   writes what would be evicted next
///
/// The caller may have claimed an entry or hold a file's grow latch, so latches are only tried; and
/// a victim that cannot be written is left for another. A dirty victim is written without any lock,
/// and then asked for again by name.
///
/// One submit costs about as much as the write of a page. So with a dirty victim, up to 63 other
/// dirty pages are written: those that would be evicted next, and then those that follow the victim
/// in its file. The misses that come next find them clean. Pages of a file that failed lately, or
/// in this search, are written for their own sake only: as victims.
///
/// A frame of a file counts in `file.frames` from the moment when it is looked for, so threads that
/// miss at once do not pass `frames_max` by one each. A file that has its share, pages that are
/// being read included, gets the frame of another of its own pages.

#include <quire/pool/detail/cleaning_need.hpp>
#include <quire/pool/detail/page_writer.hpp>
#include <quire/pool/detail/residency.hpp>
#include <quire/pool/frame_budget.hpp>

#include <exception>  // std::exception_ptr
#include <optional>   // std::optional

namespace quire::inline QUIRE_ABI::detail {

/// Victims that could not be written, so that a search skips them: after two of one file all of
/// that file, since a file that cannot be written must not hold others up; after eight all dirty
/// pages.
class failed_victims {
public:
    void add(page_id page) noexcept {
        if (!bars(page)) { pages_[count_++] = page; }
    }
    [[nodiscard]] bool bars(page_id page) const noexcept {
        std::size_t of_file = 0;
        for (std::size_t i = 0; i < count_; ++i) {
            if (pages_[i] == page) { return true; }
            of_file += pages_[i].file() == page.file() ? 1U : 0U;
        }
        return count_ == pages_.size() || of_file >= 2;
    }

private:
    std::array<page_id, 8> pages_;
    std::size_t count_ = 0;
};

template <class Types>
class evictor : immovable {
public:
    using file_type = typename Types::file_type;
    using writer_type = page_writer<Types>;

    evictor(pool_options<typename Types::backend_type> const& options,
            typename Types::frames_type frames, typename Types::files_type& files,
            typename Types::transfers_type& transfers, residency<Types>& resident,
            writer_type& writer, cleaning_need& cleaning)
        : options_{options},
          frames_{frames},
          files_{files},
          transfers_{transfers},
          resident_{resident},
          writer_{writer},
          cleaning_{cleaning},
          free_{frames.headers().size()} {}

    /// A private frame for a page of `file`, or for a budget when that is null. A failed write-back
    /// is the caller's error if there is no other victim. Errors: no_free_frame, and those.
    [[nodiscard]] frame_no take(file_type* file, frame_budget* budget) {
        if (budget != nullptr) {
            if (auto const frame = budget->draw()) {
                if (file != nullptr) { file->frames.fetch_add(1, std::memory_order_relaxed); }
                return *frame;
            }
        }
        return find(file);
    }
    /// Private frames for pages of `file`, without a wait or a write: as many as there are at once,
    /// at most those that `to` has room for, and not more than the file's share. Free ones first,
    /// then those that `recycle(room)` gives, which evicts pages of the file into `room` and
    /// returns how many, then others.
    template <class Recycle>
    [[nodiscard]] std::size_t take_at_hand(file_type& file, std::span<frame_no> to,
                                           Recycle recycle) noexcept {
        std::size_t count = 0;
        auto const evict = [&](std::size_t most, auto by) {
            std::array<page_place, at_hand_max> evicted;
            auto const some = by(std::span{evicted}.first(most));
            for (auto const& [frame, page] : std::span{evicted}.first(some)) {
                note_eviction(page);
                to[count++] = frame;
            }
        };
        if (auto const free = free_.count(); free < to.size()) { evict(to.size() - free, recycle); }
        std::size_t share = 0;
        while (share < to.size() && count_within_share(file)) { ++share; }
        while (count > share) { put_into_free_list(to[--count]); }
        count += free_.take(to.subspan(count, share - count));
        evict(share - count, [&](std::span<page_place> room) noexcept {
            return resident_.evict_clean(room);
        });
        file.frames.fetch_sub(share - count, std::memory_order_relaxed);
        return count;
    }
    static constexpr std::size_t at_hand_max = 64;

    /// Of a frame that was taken for `file` and has no page. Its bytes are poisoned.
    void give_back(file_type& file, frame_no f) noexcept {
        file.frames.fetch_sub(1, std::memory_order_relaxed);
        put_into_free_list(f);
    }
    /// Of a frame that lost its page by an eviction, which has counted it.
    void put_into_free_list(frame_no f) noexcept {
        frames_.poison(f);
        free_.give_back(f);
        transfers_.frame_changed();
    }

    /// Writes a batch of dirty pages that would be evicted next, and evicts none; how many.
    [[nodiscard]] std::size_t clean_ahead() {
        batch_list next;
        resident_.list_dirty_next(
            {}, [&](page_id page) noexcept { return files_.of(page).may_write_ahead(); }, next);
        return writer_.write(next.sorted(), latching::tries, {}).written;
    }

    /// The frames that no thread has.
    [[nodiscard]] free_list& free_frames() noexcept { return free_; }

private:
    using batch_list = dirty_list<writer_type::batch_max>;

    [[nodiscard]] frame_no find(file_type* file) {
        constexpr std::chrono::nanoseconds pause_max = std::chrono::milliseconds{2};
        auto const until = deadline_after(options_.frame_wait_max);
        std::exception_ptr failure = nullptr;
        for (std::chrono::nanoseconds pause = std::chrono::microseconds{20};;
             pause = shorter(2 * pause, pause_max)) {
            auto const seen = transfers_.frame_changes();
            if (auto const frame = try_find(file, failure)) { return *frame; }
            if (failure != nullptr) { std::rethrow_exception(failure); }
            auto const left = left_until(until);
            if (left == left.zero()) { break; }
            // A guard that ends wakes no thread, so this looks again after each pause.
            static_cast<void>(transfers_.wait(deadline_after(shorter(pause, left)),
                                              wake_key::frames(), [&] {
                                                  return transfers_.frame_changes() != seen;
                                              }));
        }
        throw none_is_free(file);
    }

    /// One attempt. `failure` keeps the first failed write-back, for when there is nothing else. No
    /// thread has a frame counted while it sleeps.
    [[nodiscard]] std::optional<frame_no> try_find(file_type* file, std::exception_ptr& failure) {
        if (file == nullptr) { return search(std::nullopt, failure); }
        std::optional<file_no> only_of;
        if (!count_within_share(*file)) {
            only_of = file->number;
            file->frames.fetch_add(1, std::memory_order_relaxed);  // its eviction takes one off
        }
        std::optional<frame_no> frame;
        try {
            frame = search(only_of, failure);
        } catch (...) {
            failure = std::current_exception();
        }
        if (!frame) { file->frames.fetch_sub(1, std::memory_order_relaxed); }
        return frame;
    }

    /// Counts one frame more for `file`, unless it has its share.
    [[nodiscard]] static bool count_within_share(file_type& file) noexcept {
        auto now = file.frames.load(std::memory_order_relaxed);
        do {
            if (file.frames_max != 0 && now >= file.frames_max) { return false; }
        } while (!file.frames.compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
        return true;
    }

    /// A frame from the free list or by eviction; by the eviction of a page of `only_of`, if given.
    [[nodiscard]] std::optional<frame_no> search(std::optional<file_no> only_of,
                                                 std::exception_ptr& failure) {
        failed_victims failed;
        for (std::size_t tries = 2 * frames_.headers().size() + 1; tries > 0; --tries) {
            if (!only_of) {
                if (auto const frame = free_.take()) { return frame; }
            }
            auto const found = resident_.evict_any(
                only_of, [&](page_id page) noexcept { return !failed.bars(page); });
            if (found.what == victim::kind::none) { return std::nullopt; }
            if (found.what == victim::kind::dirty) {
                write_back({found.frame, found.page}, only_of, failed, failure);
                if (!resident_.evict_this(found.frame, found.page)) { continue; }
            }
            note_eviction(found.page);
            cleaning_.evicted(found.what == victim::kind::dirty);
            return found.frame;
        }
        return std::nullopt;
    }

    [[nodiscard]] error none_is_free(file_type const* file) const {
        constexpr char const* operation = "find a frame for a page";
        if (file == nullptr) { return {errc::no_free_frame, operation}; }
        bool const has_its_share =
            file->frames_max != 0 &&
            file->frames.load(std::memory_order_relaxed) >= file->frames_max;
        return file->failure(errc::no_free_frame, operation, file->number, 0,
                             has_its_share ? "its frames_max is " + std::to_string(file->frames_max)
                                           : "the pool has " + std::to_string(options_.frames));
    }

    void note_eviction(page_id page) noexcept {
        file_counters::add(files_.of(page).counters.evictions);
        options_.observer.tell(options_.observer.on_evict, page);
    }

    /// The victim, what would be evicted next, and the dirty pages that follow it in its file: one
    /// submit instead of many.
    void write_back(dirty_page victim, std::optional<file_no> only_of, failed_victims& failed,
                    std::exception_ptr& failure) {
        batch_list batch;
        batch.add(victim);
        resident_.list_dirty_next(
            only_of,
            [&](page_id page) noexcept {
                return files_.of(page).may_write_ahead() && !failed.bars(page);
            },
            batch);
        add_neighbours(victim.page, batch);
        auto const pages = batch.sorted();
        auto const outcome = writer_.write(pages, latching::tries, {});
        for (auto const& one : pages) {
            if (one.fate == page_fate::failed) { failed.add(one.page); }
        }
        if (failure == nullptr) { failure = outcome.failure; }
    }
    /// The dirty pages that follow `page` in its file.
    void add_neighbours(page_id page, batch_list& batch) {
        auto const& file = files_.of(page);
        for (auto no = page.page().value() + 1; batch.has_room() && no < file.pages->pages();
             ++no) {
            auto const entry = file.pages->load(no);
            if (!entry.is_frame()) { break; }
            dirty_page const next{entry.frame(), page_id{page.file(), no}};
            auto const& frame = frames_[next.frame];
            if (!frame.holds(next.page) || !frame.dirty()) { break; }
            batch.add(next);
        }
    }

    pool_options<typename Types::backend_type> const& options_;
    typename Types::frames_type frames_;
    typename Types::files_type& files_;
    typename Types::transfers_type& transfers_;
    residency<Types>& resident_;
    writer_type& writer_;
    cleaning_need& cleaning_;
    free_list free_;
};

}  // namespace quire::inline QUIRE_ABI::detail
