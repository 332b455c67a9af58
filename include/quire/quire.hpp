// SPDX-License-Identifier: BSL-1.0
#pragma once

/// quire: zero-copy buffer-pool pages. Everything, in reading order.
///
/// A page is read from the disk into a frame by DMA, and is read and written there through borrowed
/// views. Start with pool/buffer_pool.hpp and page/heap_page.hpp; each header's note says what it
/// promises, and what it costs.

// Used by every folder.
#include <quire/base/attributes.hpp>
#include <quire/base/contract.hpp>
#include <quire/base/cancellation_off.hpp>
#include <quire/base/immovable.hpp>
#include <quire/base/log_opening.hpp>
#include <quire/base/fetch_line.hpp>
#include <quire/base/fixed_array.hpp>
#include <quire/base/fixed_size.hpp>
#include <quire/base/hook.hpp>
#include <quire/base/duration.hpp>
#include <quire/base/poison.hpp>
#include <quire/base/page_id.hpp>
#include <quire/base/error.hpp>
#include <quire/base/byte_order.hpp>
#include <quire/base/page_seal.hpp>

// Borrows from a page, and what a page kind is.
#include <quire/borrow/loan.hpp>
#include <quire/borrow/racy_byte.hpp>
#include <quire/borrow/column_text.hpp>
#include <quire/borrow/byte_view.hpp>
#include <quire/borrow/lent_page.hpp>
#include <quire/borrow/owned.hpp>
#include <quire/borrow/raw_page.hpp>
#include <quire/borrow/page_kind.hpp>
#include <quire/borrow/page_view.hpp>

// Pages, as views over bytes.
#include <quire/page/page_header.hpp>
#include <quire/page/line_pointer.hpp>
#include <quire/page/slotted.hpp>
#include <quire/page/ordered_slots.hpp>
#include <quire/page/redirects.hpp>
#include <quire/page/live_range.hpp>
#include <quire/page/page_change.hpp>
#include <quire/page/tuple_codec.hpp>
#include <quire/page/heap_page.hpp>

// Rows, as views over tuples.
#include <quire/row/described.hpp>
#include <quire/row/schema_text.hpp>
#include <quire/row/fixed_format.hpp>
#include <quire/row/compound_format.hpp>
#include <quire/row/nullable.hpp>
#include <quire/row/column.hpp>
#include <quire/row/row_options.hpp>
#include <quire/row/schema.hpp>
#include <quire/row/row_view.hpp>
#include <quire/row/codec.hpp>

// The parts of a pool.
#include <quire/memory/fork_mark.hpp>
#include <quire/memory/mapping.hpp>
#include <quire/memory/arena.hpp>
#include <quire/memory/service_thread.hpp>
#include <quire/io/file_backend.hpp>
#include <quire/io/relative_name.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/io/direct_backend.hpp>
#include <quire/latch/page_latch.hpp>
#include <quire/latch/no_latch.hpp>
#include <quire/latch/hybrid_latch.hpp>
#include <quire/latch/event_count.hpp>
#include <quire/evict/eviction_policy.hpp>
#include <quire/evict/clock.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/lru.hpp>

// The pool.
#include <quire/pool/options.hpp>
#include <quire/pool/stats.hpp>
#include <quire/pool/page_table.hpp>
#include <quire/pool/frame.hpp>
#include <quire/pool/frame_budget.hpp>
#include <quire/pool/page_version.hpp>
#include <quire/pool/guard_slot.hpp>
#include <quire/pool/guard.hpp>
#include <quire/pool/page_pin.hpp>
#include <quire/pool/page_stream.hpp>
#include <quire/pool/paged_file.hpp>
#include <quire/pool/buffer_pool.hpp>
#include <quire/pool/background_writer.hpp>
#include <quire/pool/page_request.hpp>
#include <quire/pool/task.hpp>
#include <quire/pool/task_loop.hpp>
#include <quire/pool/visit_page_size.hpp>
