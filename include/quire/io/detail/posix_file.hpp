// SPDX-License-Identifier: BSL-1.0
#pragma once

/// posix_file: locking, measuring and growing a file descriptor for direct I/O.
///
/// The order on opening: open without O_DIRECT (named_file.hpp); lock; learn the alignment that the
/// file needs; only then switch O_DIRECT on. So a refused file is not changed, and is removed if
/// this call made it. It is removed under its lock.
///
/// Facts this rests on: not every file system rejects misaligned transfers, so quire checks page
/// size and arena itself; `statx` reports the alignment since Linux 6.1 and libc's struct may lack
/// the fields, hence the raw call; locks of the open file description (F_OFD_SETLK) conflict inside
/// a process too and do not vanish when another descriptor of the file is closed.
/// Interrupted calls: see descriptor.hpp.

#include <quire/io/detail/descriptor.hpp>
#include <quire/io/file_backend.hpp>

#include <cstddef>  // std::byte
#include <cstdint>  // std::uint32_t

#include <fcntl.h>        // fcntl, fallocate
#include <sys/ioctl.h>    // ioctl
#include <sys/syscall.h>  // SYS_statx
#include <sys/vfs.h>      // fstatfs
#include <unistd.h>       // ftruncate, syscall

namespace quire::inline QUIRE_ABI::detail {

/// What direct transfers of a file must be multiples of, in bytes; 0 and 0: not offered.
struct direct_alignment {
    std::uint32_t memory = 0;
    std::uint32_t offset = 0;
    bool into_mapped = false;  ///< reads are direct only into memory that has been written to
    bool is_certain = true;    ///< else pages may go through a cache all the same
};

/// Linux's statx record up to the fields needed here; the kernel fills 256 bytes.
struct statx_record {
    std::uint32_t mask;
    std::array<std::byte, 0x98 - 4> unused;
    std::uint32_t direct_memory;
    std::uint32_t direct_offset;
    std::array<std::byte, 256 - 0xA0> rest;
};
static_assert(sizeof(statx_record) == 256);

/// By the kind of the file system, for want of anything better: some take O_DIRECT, say nothing of
/// alignment, and move through the page cache what does not please them (measured on Linux 6.18).
///   tmpfs, ramfs   have no other place for pages: no direct I/O
///   btrfs          takes any offset; what is no multiple of its block stays in the page cache, and
///                  so does what is read into memory that nobody has written to
///   overlay        as what is below it, which cannot be asked: taken for btrfs, and not certain
///   others         not certain: ZFS before 2.3 takes O_DIRECT, and goes through its own cache
///                  (ext4 and xfs say their alignment, since Linux 6.1)
[[nodiscard]] inline direct_alignment alignment_by_file_system(int fd) noexcept {
    constexpr std::uint64_t tmpfs = 0x01021994;  // of <linux/magic.h>, whose macros have names
    constexpr std::uint64_t ramfs = 0x858458F6;  // that users' code may have, too
    constexpr std::uint64_t btrfs = 0x9123683E;
    constexpr std::uint64_t overlay = 0x794C7630;
    constexpr std::uint64_t ext = 0xEF53;
    constexpr std::uint64_t xfs = 0x58465342;
    constexpr direct_alignment smallest{512, 512};  // that devices have; if too small: EINVAL
    constexpr direct_alignment unknown{512, 512, false, false};
    struct ::statfs about {};
    if (uninterrupted([&] { return ::fstatfs(fd, &about); }) != 0) { return unknown; }
    auto const kind = static_cast<std::uint64_t>(about.f_type) & 0xFFFF'FFFF;
    if (kind == tmpfs || kind == ramfs) { return {}; }
    if (kind == ext || kind == xfs) { return smallest; }
    if (kind != btrfs && kind != overlay) { return unknown; }
    auto const block = static_cast<std::uint32_t>(about.f_bsize);
    return {block, block, true, kind == btrfs};
}

/// What the system says. 0 and 0: no direct I/O.
[[nodiscard]] inline direct_alignment learn_alignment(int fd, bool block_device) noexcept {
    constexpr unsigned wants_direct = 0x2000;  // STATX_DIOALIGN
    statx_record record{};
    auto const ask = [&] {
        return ::syscall(SYS_statx, fd, "", AT_EMPTY_PATH, wants_direct, &record);
    };
    if (uninterrupted(ask) == 0 && (record.mask & wants_direct) != 0) {
        return {record.direct_memory, record.direct_offset};
    }
    if (!block_device) { return alignment_by_file_system(fd); }
    constexpr unsigned long asks_sector_size = 0x1268;  // BLKSSZGET of <linux/fs.h>: likewise
    int sector = 0;
    bool const known =
        uninterrupted([&] { return ::ioctl(fd, asks_sector_size, &sector); }) == 0 && sector > 0;
    auto const bytes = known ? static_cast<std::uint32_t>(sector) : 512U;
    return {bytes, bytes};
}

/// Takes or gives back (F_UNLCK) the lock `where`. 0 or an errno.
[[nodiscard]] inline int set_lock(int fd, int type, file_lock const& where) noexcept {
    if (where.count == 0) { return 0; }
    struct ::flock lock {};
    lock.l_type = static_cast<short>(type);
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<::off_t>(where.first);
    lock.l_len = where.count == file_lock::to_the_end ? 0 : static_cast<::off_t>(where.count);
    return uninterrupted([&] { return ::fcntl(fd, F_OFD_SETLK, &lock); }) == 0 ? 0 : errno;
}

/// Takes the lock that an opener holds: writers alone, readers together. 0 or an errno.
[[nodiscard]] inline int lock_file(int fd, bool writable, file_lock const& where) noexcept {
    return set_lock(fd, writable ? F_WRLCK : F_RDLCK, where);
}

/// Gives the lock back even when a forked child still has the descriptor.
inline void unlock_file(int fd, file_lock const& where) noexcept {
    static_cast<void>(set_lock(fd, F_UNLCK, where));
}

/// The status flags; below 0: an error, which errno tells.
[[nodiscard]] inline int flags_of(int fd) noexcept {
    return uninterrupted([&] { return ::fcntl(fd, F_GETFL); });
}
[[nodiscard]] inline int set_flags(int fd, int flags) noexcept {
    return uninterrupted([&] { return ::fcntl(fd, F_SETFL, flags); });
}

/// Takes away the flags that would change what transfers mean. 0 or an errno.
[[nodiscard]] inline int clear_flags(int fd) noexcept {
    int const flags = flags_of(fd);
    int const wanted = flags & ~(O_APPEND | O_NONBLOCK | O_DIRECT);
    return flags < 0 || (wanted != flags && set_flags(fd, wanted) != 0) ? errno : 0;
}

/// 0 or an errno.
[[nodiscard]] inline int set_size(int fd, std::uint64_t size) noexcept {
    auto const cut = [&] { return ::ftruncate(fd, static_cast<::off_t>(size)); };
    return uninterrupted(cut) == 0 ? 0 : errno;
}

/// Whether an error of fallocate says that it is not offered, and nothing of the file. EPERM says
/// either: it is what a seccomp filter answers (containers), and of a file that must not grow it is
/// said again when its size is set.
[[nodiscard]] inline bool is_not_offered(int error) noexcept {
    return error == EOPNOTSUPP || error == ENOSYS || error == EPERM;
}

/// Grows by allocating, shrinks by cutting. 0 or an errno, and then the size is as before. Where
/// allocating is not offered the file gets a hole, and a write into it may find the disk full.
[[nodiscard]] inline int resize_file(int fd, std::uint64_t from, std::uint64_t to) noexcept {
    if (to <= from) { return to == from ? 0 : set_size(fd, to); }
    auto const allocate = [&] {
        return ::fallocate(fd, 0, static_cast<::off_t>(from), static_cast<::off_t>(to - from));
    };
    if (uninterrupted(allocate) == 0) { return 0; }
    int const refused = errno;
    if (is_not_offered(refused)) { return set_size(fd, to); }
    static_cast<void>(set_size(fd, from));  // some file systems grow half-way
    return refused;
}

}  // namespace quire::inline QUIRE_ABI::detail
