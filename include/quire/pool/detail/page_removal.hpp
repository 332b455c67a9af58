// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_removal: pages taken out of their frames to be forgotten: discard, truncate, and for close.
///
/// All of them, or none. Every frame concerned is latched first, by trying (so this waits for no
/// thread that waits for it); one that stays held is errc::in_use, the latches are released, and no
/// page has lost anything. Only then are the pages evicted, and changes of them are lost.
///
/// truncate   under the file's grow latch. `page_count` first, so that no page past it is accessed
///            any more; loads of what is removed end; the frames are latched; the file is cut; then
///            the pages are forgotten. Undone in reverse. The log of a logged file is told before
///            the file is cut, durably: then the pages are gone, and space on the disk that cannot
///            be given back now is given back on closing.
///
/// The thread itself holds none of the pages (checked builds look): its own guard would look like
/// another thread's. A page that is being written is waited for.

#include <quire/pool/detail/file_latch.hpp>

#include <utility>  // std::exchange
#include <vector>   // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// Frames latched for removal, until it is finished or given up.
template <class Core>
class page_removal : immovable {
public:
    using file_type = typename Core::file_type;
    /// How long a thread may hold a frame and still count as a visitor: a reader of another file
    /// that followed a stale entry. A guess, which errs towards in_use.
    static constexpr std::chrono::nanoseconds moment = std::chrono::milliseconds{50};

    /// Pages `first` up to, not including, `end` of `file`. Expects: none is being loaded, and none
    /// will be. Writes are waited for, at most until `until`. Cost: a look at each of these pages,
    /// or at each frame, whichever are fewer.
    page_removal(Core& core, file_type& file, std::uint64_t first, std::uint64_t end,
                 unwritten dirty, deadline until, char const* operation)
        : core_{core}, file_{file}, until_{until} {
        auto const frames = core.frames.headers().size();
        if (end - first < frames) {
            for (auto no = first; no < end; ++no) {
                page_id const id{file.number, no};
                if (auto const entry = file.pages->load(no); entry.is_frame()) {
                    latch(entry.frame(), id, dirty, operation);
                }
            }
            return;
        }
        for (std::uint32_t i = 0; i < frames; ++i) {
            auto const f = static_cast<frame_no>(i);
            auto const id = core_.frames[f].page_now();
            if (id != page_id::none() && id.file() == file.number && id.page().value() >= first) {
                latch(f, id, dirty, operation);
            }
        }
    }
    /// Page `id` alone, which is in frame `f`.
    page_removal(Core& core, file_type& file, frame_no f, page_id id, deadline until,
                 char const* operation)
        : core_{core}, file_{file}, until_{until} {
        latch(f, id, unwritten::discard, operation);
    }
    ~page_removal() { unlatch(); }

    /// The pages are forgotten, and their frames free.
    void finish() noexcept {
        for (auto const f : std::exchange(latched_, {})) {
            auto& frame = core_.frames[f];
            if (frame.written_back(frame.version.load(std::memory_order_relaxed))) {
                file_.now_clean(f);
            }
            core_.resident.evict_latched(f, frame.page_now());
            core_.evictor.put_into_free_list(f);
        }
    }

private:
    void latch(frame_no f, page_id id, unwritten dirty, char const* operation) try {
        auto& frame = core_.frames[f];
        if (latched_.size() == latched_.capacity()) { latched_.reserve(2 * latched_.size() + 8); }
        for (bool perhaps_written = true; perhaps_written;) {
            perhaps_written = file_.writes.load(std::memory_order_seq_cst) > 0;
            bool const done = core_.transfers.wait(deadline_after(moment), wake_key::none(), [&] {
                if (!frame.holds(id)) { return true; }
                if (!core_.resident.latch_to_evict(f, id)) { return false; }
                if (dirty == unwritten::discard || !frame.dirty()) {
                    latched_.push_back(f);  // has room
                    return true;
                }
                frame.latch.unlock();
                return false;
            });
            if (done) { return; }
            perhaps_written = perhaps_written || file_.writes.load(std::memory_order_seq_cst) > 0;
            perhaps_written = perhaps_written && !has_passed(until_);
        }
        throw file_.failure(errc::in_use, operation, id, 0, held_by_a_guard);
    } catch (std::bad_alloc const&) {
        unlatch();
        throw file_.failure(errc::out_of_memory, operation, id);
    } catch (...) {
        unlatch();
        throw;
    }

    void unlatch() noexcept {
        for (auto const f : std::exchange(latched_, {})) { core_.frames[f].latch.unlock(); }
    }

    Core& core_;
    file_type& file_;
    deadline const until_;
    std::vector<frame_no> latched_;
};

/// Before page `id` is removed: no thread loads it. Errors: timed_out. The error of a failed load
/// is reported to the threads that wanted the page, not to this one.
template <class Core>
void require_no_load(Core& core, typename Core::file_type& file, page_id id, deadline until) {
    while (file.pages->load_in_order(id.page()) == page_table::entry::loading()) {
        load_failure ignored;
        if (!core.resident.wait_for_end_of_load(file, id, until, ignored)) {
            throw file.failure(errc::timed_out, "remove", id, 0, waited_for_load);
        }
    }
}

/// Forgets changes of page `id` that were not written, and frees its frame.
template <class Core>
void discard_page(Core& core, typename Core::file_type& file, page_id id,
                  access_options const& how) {
    core.require_own_process("discard");
    core.expect_none_held(id, id);
    file_use const use{file, id.file()};
    require_allowed(file, use, id.file(), "discard");
    if (file.log_number != 0) { throw file.failure(errc::needs_change, "discard", id); }
    if (!file.has_page(id.page())) { throw file.failure(errc::page_out_of_range, "discard", id); }
    auto const until = core.deadline_of(how);
    require_no_load(core, file, id, until);
    auto const entry = file.pages->load(id.page());
    if (entry.is_frame()) {
        page_removal<Core>{core, file, entry.frame(), id, until, "discard"}.finish();
    }
}

/// Cuts the file to `pages` pages; what was not written of the others is forgotten. `tell()` comes
/// before the file is cut; whether there is no way back after it.
template <class Core, class Tell>
void truncate_file(Core& core, typename Core::file_type& file, file_no number, std::uint64_t pages,
                   Tell tell) {
    page_id const first{number, pages};
    core.require_own_process("truncate");
    core.expect_none_held(first, page_id{number, page_no::max});
    core.require_writable(file, number, "truncate", writing_by::changes);
    auto const until = core.deadline_of({});
    file_latch const growing{core, file, file.grow, until, "truncate", number};
    require_not_closing(file, number, "truncate");
    auto const before = file.page_count.load(std::memory_order_relaxed);
    if (pages > before) { throw file.failure(errc::page_out_of_range, "truncate", first); }
    file.page_count.store(pages, std::memory_order_seq_cst);
    try {
        while (auto const loading = core.resident.any_claimed_from(first)) {
            require_no_load(core, file, *loading, until);
        }
        page_removal gone{core, file, pages, before, unwritten::discard, until, "truncate"};
        cancellation_off const meanwhile;
        bool const is_told = tell();
        int const failed = core.backend.resize(*file.file, pages * Core::page_size);
        if (failed == 0) {
            file.pages_on_disk = pages;
        } else if (!is_told) {
            throw file.failure(errc::grow_failed, "truncate", number, failed);
        }
        gone.finish();
    } catch (...) {
        file.page_count.store(before, std::memory_order_seq_cst);
        throw;
    }
}
/// A file, logged or not.
template <class Core>
void truncate_file(Core& core, typename Core::file_type& file, file_no number,
                   std::uint64_t pages) {
    if (file.log_number != 0) { return core.keeper->truncate(file, number, pages); }
    truncate_file(core, file, number, pages, [] { return false; });
}

}  // namespace quire::inline QUIRE_ABI::detail
