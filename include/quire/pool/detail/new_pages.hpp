// SPDX-License-Identifier: BSL-1.0
#pragma once

/// new_pages: pages that are made rather than read: append, format, and growing ahead.
///
/// append   under the file's grow latch: a frame first, then the entry, then the file grows, then
///          the page is formatted and published latched exclusively, and only then `page_count`
///          moves; undone in reverse. Readers of other pages notice nothing.
/// format   a page that is there, whatever it holds: where it is resident, in place under its
///          exclusive latch; else in a frame of its own, like an appended one, and nothing is read.

#include <quire/pool/detail/file_latch.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
struct new_pages {
    using file_type = typename Core::file_type;

    /// A page of some kind: `format(bytes, no)` makes it, and `accepts(bytes)` must still say so
    /// when it has been sealed.
    template <class Format, class Accepts>
    struct kind {
        Format format;
        Accepts accepts;
    };
    struct made {
        typename Core::place at;
        page_id page;
    };

    /// Makes the file at least `pages` long. Expects: `grow` is held.
    static void grow_to(Core& core, file_type& file, std::uint64_t pages) {
        if (pages <= file.pages_on_disk) { return; }
        page_id const last{file.number, pages - 1};
        auto const begin = byte_offset(last.page(), Core::page_size);
        if (pages > file.pages->pages() || !begin) {
            throw error{errc::file_too_large, "grow", last};
        }
        if (int const failed = core.backend.resize(*file.file, *begin + Core::page_size);
            failed != 0) {
            throw error{errc::grow_failed, "grow", last, failed};
        }
        file.pages_on_disk = pages;
    }

    /// A new page at the end, latched exclusively.
    template <class Kind>
    [[nodiscard]] static made append(Core& core, file_type& file, file_no number,
                                     access_options const& how, Kind const& kind) {
        page_id const any{number, 0};
        core.require_own_process("append");
        core.require_writable(file, any, "append");
        auto const until = core.deadline_of(how);
        file_latch const growing{file.grow, until, "append", any};
        require_not_closing(file, number, "append");
        page_id const id{number, file.page_count.load(std::memory_order_relaxed)};
        if (id.page().value() >= file.pages->pages()) {
            throw error{errc::file_too_large, "append", id};
        }
        auto const f = core.obtain(&file, how.budget);
        try {
            claim(core, file, id, until);
        } catch (...) {
            core.supply.give_back(f);
            throw;
        }
        try {
            grow_to(core, file, id.page().value() + 1);
            fill(core, file, id, f, kind, until);
        } catch (...) {
            core.give_up(file, id, f);
            throw;
        }
        publish(core, file, id, f);
        file.page_count.store(id.page().value() + 1, std::memory_order_release);
        file_counters::add(file.counters.appends);
        return {core.frames.at(f), id};
    }

    /// Page `id`, whatever it holds, made a fresh one and latched exclusively.
    template <class Kind>
    [[nodiscard]] static made format(Core& core, file_type& file, page_id id,
                                     access_options const& how, Kind const& kind) {
        auto const no = id.page();
        core.require_own_process("format");
        core.require_writable(file, page_id{id.file(), 0}, "format");
        expect_not_held(&core, id);
        file_use const use{file, id.file()};
        if (!use.allowed()) { throw error{errc::in_use, "format", id}; }
        auto const until = core.deadline_of(how);
        do {
            if (!file.has_page(no)) { throw error{errc::page_out_of_range, "format", id}; }
            auto const entry = file.pages->load(no);
            if (entry.is_frame()) {
                auto const at = core.frames.at(entry.frame());
                if (core.frames.template enter_within<access::exclusive>(at, id, Core::slice)) {
                    core.modified(at, id);
                    make(core, file, id, entry.frame(), kind);
                    note_latched(&core, id);
                    return {at, id};
                }
            } else if (entry == page_table::entry::loading()) {
                wait_for_loader(core, file, id, until);
            } else if (file.pages->claim(no)) {
                std::optional<frame_no> f;
                try {
                    core.require_still_there(file, id, "format");
                    f = core.obtain(&file, how.budget);
                    fill(core, file, id, *f, kind, until);
                } catch (...) {
                    core.give_up(file, id, f);
                    throw;
                }
                publish(core, file, id, *f);
                return {core.frames.at(*f), id};
            }
        } while (Core::clock_type::now() < until);
        throw error{errc::timed_out, "format", id};
    }

    /// Grows ahead of `pages` further appends.
    static void reserve(Core& core, file_type& file, file_no number, std::uint64_t pages) {
        page_id const any{number, 0};
        core.require_own_process("reserve");
        core.require_writable(file, any, "reserve");
        file_latch const growing{file.grow, core.deadline_of({}), "reserve", any};
        require_not_closing(file, number, "reserve");
        auto const count = file.page_count.load(std::memory_order_relaxed);
        if (pages > file.pages->pages() - count) {
            throw error{errc::file_too_large, "reserve", page_id{number, count}};
        }
        grow_to(core, file, count + pages);
    }

private:
    /// The entry of a page past the end. A reader may be in it for a moment, that came before the
    /// file was truncated and has not looked yet.
    static void claim(Core& core, file_type& file, page_id id, deadline until) {
        while (!file.pages->claim(id.page())) {
            if (left_until(until) == std::chrono::nanoseconds{0}) {
                throw error{errc::timed_out, "append", id};
            }
            wait_for_loader(core, file, id, until);
        }
    }

    static void wait_for_loader(Core& core, file_type& file, page_id id, deadline until) {
        try {
            static_cast<void>(core.room.wait(id, until, [&] {
                return file.pages->load(id.page()) == page_table::entry::loading();
            }));
        } catch (error const&) {  // that the page cannot be read is what it is made anew for
        }
    }

    /// Makes the bytes of a frame that this thread has alone a fresh page.
    template <class Kind>
    static void make(Core& core, file_type& file, page_id id, frame_no f, Kind const& kind) {
        auto const bytes = core.frames.bytes(f);
        std::memset(bytes.data(), 0, Core::page_size);
        kind.format(bytes, id.page());
        file.seal.seal(bytes, id);
        QUIRE_EXPECTS(kind.accepts(bytes),
                      "a page kind leaves alone what its file's seal writes (crc_seal: the first "
                      "12 bytes)");
    }

    /// The same for a frame in hand, which is latched for who gets the page.
    template <class Kind>
    static void fill(Core& core, file_type& file, page_id id, frame_no f, Kind const& kind,
                     deadline until) {
        core.frames.open(f);
        make(core, file, id, f, kind);
        if (!latch_within<access::exclusive>(core.frames[f].latch, left_until(until))) {
            throw error{errc::timed_out, "make a page", id};
        }
    }

    static void publish(Core& core, file_type& file, page_id id, frame_no f) {
        auto& frame = core.frames[f];
        frame.reset();
        core.modified(core.frames.at(f), id);
        frame.page.store(id.bits(), std::memory_order_release);
        core.room.announce(
            id, [&] { file.pages->store(id.page(), page_table::entry::of(f)); });
        core.insert(file, f);
        note_latched(&core, id);
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
