// SPDX-License-Identifier: BSL-1.0
#pragma once

/// options: the settings of a pool, a file and a single access, with the defaults.
///
/// All are structs of named members with defaults, checked once where they are given: a pool's by
/// its constructor, a file's by `open`. What makes no sense is errc::bad_option. A limit that
/// cannot be reached is no error, and limits nothing: it may serve pools of several sizes.

#include <quire/base/cancellation_off.hpp>
#include <quire/base/hook.hpp>
#include <quire/base/page_seal.hpp>
#include <quire/io/file_backend.hpp>
#include <quire/memory/arena.hpp>

namespace quire::inline QUIRE_ABI {

class frame_budget;

/// The write-ahead rule's other side: makes the log durable at least up to `lsn` if it can, and
/// returns how far it is durable. Called with nothing latched, by whichever thread writes back.
/// It must not enter the pool (errc::reentered). What it throws is errc::log_failed to the caller
/// of the write, and the page stays dirty.
using log_hook = hook<std::uint64_t(std::uint64_t lsn)>;

/// Called with what a pool's destructor could not write. Must not throw.
using loss_handler = hook<void(std::string const& path, error const& why)>;

/// For traces and metrics. Each function is called in the middle of what it reports, by any thread:
/// must not throw (that ends the program), must not wait, and must not enter the pool.
struct pool_observer {
    hook<void(page_id)> on_miss = {};   ///< before the read
    hook<void(page_id)> on_evict = {};  ///< its frame is taken for another page
    /// A page could not be written; it stays dirty. 0 when the file ended, else the errno.
    hook<void(page_id, int system)> on_write_error = {};

    /// For the pool: calls one of them, if it is there.
    template <class Function, class... Arguments>
    static void tell(Function const& fn, Arguments... arguments) noexcept {
        if (fn) {
            cancellation_off const meanwhile;
            fn(arguments...);
        }
    }
};

template <file_backend Backend>
struct pool_options {
    /// Frames of the pool. At least as many as threads hold and pin at once (a descent hand over
    /// hand holds two a thread, a split three a level), for a program that never gets
    /// no_free_frame; and as many more as there are pages that it comes back to. Memory is this
    /// and one times the page size, and beside it 64 bytes a frame (128 with lru or a large latch)
    /// and what the policy keeps (s3_fifo: up to 42 bytes a frame).
    std::size_t frames = 1024;
    huge_pages huge = huge_pages::on;
    /// Files open at once, 1 to 16,384. The fewer, the longer a handle that is used after close is
    /// distinguished from one of the file that took its place: until that place was taken 65,535
    /// times, divided by this rounded up to a power of two (64: 1,023 times). Checked builds always
    /// tell.
    std::size_t files_max = 64;
    /// The largest file, in pages, up to 2^32: four bytes of address space each.
    std::uint64_t file_pages_max = std::uint64_t{1} << 28;
    /// The deadline of a wait for another thread's read, write or latch: errc::timed_out.
    std::chrono::nanoseconds wait_max = std::chrono::seconds{30};
    /// The deadline of a wait for a frame when all are held: errc::no_free_frame.
    std::chrono::nanoseconds frame_wait_max = std::chrono::milliseconds{200};
    log_hook durable = {};
    pool_observer observer = {};
    /// By default one line on stderr.
    loss_handler on_loss = {};
    typename Backend::options backend = {};
};

/// What becomes of a page of zeros that the file's seal calls blank: grown, and never written.
enum class blank_pages : std::uint8_t {
    refused,  ///< errc::blank_page
    shown,    ///< a page like any other: its kind decides whether it accepts it
};

struct file_options {
    /// crc_seal takes the first 12 bytes of every page (crc_seal_bytes); see also no_seal. Your own
    /// seal may have a value of this file: {check, seal, file_value}.
    /// A repair tool that must see pages whose seal is broken gives {no_seal.check, crc_seal.seal}.
    page_seal seal = crc_seal;
    /// For files in which blank pages are common, as in some of other programs: an exception for
    /// each would be slow.
    blank_pages blank = blank_pages::refused;
    io_mode io = io_mode::direct;
    /// Pages are made and written in changes only (pool/change.hpp). For a pool with a log, by
    /// which what a crash left is mended before `open` returns. A file that was logged, and was not
    /// closed since, is opened so again, with the same log, and by the same name (as seen from the
    /// log's folder). The pool cannot see that it is not: opened without its log, with another,
    /// with an older copy of it, or by another name (renamed, a hard link), it is what its pages
    /// say, and what the log alone has is not there. A quire::catalog sees it (table/catalog.hpp).
    /// Not with follow_symlink (bad_option).
    bool logged = false;
    /// Whether a symbolic link at the end of the path is followed. A link to nothing is, too: the
    /// modes that make a file make it where the link points.
    bool follow_symlink = false;
    /// What is locked while the file is open, against other openers: see file_lock, with a recipe
    /// for files that SQLite has open.
    file_lock lock = file_lock::whole;
    /// Dirty pages of this file past which a writer writes some of them back before it goes on; 0:
    /// seven eighths of the frames. It keeps a file that cannot be written from filling the pool,
    /// if it is below the pool's frames.
    std::size_t dirty_pages_max = 0;
    /// Frames past which a page of this file takes the place of another of its pages; 0, or not
    /// below the pool's frames: no limit. So a scan of one file leaves the others theirs.
    /// Pages that are held, pinned or being read count: with all of them held the next miss is
    /// no_free_frame, however many frames the pool has free. A thread that goes hand over hand
    /// needs two. A budget helps: its frames are taken whatever this limit says, and stay above it.
    /// At the limit a miss looks for the file's own pages among all candidates of the policy, under
    /// the pool's mutex: some ns for each frame of the pool.
    std::size_t frames_max = 0;
};

/// For one read, write or append.
struct access_options {
    /// Deadline of this access's waits for others; the pool's `wait_max` when zero or below.
    std::chrono::nanoseconds wait_max = {};
    /// Where a frame comes from if one is needed; see buffer_pool::reserve.
    frame_budget* budget = nullptr;
};

/// For the path of a hit, which stores nothing to make its options.
inline constexpr access_options by_default{};
/// What others have now is errc::timed_out at once. A page that nobody has is read, if need be.
inline constexpr access_options without_waiting{.wait_max = std::chrono::nanoseconds{1}};

/// What closing does with pages that were not written.
enum class unwritten : std::uint8_t { write, discard };

}  // namespace quire::inline QUIRE_ABI
