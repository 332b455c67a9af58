// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_ops: what is done to a whole file: open, grow, append, flush, sync, close.
///
/// append   under the file's grow latch: a frame first, then the entry, then the file grows, then
///          the page is formatted and published latched exclusively, and only then `page_count`
///          moves; undone in reverse. Readers of other pages notice nothing.
/// flush    a list of the file's dirty pages, taken once, is written back; then the file is synced,
///          always. Syncs of a file are one at a time, and a failed one is never tried again: the
///          kernel reports it once and forgets what it dropped.
/// close    no new loads, running ones end; flush; every frame is taken away from its page; the
///          descriptor goes. Refused with errc::in_use when a guard is held: then the file is
///          still open, and only other pages may be resident (or, when discarding, unchanged).

#include <quire/pool/detail/pool_core.hpp>

#include <string_view>  // std::string_view

namespace quire::inline QUIRE_ABI::detail {

/// Holds a latch of a file (not of a page) exclusively, or throws errc::timed_out.
class file_latch : pinned {
public:
    file_latch(hybrid_latch& latch, deadline until, char const* operation, page_id page)
        : latch_{latch} {
        if (!latch_.try_lock_for(left_until(until))) {
            throw error{errc::timed_out, operation, page};
        }
    }
    ~file_latch() { latch_.unlock(); }

private:
    hybrid_latch& latch_;
};

template <class Core>
struct file_ops {
    using file_type = typename Core::file_type;

    /// An open file's slot. The caller serialises opens.
    static file_type& open(Core& core, std::string const& path, open_mode mode,
                           file_options const& options) {
        core.expect_own_process("open");
        if (options.contract.check == nullptr || options.contract.seal == nullptr) {
            throw error{errc::bad_option, "open " + path + ": a page contract has two functions"};
        }
        if (path.empty() || path.find('\0') != std::string::npos) {
            throw error{errc::bad_option, "open: a path has characters, and no NUL among them"};
        }
        auto const slot = std::find_if(core.files.begin(), core.files.end(),
                                       [](file_type const& f) { return !f.is_open(); });
        if (slot == core.files.end()) { throw error{errc::too_many_files, "open " + path}; }
        file_type& file = *slot;
        if (!file.pages) { file.pages.emplace(core.options.file_pages_max); }
        file.file.emplace(core.backend.open(open_request{path, mode, options.io,
                                                         Core::page_size, options.follow_symlink}));
        return start(core, file, path, options);
    }

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

    struct appended {
        frame_no frame;
        page_id page;
    };

    /// A new page at the end, latched exclusively. `format(bytes, no)` makes it one of its kind,
    /// which `accepts(bytes)` must still say when it has been sealed.
    template <class Format, class Accepts>
    [[nodiscard]] static appended append(Core& core, file_type& file, access_options const& how,
                                         Format format, Accepts accepts) {
        core.expect_own_process("append");
        core.expect_writable(file, "append");
        auto const until = core.deadline_of(how);
        file_latch const growing{file.grow, until, "append", page_id{file.number, 0}};
        page_id const id{file.number, file.page_count.load(std::memory_order_relaxed)};
        expect_not_closing(file, "append");
        if (id.page().value() >= file.pages->pages()) {
            throw error{errc::file_too_large, "append", id};
        }
        auto const f = core.obtain(how.budget);
        auto& frame = core.frames[f];
        bool const claimed = file.pages->claim(id.page());
        QUIRE_EXPECTS(claimed, "the entry of a page past the end is absent");
        try {
            grow_to(core, file, id.page().value() + 1);
            core.frames.open(f);
            std::memset(core.frames.bytes(f).data(), 0, Core::page_size);
            format(core.frames.bytes(f), id.page());
            file.contract.seal(core.frames.bytes(f), id);
            QUIRE_EXPECTS(accepts(core.frames.bytes(f)),
                          "a page kind leaves alone what its file's seal writes (crc_seal: the "
                          "first 12 bytes)");
            if (!latch_within<access::exclusive>(frame.latch, left_until(until))) {
                throw error{errc::timed_out, "append", id};
            }
        } catch (...) {
            core.give_up(file, id, f);
            throw;
        }
        frame.reset();
        core.modified(f, id);
        frame.page.store(id.bits(), std::memory_order_release);
        core.room.announce(
            id, [&] { file.pages->store(id.page(), translation::entry::of(f)); });
        core.supply.insert(f);
        file.page_count.store(id.page().value() + 1, std::memory_order_release);
        file_counters::add(file.counters.appends);
        note_latched(&core, id);
        return {f, id};
    }

    /// Grows ahead of `pages` further appends.
    static void reserve(Core& core, file_type& file, std::uint64_t pages) {
        core.expect_own_process("reserve");
        core.expect_writable(file, "reserve");
        file_latch const growing{file.grow, core.deadline_of({}), "reserve",
                                 page_id{file.number, 0}};
        expect_not_closing(file, "reserve");
        auto const count = file.page_count.load(std::memory_order_relaxed);
        if (pages > file.pages->pages() - count) {
            throw error{errc::file_too_large, "reserve", page_id{file.number, count}};
        }
        grow_to(core, file, count + pages);
    }

    static void flush(Core& core, file_type& file, access_options const& how) {
        core.expect_own_process("flush");
        expect_holds_nothing(&core);
        file_use const use{file};
        if (!use.allowed()) {
            throw error{errc::in_use, "flush a file that is being closed",
                        page_id{file.number, 0}};
        }
        write_and_sync(core, file, how);
    }

    /// The same for a slot that another thread may be closing: waits for the end of that.
    static void flush_if_open(Core& core, file_type& file) {
        core.expect_own_process("flush");
        expect_holds_nothing(&core);
        for (auto const until = core.deadline_of({});;) {
            if (file_use const use{file}; use.allowed()) {
                if (file.is_open()) { write_and_sync(core, file, {}); }
                return;
            }
            if (!file.is_open()) { return; }
            file_latch const closed{file.grow, until, "flush", page_id{file.number, 0}};
        }
    }

    static void close(Core& core, file_type& file, unwritten dirty) {
        core.expect_own_process("close");
        expect_holds_nothing(&core);
        auto const until = core.deadline_of({});
        page_id const any{file.number, 0};
        file_latch const growing{file.grow, until, "close", any};
        expect_not_closing(file, "close");
        file.closing.store(true, std::memory_order_seq_cst);
        try {
            while (file.uses.load(std::memory_order_seq_cst) != 0) {
                if (left_until(until) == std::chrono::nanoseconds{0}) {
                    throw error{errc::timed_out, "close", any};
                }
                std::this_thread::sleep_for(std::chrono::microseconds{50});
            }
            if (dirty == unwritten::write) { write_and_sync(core, file, {}); }
            take_frames(core, file, dirty);
            if (dirty == unwritten::write) { trim(core, file); }
        } catch (...) {
            file.closing.store(false, std::memory_order_seq_cst);
            throw;
        }
        file.hits_before = core.hits.sum(file.number);
        int const failed = core.backend.close(*file.file);
        file.file.reset();
        file.generation.fetch_add(1, std::memory_order_release);
        if (failed != 0) { throw error{errc::close_failed, "close", any, failed}; }
    }

private:
    static file_type& start(Core& core, file_type& file, std::string const& path,
                            file_options const& options) {
        try {
            auto const bytes = file.file->size();
            if (bytes % Core::page_size != 0) {
                throw error{errc::size_not_page_multiple,
                            "open " + path + ": " + std::to_string(bytes) + " bytes, pages of " +
                                std::to_string(Core::page_size)};
            }
            if (bytes / Core::page_size > file.pages->pages()) {
                throw error{errc::file_too_large, "open " + path};
            }
            file.path = path;
            file.pages_on_disk = bytes / Core::page_size;
        } catch (...) {
            static_cast<void>(core.backend.close(*file.file));
            file.file.reset();
            throw;
        }
        file.page_count.store(file.pages_on_disk, std::memory_order_relaxed);
        file.contract = options.contract;
        file.dirty_max = options.dirty_pages_max > 0
                             ? options.dirty_pages_max
                             : std::max<std::size_t>(1, core.options.frames / 2);
        file.dirty.store(0, std::memory_order_relaxed);
        file.poison.store(0, std::memory_order_relaxed);
        file.closing.store(false, std::memory_order_release);
        file.counters.clear();
        file.generation.fetch_add(1, std::memory_order_release);
        return file;
    }

    /// Who waited for `grow` may have waited for the file's end.
    static void expect_not_closing(file_type const& file, char const* operation) {
        if (file.closing.load(std::memory_order_seq_cst)) {
            throw error{errc::in_use, operation, page_id{file.number, 0}};
        }
    }

    static void expect_sound(file_type const& file, char const* operation) {
        if (int const broken = file.poison.load(std::memory_order_acquire); broken != 0) {
            throw error{errc::sync_failed, operation, page_id{file.number, 0}, broken};
        }
    }

    static void write_and_sync(Core& core, file_type& file, access_options const& how) {
        if (!file.file->writable()) { return; }
        expect_sound(file, "flush");
        auto pages = core.dirty_pages(file);
        auto const outcome = core.writer.write(pages, latching::waits, core.wait_of(how));
        sync(core, file, how);
        outcome.rethrow();
        expect_sound(file, "flush");
    }

    static void sync(Core& core, file_type& file, access_options const& how) {
        file_latch const alone{file.syncing, core.deadline_of(how), "sync",
                               page_id{file.number, 0}};
        expect_sound(file, "sync");
        int const failed = core.backend.sync(*file.file);
        file_counters::add(file.counters.syncs);
        if (failed != 0) { file.poison.store(failed, std::memory_order_release); }
        expect_sound(file, "sync");
    }

    /// Takes every frame of `file` away from its page. Throws errc::in_use at the first held one;
    /// threads that are busy with other files hold a latch for a moment, a write-back, too.
    static void take_frames(Core& core, file_type& file, unwritten dirty) {
        for (std::uint32_t i = 0; i < core.frames.headers().size(); ++i) {
            auto const f = static_cast<frame_no>(i);
            auto& frame = core.frames[f];
            auto const id = page_id::from_bits(frame.page.load(std::memory_order_acquire));
            if (id == page_id::none() || id.file() != file.number) { continue; }
            auto const until = deadline_after(std::chrono::milliseconds{50});
            while (frame.holds(id)) {
                if (dirty == unwritten::discard) { forget_changes(core, file, f, id); }
                if (core.supply.take_this(f, id, core.unmap())) {
                    core.frames.shut(f);
                    core.supply.give_back(f);
                } else if (left_until(until) == std::chrono::nanoseconds{0}) {
                    throw error{errc::in_use, "close", id};
                } else {
                    std::this_thread::sleep_for(std::chrono::microseconds{20});
                }
            }
        }
    }

    static void forget_changes(Core& core, file_type& file, frame_no f, page_id id) {
        if (!core.frames.template try_enter<access::exclusive>(f, id)) { return; }
        auto& frame = core.frames[f];
        if (frame.written_back(frame.version.load(std::memory_order_relaxed))) {
            file.dirty.fetch_sub(1, std::memory_order_relaxed);
        }
        core.frames.template leave<access::exclusive>(f, id);
    }

    /// Gives back what was reserved and not used. A failure only leaves blank pages at the end.
    static void trim(Core& core, file_type& file) {
        auto const used = file.page_count.load(std::memory_order_relaxed);
        if (!file.file->writable() || used >= file.pages_on_disk) { return; }
        if (core.backend.resize(*file.file, used * Core::page_size) == 0) {
            file.pages_on_disk = used;
            sync(core, file, {});
        }
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
