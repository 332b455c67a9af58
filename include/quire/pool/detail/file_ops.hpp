// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_ops: a file's life: open, adopt, discard, truncate, close.
///
/// close     no new loads, running ones end; flush; every frame is taken away from its page; the
///           descriptor goes. Refused when another thread holds a page, or a pin is on one: then
///           the file is still open, and nothing is lost.
/// truncate  under the file's grow latch. `page_count` first, so that nobody comes; loads of what
///           goes end; the frames are latched; the file is cut; then the pages are forgotten.
///           Undone in reverse.

#include <quire/pool/detail/file_flush.hpp>
#include <quire/pool/detail/new_pages.hpp>
#include <quire/pool/detail/page_taking.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
struct file_ops {
    using file_type = typename Core::file_type;

    using flushing = file_flush<Core>;
    using taking = page_taking<Core>;

    /// An open file's slot. The caller serialises opens.
    static file_type& open(Core& core, std::string const& path, open_mode mode,
                           file_options const& options) {
        return open_by(core, "open " + path, path, options, [&] {
            return core.backend.open(
                open_request{path, mode, options.io, Core::page_size, options.follow_symlink});
        });
    }

    /// The same for a descriptor, which is closed even when it is refused.
    static file_type& adopt(Core& core, int fd, std::string const& name,
                            file_options const& options) {
        auto opened = core.backend.adopt(
            fd, open_request{.path = name, .io = options.io, .page_size = Core::page_size});
        bool passed_on = false;
        try {
            return open_by(core, "adopt " + name, name, options, [&] {
                passed_on = true;
                return std::move(opened);
            });
        } catch (...) {
            if (!passed_on) { static_cast<void>(core.backend.close(opened)); }
            throw;
        }
    }

    /// Forgets changes of page `id` that were not written, and frees its frame.
    static void discard(Core& core, file_type& file, page_id id, access_options const& how) {
        core.require_own_process("discard");
        expect_none_held(&core, id, id);
        file_use const use{file, id.file()};
        if (!use.allowed()) { throw error{errc::in_use, "discard", id}; }
        if (!file.has_page(id.page())) { throw error{errc::page_out_of_range, "discard", id}; }
        wait_for_loader(core, file, id, core.deadline_of(how));
        auto const entry = file.pages->load(id.page());
        if (entry.is_frame()) { taking{core, file, entry.frame(), id, "discard"}.finish(); }
    }

    /// Cuts the file to `pages` pages; what was not written of the others is forgotten.
    static void truncate(Core& core, file_type& file, file_no number, std::uint64_t pages) {
        page_id const first{number, pages};
        core.require_own_process("truncate");
        expect_none_held(&core, first, page_id{number, page_no::max});
        page_id const any{number, 0};
        core.require_writable(file, any, "truncate");
        auto const until = core.deadline_of({});
        file_latch const growing{file.grow, until, "truncate", any};
        require_not_closing(file, number, "truncate");
        auto const before = file.page_count.load(std::memory_order_relaxed);
        if (pages > before) { throw error{errc::page_out_of_range, "truncate", first}; }
        file.page_count.store(pages, std::memory_order_seq_cst);
        try {
            for (auto no = pages; no < before; ++no) {
                wait_for_loader(core, file, page_id{number, no}, until);
            }
            taking gone{core, file, pages, unwritten::discard, "truncate"};
            if (int const failed = core.backend.resize(*file.file, pages * Core::page_size);
                failed != 0) {
                throw error{errc::grow_failed, "truncate", first, failed};
            }
            file.pages_on_disk = pages;
            gone.finish();
        } catch (...) {
            file.page_count.store(before, std::memory_order_seq_cst);
            throw;
        }
    }

    static void close(Core& core, file_type& file, file_no number, unwritten dirty) {
        core.require_own_process("close");
        expect_holds_nothing(&core);
        auto const until = core.deadline_of({});
        page_id const any{number, 0};
        file_latch const growing{file.grow, until, "close", any};
        require_not_closing(file, number, "close");
        file.closing.store(true, std::memory_order_seq_cst);
        try {
            while (file.uses.load(std::memory_order_seq_cst) != 0) {
                if (left_until(until) == std::chrono::nanoseconds{0}) {
                    throw error{errc::timed_out, "close", any};
                }
                std::this_thread::sleep_for(std::chrono::microseconds{50});
            }
            if (dirty == unwritten::write) { flushing::write_and_sync(core, file, {}); }
            taking{core, file, 0, dirty, "close"}.finish();
            if (dirty == unwritten::write) { trim(core, file); }
        } catch (...) {
            file.closing.store(false, std::memory_order_seq_cst);
            throw;
        }
        file.dirty_limit.store(0, std::memory_order_relaxed);
        int const failed = core.backend.close(*file.file);
        file.file.reset();
        file.generation.fetch_add(1, std::memory_order_release);
        if (failed != 0) { throw error{errc::close_failed, "close", any, failed}; }
    }

private:
    template <class Open>
    static file_type& open_by(Core& core, std::string const& operation, std::string const& path,
                              file_options const& options, Open open) {
        core.require_own_process("open");
        if (options.seal.check == nullptr || options.seal.seal == nullptr) {
            throw error{errc::bad_option, operation + ": a page_seal has two functions"};
        }
        if (path.empty() || path.find('\0') != std::string::npos) {
            throw error{errc::bad_option,
                        operation + ": a path has characters, and no NUL among them"};
        }
        auto* const slot = core.files.empty();
        if (slot == nullptr) { throw error{errc::too_many_files, operation}; }
        file_type& file = *slot;
        if (!file.pages) { file.pages.emplace(core.options.file_pages_max); }
        file.file.emplace(open());
        return start(core, file, path, options);
    }

    /// A failed load is the business of those who asked for it.
    static void wait_for_loader(Core& core, file_type& file, page_id id, deadline until) {
        auto const loading = [&] {  // see pool_core's require_still_there
            return file.pages->load_in_order(id.page()) == page_table::entry::loading();
        };
        while (loading()) {
            try {
                if (!core.room.wait(id, until, loading)) {
                    throw error{errc::timed_out, "wait for a read", id};
                }
            } catch (error const& e) {
                if (e.kind() == errc::timed_out) { throw; }
            }
        }
    }

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
        if (file.generation.load(std::memory_order_relaxed) != 0) { core.files.rename(file); }
        file.page_count.store(file.pages_on_disk, std::memory_order_relaxed);
        file.seal = options.seal;
        file.dirty_max = options.dirty_pages_max > 0
                             ? options.dirty_pages_max
                             : std::max<std::size_t>(1, core.options.frames / 2);
        file.dirty_limit.store(file.file->writable() ? file.dirty_max : 0,
                               std::memory_order_relaxed);
        file.frames_max = options.frames_max;
        file.dirty.store(0, std::memory_order_relaxed);
        file.sync_error.store(0, std::memory_order_relaxed);
        file.closing.store(false, std::memory_order_release);
        file.counters.clear();
        file.generation.fetch_add(1, std::memory_order_release);
        return file;
    }

    /// Gives back what was reserved and not used. A failure only leaves blank pages at the end.
    static void trim(Core& core, file_type& file) {
        auto const used = file.page_count.load(std::memory_order_relaxed);
        if (!file.file->writable() || used >= file.pages_on_disk) { return; }
        if (core.backend.resize(*file.file, used * Core::page_size) == 0) {
            file.pages_on_disk = used;
            flushing::sync(core, file, {});
        }
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
