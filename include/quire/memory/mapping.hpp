// SPDX-License-Identifier: BSL-1.0
#pragma once

/// mapping: zeroed, aligned memory straight from the system, owned.
///
/// The pool's two large structures are mappings: the frame arena, and each file's page table. Pages
/// of a mapping use memory only after their first access, so a page table can be mapped for the
/// largest file that is allowed and be read by one indexed load.
///
/// A mapping belongs to the process that made it. In a forked child the arena is not mapped
/// (`after_fork::absent`: a DMA into a frame may be under way, and the frames are gigabytes to
/// copy). A page table is all zeros in the child (`after_fork::zeroed`), so every look-up there is
/// a miss, and a miss checks `inherited()` and reports the fork. A kernel without these two advices
/// leaves an ordinary copy.
///
/// Errors: errc::out_of_memory when the system maps nothing (RLIMIT_AS, strict overcommit).
/// Threads: none of its functions changes anything after construction.

#include <quire/memory/fork_mark.hpp>

#include <cerrno>   // errno
#include <span>     // std::span
#include <utility>  // std::exchange, std::move

#include <sys/mman.h>  // mmap, madvise

namespace quire::inline QUIRE_ABI {

enum class after_fork : std::uint8_t { absent, zeroed };

class mapping {
public:
    /// Maps `size` bytes at a multiple of `alignment` (a power of two).
    mapping(std::size_t size, std::size_t alignment, after_fork child)
        : whole_size_{size + alignment}, size_{size}, child_{child} {
        QUIRE_EXPECTS(size > 0 && alignment > 0, "a mapping has a size and an alignment");
        void* const at = ::mmap(nullptr, whole_size_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) {
            throw error{errc::out_of_memory, "map memory", page_id::none(), errno};
        }
        whole_ = static_cast<std::byte*>(at);
        auto const address = reinterpret_cast<std::uintptr_t>(whole_);
        data_ = whole_ + ((alignment - address % alignment) % alignment);
        static_cast<void>(::madvise(
            whole_, whole_size_, child == after_fork::absent ? MADV_DONTFORK : MADV_WIPEONFORK));
    }

    mapping(mapping&& other) noexcept
        : whole_{std::exchange(other.whole_, nullptr)},
          data_{std::exchange(other.data_, nullptr)},
          whole_size_{other.whole_size_},
          size_{std::exchange(other.size_, 0)},
          child_{other.child_},
          mark_{std::move(other.mark_)} {}
    mapping& operator=(mapping&&) = delete;
    ~mapping() {
        // In a child the addresses of an absent mapping may by now belong to another mapping.
        if (whole_ == nullptr || (child_ == after_fork::absent && inherited())) { return; }
        static_cast<void>(::munmap(whole_, whole_size_));
    }

    [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {data_, size_}; }

    /// Whether this process is a forked child of the one that made the mapping.
    [[nodiscard]] bool inherited() const noexcept { return mark_.inherited(); }

private:
    std::byte* whole_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t whole_size_;
    std::size_t size_;
    after_fork child_;
    fork_mark mark_;
};

}  // namespace quire::inline QUIRE_ABI
