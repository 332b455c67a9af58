// SPDX-License-Identifier: BSL-1.0
#pragma once

/// pool_frames: the frames of a pool, what they hold, and where the next one comes from.
///
///   obtain    a frame in hand: from a budget, the free ones, or an eviction, after writing back if
///             it must. The caller may have a claimed entry or a grow latch in hand, so latches are
///             only tried; and a victim that cannot be written is left for another
///   insert    a frame that was published becomes evictable
///   unmap     what an eviction does to the page that loses its frame
///
/// and what is asked of all frames at once: which are dirty, how often they were hit.
/// (States and invariants: pool/frame.hpp.)

#include <quire/pool/detail/frame_supply.hpp>
#include <quire/pool/detail/page_writer.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <std::size_t PageSize, eviction_policy Policy, page_latch Latch, file_backend Backend>
class pool_frames : immovable {
public:
    using frame_type = frame_header<Latch, typename Policy::frame_state>;
    using place = typename frame_table<PageSize, frame_type>::place;
    using file_type = open_file<Backend>;
    using writer_type = page_writer<PageSize, frame_type, Backend>;

    explicit pool_frames(pool_options<Backend> const& given)
        : options{checked(given)},
          frames{options.frames, options.huge},
          supply{frames.headers()},
          backend{frames.memory().bytes(), options.backend},
          files{options.files_max},
          writer{frames, files, backend, options.durable, options.observer} {}

    /// The bytes of a page are about to change, or have. Expects: latched exclusively.
    void modified(place const& at, page_id id) noexcept {
        if (at.header->modified()) {
            files.of(id).dirty.fetch_add(1, std::memory_order_relaxed);
        }
    }

    /// A frame in hand, for a page of `file` if that is known: one that has its share gets another
    /// of its own frames. The caller may have a claimed entry or a grow latch in hand: latches are
    /// only tried. A failed write-back is the caller's error if there is no other victim.
    [[nodiscard]] frame_no obtain(file_type const* file, frame_budget* budget) {
        if (budget != nullptr) {
            if (auto const frame = budget->draw()) { return *frame; }
        }
        constexpr std::chrono::nanoseconds pause_max = std::chrono::milliseconds{2};
        auto const until = deadline_after(options.frame_wait_max);
        std::exception_ptr failure = nullptr;
        for (std::chrono::nanoseconds pause = std::chrono::microseconds{20};;
             pause = std::min(2 * pause, pause_max)) {
            if (auto const frame = try_obtain(file, failure)) { return *frame; }
            if (failure != nullptr) { std::rethrow_exception(failure); }
            auto const left = left_until(until);
            if (left == left.zero()) { break; }
            std::this_thread::sleep_for(std::min(pause, left));
        }
        throw error{errc::no_free_frame, where_no_frame_is(file)};
    }

    /// A frame that was published may be proposed from now on.
    void insert(file_type& file, frame_no f) noexcept {
        file.resident.fetch_add(1, std::memory_order_relaxed);
        supply.insert(f);
    }

    /// Makes the entry of a page that lost its frame absent.
    [[nodiscard]] auto unmap() noexcept {
        return [this](page_id id, frame_type& frame) noexcept {
            auto& file = files.of(id);
            file_counters::add(file.counters.hits,
                               frame.hits.exchange(0, std::memory_order_relaxed));
            file.pages->store(id.page(), page_table::entry::absent());
            file.resident.fetch_sub(1, std::memory_order_relaxed);
        };
    }

    /// What may not be done in a forked child, or by a log hook. Every path but a hit asks.
    void require_own_process(char const* operation) const {
        if (frames.memory().inherited()) { throw error{errc::forked, operation}; }
        if (is_in_hook_of(&backend)) { throw error{errc::reentered, operation}; }
    }

    /// The dirty pages of `file` at this moment, sorted.
    [[nodiscard]] std::vector<dirty_page> dirty_pages(file_type const& file) const {
        std::vector<dirty_page> found;
        for (std::uint32_t i = 0; i < frames.headers().size(); ++i) {
            auto const f = static_cast<frame_no>(i);
            auto const id =
                page_id::from_bits(frames[f].page.load(std::memory_order_acquire));
            if (id != page_id::none() && id.file() == file.number && frames[f].dirty()) {
                found.push_back({f, id});
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    /// `fn(page_id, first_lsn)` for the pages of `file`, or of all, that are dirty now.
    template <class Fn>
    void for_each_dirty(std::optional<file_no> file, Fn& fn) const {
        for (auto const& frame : frames.headers()) {
            auto const bits = frame.page.load(std::memory_order_acquire);
            auto const id = page_id::from_bits(bits);
            if (id == page_id::none() || (file && id.file() != *file)) { continue; }
            auto const first_lsn = frame.first_lsn.load(std::memory_order_acquire);
            if (frame.dirty() && frame.page.load(std::memory_order_acquire) == bits) {
                fn(id, first_lsn);
            }
        }
    }

    /// Hits of pages of `file`, or of all, that are resident now, since they came.
    [[nodiscard]] std::uint64_t resident_hits(std::optional<file_no> file) const noexcept {
        std::uint64_t sum = 0;
        for (auto const& frame : frames.headers()) {
            auto const id = page_id::from_bits(frame.page.load(std::memory_order_relaxed));
            if (id != page_id::none() && (!file || id.file() == *file)) {
                sum += frame.hits.load(std::memory_order_relaxed);
            }
        }
        return sum;
    }

    pool_options<Backend> options;
    frame_table<PageSize, frame_type> frames;
    frame_supply<frame_type, Policy> supply;
    Backend backend;
    file_slots<Backend> files;
    writer_type writer;

private:
    [[nodiscard]] static pool_options<Backend> const& checked(
        pool_options<Backend> const& options) {
        auto const expect = [](bool sensible, char const* rule) {
            if (!sensible) { throw error{errc::bad_option, rule}; }
        };
        expect(options.frames > 0 && options.frames <= arena::frames_max,
               "make a pool: frames is between 1 and 2^32 - 3");
        expect(options.files_max > 0 && options.files_max <= 16'384,
               "make a pool: files_max is between 1 and 16,384");
        expect(options.file_pages_max > 0 &&
                   options.file_pages_max <= (std::uint64_t{1} << 32),
               "make a pool: file_pages_max is between 1 and 2^32");
        expect(options.wait_max > options.wait_max.zero() &&
                   options.frame_wait_max >= options.frame_wait_max.zero(),
               "make a pool: wait_max is positive, frame_wait_max not negative");
        return options;
    }

    /// One attempt. `failure` keeps the first failed write-back, for when there is nothing else.
    [[nodiscard]] std::optional<frame_no> try_obtain(file_type const* file,
                                                     std::exception_ptr& failure) {
        using kind = typename decltype(supply)::offer::kind;
        failed_victims failed;
        for (std::size_t tries = 2 * frames.headers().size() + 1; tries > 0; --tries) {
            auto const offer = supply.take(failed, unmap(), only_of(file));
            if (offer.what == kind::nothing) { return std::nullopt; }
            auto const f = offer.frame;
            if (offer.what == kind::dirty) {
                auto const outcome = write_back_with_neighbours({f, offer.page});
                if (outcome.failure != nullptr) {
                    failed.add(offer.page);
                    if (failure == nullptr) { failure = outcome.failure; }
                }
                if (!supply.take_this(f, offer.page, unmap())) { continue; }
                count_eviction(offer.page);
                return f;
            }
            if (offer.page != page_id::none()) { count_eviction(offer.page); }
            return f;
        }
        return std::nullopt;
    }

    /// A file that has all the frames it may have finds a victim among its own.
    [[nodiscard]] static std::optional<file_no> only_of(file_type const* file) noexcept {
        if (file == nullptr || file->frames_max == 0 ||
            file->resident.load(std::memory_order_relaxed) < file->frames_max) {
            return std::nullopt;
        }
        return file->number;
    }

    [[nodiscard]] static std::string where_no_frame_is(file_type const* file) {
        if (!only_of(file)) { return "find a frame"; }
        auto const share = std::to_string(file->frames_max);
        return "find a frame for " + file->path + ", whose frames_max is " + share;
    }

    void count_eviction(page_id page) noexcept {
        file_counters::add(files.of(page).counters.evictions);
        options.observer.tell(options.observer.on_evict, page);
    }

    /// The victim and the dirty pages that follow it in its file: one write instead of many.
    [[nodiscard]] write_outcome write_back_with_neighbours(dirty_page victim) {
        std::array<dirty_page, writer_type::batch_max> run;
        run[0] = victim;
        std::size_t count = 1;
        auto const& file = files.of(victim.page);
        for (auto no = victim.page.page().value() + 1;
             count < run.size() && no < file.pages->pages(); ++no) {
            auto const entry = file.pages->load(no);
            if (!entry.is_frame()) { break; }
            dirty_page const next{entry.frame(), page_id{victim.page.file(), no}};
            auto const& frame = frames[next.frame];
            if (!frame.holds(next.page) || !frame.dirty()) { break; }
            run[count++] = next;
        }
        return writer.write(std::span{run}.first(count), latching::tries, {});
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
