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
class file_flush {
public:
    using file_type = typename Core::file_type;

    file_flush(Core& core, file_type& file) noexcept : core_{core}, file_{file} {}

    /// Of the file whose number is `number`.
    void flush(file_no number, access_options const& how) {
        core_.require_own_process("flush");
        core_.expect_holds_nothing();
        file_use const use{file_, number};
        require_allowed(file_, use, number, "flush");
        write_and_sync(how);
    }

    /// Without the sync.
    void write_back(file_no number, access_options const& how) {
        core_.require_own_process("write back");
        core_.expect_holds_nothing();
        file_use const use{file_, number};
        require_allowed(file_, use, number, "write back");
        if (!file_.file->writable()) { return; }
        require_sound(file_, "write back");
        write(how).rethrow();
    }

    /// Of whatever file is in the slot. Waits for the end of a close by another thread.
    void flush_if_open(access_options const& how = {}) {
        core_.require_own_process("flush");
        core_.expect_holds_nothing();
        for (auto const until = core_.deadline_of({});;) {
            if (file_use const use{file_}; use.allowed()) {
                if (file_.is_open()) { write_and_sync(how); }
                return;
            }
            if (!file_.is_open()) { return; }
            file_latch const closed{core_, file_, file_.grow, until, "flush", file_.number};
        }
    }

    void write_and_sync(access_options const& how) {
        if (!file_.file->writable()) { return; }
        require_sound(file_, "flush");
        auto const outcome = write(how);
        sync(how);
        outcome.rethrow();
        require_sound(file_, "flush");
    }

    void sync(access_options const& how) {
        file_latch const alone{core_, file_, file_.syncing, core_.deadline_of(how), "sync",
                               file_.number};
        require_sound(file_, "sync");
        cancellation_off const meanwhile;
        int const failed = core_.backend.sync(*file_.file);
        file_counters::add(file_.counters.syncs);
        if (failed != 0) { file_.write_no_more(failed); }
        require_sound(file_, "sync");
    }

private:
    [[nodiscard]] write_outcome write(access_options const& how) {
        auto pages = core_.dirty_pages(file_);
        return core_.writer.write(pages, latching::waits, core_.wait_of(how));
    }

    Core& core_;
    file_type& file_;
};

}  // namespace quire::inline QUIRE_ABI::detail
