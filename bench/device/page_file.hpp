// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_file: files of numbered pages on a device, and how they are opened and forgotten.
///
/// Page `no` of a new file holds first_value(no) at value_at, is sealed by quire's default seal,
/// and is on the device when the function that makes the file returns. So one file serves both
/// quire and systems without seals, and every page that is read shows whether it is the right one.
/// O_DIRECT is requested explicitly, and it is an error when the file system refuses it.

#include "../systems/system.hpp"

#include <quire/base/page_seal.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <vector>

namespace quire_bench {

/// A file descriptor, owned.
class raw_file {
public:
    raw_file(std::filesystem::path const& path, int flags)
        : fd_{::open(path.c_str(), flags | O_CLOEXEC, 0644)} {
        if (fd_ >= 0) { return; }
        fail("open " + path.string() + ": " + std::strerror(errno) +
             ((flags & O_DIRECT) != 0 && errno == EINVAL ? " (no direct I/O here)" : ""));
    }
    raw_file(raw_file const&) = delete;
    raw_file& operator=(raw_file const&) = delete;
    ~raw_file() { ::close(fd_); }
    [[nodiscard]] int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// Bytes at a multiple of the page size, as direct I/O requires.
class page_buffer {
public:
    explicit page_buffer(std::size_t pages = 1)
        : bytes_{static_cast<std::byte*>(std::aligned_alloc(page_size, pages * page_size))},
          pages_{pages} {
        if (bytes_ == nullptr) { throw std::bad_alloc{}; }
        std::memset(bytes_.get(), 1, pages * page_size);
    }
    [[nodiscard]] std::byte* page(std::size_t i = 0) const noexcept {
        return bytes_.get() + i * page_size;
    }
    [[nodiscard]] std::size_t pages() const noexcept { return pages_; }
    [[nodiscard]] std::size_t size() const noexcept { return pages_ * page_size; }

private:
    struct deleter {
        void operator()(std::byte* at) const noexcept { std::free(at); }
    };
    std::unique_ptr<std::byte, deleter> bytes_;
    std::size_t pages_;
};

[[nodiscard]] inline ::off_t offset_of(std::uint64_t no) noexcept {
    return static_cast<::off_t>(no * page_size);
}

inline void read_pages(int fd, std::byte* to, std::uint64_t first, std::size_t count = 1) {
    if (::pread(fd, to, count * page_size, offset_of(first)) !=
        static_cast<::ssize_t>(count * page_size)) {
        fail("read page " + std::to_string(first));
    }
}
inline void write_pages(int fd, std::byte const* from, std::uint64_t first,
                        std::size_t count = 1) {
    if (::pwrite(fd, from, count * page_size, offset_of(first)) !=
        static_cast<::ssize_t>(count * page_size)) {
        fail("write page " + std::to_string(first));
    }
}
inline void sync_data(int fd) {
    if (::fdatasync(fd) != 0) { fail("fdatasync"); }
}

[[nodiscard]] inline std::uint64_t first_value(std::uint64_t no) noexcept {
    return (no + 1) * 0x9E3779B97F4A7C15ULL;
}
inline void expect_value(std::uint64_t no, std::uint64_t value, std::uint64_t added = 0) {
    if (value != first_value(no) + added) [[unlikely]] {
        fail("page " + std::to_string(no) + " has another page's value, or an old one");
    }
}
inline void set_value(void* page, std::uint64_t value) noexcept {
    std::memcpy(static_cast<std::byte*>(page) + value_at, &value, sizeof value);
}

/// Stops where `files` files of `pages` pages, and a tenth more, do not fit.
inline void expect_room(std::filesystem::path const& folder, std::uint64_t pages,
                        unsigned files) {
    auto const wanted = files * pages * page_size / 10 * 11;
    if (std::filesystem::space(folder).available < wanted) {
        fail(folder.string() + " has no room for " + std::to_string(wanted >> 20) + " MiB");
    }
}

/// Makes a file of `pages` pages as described above. Expects: a multiple of 256 pages.
inline void make_page_file(std::filesystem::path const& path, std::uint64_t pages) {
    raw_file const file{path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT};
    page_buffer const chunk{256};
    for (std::uint64_t first = 0; first < pages; first += chunk.pages()) {
        for (std::size_t i = 0; i < chunk.pages(); ++i) {
            set_value(chunk.page(i), first_value(first + i));
            quire::crc_seal.seal({chunk.page(i), page_size},
                                 quire::page_id{quire::file_no{0}, first + i}, 0);
        }
        write_pages(file.get(), chunk.page(), first, chunk.pages());
    }
    if (::fsync(file.get()) != 0) { fail("fsync " + path.string()); }
}

/// Fails unless page `no` has the seal of make_page_file.
inline void expect_sealed(std::span<std::byte const> page, std::uint64_t no) {
    if (quire::crc_seal.check(page, quire::page_id{quire::file_no{0}, no}, 0) !=
        quire::page_state::good) {
        fail("a seal is broken");
    }
}

/// Drops a file from the page cache, except pages that are mapped or dirty.
inline void empty_page_cache_of(std::filesystem::path const& path) {
    raw_file const file{path, O_RDONLY};
    if (::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) != 0) {
        fail("empty the page cache of " + path.string());
    }
}

/// What the system has counted for this process: "read_bytes" or "write_bytes", from and to
/// devices; 0 when it does not count.
[[nodiscard]] inline double counted_io(std::string const& what) {
    std::ifstream from{"/proc/self/io"};
    std::string name;
    double value = 0;
    while (from >> name >> value) {
        if (name == what + ":") { return value; }
    }
    return 0;
}

/// All pages in a random order, equal everywhere.
[[nodiscard]] inline std::vector<std::uint32_t> shuffled_pages(std::uint32_t pages) {
    auto order = all_pages(pages);
    std::mt19937 random{1};
    for (std::uint32_t i = pages - 1; i > 0; --i) {
        std::swap(order[i], order[random() % (i + 1)]);
    }
    return order;
}

/// A folder that is removed at the end, even after an error.
class scratch_folder {
public:
    explicit scratch_folder(std::filesystem::path path) : path_{std::move(path)} {
        std::filesystem::create_directories(path_);
    }
    scratch_folder(scratch_folder const&) = delete;
    scratch_folder& operator=(scratch_folder const&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace quire_bench
