// SPDX-License-Identifier: BSL-1.0
#pragma once

/// pool_types: the types that a pool's four parameters make, for its parts.

#include <quire/pool/detail/frame_table.hpp>
#include <quire/pool/detail/open_file.hpp>
#include <quire/pool/detail/transfers.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <std::size_t PageSize, eviction_policy Policy, page_latch Latch, file_backend Backend>
struct pool_types {
    static constexpr std::size_t page_size = PageSize;
    using policy_type = Policy;
    using latch_type = Latch;
    using backend_type = Backend;
    using frame_type = frame_header<Latch, typename Policy::frame_state>;
    using frames_type = frame_table<PageSize, frame_type>;
    using memory_type = frame_memory<PageSize, frame_type>;
    using place = typename frames_type::place;
    using file_type = open_file<Backend>;
    using files_type = file_slots<Backend>;
    using transfers_type = transfers<Backend>;
};

}  // namespace quire::inline QUIRE_ABI::detail
