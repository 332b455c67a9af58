// SPDX-License-Identifier: BSL-1.0
#pragma once

/// file_backend: what the pool asks of the place where pages are kept.
///
/// A backend is built over the arena, so that it can register it with the system, and moves whole
/// pages between frames and files. It reports; it does not decide: retrying a failed page,
/// stopping a file after a failed sync and keeping dirty pages are the pool's business.
///
///   expression                  semantics
///   B{arena_bytes, options}     every transfer's memory lies in `arena_bytes`
///   b.open(request)             opens and locks a file; throws quire::error
///   b.submit(ops)               starts the transfers, which are sorted by file and offset, and
///                               whose writes lie inside the file;
///                               neighbours may travel together. An op is complete on return, or
///                               becomes complete in a later `reap`. noexcept: a refused op is
///                               complete with its error
///   b.reap(wait)                waits at most `wait` for submitted ops to complete, and returns
///                               how many did. A synchronous backend has none, and returns 0
///   b.sync(file)                everything complete so far is durable; 0 or an errno. noexcept
///   b.resize(file, bytes)       0 or an errno, and then the size is as before. New bytes read as
///                               zeros. noexcept
///   b.close(file)               gives lock and descriptor back, once, whatever happens; 0 or an
///                               errno. noexcept
///   file.size(), file.mode(), file.writable()    bytes; the io_mode in effect; how it was opened
///
/// Threads: `submit`, `reap`, `sync` from any thread at once, and a `reap` may complete the ops of
/// any thread; `resize` and `close` of one file are called by one thread at a time. An op and its
/// bytes stay in place until the op is complete. A backend that changes bytes on their way to
/// another one has memory of its own for that, and builds the other over it.

#include <quire/base/error.hpp>

#include <atomic>  // std::atomic
#include <chrono>  // std::chrono::nanoseconds
#include <span>    // std::span

namespace quire::inline QUIRE_ABI {

enum class open_mode : std::uint8_t {
    read_only,   ///< must exist; shares with other readers
    read_write,  ///< must exist
    create,      ///< made when missing
    create_new,  ///< must not exist
};

enum class io_mode : std::uint8_t {
    direct,              ///< O_DIRECT, or an error: no page is cached twice
    direct_or_buffered,  ///< O_DIRECT where it is offered, else through the page cache
    buffered,            ///< through the page cache
};

/// What `open` is asked for.
struct open_request {
    std::string path;
    open_mode mode = open_mode::read_write;
    io_mode io = io_mode::direct;
    std::size_t page_size = 4096;  ///< bytes; every transfer is a multiple of it
    bool follow_symlink = false;
};

enum class io_verb : std::uint8_t { read, write };

/// The error of an op whose file ended before its bytes did. Not an errno.
inline constexpr int io_ended = -1;

/// A bool that one thread sets and another sees, and with it all that was written before.
class io_flag {
public:
    io_flag(bool value = false) noexcept : value_{value} {}
    io_flag(io_flag const& other) noexcept : value_{static_cast<bool>(other)} {}
    io_flag& operator=(io_flag const& other) noexcept { return *this = static_cast<bool>(other); }
    io_flag& operator=(bool value) noexcept {
        value_.store(value, std::memory_order_release);
        return *this;
    }
    operator bool() const noexcept { return value_.load(std::memory_order_acquire); }

private:
    std::atomic<bool> value_;
};

/// One transfer: `bytes` of the arena from or to `offset` of the file.
template <class File>
struct io_op {
    io_verb verb = io_verb::read;
    File* file = nullptr;
    std::uint64_t offset = 0;    ///< bytes
    std::span<std::byte> bytes;  ///< a write only reads them
    int error = 0;               ///< 0, an errno, or io_ended
    io_flag complete = false;    ///< set last, and then the op is touched no more
};

template <class B>
concept file_backend =
    requires {
        typename B::file;
        typename B::options;
    } && std::constructible_from<B, std::span<std::byte>, typename B::options const&> &&
    std::default_initializable<typename B::options> && std::movable<typename B::file> &&
    requires(B b, typename B::file& file, typename B::file const& const_file,
             open_request const& request, std::span<io_op<typename B::file>> ops,
             std::chrono::nanoseconds wait, std::uint64_t bytes) {
        { b.open(request) } -> std::same_as<typename B::file>;
        { b.submit(ops) } noexcept;
        { b.reap(wait) } noexcept -> std::same_as<std::size_t>;
        { b.sync(file) } noexcept -> std::same_as<int>;
        { b.resize(file, bytes) } noexcept -> std::same_as<int>;
        { b.close(file) } noexcept -> std::same_as<int>;
        { const_file.size() } -> std::same_as<std::uint64_t>;
        { const_file.mode() } noexcept -> std::same_as<io_mode>;
        { const_file.writable() } noexcept -> std::same_as<bool>;
    };

/// One that also takes descriptors: `b.adopt(fd, request)`, closed also when it is refused; the
/// access mode is the descriptor's, and `request.path` serves messages.
template <class B>
concept adopting_backend = file_backend<B> && requires(B b, int fd, open_request const& request) {
    { b.adopt(fd, request) } -> std::same_as<typename B::file>;
};

/// Submits `ops` and returns when all are complete.
template <file_backend B>
void submit_and_wait(B& backend, std::span<io_op<typename B::file>> ops) noexcept {
    backend.submit(ops);
    for (auto const& op : ops) {
        while (!op.complete) {
            static_cast<void>(backend.reap(std::chrono::milliseconds{10}));
        }
    }
}

}  // namespace quire::inline QUIRE_ABI
