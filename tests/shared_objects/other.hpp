// SPDX-License-Identifier: BSL-1.0
#pragma once

/// other: what the second shared object does with the first one's pool.

#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>

using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
                                     quire::memory_backend>;
using reader_slot = quire::guard_slot<pool_type::read_guard<quire::raw_page>>;

struct other_functions {
    /// Whether the other object sees the code of an error that was made here.
    bool (*is_blank_page)(std::error_code const& code);
    /// The code of the error that it makes for page 7.
    std::error_code (*out_of_range)(pool_type::file const& file);
    /// Whether the file may not be flushed by this thread now.
    bool (*may_not_flush)(pool_type::file const& file);
    /// Whether this thread would wait for itself if it wrote page 0.
    bool (*waits_for_itself)(pool_type::file const& file);
    void (*end)(reader_slot& guard);
};

extern "C" [[gnu::visibility("default")]] other_functions quire_other_functions();
