// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_closing: a file leaves its slot of the pool.
///
/// No load begins any more, and those that run end; flush; every frame is taken away from its page;
/// the descriptor is closed. Refused when another thread holds a page, or a pin is on one: then the
/// file is still open, and nothing is lost.

#include <quire/pool/detail/file_flush.hpp>
#include <quire/pool/detail/page_removal.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// Gives back what was reserved and not used. A failure only leaves blank pages at the end; but of
/// a logged file it may leave pages that were cut off, and then the log must know: grow_failed.
/// Expects: `grow` is held.
template <class Core>
void trim_file(Core& core, typename Core::file_type& file, file_no number) {
    auto const used = file.page_count.load(std::memory_order_relaxed);
    if (!file.file->writable() || used >= file.pages_on_disk) { return; }
    cancellation_off const meanwhile;
    int const failed = core.backend.resize(*file.file, used * Core::page_size);
    if (failed == 0) {
        file.pages_on_disk = used;
        file_flush{core, file}.sync({});
    } else if (file.log_number != 0) {
        throw file.failure(errc::grow_failed, "close", number, failed);
    }
}

template <class Core>
class file_closing {
public:
    using file_type = typename Core::file_type;

    file_closing(Core& core, file_type& file, file_no number) noexcept
        : core_{core}, file_{file}, number_{number} {}

    void close(unwritten dirty) {
        close(dirty, [] {});
    }
    /// With `act()` when all is written and nothing is released yet; if it throws the file is still
    /// open.
    template <class Act>
    void close(unwritten dirty, Act act) {
        core_.require_own_process("close");
        core_.expect_holds_nothing();
        auto const until = core_.deadline_of({});
        file_latch const growing{core_, file_, file_.grow, until, "close", number_};
        require_not_closing(file_, number_, "close");
        file_.closing.store(true, std::memory_order_seq_cst);
        try {
            wait_for_uses(until);
            if (dirty == unwritten::write) { file_flush{core_, file_}.write_and_sync({}); }
            auto const pages = file_.page_count.load(std::memory_order_relaxed);
            page_removal{core_, file_, 0, pages, dirty, until, "close"}.finish();
            if (dirty == unwritten::write) { trim_file(core_, file_, number_); }
            act();
            file_.log_number.store(0, std::memory_order_relaxed);
        } catch (...) {
            file_.closing.store(false, std::memory_order_seq_cst);
            throw;
        }
        file_.dirty_limit.store(0, std::memory_order_relaxed);
        cancellation_off const to_the_end;
        int const failed = core_.backend.close(*file_.file);
        file_.file.reset();
        slot_becomes_empty const at_the_end{file_};
        if (failed != 0) { throw file_.failure(errc::close_failed, "close", number_, failed); }
    }

private:
    struct slot_becomes_empty {
        file_type& file;
        ~slot_becomes_empty() { file.generation.fetch_add(1, std::memory_order_release); }
    };

    /// Loads and flushes that run. They may need a reaper: the one wait is one.
    void wait_for_uses(deadline until) {
        bool const over = core_.transfers.wait(until, wake_key::none(), [&] {
            return file_.uses.load(std::memory_order_seq_cst) == 0;
        });
        if (!over) {
            throw file_.failure(errc::timed_out, "close", number_, 0,
                                waited_for_uses);
        }
    }

    Core& core_;
    file_type& file_;
    file_no number_;
};

/// Closes a file, logged or not.
template <class Core>
void close_file(Core& core, typename Core::file_type& file, file_no number, unwritten dirty) {
    if (file.log_number != 0) { return core.keeper->close(file, number, dirty); }
    file_closing{core, file, number}.close(dirty);
}

}  // namespace quire::inline QUIRE_ABI::detail
