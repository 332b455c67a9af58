// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_maker: pages that are made and not read: append, format, and growing ahead.
///
/// append   under the file's grow latch: a frame first, then the entry, then the file grows, then
///          the page is formatted and published latched exclusively, and only then `page_count`
///          moves; undone in reverse. Readers of other pages notice nothing. A file that
///          `grows_ahead` then has room for the next pages, too.
/// format   a page that is there, whatever it holds: where it is resident, in place under its
///          exclusive latch; else in a frame of its own, like an appended one, and nothing is read.

#include <quire/borrow/page_kind.hpp>
#include <quire/pool/detail/file_latch.hpp>

#include <algorithm>  // std::min

namespace quire::inline QUIRE_ABI::detail {

/// A page that was just made, latched exclusively: what a write guard is made from.
template <class Core>
struct made_page {
    Core& core;
    typename Core::place at;
    page_id page;
    bool was_resident = false;  ///< else the file has what it had, until this is written
};

/// A page kind for its maker: `format(bytes, no)` makes a page of the kind, and, when that has been
/// sealed, `accepts(bytes, no)` must still say so. If it has `keep(bytes)`, that is called before a
/// resident page is replaced.
template <class Format, class Accepts>
struct maker_kind {
    Format format;
    Accepts accepts;
};

template <template <class, std::size_t> class View, std::size_t PageSize>
[[nodiscard]] auto kind_of() noexcept {
    auto const format = [](auto bytes, page_no no) noexcept {
        View<std::byte, PageSize>::format(bytes, no);
    };
    auto const accepts = accepted_by<View<std::byte const, PageSize>,
                                     std::span<std::byte const, PageSize>>;
    return maker_kind<decltype(format), decltype(accepts)>{format, accepts};
}

template <class Core>
class page_maker {
public:
    using file_type = typename Core::file_type;

    page_maker(Core& core, file_type& file, file_no number,
               writing_by by = writing_by::guards) noexcept
        : core_{core}, file_{file}, number_{number}, by_{by} {}

    /// A new page at the end.
    template <class Kind>
    [[nodiscard]] made_page<Core> append(access_options const& how, Kind const& kind) {
        core_.require_own_process("append");
        core_.require_writable(file_, number_, "append", by_);
        file_latch const growing{core_,    file_,   file_.grow, core_.deadline_of(how),
                                 "append", number_};
        auto const no = file_.page_count.load(std::memory_order_relaxed);
        auto const made = append_unseen(no, how, kind);
        file_.page_count.store(no + 1, std::memory_order_release);
        return made;
    }
    /// Page `no`, at the file's end or behind other pages that are not seen yet: no thread finds it
    /// before `page_count` has moved. Expects: `grow` is held.
    template <class Kind>
    [[nodiscard]] made_page<Core> append_unseen(page_no no, access_options const& how,
                                                Kind const& kind) {
        auto const until = core_.deadline_of(how);
        require_not_closing(file_, number_, "append");
        page_id const id{number_, no};
        if (id.page().value() >= file_.pages->pages()) {
            throw file_.failure(errc::file_too_large, "append", id);
        }
        auto const f = core_.evictor.take(&file_, how.budget);
        load_waiters::claimed claim;
        try {
            claim_past_the_end(id, until, claim);
        } catch (...) {
            core_.evictor.give_back(file_, f);
            throw;
        }
        try {
            grow_for(id.page().value() + 1);
            make_private(id, f, kind, until);
        } catch (...) {
            undo(id, f);
            throw;
        }
        publish_dirty(id, f);
        file_counters::add(file_.counters.appends);
        return {core_, core_.frames.at(f), id};
    }

    /// Page `no`, whatever it holds, made a fresh one.
    template <class Kind>
    [[nodiscard]] made_page<Core> format(page_no no, access_options const& how, Kind const& kind) {
        page_id const id{number_, no};
        core_.require_own_process("format");
        core_.require_writable(file_, number_, "format", by_);
        core_.require_not_held(file_, id, "format");
        file_use const use{file_, id.file()};
        if (!use.allowed()) { throw file_.failure(errc::in_use, "format", id, 0, being_closed); }
        auto const until = core_.deadline_of(how);
        load_waiters::claimed claim;
        do {
            if (!file_.has_page(no)) { throw file_.failure(errc::page_out_of_range, "format", id); }
            auto const entry = file_.pages->load(no);
            if (entry.is_frame()) {
                auto const at = core_.frames.at(entry.frame());
                if (core_.template latch_while_there<access::exclusive>(file_, at, id, until,
                                                                        "format")) {
                    core_.modified(at, id);
                    if constexpr (requires { kind.keep(core_.frames.bytes(at)); }) {
                        kind.keep(core_.frames.bytes(at));
                    }
                    make(id, entry.frame(), kind);
                    core_.note_entered(at, id);
                    return {core_, at, id, true};
                }
            } else if (entry == page_table::entry::loading()) {
                let_load_end(id, until);
            } else if (core_.resident.claim(file_, id, claim)) {
                return {core_, core_.frames.at(make_claimed(id, how, kind, until)), id};
            }
        } while (!has_passed(until));
        throw file_.failure(errc::timed_out, "format", id, 0, waited_for_guard);
    }

    /// Grows ahead of `pages` further appends.
    void reserve(std::uint64_t pages) {
        core_.require_own_process("reserve");
        core_.require_writable(file_, number_, "reserve", writing_by::changes);  // no page
        file_latch const growing{core_,     file_,   file_.grow, core_.deadline_of({}),
                                 "reserve", number_};
        require_not_closing(file_, number_, "reserve");
        auto const count = file_.page_count.load(std::memory_order_relaxed);
        if (pages > file_.pages->pages() - count) {
            throw file_.failure(errc::file_too_large, "reserve", number_);
        }
        grow_to(count + pages);
    }

private:
    static constexpr std::uint64_t ahead_max = 256;

    /// Makes the file at least `pages` long, for an append. One that grows ahead grows by a 16th
    /// then, 256 pages at most, if there is room for that. Expects: `grow` is held.
    void grow_for(std::uint64_t pages) {
        if (pages <= file_.pages_on_disk) { return; }
        auto const ahead = std::min({pages / 16, ahead_max, file_.pages->pages() - pages});
        if (ahead > 0 && file_.grows_ahead.load(std::memory_order_relaxed) &&
            resize(pages + ahead) == 0) {
            return;
        }
        grow_to(pages);
    }
    /// Makes the file at least `pages` long. Expects: `grow` is held.
    void grow_to(std::uint64_t pages) {
        if (pages <= file_.pages_on_disk) { return; }
        page_id const last{number_, pages - 1};
        if (pages > file_.pages->pages() || !byte_offset(last.page(), Core::page_size)) {
            throw file_.failure(errc::file_too_large, "grow", last);
        }
        if (int const failed = resize(pages); failed != 0) {
            throw file_.failure(errc::grow_failed, "grow", last, failed);
        }
    }
    /// 0 or an errno, and then nothing has changed. Expects: `pages` is more than the file has.
    [[nodiscard]] int resize(std::uint64_t pages) noexcept {
        auto const begin = byte_offset(pages - 1, Core::page_size);
        if (!begin) { return EFBIG; }
        cancellation_off const meanwhile;
        int const failed = core_.backend.resize(*file_.file, *begin + Core::page_size);
        if (failed == 0) { file_.pages_on_disk = pages; }
        return failed;
    }

    /// The entry of a page past the end. A reader may have it claimed for a moment, that began
    /// before the file was truncated and has not looked at its end yet.
    void claim_past_the_end(page_id id, deadline until, load_waiters::claimed& claim) {
        while (!core_.resident.claim(file_, id, claim)) {
            if (has_passed(until)) {
                throw file_.failure(errc::timed_out, "append", id, 0, waited_for_load);
            }
            let_load_end(id, until);
        }
    }

    /// A page that cannot be read is what this replaces.
    void let_load_end(page_id id, deadline until) noexcept {
        load_failure ignored;
        static_cast<void>(core_.resident.wait_for_end_of_load(file_, id, until, ignored));
    }

    /// A claimed page in a frame of its own.
    template <class Kind>
    [[nodiscard]] frame_no make_claimed(page_id id, access_options const& how, Kind const& kind,
                                        deadline until) {
        std::optional<frame_no> f;
        try {
            require_still_there(file_, id, "format");
            f = core_.evictor.take(&file_, how.budget);
            make_private(id, *f, kind, until);
        } catch (...) {
            undo(id, f);
            throw;
        }
        publish_dirty(id, *f);
        return *f;
    }

    /// Makes the bytes of a frame that this thread has alone a fresh page.
    template <class Kind>
    void make(page_id id, frame_no f, Kind const& kind) {
        auto const bytes = core_.frames.bytes(f);
        std::memset(bytes.data(), 0, Core::page_size);
        kind.format(bytes, id.page());
        file_.begin_seal(bytes, id, [&] { return kind.accepts(bytes, id.page()); });
    }

    /// Makes a page in a private frame, and latches the frame for the caller's guard.
    template <class Kind>
    void make_private(page_id id, frame_no f, Kind const& kind, deadline until) {
        core_.frames.unpoison(f);
        make(id, f, kind);
        if (!core_.transfers.template latch<access::exclusive>(core_.frames[f].latch, until)) {
            throw file_.failure(errc::timed_out, "make", id, 0, waited_for_guard);
        }
    }

    /// Publishes a page that is latched and in no file yet.
    void publish_dirty(page_id id, frame_no f) noexcept {
        core_.frames[f].reset();
        core_.modified(core_.frames.at(f), id);
        core_.resident.publish(file_, id, f);
        core_.note_entered(core_.frames.at(f), id);
    }

    /// A claim, and the frame if there is one, are given back.
    void undo(page_id id, std::optional<frame_no> f) noexcept {
        if (f) { core_.evictor.give_back(file_, *f); }
        core_.resident.withdraw(file_, id);
    }

    Core& core_;
    file_type& file_;
    file_no number_;
    writing_by by_;
};

}  // namespace quire::inline QUIRE_ABI::detail
