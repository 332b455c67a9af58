// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_latch: the latches of a whole file, held for an operation on it.

#include <quire/pool/detail/pool_core.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// Holds a latch of a file (not of a page) exclusively, or throws errc::timed_out.
template <class Core>
class file_latch : immovable {
public:
    file_latch(Core& core, typename Core::file_type const& file, hybrid_latch& latch,
               deadline until, char const* operation, file_no number)
        : latch_{latch} {
        if (!core.transfers.template latch<access::exclusive>(latch_, until)) {
            throw file.failure(errc::timed_out, operation, number, 0,
                               waited_for_file);
        }
    }
    ~file_latch() { latch_.unlock(); }

private:
    hybrid_latch& latch_;
};

/// A thread that waited for `grow` may have waited for the file's end, and another file may be in
/// its slot now. Expects: `grow` is held. `number` is the handle's, as everywhere in page_maker,
/// page_removal, file_flush and file_closing.
template <class File>
void require_not_closing(File const& file, file_no number, char const* operation) {
    if (file.closing.load(std::memory_order_seq_cst) || file.number != number) {
        throw file.failure(errc::in_use, operation, number, 0, being_closed);
    }
}

/// A handle's operation begins only on a file that is open and not being closed.
template <class File, class Use>
void require_allowed(File const& file, Use const& use, file_no number, char const* operation) {
    if (!use.allowed()) { throw file.failure(errc::in_use, operation, number, 0, being_closed); }
}

}  // namespace quire::inline QUIRE_ABI::detail
