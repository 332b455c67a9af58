// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_backend: the place where a pool keeps its pages, and what the pool needs of it.
///
/// A backend is built over the arena, so that it can register it with the system, and moves whole
/// pages between frames and files. It reports and decides nothing: retrying a failed page, stopping
/// a file after a failed sync and keeping dirty pages are the pool's business.
///
///   expression                  semantics
///   B{arena_bytes, options}     every transfer's memory lies in `arena_bytes`
///   b.open(request)             opens and locks a file; throws quire::error
///   b.submit(ops)               starts the transfers that `ops` points to. They are sorted by file
///                               and offset, and writes lie inside the file; neighbours may travel
///                               together. Those that are complete on return are moved to
///                               the front of `ops`; returns how many. noexcept: a refused op is
///                               complete with its error
///   b.reap(done, wait)          hands out ops that have become complete since they were submitted:
///                               writes at most `done.size()` pointers and returns how many. Waits
///                               for the first at most `wait`. A synchronous backend returns 0 at
///                               once, as any does that has nothing in flight
///   b.interrupt()               the `reap` that waits now, or else the next one, does not wait
///   b.sync(file)                everything handed out so far is durable; 0 or an errno. noexcept
///   b.resize(file, bytes)       0 or an errno, and then the size is as before. New bytes read as
///                               zeros. noexcept
///   b.close(file)               gives lock and descriptor back, once, even when it reports an
///                               error; 0 or an errno. noexcept
///   file.size(), file.mode(), file.writable()    bytes, without an end that is no whole page where
///                               the file cannot be cut; the io_mode in effect; how it was opened
///
/// A backend need not have these:
///
///   b.adopt(fd, request)        see adopting_backend
///   b.transfer(ops)             does the transfers in this thread, and returns when all of them
///                               are complete: `reap` hands none of them out. noexcept. A page
///                               that is waited for at once, with nothing else in flight, takes
///                               less time this way. See blocking_backend
///   b.in_flight_max()           how many runs of neighbours it can have in flight; 0: `submit`
///                               completes every op. noexcept. See in_flight_max_of
///
/// ESHUTDOWN says that another opener has taken the file's lock (errc::lock_lost). After one of a
/// write or a sync the pool writes nothing to this file any more.
///
/// Each op is handed out exactly once: in front by `submit`, or by one later `reap`, in whichever
/// thread that is called. From then on the backend touches neither the op nor its bytes; until
/// then both stay in place. What follows a transfer is done by the pool, after the call.
///
/// Why pointers that come back, and no flag in the op: another thread may reap an op, and its owner
/// may use its memory again, before `submit` of its neighbours has returned. A caller that then
/// looked for a flag would read memory that is no longer its own.
///
/// Threads: `submit`, `transfer`, `interrupt` and `sync` from any thread at once; `reap` from one
/// thread at a time, which may be any; `resize` and `close` of one file from one thread at a time.
/// A backend that changes bytes on their way to another backend has memory of its own for that,
/// and builds the other over it.
/// Lifetime: the pool destroys a backend when nothing is in flight.

#include <quire/base/error.hpp>
#include <quire/base/duration.hpp>

#include <span>    // std::span

namespace quire::inline QUIRE_ABI {

enum class open_mode : std::uint8_t {
    read_only,          ///< must exist; shares with other readers
    read_write,         ///< must exist
    open_or_create,     ///< made when missing; what is there is kept
    create_or_replace,  ///< made when missing; what is there is emptied, under the lock
    create_new,         ///< must not exist
};

/// Whether a file that is missing is made.
[[nodiscard]] constexpr bool may_make(open_mode mode) noexcept {
    return mode == open_mode::open_or_create || mode == open_mode::create_or_replace ||
           mode == open_mode::create_new;
}

enum class io_mode : std::uint8_t {
    direct,              ///< O_DIRECT, or an error: no page stays in the page cache
    direct_or_buffered,  ///< O_DIRECT where it is offered, else through the page cache; of an open
                         ///< file: O_DIRECT, but pages may go through a cache all the same
    buffered,            ///< through the page cache
};

/// The bytes of a file that an opener locks: a writer against all others, a reader against writers.
/// Two openers exclude each other when they lock a byte in common and one of them writes. The file
/// need not have the bytes.
///
///     file_lock::whole               one writer, or any number of readers
///     file_lock::none                something else keeps openers apart, or nothing has to
///     {.first = 512, .count = 16}    what another program locks by its own rules
///
/// SQLite, for example, has its locks at 1 GiB: one byte PENDING, one RESERVED, 510 SHARED. A
/// read_only opener with {.first = 0x4000'0002, .count = 510} is a reader like others to SQLite. In
/// WAL mode its writers go on, and the file changes in checkpoints only. In the other modes the
/// file does not change: a writer begins, and cannot commit (SQLITE_BUSY) before this file is
/// closed. With `whole` it cannot even begin. With `none` it commits, and a page can be read while
/// SQLite writes it. What is in SQLite's journal or WAL is not in the file. Do this only in another
/// process than SQLite's: SQLite has POSIX locks, and a process that closes any descriptor of a
/// file loses all that it has on it.
struct file_lock {
    static constexpr std::uint64_t to_the_end = ~std::uint64_t{0};

    std::uint64_t first = 0;           ///< byte
    std::uint64_t count = to_the_end;  ///< bytes; 0: none

    static file_lock const whole;
    static file_lock const none;

    friend constexpr bool operator==(file_lock const&, file_lock const&) = default;

    /// Whether a file can have such bytes.
    [[nodiscard]] constexpr bool valid() const noexcept {
        constexpr auto size_max = (std::uint64_t{1} << 63) - 1;
        return first <= size_max && (count == to_the_end || count <= size_max - first);
    }
    /// Expects: both are valid.
    [[nodiscard]] constexpr bool overlaps(file_lock const& other) const noexcept {
        auto const before = [](file_lock const& a, file_lock const& b) {
            return a.count != to_the_end && a.first + a.count <= b.first;
        };
        return count > 0 && other.count > 0 && !before(*this, other) && !before(other, *this);
    }
};
inline constexpr file_lock file_lock::whole{};
inline constexpr file_lock file_lock::none{.first = 0, .count = 0};

/// The arguments of `open`.
struct open_request {
    std::string path{};
    open_mode mode = open_mode::read_write;
    io_mode io = io_mode::direct;
    std::size_t page_size = 4096;  ///< bytes; every transfer is a multiple of it
    bool follow_symlink = false;
    file_lock lock = file_lock::whole;
};

enum class io_verb : std::uint8_t { read, write };

/// The error of an op whose file ended before its bytes did. Not an errno.
inline constexpr int io_ended = -1;

/// One transfer: `bytes` of the arena from or to `offset` of the file.
template <class File>
struct io_op {
    io_verb verb = io_verb::read;
    File* file = nullptr;
    std::uint64_t offset = 0;    ///< bytes
    std::span<std::byte> bytes;  ///< a write only reads them
    int error = 0;               ///< when complete: 0, an errno, or io_ended
};

template <class B>
concept file_backend =
    requires {
        typename B::file;
        typename B::options;
    } && std::constructible_from<B, std::span<std::byte>, typename B::options const&> &&
    std::default_initializable<typename B::options> && std::movable<typename B::file> &&
    requires(B b, typename B::file& file, typename B::file const& const_file,
             open_request const& request, std::span<io_op<typename B::file>*> ops,
             std::chrono::nanoseconds wait, std::uint64_t bytes) {
        { b.open(request) } -> std::same_as<typename B::file>;
        { b.submit(ops) } noexcept -> std::same_as<std::size_t>;
        { b.reap(ops, wait) } noexcept -> std::same_as<std::size_t>;
        { b.interrupt() } noexcept;
        { b.sync(file) } noexcept -> std::same_as<int>;
        { b.resize(file, bytes) } noexcept -> std::same_as<int>;
        { b.close(file) } noexcept -> std::same_as<int>;
        { const_file.size() } -> std::same_as<std::uint64_t>;
        { const_file.mode() } noexcept -> std::same_as<io_mode>;
        { const_file.writable() } noexcept -> std::same_as<bool>;
    };

/// A backend that takes descriptors as well: `b.adopt(fd, request)`, closed even when refused; the
/// access mode is the descriptor's, and `request.path` is only for messages.
template <class B>
concept adopting_backend = file_backend<B> && requires(B b, int fd, open_request const& request) {
    { b.adopt(fd, request) } -> std::same_as<typename B::file>;
};

/// A backend that also transfers in the calling thread: `b.transfer(ops)`.
template <class B>
concept blocking_backend =
    file_backend<B> && requires(B b, std::span<io_op<typename B::file>*> ops) {
        { b.transfer(ops) } noexcept -> std::same_as<void>;
    };

/// How many runs of neighbours `backend` can have in flight. 0: it does not say, or has none.
template <file_backend B>
[[nodiscard]] std::size_t in_flight_max_of(B const& backend) noexcept {
    if constexpr (requires {
                      { backend.in_flight_max() } noexcept -> std::same_as<std::size_t>;
                  }) {
        return backend.in_flight_max();
    } else {
        return 0;
    }
}

}  // namespace quire::inline QUIRE_ABI
