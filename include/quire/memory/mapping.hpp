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
/// Two kinds. `extent::used`: nearly all of the memory will be used. If the process locks its
/// memory (mlockall), this is locked, and counts towards the limit. `extent::sparse`: an address
/// for each of very many things, of which few are used. Huge pages would make each of those cost
/// 2 MiB, so there are none. MCL_FUTURE does not lock it: the system would fill all of it at once,
/// and an ordinary user's limit (8 MiB) would refuse it. mlockall(MCL_CURRENT) after it was made
/// does fill it: call that before, or with MCL_ONFAULT.
///
/// Neither is in a core dump. A core with all reservations takes gigabytes and minutes to write,
/// and frames hold users' data. A program that needs the frames in a core gives
/// `pool.memory().bytes()` to madvise, with MADV_DODUMP.
///
/// Errors: errc::out_of_memory when the system maps nothing (RLIMIT_AS, strict overcommit).
/// Threads: none of its functions changes anything after construction.

#include <quire/memory/fork_mark.hpp>

#include <cerrno>   // errno
#include <span>     // std::span
#include <utility>  // std::exchange, std::move

#include <sys/mman.h>  // mmap, mremap, madvise

namespace quire::inline QUIRE_ABI {

enum class after_fork : std::uint8_t { absent, zeroed };
enum class extent : std::uint8_t { used, sparse };

class mapping {
public:
    /// Maps `size` bytes at a multiple of `alignment` (a power of two).
    mapping(std::size_t size, std::size_t alignment, after_fork child, extent kind = extent::used)
        : whole_size_{size + alignment}, size_{size}, child_{child} {
        QUIRE_EXPECTS(size > 0 && alignment > 0, "a mapping has a size and an alignment");
        void* const at = kind == extent::sparse ? map_unlocked(whole_size_) : map(whole_size_);
        if (at == MAP_FAILED) {
            bool const locked = errno == EAGAIN;  // its one meaning here
            throw error{errc::out_of_memory,
                        locked ? "map memory: more than may be locked (RLIMIT_MEMLOCK)"
                               : "map memory",
                        page_id::none(), errno};
        }
        whole_ = static_cast<std::byte*>(at);
        auto const address = reinterpret_cast<std::uintptr_t>(whole_);
        data_ = whole_ + ((alignment - address % alignment) % alignment);
        advise(child == after_fork::absent ? MADV_DONTFORK : MADV_WIPEONFORK);
        advise(MADV_DONTDUMP);
        if (kind == extent::sparse) { advise(MADV_NOHUGEPAGE); }
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
    [[nodiscard]] static void* map(std::size_t size) noexcept {
        return ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    }
    /// What grows keeps its properties: one page is mapped, unlocked, and grown. Neither fills it.
    [[nodiscard]] static void* map_unlocked(std::size_t size) noexcept {
        constexpr std::size_t seed = 1;  // byte, and so one page of the system
        void* const first = map(seed);
        if (first == MAP_FAILED) { return first; }
        static_cast<void>(::munlock(first, seed));
        void* const grown = ::mremap(first, seed, size, MREMAP_MAYMOVE);
        if (grown == MAP_FAILED) {
            int const why = errno;
            static_cast<void>(::munmap(first, seed));
            errno = why;
        }
        return grown;
    }
    /// A kernel that does not know the advice goes without.
    void advise(int what) const noexcept {
        static_cast<void>(::madvise(whole_, whole_size_, what));
    }

    std::byte* whole_ = nullptr;
    std::byte* data_ = nullptr;
    std::size_t whole_size_;
    std::size_t size_;
    after_fork child_;
    fork_mark mark_;
};

}  // namespace quire::inline QUIRE_ABI
