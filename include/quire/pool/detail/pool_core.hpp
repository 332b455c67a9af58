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
///   obtain  a frame: see pool_frames.hpp
///
/// A loader latches its frame before it publishes it, when that needs no waiting (it nearly never
/// does: only a visitor with a stale entry could be there), so that what it has loaded is not
/// evicted before it has seen it.
///
/// Errors of a failed load reach those who waited for it only if the read or the check failed;
/// otherwise they try for themselves.

#include <quire/pool/detail/held_pages.hpp>
#include <quire/pool/detail/pool_frames.hpp>
#include <quire/pool/detail/waiting_room.hpp>

#include <cstring>  // std::memset

namespace quire::inline QUIRE_ABI::detail {

template <std::size_t PageSize, eviction_policy Policy, page_latch Latch, file_backend Backend>
class pool_core : public pool_frames<PageSize, Policy, Latch, Backend> {
    using base = pool_frames<PageSize, Policy, Latch, Backend>;

public:
    static constexpr std::size_t page_size = PageSize;
    using latch_type = Latch;
    using typename base::file_type;
    using typename base::place;
    using clock_type = std::chrono::steady_clock;

    using base::base;
    using base::require_own_process;
    using base::files;
    using base::frames;
    using base::options;
    using base::supply;

    /// Page `id`, number `no`, latched. Expects: `file` is the slot of its file, or was: of a file
    /// that has been closed no frame holds a page.
    template <access Mode>
    [[nodiscard]] place enter(file_type& file, page_id id, page_no no,
                              access_options const& how) {
        expect_not_held(this, id);
        if (auto const entry = entry_of(file, no); entry.is_frame()) [[likely]] {
            auto const at = frames.at(entry.frame());
            if (frames.template try_enter<Mode>(at, id)) [[likely]] { return hit(at, id); }
        }
        return enter_slowly<Mode>(file, id, how);
    }

    /// The entry of page `no`; absent, too, where there can be no such page.
    [[nodiscard]] static page_table::entry entry_of(file_type const& file, page_no no) noexcept {
        return no.value() < file.pages->pages() ? file.pages->load(no)
                                                : page_table::entry::absent();
    }

    template <access Mode>
    void leave(place const& at, page_id id) noexcept {
        note_released(this, id);
        frames.template leave<Mode>(at, id);
    }

    /// Publishes a frame in hand as page `id`, latched if that needs no waiting.
    template <access Mode>
    [[nodiscard]] bool publish(file_type& file, page_id id, frame_no f) noexcept {
        auto& frame = frames[f];
        bool const latched = try_latch<Mode>(frame.latch);
        frame.page.store(id.bits(), std::memory_order_release);
        room.announce(id, [&] { file.pages->store(id.page(), page_table::entry::of(f)); });
        this->insert(file, f);
        return latched;
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
            id, [&] { file.pages->store(id.page(), page_table::entry::absent()); }, failure);
    }

    [[nodiscard]] std::chrono::nanoseconds wait_of(access_options const& how) const noexcept {
        return how.wait_max > how.wait_max.zero() ? how.wait_max : options.wait_max;
    }
    [[nodiscard]] deadline deadline_of(access_options const& how) const noexcept {
        return deadline_after(wait_of(how));
    }

    /// Before a writer of page `id` goes on: refuses a poisoned or read-only file, and writes pages
    /// back when too many are dirty. The caller may hold guards: latches are only tried.
    void require_writable(file_type& file, page_id id, char const* operation) {
        if (file.dirty.load(std::memory_order_relaxed) >=
            file.dirty_limit.load(std::memory_order_relaxed)) [[unlikely]] {
            make_writable(file, id, operation);
        }
    }

    /// Keeps page `id` in its frame, which is returned, until it is unpinned there.
    [[nodiscard]] frame_no pin(file_type& file, page_id id, access_options const& how) {
        auto const at = enter<access::shared>(file, id, id.page(), how);
        at.header->latch.pin();
        leave<access::shared>(at, id);
        return at.number();
    }

    /// After the claim, since a truncation looks for claims after it has moved the file's end. All
    /// four accesses are sequentially consistent, so one of the two sees the other. (No fences: the
    /// thread sanitizer knows none.)
    static void require_still_there(file_type const& file, page_id id, char const* operation) {
        if (id.page().value() >= file.page_count.load(std::memory_order_seq_cst)) {
            throw error{errc::page_out_of_range, operation, id};
        }
    }

    /// Off the path of a hit: what a handle, a writer or a miss finds out before it goes on.
    static void expect_open(file_type const& file, page_id id) noexcept {
        QUIRE_EXPECTS(file.is_open() && file.number == id.file(),
                      "a file handle is not used after close");
    }

    waiting_room room;

    static constexpr std::chrono::nanoseconds slice = std::chrono::milliseconds{5};

private:
    [[nodiscard]] place hit(place const& at, page_id id) noexcept {
        supply.touch(*at.header);
        if (at.header->count_hit()) [[unlikely]] {
            file_counters::add(files.of(id).counters.hits, std::uint64_t{1} << 32);
        }
        note_latched(this, id);
        return at;
    }

    [[gnu::noinline]] void make_writable(file_type& file, page_id id, char const* operation) {
        expect_open(file, id);
        page_id const any{id.file(), 0};
        {
            file_use<Backend> const use{file, id.file()};
            if (!use.allowed()) { throw error{errc::in_use, operation, any}; }
            if (!file.file->writable()) { throw error{errc::read_only, operation, any}; }
            if (int const broken = file.sync_error.load(std::memory_order_acquire); broken != 0) {
                throw error{errc::sync_failed, operation, any, broken};
            }
        }
        require_own_process(operation);
        auto pages = this->dirty_pages(file);
        this->writer.write(pages, latching::tries, {}).rethrow();
    }

    template <access Mode>
    [[nodiscard, gnu::noinline]] place enter_slowly(file_type& file, page_id id,
                                                    access_options const& how) {
        expect_open(file, id);
        require_own_process("read");
        auto const no = id.page();
        auto const until = deadline_of(how);
        bool waited = false;
        do {
            if (!file.has_page(no)) { throw error{errc::page_out_of_range, "read", id}; }
            auto const entry = file.pages->load(no);
            if (entry.is_frame()) {
                auto const at = frames.at(entry.frame());
                if (frames.template enter_within<Mode>(at, id,
                                                       std::min(slice, left_until(until)))) {
                    return hit(at, id);
                }
            } else if (entry == page_table::entry::loading()) {
                if (!std::exchange(waited, true)) { file_counters::add(file.counters.waits); }
                static_cast<void>(room.wait(id, until, [&] {
                    return file.pages->load(no) == page_table::entry::loading();
                }));
            } else if (auto const frame = load<Mode>(file, id, how)) {
                note_latched(this, id);
                return frames.at(*frame);
            }
        } while (clock_type::now() < until);
        throw error{errc::timed_out, "read", id};
    }

    /// A miss. Returns the frame if it could be latched at once; otherwise look again.
    template <access Mode>
    [[nodiscard]] std::optional<frame_no> load(file_type& file, page_id id,
                                               access_options const& how) {
        file_use<Backend> const use{file, id.file()};
        if (!use.allowed()) {
            throw error{errc::in_use, "read from a file that is being closed", id};
        }
        if (!file.pages->claim(id.page())) { return std::nullopt; }
        options.observer.tell(options.observer.on_miss, id);
        frame_no f{};
        try {
            require_still_there(file, id, "read");
            f = this->obtain(&file, how.budget);
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
        submit_and_wait(this->backend, std::span{&op, 1});
        file_counters::add(file.counters.misses);
        load_failure failure{};
        if (op.error == io_ended) {
            failure = {errc::short_read};
        } else if (op.error != 0) {
            failure = {errc::read_failed, op.error};
        } else {
            switch (file.seal.check(bytes, id)) {
                case page_state::good: return failure;
                case page_state::blank: failure = {errc::blank_page}; break;
                case page_state::corrupt: failure = {errc::corrupt_page}; break;
            }
        }
        std::memset(bytes.data(), 0, bytes.size());
        return failure;
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
