// SPDX-License-Identifier: BSL-1.0
#pragma once

/// open_file: one file slot of a pool.
///
/// Slots are made with the pool and never move, so a handle is a pointer to one and the generation
/// it was opened under. A generation is odd while the slot is in use; a handle of an earlier one
/// is a bug of its holder, found by one comparison. The translation array stays with the slot when
/// the file is closed: it is all absent then, and a thread that should not be there any more reads
/// that, and not unmapped memory.
///
/// Invariants
///   I1. `page_count` counts the pages that may be read; the file has at least that many. It moves
///       under `grow` only, and after the new page is published.
///   I2. `dirty` is how many resident pages of this file are dirty, `resident` how many there are.
///   I3. `poison`, once it is an errno, stays until the slot is closed: a sync failed, and what the
///       kernel dropped will not be reported again.
///   I4. A load or flush counts itself in `uses` before it looks at `closing`; close sets that,
///       then waits for `uses` to become zero. `closing` stays set while the slot is empty.

#include <quire/base/page_contract.hpp>
#include <quire/io/file_backend.hpp>
#include <quire/latch/hybrid_latch.hpp>
#include <quire/pool/stats.hpp>
#include <quire/pool/translation.hpp>

#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

template <file_backend Backend>
struct alignas(64) open_file {
    // What a hit reads.
    std::atomic<std::uint32_t> generation{0};
    file_no number{};
    std::optional<translation> pages;

    std::atomic<std::uint64_t> page_count{0};
    std::atomic<std::uint64_t> dirty{0};
    std::atomic<std::uint32_t> uses{0};
    std::atomic<bool> closing{false};
    std::atomic<int> poison{0};

    hybrid_latch grow;     ///< held while the file grows; also across its I/O
    hybrid_latch syncing;  ///< held while it is synced

    std::optional<typename Backend::file> file;
    std::string path;
    page_contract contract = no_seal;
    std::size_t dirty_max = 0;
    std::size_t frames_max = 0;  ///< 0: no limit
    std::atomic<std::size_t> resident{0};
    std::uint64_t pages_on_disk = 0;  ///< guarded by `grow`
    std::atomic<std::uint64_t> hits_before{0};  ///< of earlier files in this slot

    file_counters counters;

    [[nodiscard]] bool is_open() const noexcept {
        return generation.load(std::memory_order_acquire) % 2 == 1;
    }
    [[nodiscard]] bool has_page(page_no no) const noexcept {
        return no.value() < page_count.load(std::memory_order_acquire);
    }
};

/// What close has to wait for. See I4.
template <file_backend Backend>
class file_use : pinned {
public:
    explicit file_use(open_file<Backend>& file) noexcept : file_{file} {
        file_.uses.fetch_add(1, std::memory_order_seq_cst);
        allowed_ = !file_.closing.load(std::memory_order_seq_cst);
    }
    ~file_use() { file_.uses.fetch_sub(1, std::memory_order_seq_cst); }

    /// Whether the file is not being closed, and will not be before this is over.
    [[nodiscard]] bool allowed() const noexcept { return allowed_; }

private:
    open_file<Backend>& file_;
    bool allowed_;
};

}  // namespace quire::inline QUIRE_ABI::detail
