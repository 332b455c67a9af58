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
/// prints lands among the pages. Moving the file afterwards (F_DUPFD) leaves a moment in which
/// another thread prints into it; hence places that are free are filled while a file is opened.

#include <quire/base/attributes.hpp>

#include <array>    // std::array
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
    ~descriptor() { static_cast<void>(close()); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

    /// 0 or an errno. The descriptor is closed either way.
    [[nodiscard]] int close() noexcept {
        int const fd = std::exchange(fd_, -1);
        return fd >= 0 && ::close(fd) != 0 && errno != EINTR ? errno : 0;
    }

private:
    int fd_;
};

inline constexpr int first_free_number = 3;  ///< 0 to 2 are the standard streams

/// `from`, moved to a number above the standard streams if it has one of theirs. Not valid if that
/// fails, and errno says why.
[[nodiscard]] inline descriptor above_streams(descriptor from) noexcept {
    if (!from.valid() || from.get() >= first_free_number) { return from; }
    return descriptor{uninterrupted(
        [&] { return ::fcntl(from.get(), F_DUPFD_CLOEXEC, first_free_number); })};
}

/// While it lives, none of the numbers 0 to 2 is free: what is opened meanwhile gets another one.
/// Not so when there are too few descriptors.
class filled_streams {
public:
    filled_streams() noexcept {
        for (auto& each : places_) {
            each = descriptor{uninterrupted([] { return ::open("/", O_PATH | O_CLOEXEC); })};
            if (!each.valid() || each.get() >= first_free_number) { break; }
        }
    }

private:
    std::array<descriptor, first_free_number> places_;  // can be neither read nor written
};

/// Opens `path`, above the standard streams. Not valid if that fails, and errno says why.
[[nodiscard]] inline descriptor open_path(char const* path, int flags, unsigned mode = 0) noexcept {
    filled_streams const meanwhile;
    return above_streams(
        descriptor{uninterrupted([&] { return ::open(path, flags, mode); })});
}

}  // namespace quire::inline QUIRE_ABI::detail
