// SPDX-License-Identifier: BSL-1.0
#pragma once

/// fork_mark: tells a forked child from the process that made the mark.
///
/// One page of memory that the system wipes on fork: it says "made here" in its own process and
/// nothing in a child.
///
/// Why not a process id: it is no name of a process. A container's first process is number 1, and
/// so is its child in a PID namespace of its own. A kernel without the advice (before 4.14) leaves
/// only that, though, and then it is what is compared.
///
/// Errors: errc::out_of_memory.
/// Cost: a page of memory; a question is one load.

#include <quire/base/error.hpp>

#include <cerrno>   // errno
#include <utility>  // std::exchange

#include <sys/mman.h>  // mmap, madvise
#include <unistd.h>    // getpid, sysconf

namespace quire::inline QUIRE_ABI {

class fork_mark {
public:
    fork_mark() : size_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))}, owner_{::getpid()} {
        void* const at = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) {
            throw error{errc::out_of_memory, "map memory", page_id::none(), errno};
        }
        page_ = static_cast<std::uint32_t*>(at);
        wiped_in_a_child_ = ::madvise(at, size_, MADV_WIPEONFORK) == 0;
        *page_ = made_here;
    }
    fork_mark(fork_mark&& other) noexcept
        : page_{std::exchange(other.page_, nullptr)},
          size_{other.size_},
          owner_{other.owner_},
          wiped_in_a_child_{other.wiped_in_a_child_} {}
    fork_mark& operator=(fork_mark&&) = delete;
    ~fork_mark() {
        if (page_ != nullptr) { static_cast<void>(::munmap(page_, size_)); }
    }

    /// Whether this process is a forked child of the one that made the mark. Expects: not moved
    /// from.
    [[nodiscard]] bool inherited() const noexcept {
        return wiped_in_a_child_ ? *page_ != made_here : ::getpid() != owner_;
    }

private:
    static constexpr std::uint32_t made_here = 1;

    std::uint32_t* page_ = nullptr;
    std::size_t size_;
    ::pid_t owner_;
    bool wiped_in_a_child_ = false;
};

}  // namespace quire::inline QUIRE_ABI
