// SPDX-License-Identifier: BSL-1.0
#pragma once

/// pool_core: the parts of a pool, put together, and the way of an access to its page.
///
///     enter          a hit is residency's try_enter; all else is enter_slowly, which looks at the
///       │            entry again each time around: no wait goes on when the entry has changed
///       ▼
///     page_loader    a miss; and read_ahead, one that no thread waits for yet
///       ▼
///     evictor        a frame; page_writer, if its page is dirty
///       ▼
///     transfers      the read; the one wait
///       ▼
///     the backend
///
/// What a hit runs, from a guard's beginning to its end, is always inlined: g++ leaves some of it
/// as calls otherwise, other parts in each program. (bench/instructions: a shared hit 50
/// instructions and not 52, a write 88 and not 97.)
///
/// Nothing here knows page kinds: frames and file slots in, latched frames out. What is done to
/// whole files is in files of its own: page_maker, page_removal, file_opening, file_flush,
/// file_closing. (States and invariants: pool/frame.hpp.)
///
/// Members are destroyed from the last to the first. The destructor of buffer_pool waits until
/// nothing is in flight, and closes every file; then files, backend and arena are destroyed, in
/// this order.

#include <quire/pool/detail/file_keeper.hpp>
#include <quire/pool/detail/held_pages.hpp>
#include <quire/pool/detail/read_ahead.hpp>
#include <quire/pool/detail/reasons.hpp>
#include <quire/pool/detail/sort_ascending.hpp>

#include <optional>  // std::optional
#include <utility>   // std::exchange
#include <vector>    // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// Who is about to write to a file.
enum class writing_by : std::uint8_t { guards, changes };

template <std::size_t PageSize, eviction_policy Policy, page_latch Latch, file_backend Backend>
class pool_core : immovable {
public:
    using types = pool_types<PageSize, Policy, Latch, Backend>;
    using latch_type = Latch;
    using frame_type = typename types::frame_type;
    using file_type = typename types::file_type;
    using place = typename types::place;
    static constexpr std::size_t page_size = PageSize;

    explicit pool_core(pool_options<Backend> const& given)
    try : options{checked(given)},
          owned{options.frames, options.huge},
          frames{owned},
          backend{memory().bytes(), options.backend},
          files{options.files_max},
          log{options.durable},
          transfers{backend},
          resident{frames, files, transfers},
          writer{frames, files, transfers, log, options.observer},
          evictor{options, frames, files, transfers, resident, writer, cleaning},
          loader{frames, resident, evictor, transfers, options.observer},
          ahead{options.frames, in_flight_max_of(backend), transfers,       resident,
                evictor,        loader,                    options.observer} {
    } catch (std::bad_alloc const&) {
        throw error{errc::out_of_memory, "make a pool"};
    }

    /// Page `id`, number `no`, latched. Errors: see paged_file::read; those of a wait and of a
    /// refusal are about `operation`, those of the page's bytes about the read.
    template <access Mode>
    [[nodiscard, gnu::always_inline]] place enter(file_type& file, page_id id, page_no no,
                                                  access_options const& how,
                                                  char const* operation = name_of(Mode)) {
        if constexpr (checked_build) { require_not_held(file, id, operation); }
        place at;
        if (!resident.template try_enter<Mode>(file, id, no, at)) [[unlikely]] {
            at = enter_slowly<Mode>(file, id, how, operation);
        }
        note_entered(at, id);
        return at;
    }
    template <access Mode>
    [[gnu::always_inline]] void leave(place const& at, page_id id) noexcept {
        if constexpr (checked_build) {
            if (!memory().inherited()) { held.note_released(id); }
        }
        at.header->left();
        frames.template end_access<Mode>(at, id);
    }
    /// This thread's access to page `id` has ended, or will.
    void note_left(place const& at, page_id id) noexcept {
        at.header->left();
        if constexpr (checked_build) { held.note_released(id); }
    }
    /// This thread's guard of page `id` begins.
    void note_entered(place const& at, page_id id) noexcept {
        at.header->entered();
        if constexpr (checked_build) {
            if (!memory().inherited()) { held.note_latched(id); }
        }
    }

    /// Latches the frame at `at` if it holds page `id`. Waits while it does: the frame may get
    /// another page meanwhile, and then the caller looks at the entry again. Errors: held_here.
    template <access Mode>
    [[nodiscard]] bool latch_while_there(file_type const& file, place const& at, page_id id,
                                         deadline until, char const* operation) {
        auto const there = [&]() noexcept { return at.header->holds(id); };
        auto& latch = at.header->latch;
        if (!try_latch<Mode>(latch)) {
            if (at.header->held_here()) { throw file.failure(errc::held_here, operation, id); }
            if (!transfers.template latch<Mode>(latch, until, there)) { return false; }
        }
        return frames.template begin_access<Mode>(at, id);
    }

    /// Whether this thread has a guard of page `id`. In other than checked builds a shared one may
    /// go unnoticed: see frame_header::held_here.
    [[nodiscard]] bool held_here(file_type const& file, page_id id) const noexcept {
        if (memory().inherited()) { return false; }
        if constexpr (checked_build) {
            return held.holds_any([&](page_id one) { return one == id; });
        } else {
            auto const entry = resident.entry_of(file, id.page());
            return entry.is_frame() && frames.at(entry.frame()).header->holds(id) &&
                   frames.at(entry.frame()).header->held_here();
        }
    }
    void require_not_held(file_type const& file, page_id id, char const* operation) const {
        if (held_here(file, id)) { throw file.failure(errc::held_here, operation, id); }
    }

    /// In checked builds: before this thread takes pages `first` to `last` of a file away.
    void expect_none_held([[maybe_unused]] page_id first,
                          [[maybe_unused]] page_id last) const noexcept {
        if constexpr (checked_build) {
            QUIRE_EXPECTS(
                !held.holds_any([&](page_id one) { return !(one < first) && !(last < one); }),
                "a thread that discards or truncates holds no guard of what is removed");
        }
    }
    /// In checked builds: before this thread waits for pages in general.
    void expect_holds_nothing([[maybe_unused]] char const* rule =
                                  "a thread that flushes or closes holds no guard of the pool")
        const noexcept {
        if constexpr (checked_build) {
            QUIRE_EXPECTS(!held.holds_any([](page_id) { return true; }), rule);
        }
    }

    /// Keeps page `id` in its frame, which is returned, until it is unpinned there. A thread may
    /// pin a page that it reads: so a page that is resident is not entered, which would end the
    /// mark of that guard (frame_header::holder).
    [[nodiscard]] frame_no pin(file_type& file, page_id id, access_options const& how) {
        if constexpr (checked_build) { require_not_held(file, id, "pin"); }
        if (auto const f = resident.try_pin(file, id)) {
            static_cast<void>(resident.used(frames.at(*f), id));
            return *f;
        }
        auto const at = enter<access::shared>(file, id, id.page(), how, "pin");
        at.header->latch.pin();
        leave<access::shared>(at, id);
        return at.number();
    }

    /// The bytes of a page are about to change, or have. Expects: latched exclusively.
    [[gnu::always_inline]] void modified(place const& at, page_id id) noexcept {
        if (at.header->modified()) { files.of(id).now_dirty(at.number()); }
    }

    [[nodiscard]] std::chrono::nanoseconds wait_of(access_options const& how) const noexcept {
        return how.wait_max > how.wait_max.zero() ? how.wait_max : options.wait_max;
    }
    [[nodiscard]] deadline deadline_of(access_options const& how) const noexcept {
        return deadline_after(wait_of(how));
    }

    [[nodiscard]] arena const& memory() const noexcept { return owned.memory(); }

    /// What may not be done in a forked child, or by a log hook. Every path but a hit asks, before
    /// it takes anything.
    void require_own_process(char const* operation) const {
        cancellation_point();
        if (memory().inherited()) { throw error{errc::forked, operation}; }
        if (log.is_in_hook()) { throw error{errc::reentered, operation}; }
    }

    /// Before a writer of file `number` goes on: refuses a file that is read-only or has a sync
    /// error, and writes pages back when too many are dirty. The caller may hold guards: latches
    /// are only tried.
    void require_writable(file_type& file, file_no number, char const* operation,
                          writing_by by = writing_by::guards) {
        if (file.dirty.load(std::memory_order_relaxed) >=
            file.dirty_limit.load(std::memory_order_relaxed)) [[unlikely]] {
            make_writable(file, number, operation, by);
        }
    }

    /// The dirty pages of `file` at this moment, sorted. Errors: out_of_memory.
    [[nodiscard]] std::vector<dirty_page> dirty_pages(file_type const& file) const {
        std::vector<dirty_page> found;
        try {
            static_cast<void>(look_at_dirty(file, file.number, 0, [&](dirty_page one) {
                found.push_back(one);
                return true;
            }));
        } catch (std::bad_alloc const&) {
            throw error{errc::out_of_memory, "list dirty pages"};
        }
        sort_ascending(std::span{found});
        return found;
    }

    /// Of all files.
    [[nodiscard]] std::uint64_t dirty_pages_now() const noexcept {
        std::uint64_t sum = 0;
        for (auto const& file : files) { sum += file.dirty.load(std::memory_order_relaxed); }
        return sum;
    }

    /// `fn(page_id, first_lsn)` for the pages of file `number` that are dirty now.
    template <class Fn>
    void for_each_dirty(file_type const& file, file_no number, Fn& fn) const {
        static_cast<void>(look_at_dirty(file, number, 0, [&](dirty_page one) {
            auto const& frame = frames[one.frame];
            auto const first_lsn = frame.first_logged();
            if (frame.dirty() && frame.holds(one.page)) { fn(one.page, first_lsn); }
            return true;
        }));
    }

    /// Hits of pages of `file`, or of all, that are resident now, since they were loaded.
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

    pool_options<Backend> const options;
private:
    typename types::memory_type owned;

public:
    typename types::frames_type const frames;
    Backend backend;
    typename types::files_type files;
    log_gate const log;
    keeper_owner<file_type> keeper;
    typename types::transfers_type transfers;
    residency<types> resident;
    page_writer<types> writer;
    cleaning_need cleaning;
    detail::evictor<types> evictor;
    page_loader<types> loader;
    read_ahead<types> ahead;
    std::atomic<std::size_t> task_loops{0};
    held_pages held;

private:
    [[nodiscard]] static pool_options<Backend> const& checked(
        pool_options<Backend> const& options) {
        auto const require = [](bool sensible, char const* rule) {
            if (!sensible) { throw error{errc::bad_option, rule}; }
        };
        require(options.frames > 0 && options.frames < arena::frames_max,
                "make a pool: frames is between 1 and 2^32 - 4");
        require(options.files_max > 0 && options.files_max <= 16'384,
                "make a pool: files_max is between 1 and 16,384");
        require(options.file_pages_max > 0 &&
                    options.file_pages_max <= (std::uint64_t{1} << 32),
                "make a pool: file_pages_max is between 1 and 2^32");
        require(options.wait_max > options.wait_max.zero() &&
                    options.frame_wait_max >= options.frame_wait_max.zero(),
                "make a pool: wait_max is positive, frame_wait_max not negative");
        return options;
    }

    [[gnu::noinline]] void make_writable(file_type& file, file_no number, char const* operation,
                                         writing_by by) {
        expect_open(file, number);
        require_own_process(operation);
        {
            file_use<Backend> const use{file, number};
            if (!use.allowed()) {
                throw file.failure(errc::in_use, operation, number, 0, being_closed);
            }
            if (!file.file->writable()) {
                throw file.failure(errc::read_only, operation, number);
            }
            require_sound(file, operation);
            if (by == writing_by::guards && file.log_number != 0) {
                throw file.failure(errc::needs_change, operation, number);
            }
            if (file.dirty.load(std::memory_order_relaxed) < file.dirty_max) { return; }
        }
        write_some(file);
    }

    /// A batch of dirty pages, so that each writer does its share and none does that of all: the
    /// next ones of which some can be written. Pages that are held are passed over.
    void write_some(file_type& file) {
        std::array<dirty_page, page_writer<types>::batch_max> batch;
        auto const begin = file.dirty_next.load(std::memory_order_relaxed);
        bool past_the_last = false;
        for (auto at = begin;;) {
            std::size_t count = 0;
            at = look_at_dirty(file, file.number, at, [&](dirty_page one) {
                if (count == batch.size()) { return false; }
                batch[count++] = one;
                return true;
            });
            file.dirty_next.store(at, std::memory_order_relaxed);
            auto const pages = std::span{batch}.first(count);
            sort_ascending(pages);
            auto const outcome = writer.write(pages, latching::tries, {});
            outcome.rethrow();
            bool const all_around = at == 0 ? past_the_last || begin == 0
                                            : past_the_last && at >= begin;
            if (outcome.written > 0 || all_around) { return; }
            past_the_last = past_the_last || at == 0;
        }
    }

    /// dirty_frames::look, with the pages that are there.
    template <class Take>
    std::size_t look_at_dirty(file_type const& file, file_no number, std::size_t begin,
                              Take take) const {
        return file.dirty_in->look(begin, [&](frame_no f) {
            auto const id = frames[f].page_now();
            bool const is_dirty =
                id != page_id::none() && id.file() == number && frames[f].dirty();
            return !is_dirty || take(dirty_page{f, id});
        });
    }

    template <access Mode>
    [[nodiscard, gnu::noinline]] place enter_slowly(file_type& file, page_id id,
                                                    access_options const& how,
                                                    char const* operation) {
        expect_open(file, id.file());
        require_own_process(operation);
        auto const until = deadline_of(how);
        bool waited = false;
        std::string_view waited_for;
        do {
            if (!file.has_page(id.page())) {
                throw file.failure(errc::page_out_of_range, operation, id);
            }
            auto const entry = file.pages->load(id.page());
            if (entry.is_frame()) {
                auto const at = frames.at(entry.frame());
                if (latch_while_there<Mode>(file, at, id, until, operation)) {
                    return resident.used(at, id);
                }
                waited_for = waited_for_guard;
            } else if (entry == page_table::entry::loading()) {
                if (!std::exchange(waited, true)) { file_counters::add(file.counters.waits); }
                waited_for = waited_for_load;
                if (auto const f = resident.wait_for_load(file, id, until)) {
                    auto const at = frames.at(*f);
                    unpin_at_end const pinned_till_then{at.header->latch};
                    if (latch_while_there<Mode>(file, at, id, until, operation)) {
                        return resident.used(at, id);
                    }
                    waited_for = waited_for_guard;
                }
            } else if (auto const frame = loader.template load<Mode>(file, id, how, operation)) {
                return frames.at(*frame);
            }
        } while (!has_passed(until));
        throw file.failure(errc::timed_out, operation, id, 0, waited_for);
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
