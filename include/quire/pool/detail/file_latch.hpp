// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_latch: the latches of a whole file, and what is asked before anything is done to one.

#include <quire/pool/detail/pool_core.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// Holds a latch of a file (not of a page) exclusively, or throws errc::timed_out.
class file_latch : immovable {
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

/// Who waited for `grow` may have waited for the file's end, and another file may be in its slot
/// now. Expects: `grow` is held. `number`: the handle's, as everywhere in file_ops, new_pages and
/// file_flush.
template <class File>
void require_not_closing(File const& file, file_no number, char const* operation) {
    if (file.closing.load(std::memory_order_seq_cst) || file.number != number) {
        throw error{errc::in_use, operation, page_id{number, 0}};
    }
}

/// A file whose sync failed once is written and synced no more.
template <class File>
void require_sound(File const& file, char const* operation) {
    if (int const broken = file.sync_error.load(std::memory_order_acquire); broken != 0) {
        throw error{errc::sync_failed, operation, page_id{file.number, 0}, broken};
    }
}

}  // namespace quire::inline QUIRE_ABI::detail
