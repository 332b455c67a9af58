// SPDX-License-Identifier: BSL-1.0
#pragma once

/// direct_backend: files and block devices by O_DIRECT, synchronously.
///
/// A page travels by DMA between the device and its frame; the page cache does not keep it. Where
/// the file system offers no direct I/O, or not for pages of this size, opening fails with
/// errc::direct_io_refused or errc::misaligned_page_size, unless the request allows buffered I/O;
/// `file.mode()` is what is in effect: direct, buffered, or direct_or_buffered where the system
/// takes O_DIRECT and does not say whether pages stay in a cache all the same.
///
/// On btrfs a direct write to a file with checksums passes through the page cache while it is under
/// way (Linux 6.15 and later), and is on the device, and nearly always out of the cache, when it is
/// over. Files without (chattr +C) are written by DMA, and all are read so.
///
/// Invariants
///   I1. A file is locked from `open` to `close`, in the bytes that the request says: one writer,
///       or any number of readers.
///   I2. In direct mode the page size is a multiple of the file's alignment, and so is every
///       frame's address: both are checked on opening, because not every file system checks
///       them.
///   I3. `submit` completes every op before it returns; neighbouring ops travel in one call.
///   I4. A file that this backend made and then refused is removed again, if the whole of it was
///       locked: else it may be another opener's by now. Making one also syncs its folder, and so
///       needs the right to read that. A file that was there before is not changed when it is
///       refused: create_or_replace empties it under its lock, as the last step. It stays the same
///       file, with its owner and mode; what was in it may be there again after a crash before the
///       first sync.
///
/// Forks. A lock belongs to the open file, and a forked child shares that until it ends or starts
/// another program. Closing the file in the parent gives the lock back all the same. But when the
/// parent is killed, a child that lives on keeps the file locked. Such a child ends its copy of the
/// pool: that closes the descriptors in the child, and does nothing else.
///
/// Standard streams. A file never has descriptor 0, 1 or 2, not for a moment. Those that the
/// process has closed are filled when a file is opened, with descriptors that can be neither read
/// nor written: they stay, and exec closes them. To open such a stream again, name its number
/// (dup2).
///
/// Block devices. Opening one for writing, with any lock, is exclusive (O_EXCL): refused with
/// file_locked while the device is mounted, part of a RAID, or open in this way elsewhere, by
/// whatever name. A reader does not ask for that: so it can look at a device that is mounted, which
/// may then change under it, and its lock keeps out only writers that come by the same name. The
/// end that is no whole page is left over. A device has a fixed size, and cannot be emptied.
///
/// Threads: as file_backend says; its only state is the arena's address.
/// Cost: one system call per run of neighbouring pages; no allocation after opening.

#include <quire/io/detail/named_file.hpp>
#include <quire/io/detail/posix_file.hpp>
#include <quire/io/detail/transfer.hpp>

namespace quire::inline QUIRE_ABI {

class direct_backend {
public:
    struct options {};

    /// An open file: descriptor, lock, and the properties that opening has found.
    class file {
    public:
        /// Bytes; of a block device those of its whole pages. Errors: errc::read_failed when the
        /// system cannot say.
        [[nodiscard]] std::uint64_t size() const {
            auto const found = measure();
            if (found.error != 0) {
                throw error{errc::read_failed, "find the size", page_id::none(), found.error};
            }
            return found.bytes;
        }
        /// direct or buffered.
        [[nodiscard]] io_mode mode() const noexcept { return mode_; }
        [[nodiscard]] bool writable() const noexcept { return writable_; }
        [[nodiscard]] bool block_device() const noexcept { return block_device_; }
        /// What direct transfers are multiples of, in bytes; 1 in buffered mode.
        [[nodiscard]] std::size_t alignment() const noexcept { return granule_; }
        /// For fcntl and similar calls; 3 or more. The file still owns it.
        [[nodiscard]] int native_handle() const noexcept { return fd_.get(); }

    private:
        friend direct_backend;
        struct measured {
            std::uint64_t bytes = 0;
            int error = 0;
        };
        [[nodiscard]] measured measure() const noexcept {
            auto const end =
                detail::uninterrupted([&] { return ::lseek(fd_.get(), 0, SEEK_END); });
            if (end < 0) { return {0, errno}; }
            auto const bytes = static_cast<std::uint64_t>(end);
            return {block_device_ ? bytes - bytes % page_size_ : bytes, 0};
        }

        detail::descriptor fd_;
        io_mode mode_ = io_mode::buffered;
        std::size_t granule_ = 1;
        std::size_t page_size_ = 1;
        bool writable_ = false;
        bool block_device_ = false;
        bool into_mapped_ = false;  // see direct_alignment
        file_lock lock_ = file_lock::none;  // ours
    };

    explicit direct_backend(std::span<std::byte> arena, options const&) noexcept
        : arena_{arena} {}

    /// Errors: open_failed, file_locked, direct_io_refused, misaligned_page_size.
    [[nodiscard]] file open(open_request const& request) const {
        bool const writes = request.mode != open_mode::read_only;
        for (int tries = 0; tries < 4; ++tries) {
            auto opened = detail::open_named(request);
            file f;
            try {
                take(f, opened.fd, request, writes, "open ");
                if (opened.made) { sync_folder(opened.path); }
                bool const raced =
                    f.block_device_ && detail::wants_exclusive(request) && !opened.exclusive;
                if (!raced && !detail::is_removed(opened, request.follow_symlink)) {
                    if (request.mode == open_mode::create_or_replace) { empty(f, opened, request); }
                    f.fd_ = std::move(opened.fd);
                    return f;
                }
            } catch (...) {
                // Only under the lock: without it the file belongs to the opener that has it.
                if (opened.made && f.lock_ == file_lock::whole) { detail::remove_again(opened); }
                throw;
            }
        }
        throw error{errc::open_failed,
                    "open " + request.path +
                        ": removed or replaced by another program while it was opened"};
    }

    /// Takes a descriptor that the caller has opened; it is closed even when it is refused.
    /// The access mode is the descriptor's. O_APPEND and O_NONBLOCK are cleared, O_DIRECT is set
    /// as `request.io` says. `request.path` is only for messages. A block device that is adopted
    /// for writing should have been opened with O_EXCL: that cannot be added later.
    /// A descriptor from 0 to 2 is moved, so that the file has another number, and at the caller's
    /// is one that can be neither read nor written: what the program prints must not land among the
    /// pages, whoever opened the file.
    [[nodiscard]] file adopt(int fd, open_request const& request) const {
        auto owned = detail::above_streams(detail::descriptor{fd});
        int const moved = fd < 0 || owned.valid() ? 0 : errno;  // no other number for it
        int const flags = detail::flags_of(owned.get());
        if (flags < 0) {
            throw error{errc::open_failed, "adopt " + request.path, page_id::none(),
                        moved != 0 ? moved : errno};
        }
        if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY) {
            throw error{errc::open_failed,
                        "adopt " + request.path +
                            ": the descriptor cannot be read; open it with O_RDWR or O_RDONLY"};
        }
        static_cast<void>(detail::uninterrupted(
            [&] { return ::fcntl(owned.get(), F_SETFD, FD_CLOEXEC); }));
        file f;
        take(f, owned, request, (flags & O_ACCMODE) == O_RDWR, "adopt ");
        f.fd_ = std::move(owned);
        return f;
    }

    std::size_t submit(std::span<io_op<file>*> ops) const noexcept {
        for (auto rest = ops; !rest.empty();) {
            std::size_t const run = run_length(rest);
            transfer_run(rest.first(run));
            rest = rest.subspan(run);
        }
        return ops.size();
    }
    std::size_t reap(std::span<io_op<file>*>, std::chrono::nanoseconds) const noexcept {
        return 0;
    }
    void interrupt() const noexcept {}

    [[nodiscard]] int sync(file& f) const noexcept {
        return detail::uninterrupted([&] { return ::fdatasync(f.fd_.get()); }) == 0 ? 0 : errno;
    }

    [[nodiscard]] int resize(file& f, std::uint64_t bytes) const noexcept {
        auto const [size, failed] = f.measure();
        if (failed != 0) { return failed; }
        if (f.block_device_) { return bytes == size ? 0 : bytes > size ? ENOSPC : EINVAL; }
        return detail::resize_file(f.fd_.get(), size, bytes);
    }

    [[nodiscard]] int close(file& f) const noexcept {
        if (f.fd_.valid()) { detail::unlock_file(f.fd_.get(), f.lock_); }
        return f.fd_.close();
    }

    // For backends that make the transfers of these files in another way.

    static constexpr std::size_t run_max = 64;  ///< pages in a call

    /// How many ops from the front are one run of neighbouring bytes, at most run_max.
    [[nodiscard]] static std::size_t run_length(std::span<io_op<file>* const> ops) noexcept {
        std::size_t run = 1;
        while (run < ops.size() && run < run_max && ops[run]->verb == ops[0]->verb &&
               ops[run]->file == ops[0]->file &&
               ops[run]->offset == ops[run - 1]->offset + ops[run - 1]->bytes.size()) {
            ++run;
        }
        return run;
    }
    /// What an op needs before it is handed to the system.
    static void prepare(io_op<file> const& op) noexcept {
        if (op.file->into_mapped_ && op.verb == io_verb::read) {
            detail::map_for_writing({op.bytes.data(), op.bytes.size()});
        }
    }

private:
    static void sync_folder(std::string const& path) {
        if (int const failed = detail::sync_directory_of(path); failed != 0) {
            throw error{errc::open_failed, "sync the folder of " + path, page_id::none(), failed};
        }
    }

    /// The last step of opening: what comes before may refuse, and then nothing has changed.
    static void empty(file const& f, detail::named_file const& opened,
                      open_request const& request) {
        if (f.block_device_) {
            throw error{errc::open_failed, "replace " + request.path +
                                               ": a block device cannot be emptied; open_or_create "
                                               "and read_write keep what is on it"};
        }
        if (opened.made) { return; }
        if (int const failed = detail::set_size(opened.fd.get(), 0); failed != 0) {
            throw error{errc::open_failed, "replace " + request.path, page_id::none(), failed};
        }
    }

    /// Locks `fd` and finds the file's properties. The caller still owns `fd`: the lock of a
    /// refused file lasts until the caller closes it. `verb` begins the messages.
    void take(file& f, detail::descriptor const& fd, open_request const& request, bool writes,
              char const* verb) const {
        auto const about = detail::look_at(fd.get());
        if (!about) {
            throw error{errc::open_failed, verb + request.path, page_id::none(), errno};
        }
        f.block_device_ = S_ISBLK(about->st_mode);
        f.page_size_ = request.page_size;
        if (!f.block_device_ && !S_ISREG(about->st_mode)) {
            throw error{errc::open_failed,
                        verb + request.path + ": neither a regular file nor a block device"};
        }
        f.writable_ = writes;
        if (int const failed = detail::lock_file(fd.get(), writes, request.lock); failed != 0) {
            if (failed == EAGAIN || failed == EACCES) {
                throw error{errc::file_locked, "lock " + request.path};
            }
            throw error{errc::open_failed,
                        "lock " + request.path +
                            ": the file system gives no lock; file_lock::none opens without",
                        page_id::none(), failed};
        }
        f.lock_ = request.lock;
        if (int const failed = detail::clear_flags(fd.get()); failed != 0) {
            throw error{errc::open_failed, verb + request.path, page_id::none(), failed};
        }
        if (request.io != io_mode::buffered) { go_direct(f, fd.get(), request, verb); }
    }

    /// Switches O_DIRECT on, or leaves the file buffered if the request allows that.
    void go_direct(file& f, int fd, open_request const& request, char const* verb) const {
        auto const refuse = [&](errc code, std::string const& why, int system) {
            if (request.io == io_mode::direct) {
                throw error{code, verb + request.path + why, page_id::none(), system};
            }
        };
        constexpr char const* no_direct =
            ": the file system has none; io_mode::direct_or_buffered goes without";
        auto const needs = detail::learn_alignment(fd, f.block_device_);
        if (needs.offset == 0 || needs.memory == 0) {
            return refuse(errc::direct_io_refused, no_direct, 0);
        }
        if (request.page_size % needs.offset != 0 || request.page_size % needs.memory != 0) {
            return refuse(errc::misaligned_page_size,
                          ": page size " + std::to_string(request.page_size) +
                              ", the file asks for multiples of " + std::to_string(needs.offset) +
                              " on disk and " + std::to_string(needs.memory) + " in memory",
                          0);
        }
        if (reinterpret_cast<std::uintptr_t>(arena_.data()) % needs.memory != 0) {
            return refuse(errc::misaligned_page_size,
                          ": the arena begins at no multiple of " + std::to_string(needs.memory),
                          0);
        }
        int const flags = detail::flags_of(fd);
        if (flags < 0 || detail::set_flags(fd, flags | O_DIRECT) != 0) {
            return refuse(errc::direct_io_refused, no_direct, errno);
        }
        f.mode_ = needs.is_certain ? io_mode::direct : io_mode::direct_or_buffered;
        f.granule_ = needs.offset;
        f.into_mapped_ = needs.into_mapped;
    }

    /// One call for the whole run. If that fails, page by page, so that each page has its own
    /// result: a bad sector must fail no page but its own.
    static void transfer_run(std::span<io_op<file>* const> run) noexcept {
        std::array<::iovec, run_max> parts;
        auto const move = [&](std::size_t first, std::size_t count) {
            io_op<file> const& op = *run[first];
            return detail::transfer(op.file->fd_.get(), op.verb,
                                    detail::parts_of(run.subspan(first, count), std::span{parts}),
                                    op.offset, op.file->granule_);
        };
        for (auto const* each : run) { prepare(*each); }
        bool const together = move(0, run.size()) == 0;
        for (std::size_t i = 0; i < run.size(); ++i) {
            run[i]->error = together ? 0 : move(i, 1);
        }
    }

    std::span<std::byte> arena_;
};

static_assert(adopting_backend<direct_backend>);

}  // namespace quire::inline QUIRE_ABI
