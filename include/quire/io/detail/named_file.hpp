// SPDX-License-Identifier: BSL-1.0
#pragma once

/// named_file: a file is opened by its path, or made there.
///
/// It is opened without O_DIRECT, without waiting (a pipe would wait), and without following a
/// symbolic link unless the request says so. A followed link to nothing makes the file where the
/// link points: O_EXCL follows no link, and without O_EXCL an opener does not know whether it has
/// made the file, which it must know to remove it again.
///
/// An opener that gets the lock of a file that was removed meanwhile starts over, so no opener
/// keeps a file without a name. Such a file has no links, and its path leads elsewhere. Why both:
/// some file systems (of FUSE) report no links for any file, some another inode number each time.

#include <quire/io/detail/descriptor.hpp>
#include <quire/io/file_backend.hpp>

#include <array>     // std::array
#include <optional>  // std::optional

#include <fcntl.h>     // O_CREAT
#include <sys/stat.h>  // fstat, fstatat
#include <unistd.h>    // readlink, unlink, fsync

namespace quire::inline QUIRE_ABI::detail {

struct named_file {
    descriptor fd;
    std::string path;        ///< where it was made; else the request's
    bool made = false;       ///< by this call
    bool exclusive = false;  ///< opened as a block device must be for writing
};

/// What is at `path`; nothing if the system cannot say.
[[nodiscard]] inline std::optional<struct ::stat> look_at(std::string const& path,
                                                          bool follow) noexcept {
    struct ::stat about {};
    int const how = follow ? 0 : AT_SYMLINK_NOFOLLOW;
    auto const look = [&] { return ::fstatat(AT_FDCWD, path.c_str(), &about, how); };
    return uninterrupted(look) == 0 ? std::optional{about} : std::nullopt;
}
[[nodiscard]] inline std::optional<struct ::stat> look_at(int fd) noexcept {
    struct ::stat about {};
    return uninterrupted([&] { return ::fstat(fd, &about); }) == 0 ? std::optional{about}
                                                                   : std::nullopt;
}

/// Whether `file` is what its path leads to.
[[nodiscard]] inline bool is_at_its_path(named_file const& file, bool follow) noexcept {
    auto const own = look_at(file.fd.get());
    auto const named = look_at(file.path, follow);
    return own && named && own->st_dev == named->st_dev && own->st_ino == named->st_ino;
}
/// Whether `file` was removed since it was opened.
[[nodiscard]] inline bool is_removed(named_file const& file, bool follow) noexcept {
    auto const own = look_at(file.fd.get());
    return own && own->st_nlink == 0 && !is_at_its_path(file, follow);
}

/// Where `path` leads when its last part is a symbolic link, even one to nothing.
[[nodiscard]] inline std::string end_of_links(std::string path) {
    constexpr int links_max = 40;  // as the kernel
    for (int links = 0; links < links_max; ++links) {
        std::array<char, 4096> target;
        auto const length = uninterrupted(
            [&] { return ::readlink(path.c_str(), target.data(), target.size()); });
        if (length <= 0 || length == static_cast<::ssize_t>(target.size())) { break; }
        std::string const to{target.data(), static_cast<std::size_t>(length)};
        path = to.starts_with('/') ? to : path.substr(0, path.rfind('/') + 1) + to;
    }
    return path;
}

/// Makes the directory entry of a fresh file durable. 0 or an errno. Where the system syncs no
/// folders there is nothing to wait for.
[[nodiscard]] inline int sync_directory_of(std::string const& path) {
    auto const slash = path.rfind('/');
    std::string const folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    auto const dir = open_path(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!dir.valid()) { return errno; }
    bool const synced = uninterrupted([&] { return ::fsync(dir.get()); }) == 0;
    bool const offered = errno != EINVAL && errno != EOPNOTSUPP && errno != ENOSYS;
    return synced || !offered ? 0 : errno;
}

/// Whether a block device is to be opened exclusively.
[[nodiscard]] inline bool wants_exclusive(open_request const& request) noexcept {
    return request.mode != open_mode::read_only && request.lock.count > 0;
}

/// Throws what `system`, an errno, means for the opener of `request`.
[[noreturn]] inline void refuse_to_open(open_request const& request, int system) {
    auto const there = look_at(request.path, request.follow_symlink);
    if (system == ELOOP && there && S_ISLNK(there->st_mode)) {
        throw error{errc::open_failed,
                    "open " + request.path +
                        ": a symbolic link, which is followed only with follow_symlink"};
    }
    if (system == EBUSY && there && S_ISBLK(there->st_mode)) {
        throw error{errc::file_locked,
                    "open " + request.path +
                        ": in use by the system, or by another writer: is it mounted?",
                    page_id::none(), EBUSY};
    }
    throw error{errc::open_failed, "open " + request.path, page_id::none(), system};
}

/// Opens as `request` says. Throws errc::open_failed, and errc::file_locked for a block device that
/// is in use.
[[nodiscard]] inline named_file open_named(open_request const& request) {
    bool const writes = request.mode != open_mode::read_only;
    bool const only_new = request.mode == open_mode::create_new;
    int const flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
                      (request.follow_symlink ? 0 : O_NOFOLLOW) | (writes ? O_RDWR : O_RDONLY);
    constexpr ::mode_t owner_only = 0600;
    for (int tries = 0;; ++tries) {
        errno = ENOENT;
        if (!only_new) {
            auto const there = look_at(request.path, request.follow_symlink);
            bool const alone = wants_exclusive(request) && there && S_ISBLK(there->st_mode);
            auto fd = open_path(request.path.c_str(), flags | (alone ? O_EXCL : 0));
            if (fd.valid()) { return {std::move(fd), request.path, false, alone}; }
        }
        if (may_make(request.mode) && errno == ENOENT) {
            auto path = request.follow_symlink ? end_of_links(request.path) : request.path;
            auto fd = open_path(path.c_str(), flags | O_CREAT | O_EXCL, owner_only);
            if (fd.valid()) { return {std::move(fd), std::move(path), true, false}; }
        }
        bool const raced = may_make(request.mode) && !only_new && errno == EEXIST;
        if (!raced || tries == 3) { refuse_to_open(request, errno); }
    }
}

/// Removes a file that `open_named` has made, if it is still there.
inline void remove_again(named_file const& file) noexcept {
    if (!is_at_its_path(file, false)) { return; }
    static_cast<void>(uninterrupted([&] { return ::unlink(file.path.c_str()); }));
}

}  // namespace quire::inline QUIRE_ABI::detail
