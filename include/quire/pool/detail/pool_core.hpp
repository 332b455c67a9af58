// SPDX-License-Identifier: BSL-1.0
#pragma once

/// pool_core: how a page comes into a frame, is latched there, and leaves again.
///
/// Everything that guards and file handles ask of a pool, without a word about page kinds: frames
/// and file slots in, frame numbers out, latched. (States and invariants: pool/frame.hpp.)
///
///   enter   the hit: one load of the entry, one atomic operation on the latch, one comparison.
///           Whatever else may be needed is in enter_slowly, which looks at the entry again each
///           time around: waits are slices, and every slice is followed by another look
///   load    a miss: claim the entry, obtain a frame, read, check, publish. Whoever loses the claim
///           has evicted nothing, and waits for the winner
///   obtain  a frame: from the budget, the free ones, or an eviction, after writing back if it must
///
/// A loader latches its frame before it publishes it, when that needs no waiting (it nearly never
/// does: only a visitor with a stale entry could be there), so that what it has loaded is not
/// evicted before it has seen it.
///
/// Errors of a failed load reach those who waited for it only if the read or the check failed;
/// otherwise they try for themselves.

#include <quire/pool/detail/frame_supply.hpp>
#include <quire/pool/detail/held_pages.hpp>
#include <quire/pool/detail/page_writer.hpp>
#include <quire/pool/detail/waiting_room.hpp>

#include <cstring>  // std::memset

namespace quire::inline QUIRE_ABI::detail {

template <std::size_t PageSize, eviction_policy Policy, page_latch Latch, file_backend Backend>
class pool_core : pinned {
public:
    static constexpr std::size_t page_size = PageSize;
    using latch_type = Latch;
    using frame_type = frame_header<Latch, typename Policy::frame_state>;
    using file_type = open_file<Backend>;
    using writer_type = page_writer<PageSize, frame_type, Backend>;
    using clock_type = std::chrono::steady_clock;

    explicit pool_core(pool_options<Backend> const& given)
        : options{checked(given)},
          frames{options.frames, options.huge},
          supply{frames.headers()},
          backend{frames.memory().bytes(), options.backend},
          files(options.files_max),
          hits{options.files_max},
          writer{frames, files, backend, options.durable, options.observer} {
        for (std::size_t i = 0; i < files.size(); ++i) {
            files[i].number = static_cast<file_no>(i);
        }
    }

    /// Page `no` of `file`, latched.
    template <access Mode>
    [[nodiscard]] frame_no enter(file_type& file, page_no no, access_options const& how) {
        page_id const id{file.number, no};
        expect_not_held(this, id);
        if (no.value() < file.pages->pages()) [[likely]] {
            auto const entry = file.pages->load(no);
            if (entry.is_frame() && frames.template try_enter<Mode>(entry.frame(), id))
                [[likely]] {
                return hit(entry.frame(), id);
            }
        }
        return enter_slowly<Mode>(file, no, how);
    }

    template <access Mode>
    void leave(frame_no frame, page_id id) noexcept {
        note_released(this, id);
        frames.template leave<Mode>(frame, id);
    }

    /// The bytes of a page are about to change, or have. Expects: latched exclusively.
    void modified(frame_no frame, page_id id) noexcept {
        if (frames[frame].modified()) {
            files[static_cast<std::size_t>(id.file())].dirty.fetch_add(
                1, std::memory_order_relaxed);
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

    /// Publishes a frame in hand as page `id`, latched if that needs no waiting.
    template <access Mode>
    [[nodiscard]] bool publish(file_type& file, page_id id, frame_no f) noexcept {
        auto& frame = frames[f];
        bool const latched = try_latch<Mode>(frame.latch);
        frame.page.store(id.bits(), std::memory_order_release);
        room.announce(id, [&] { file.pages->store(id.page(), translation::entry::of(f)); });
        insert(file, f);
        return latched;
    }

    /// A frame that was published may be proposed from now on.
    void insert(file_type& file, frame_no f) noexcept {
        file.resident.fetch_add(1, std::memory_order_relaxed);
        supply.insert(f);
    }

    /// Gives a claimed entry, and the frame in hand if there is one, back as they were. Waiters
    /// inherit `failure`; without one they try for themselves.
    void give_up(file_type& file, page_id id, std::optional<frame_no> f,
                 load_failure failure = {}) noexcept {
        if (f) {
            frames.shut(*f);
            supply.give_back(*f);
        }
        room.announce(
            id, [&] { file.pages->store(id.page(), translation::entry::absent()); }, failure);
    }

    /// Makes the entry of a page that lost its frame absent.
    [[nodiscard]] auto unmap() noexcept {
        return [this](page_id id) noexcept {
            auto& file = files[static_cast<std::size_t>(id.file())];
            file.pages->store(id.page(), translation::entry::absent());
            file.resident.fetch_sub(1, std::memory_order_relaxed);
        };
    }

    /// What may not be done in a forked child, or by a log hook. Every path but a hit asks.
    void expect_own_process(char const* operation) const {
        if (frames.memory().inherited()) { throw error{errc::forked, operation}; }
        if (pool_of_running_hook == &backend) { throw error{errc::reentered, operation}; }
    }

    [[nodiscard]] std::chrono::nanoseconds wait_of(access_options const& how) const noexcept {
        return how.wait_max > how.wait_max.zero() ? how.wait_max : options.wait_max;
    }
    [[nodiscard]] deadline deadline_of(access_options const& how) const noexcept {
        return deadline_after(wait_of(how));
    }

    /// Before a writer of `file` goes on: refuses a poisoned or read-only file, and writes pages
    /// back when too many are dirty. The caller may hold guards: latches are only tried.
    void expect_writable(file_type& file, char const* operation) {
        if (!file.file->writable()) {
            throw error{errc::read_only, operation, page_id{file.number, 0}};
        }
        if (int const broken = file.poison.load(std::memory_order_acquire); broken != 0) {
            throw error{errc::sync_failed, operation, page_id{file.number, 0}, broken};
        }
        if (file.dirty.load(std::memory_order_relaxed) >= file.dirty_max) [[unlikely]] {
            expect_own_process(operation);
            auto pages = dirty_pages(file);
            writer.write(pages, latching::tries, {}).rethrow();
        }
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
    void for_each_dirty(file_type const* file, Fn& fn) const {
        for (auto const& frame : frames.headers()) {
            auto const bits = frame.page.load(std::memory_order_acquire);
            auto const id = page_id::from_bits(bits);
            if (id == page_id::none() || (file != nullptr && id.file() != file->number)) {
                continue;
            }
            auto const first_lsn = frame.first_lsn.load(std::memory_order_acquire);
            if (frame.dirty() && frame.page.load(std::memory_order_acquire) == bits) {
                fn(id, first_lsn);
            }
        }
    }

    /// Keeps page `no` of `file` in its frame, which is returned, until it is unpinned there.
    [[nodiscard]] frame_no pin(file_type& file, page_no no, access_options const& how) {
        auto const f = enter<access::shared>(file, no, how);
        frames[f].latch.pin();
        leave<access::shared>(f, page_id{file.number, no});
        return f;
    }

    /// After the claim, since a truncation looks for claims after it has moved the file's end. All
    /// four accesses are sequentially consistent, so one of the two sees the other. (No fences: the
    /// thread sanitizer knows none.)
    static void expect_still_there(file_type const& file, page_id id, char const* operation) {
        if (id.page().value() >= file.page_count.load(std::memory_order_seq_cst)) {
            throw error{errc::page_out_of_range, operation, id};
        }
    }

    pool_options<Backend> options;
    frame_table<PageSize, frame_type> frames;
    frame_supply<frame_type, Policy> supply;
    Backend backend;
    std::vector<file_type> files;  ///< never grows
    hit_counters hits;
    waiting_room room;
    writer_type writer;

    static constexpr std::chrono::nanoseconds slice = std::chrono::milliseconds{5};

private:
    [[nodiscard]] static pool_options<Backend> const& checked(
        pool_options<Backend> const& options) {
        auto const expect = [](bool sensible, char const* rule) {
            if (!sensible) { throw error{errc::bad_option, rule}; }
        };
        expect(options.frames > 0 && options.frames <= arena::frames_max,
               "make a pool: frames is between 1 and 2^32 - 3");
        expect(options.files_max > 0 && options.files_max < 65'535,
               "make a pool: files_max is between 1 and 65,534");
        expect(options.file_pages_max > 0 &&
                   options.file_pages_max <= (std::uint64_t{1} << 32),
               "make a pool: file_pages_max is between 1 and 2^32");
        expect(options.wait_max > options.wait_max.zero() &&
                   options.frame_wait_max >= options.frame_wait_max.zero(),
               "make a pool: wait_max is positive, frame_wait_max not negative");
        return options;
    }

    [[nodiscard]] frame_no hit(frame_no frame, page_id id) noexcept {
        supply.touch(frames[frame]);
        hits.count(id.file());
        note_latched(this, id);
        return frame;
    }

    template <access Mode>
    [[nodiscard, gnu::noinline]] frame_no enter_slowly(file_type& file, page_no no,
                                                       access_options const& how) {
        page_id const id{file.number, no};
        auto const until = deadline_of(how);
        bool waited = false;
        do {
            if (!file.has_page(no)) { throw error{errc::page_out_of_range, "read", id}; }
            auto const entry = file.pages->load(no);
            if (entry.is_frame()) {
                if (frames.template enter_within<Mode>(entry.frame(), id,
                                                       std::min(slice, left_until(until)))) {
                    return hit(entry.frame(), id);
                }
            } else if (entry == translation::entry::loading()) {
                if (!std::exchange(waited, true)) { file_counters::add(file.counters.waits); }
                static_cast<void>(room.wait(id, until, [&] {
                    return file.pages->load(no) == translation::entry::loading();
                }));
            } else if (auto const frame = load<Mode>(file, id, how)) {
                note_latched(this, id);
                return *frame;
            }
        } while (clock_type::now() < until);
        throw error{errc::timed_out, "read", id};
    }

    /// A miss. Returns the frame if it could be latched at once; otherwise look again.
    template <access Mode>
    [[nodiscard]] std::optional<frame_no> load(file_type& file, page_id id,
                                               access_options const& how) {
        expect_own_process("read");
        file_use<Backend> const use{file};
        if (!use.allowed()) {
            throw error{errc::in_use, "read from a file that is being closed", id};
        }
        if (!file.pages->claim(id.page())) { return std::nullopt; }
        options.observer.tell(options.observer.on_miss, id);
        frame_no f{};
        try {
            expect_still_there(file, id, "read");
            f = obtain(&file, how.budget);
        } catch (...) {
            give_up(file, id, std::nullopt);
            throw;
        }
        if (auto const failure = fill(file, id, f); failure.happened()) {
            give_up(file, id, f, failure);
            failure.raise(id);
        }
        frames[f].reset();
        if (publish<Mode>(file, id, f)) { return f; }
        return std::nullopt;
    }

    /// Reads page `id` into a frame in hand and checks it. On failure the frame is zeroed.
    [[nodiscard]] load_failure fill(file_type& file, page_id id, frame_no f) noexcept {
        frames.open(f);
        auto const bytes = frames.bytes(f);
        io_op<typename Backend::file> op{io_verb::read, &*file.file,
                                         *byte_offset(id.page(), PageSize), bytes};
        submit_and_wait(backend, std::span{&op, 1});
        file_counters::add(file.counters.misses);
        load_failure failure{};
        if (op.error == io_ended) {
            failure = {errc::short_read};
        } else if (op.error != 0) {
            failure = {errc::read_failed, op.error};
        } else {
            switch (file.contract.check(bytes, id)) {
                case page_state::good: return failure;
                case page_state::blank: failure = {errc::blank_page}; break;
                case page_state::corrupt: failure = {errc::corrupt_page}; break;
            }
        }
        std::memset(bytes.data(), 0, bytes.size());
        return failure;
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
        file_counters::add(files[static_cast<std::size_t>(page.file())].counters.evictions);
        options.observer.tell(options.observer.on_evict, page);
    }

    /// The victim and the dirty pages that follow it in its file: one write instead of many.
    [[nodiscard]] write_outcome write_back_with_neighbours(dirty_page victim) {
        std::array<dirty_page, writer_type::batch_max> run;
        run[0] = victim;
        std::size_t count = 1;
        auto const& file = files[static_cast<std::size_t>(victim.page.file())];
        for (auto no = victim.page.page().value() + 1;
             count < run.size() && no < file.pages->pages(); ++no) {
            auto const entry = file.pages->load(no);
            if (!entry.is_frame()) { break; }
            dirty_page const next{entry.frame(), page_id{file.number, no}};
            auto const& frame = frames[next.frame];
            if (!frame.holds(next.page) || !frame.dirty()) { break; }
            run[count++] = next;
        }
        return writer.write(std::span{run}.first(count), latching::tries, {});
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
