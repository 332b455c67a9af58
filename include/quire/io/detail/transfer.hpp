// SPDX-License-Identifier: BSL-1.0
#pragma once

/// transfer: the one loop that moves bytes between memory and a file descriptor.
///
/// The system may move fewer bytes than requested, or none because of a signal. Only this loop
/// handles that: it requests the rest again, from the last multiple of `granule` that was moved
/// (direct I/O can only continue there). The number of calls without progress is bounded.
///
/// Why system calls by number: the sanitizers' interceptors would touch the buffers, which under
/// the address sanitizer may be poisoned while no thread holds a guard.

#include <quire/io/detail/descriptor.hpp>
#include <quire/io/file_backend.hpp>

#include <cstdint>  // std::uintptr_t

#include <sys/syscall.h>  // SYS_preadv, SYS_pwritev, SYS_madvise
#include <sys/uio.h>      // iovec
#include <unistd.h>       // syscall, getpagesize

namespace quire::inline QUIRE_ABI::detail {

/// Has the system map memory that is about to be read into, as a write to each page of it would.
/// (The sanitizers would object to the writes: see above.) A kernel before 5.14 does nothing.
inline void map_for_writing(::iovec const& part) noexcept {
    constexpr int populate_write = 23;  // MADV_POPULATE_WRITE
    auto const page = static_cast<std::uintptr_t>(::getpagesize());
    auto const begin = reinterpret_cast<std::uintptr_t>(part.iov_base) / page * page;
    auto const end = reinterpret_cast<std::uintptr_t>(part.iov_base) + part.iov_len;
    static_cast<void>(::syscall(SYS_madvise, begin, end - begin, populate_write));
}

/// Writes to `parts` the memory of `ops`, which are neighbours in their file; what is written. Ops
/// that are neighbours in memory, too, are one part. Expects: there are as many parts as ops.
template <class File>
[[nodiscard]] std::span<::iovec> parts_of(std::span<io_op<File>* const> ops,
                                          std::span<::iovec> parts) noexcept {
    std::size_t count = 0;
    std::byte const* end = nullptr;  // of the last part
    for (auto const* op : ops) {
        if (count > 0 && op->bytes.data() == end) {
            parts[count - 1].iov_len += op->bytes.size();
        } else {
            parts[count++] = {op->bytes.data(), op->bytes.size()};
        }
        end = op->bytes.data() + op->bytes.size();
    }
    return parts.first(count);
}

/// Drops `count` bytes from the front of `parts`, and returns what is left.
[[nodiscard]] inline std::span<::iovec> drop_front(std::span<::iovec> parts,
                                                   std::size_t count) noexcept {
    while (!parts.empty() && count >= parts.front().iov_len) {
        count -= parts.front().iov_len;
        parts = parts.subspan(1);
    }
    if (count > 0) {
        parts.front().iov_base = static_cast<std::byte*>(parts.front().iov_base) + count;
        parts.front().iov_len -= count;
    }
    return parts;
}

/// Moves every byte of `parts`, which is used up on the way. 0, an errno, or io_ended.
[[nodiscard]] inline int transfer(int fd, io_verb verb, std::span<::iovec> parts,
                                  std::uint64_t offset, std::size_t granule) noexcept {
    long const number = verb == io_verb::read ? SYS_preadv : SYS_pwritev;
    int idle = 0;
    while (!parts.empty()) {
        long const moved = ::syscall(number, fd, parts.data(), parts.size(), offset, 0UL);
        if (moved < 0) {
            bool const again = errno == EINTR || errno == EAGAIN;
            if (again && ++idle < idle_calls_max) { continue; }
            return errno;
        }
        std::size_t total = 0;
        for (auto const& part : parts) { total += part.iov_len; }
        auto count = static_cast<std::size_t>(moved);
        if (count < total) { count -= count % granule; }
        if (count == 0) {
            if (verb == io_verb::read) { return io_ended; }
            if (++idle >= idle_calls_max) { return EIO; }
            continue;
        }
        idle = 0;
        parts = drop_front(parts, count);
        offset += count;
    }
    return 0;
}

}  // namespace quire::inline QUIRE_ABI::detail
