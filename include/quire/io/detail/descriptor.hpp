// SPDX-License-Identifier: BSL-1.0
#pragma once

/// descriptor: a file descriptor that is owned, and the rules by which quire opens and calls.
///
/// A call that a signal interrupts is made again. EINTR reports no error: nothing has failed, so
/// nothing that failed is forgotten by another try, not even in a sync. The tries are bounded: a
/// thread that is interrupted without end gets the EINTR, and does not hang. `close` is never made
/// again: Linux has closed the descriptor even when it says EINTR, and a second call could close
/// another thread's file.
///
/// A file of pages never has descriptor 0, 1 or 2. A program may have closed its standard streams,
/// and the next file that is opened gets their numbers: then what the program, or a library in it,
/// prints lands among the pages. So the numbers that are free are filled before a file is opened,
/// with descriptors of "/" that can be neither read nor written (O_PATH): a print fails with EBADF,
/// as it did before. They stay, at most three in a process, and are closed on exec. A program that
/// opens its streams again later names their numbers (dup2, freopen).
/// Why this way: to move the file afterwards (F_DUPFD) leaves a moment in which another thread
/// prints into it; and who empties the numbers again, when its own file is open, does so while
/// another opener relies on them. To know of the other openers takes a global, which a library of
/// headers has once in each shared object.

#include <quire/base/attributes.hpp>

#include <cerrno>   // errno
#include <utility>  // std::exchange

#include <fcntl.h>   // open, fcntl
#include <unistd.h>  // close

namespace quire::inline QUIRE_ABI::detail {

/// More calls in a row without progress than this are a failure.
inline constexpr int idle_calls_max = 1000;

/// The result of a system call, which is made again while signals interrupt it. Below 0: an error,
/// which errno tells.
template <class Call>
[[nodiscard]] auto uninterrupted(Call call) noexcept {
    auto result = call();
    for (int tries = 1; result < 0 && errno == EINTR && tries < idle_calls_max; ++tries) {
        result = call();
    }
    return result;
}

/// A file descriptor, owned.
class descriptor {
public:
    explicit descriptor(int fd = -1) noexcept : fd_{fd} {}
    descriptor(descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    /// Keeps errno, which may say why it is closed.
    ~descriptor() {
        int const before = errno;
        static_cast<void>(close());
        errno = before;
    }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
    /// Its number, which the caller owns now.
    int release() noexcept { return std::exchange(fd_, -1); }

    /// 0 or an errno. The descriptor is closed either way.
    [[nodiscard]] int close() noexcept {
        int const fd = std::exchange(fd_, -1);
        return fd >= 0 && ::close(fd) != 0 && errno != EINTR ? errno : 0;
    }

private:
    int fd_;
};

inline constexpr int first_free_number = 3;  ///< 0 to 2 are the standard streams

/// What fills the number of a standard stream.
[[nodiscard]] inline descriptor open_filler() noexcept {
    return descriptor{uninterrupted([] { return ::open("/", O_PATH | O_CLOEXEC); })};
}

/// Fills the numbers 0 to 2 where they are free. Whether what is opened afterwards gets another
/// one; if not, errno says why.
[[nodiscard]] inline bool fill_streams() noexcept {
    for (int number = 0; number < first_free_number; ++number) {
        if (::fcntl(number, F_GETFD) >= 0) { continue; }
        auto filler = open_filler();
        if (!filler.valid()) { return false; }
        if (filler.get() < first_free_number) { filler.release(); }  // else a thread was faster
    }
    return true;
}

/// `from`, moved to a number above the standard streams if it has one of theirs, which is filled
/// then. Not valid if that fails, and errno says why.
[[nodiscard]] inline descriptor above_streams(descriptor from) noexcept {
    if (!from.valid() || from.get() >= first_free_number) { return from; }
    descriptor moved{uninterrupted(
        [&] { return ::fcntl(from.get(), F_DUPFD_CLOEXEC, first_free_number); })};
    if (!moved.valid() || !fill_streams()) { return moved; }
    auto const filler = open_filler();
    auto const replace = [&] { return ::dup3(filler.get(), from.get(), O_CLOEXEC); };
    if (filler.valid() && uninterrupted(replace) >= 0) { from.release(); }  // was never free
    return moved;
}

/// Opens `path`, above the standard streams. Not valid if that fails, and errno says why.
[[nodiscard]] inline descriptor open_path(char const* path, int flags, unsigned mode = 0) noexcept {
    if (!fill_streams()) { return descriptor{}; }
    return above_streams(
        descriptor{uninterrupted([&] { return ::open(path, flags, mode); })});
}

}  // namespace quire::inline QUIRE_ABI::detail
