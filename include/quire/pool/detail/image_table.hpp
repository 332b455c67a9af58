// SPDX-License-Identifier: BSL-1.0
#pragma once

/// image_table: which pages of a logged file the log has whole, and since when.
///
/// One number a page: the LSN of the newest record with an image of it, or 0. It outlives the
/// page's eviction. It is mapped for the largest file that the pool allows, and costs memory only
/// where it is touched, as page_table.
///
/// Threads: one for each page at a time, the one that has it latched exclusively.

#include <quire/memory/mapping.hpp>

namespace quire::inline QUIRE_ABI::detail {

class image_table {
public:
    /// Errors: errc::out_of_memory.
    explicit image_table(std::uint64_t pages)
        : memory_{pages * sizeof(std::uint64_t), 4096, after_fork::zeroed, extent::sparse} {}

    /// Expects: `no` is less than the pages that it was made for.
    [[nodiscard]] std::uint64_t& operator[](page_no no) const noexcept {
        return reinterpret_cast<std::uint64_t*>(memory_.bytes().data())[no.value()];
    }

private:
    mapping memory_;
};

}  // namespace quire::inline QUIRE_ABI::detail
