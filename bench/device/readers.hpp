// SPDX-License-Identifier: BSL-1.0
#pragma once

/// readers: ways to read a page of a file on a device, without a buffer pool and with quire's.
///
/// Each is built over a page_file. A thread makes its own `reader`, and reads the value of a page
/// by it. A reader that accepts a hint (reads are random, or in order) is given the hint.

#include "page_file.hpp"

#include <quire/quire.hpp>

#include <sys/mman.h>  // mmap

namespace quire_bench {

enum class reads : bool { random, in_order };

/// pread of one page into the thread's own memory.
class plain_reads {
public:
    plain_reads(std::filesystem::path const& path, int flags, reads how = reads::random)
        : file_{path, O_RDONLY | flags} {
        static_cast<void>(::posix_fadvise(
            file_.get(), 0, 0,
            how == reads::random ? POSIX_FADV_RANDOM : POSIX_FADV_SEQUENTIAL));
    }
    class reader {
    public:
        explicit reader(plain_reads& of) : fd_{of.file_.get()} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) {
            read_pages(fd_, page_.page(), no);
            return value_in(page_.page());
        }

    private:
        int fd_;
        page_buffer page_;
    };

private:
    raw_file file_;
};

/// mmap. forget() unmaps, empties the page cache and maps again: the cache keeps mapped pages.
class mapped_reads {
public:
    mapped_reads(std::filesystem::path path, reads how)
        : path_{std::move(path)}, file_{path_, O_RDONLY}, how_{how} {
        map();
    }
    mapped_reads(mapped_reads const&) = delete;
    mapped_reads& operator=(mapped_reads const&) = delete;
    ~mapped_reads() { ::munmap(at_, size_); }
    void forget() {
        ::munmap(at_, size_);
        empty_page_cache_of(path_);
        map();
    }
    class reader {
    public:
        explicit reader(mapped_reads& of) : at_{static_cast<std::byte const*>(of.at_)} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) noexcept {
            return value_in(at_ + no * page_size);
        }

    private:
        std::byte const* at_;
    };

private:
    void map() {
        size_ = std::filesystem::file_size(path_);
        at_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file_.get(), 0);
        if (at_ == MAP_FAILED ||
            ::madvise(at_, size_, how_ == reads::random ? MADV_RANDOM : MADV_SEQUENTIAL) != 0) {
            fail("mmap " + path_.string());
        }
    }

    std::filesystem::path path_;
    raw_file file_;
    reads how_;
    std::size_t size_ = 0;
    void* at_ = nullptr;
};

/// A pool with its defaults; the file's pages are checked against their seals.
template <quire::file_backend Backend>
class pool_reads_over {
public:
    using pool_type =
        quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch, Backend>;

    pool_reads_over(std::filesystem::path const& path, std::size_t frames)
        : pool_{{.frames = frames}}, file_{pool_.open(path, quire::open_mode::read_only)} {
        if (file_.mode() != quire::io_mode::direct) { fail("quire does not read directly"); }
    }
    [[nodiscard]] pool_type& pool() noexcept { return pool_; }
    [[nodiscard]] typename pool_type::file const& file() const noexcept { return file_; }

    class reader {
    public:
        explicit reader(pool_reads_over& of) : file_{of.file_} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) {
            auto page = file_.read(no);
            return page->bytes().template load<std::uint64_t>(value_at);
        }

    private:
        typename pool_type::file file_;
    };

private:
    pool_type pool_;
    typename pool_type::file file_;
};
using pool_reads = pool_reads_over<quire::direct_backend>;

}  // namespace quire_bench
