// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_flush: a file's dirty pages written back, and the file made durable.
///
/// A list of the dirty pages, taken once, is written; then, for a flush, the file is synced,
/// always. Syncs of a file are one at a time, and a failed one is never tried again: the kernel
/// reports it once and forgets what it dropped.

#include <quire/pool/detail/file_latch.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Core>
struct file_flush {
    using file_type = typename Core::file_type;

    static void flush(Core& core, file_type& file, file_no number, access_options const& how) {
        core.require_own_process("flush");
        expect_holds_nothing(&core);
        file_use const use{file, number};
        require_open(use, number, "flush");
        write_and_sync(core, file, how);
    }

    /// Without the sync.
    static void write_back(Core& core, file_type& file, file_no number,
                           access_options const& how) {
        core.require_own_process("write back");
        expect_holds_nothing(&core);
        file_use const use{file, number};
        require_open(use, number, "write back");
        if (!file.file->writable()) { return; }
        require_sound(file, "write back");
        write(core, file, how).rethrow();
    }

    /// The same as flush for a slot that another thread may be closing: waits for the end of that.
    static void flush_if_open(Core& core, file_type& file) {
        core.require_own_process("flush");
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

    static void write_and_sync(Core& core, file_type& file, access_options const& how) {
        if (!file.file->writable()) { return; }
        require_sound(file, "flush");
        auto const outcome = write(core, file, how);
        sync(core, file, how);
        outcome.rethrow();
        require_sound(file, "flush");
    }

    static void sync(Core& core, file_type& file, access_options const& how) {
        file_latch const alone{file.syncing, core.deadline_of(how), "sync",
                               page_id{file.number, 0}};
        require_sound(file, "sync");
        int const failed = core.backend.sync(*file.file);
        file_counters::add(file.counters.syncs);
        if (failed != 0) {
            file.sync_error.store(failed, std::memory_order_release);
            file.dirty_limit.store(0, std::memory_order_release);
        }
        require_sound(file, "sync");
    }

private:
    [[nodiscard]] static write_outcome write(Core& core, file_type& file,
                                             access_options const& how) {
        auto pages = core.dirty_pages(file);
        return core.writer.write(pages, latching::waits, core.wait_of(how));
    }

    template <class Use>
    static void require_open(Use const& use, file_no number, char const* operation) {
        if (!use.allowed()) {
            throw error{errc::in_use, std::string{operation} + " a file that is being closed",
                        page_id{number, 0}};
        }
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
