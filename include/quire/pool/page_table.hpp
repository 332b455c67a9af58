// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_table: from a page number to a frame, by one indexed load.
///
/// One array a file, with an entry of 32 bits a page: absent, loading, or a frame number. It is
/// mapped for the largest file the pool allows and costs memory only where it is touched, 4 KiB
/// for 1024 neighbouring pages (a sparse mapping, see there); so there is no directory to follow,
/// nothing to allocate on a miss, and no lock.
///
/// Why not a directory of chunks: a second dependent load on every hit, an allocation on some
/// misses, and a race between threads that make a chunk. The system's page tables are that
/// directory.
///
/// States   absent -> loading    claim: one thread wins, and loads
///          loading -> frame     publish, by the winner, or absent again when it fails
///          frame -> absent      eviction and close, under the frame's exclusive latch
/// Threads: any. Stores release, loads acquire. In a forked child every entry is absent.

#include <quire/memory/mapping.hpp>

#include <atomic>    // std::atomic_ref
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI {

class page_table {
public:
    /// What the table has of a page.
    class entry {
    public:
        [[nodiscard]] static constexpr entry absent() noexcept { return entry{0}; }
        [[nodiscard]] static constexpr entry loading() noexcept { return entry{1}; }
        [[nodiscard]] static constexpr entry of(frame_no frame) noexcept {
            return entry{index(frame) + 2};
        }
        [[nodiscard]] constexpr bool is_frame() const noexcept { return value_ >= 2; }
        /// Expects: is_frame().
        [[nodiscard]] constexpr frame_no frame() const noexcept {
            return static_cast<frame_no>(value_ - 2);
        }
        friend constexpr bool operator==(entry, entry) noexcept = default;

    private:
        friend page_table;
        explicit constexpr entry(std::uint32_t value) noexcept : value_{value} {}
        std::uint32_t value_;
    };

    /// Errors: errc::out_of_memory.
    explicit page_table(std::uint64_t pages)
        : memory_{pages * sizeof(std::uint32_t), 4096, after_fork::zeroed, extent::sparse},
          pages_{pages} {}

    /// How many pages have an entry.
    [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

    /// Expects, here and below: `no.value() < pages()`.
    [[nodiscard]] entry load(page_no no) const noexcept {
        return entry{at(no).load(std::memory_order_acquire)};
    }
    /// As load, but in one order with every claim: it sees the claim, or the claiming thread sees
    /// what this thread has stored before (sequentially consistent).
    [[nodiscard]] entry load_in_order(page_no no) const noexcept {
        return entry{at(no).load(std::memory_order_seq_cst)};
    }
    /// absent -> loading. Whether this thread did it.
    [[nodiscard]] bool claim(page_no no) const noexcept {
        auto expected = entry::absent().value_;
        return at(no).compare_exchange_strong(expected, entry::loading().value_,
                                              std::memory_order_seq_cst,
                                              std::memory_order_acquire);
    }
    void store(page_no no, entry value) const noexcept {
        at(no).store(value.value_, std::memory_order_release);
    }

private:
    [[nodiscard]] std::atomic_ref<std::uint32_t> at(page_no no) const noexcept {
        return std::atomic_ref<std::uint32_t>{
            *(reinterpret_cast<std::uint32_t*>(memory_.bytes().data()) + no.value())};
    }

    mapping memory_;
    std::uint64_t pages_;
};

}  // namespace quire::inline QUIRE_ABI
