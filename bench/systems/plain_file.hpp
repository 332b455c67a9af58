// SPDX-License-Identifier: BSL-1.0
#pragma once

/// plain_file: a file in the page cache, mapped, or read a page at a time.

#include "system.hpp"

#include <array>
#include <vector>

#include <sys/mman.h>  // mmap

namespace quire_bench {

struct mapped_file {
    static constexpr char const* name = "mmap";

    mapped_file(std::filesystem::path const& scratch, std::uint32_t pages)
        : count{pages}, fd{file_of_pages(scratch / "mapped", pages)} {
        at = ::mmap(nullptr, size(), PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (at == MAP_FAILED) { fail("mmap"); }
    }
    mapped_file(mapped_file const&) = delete;
    mapped_file& operator=(mapped_file const&) = delete;
    ~mapped_file() {
        ::munmap(at, size());
        ::close(fd);
    }
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }
    [[nodiscard]] std::size_t size() const noexcept { return std::size_t{count} * page_size; }

    struct reader {
        explicit reader(mapped_file& of) : first_{static_cast<std::byte const*>(of.at)} {}
        std::uint64_t read(std::uint32_t no) noexcept {
            return value_in(first_ + std::size_t{no} * page_size);
        }

    private:
        std::byte const* first_;
    };

    std::uint32_t count;
    int fd;
    void* at = nullptr;
};

struct read_file {
    static constexpr char const* name = "pread";

    read_file(std::filesystem::path const& scratch, std::uint32_t pages)
        : count{pages}, fd{file_of_pages(scratch / "read", pages)} {}
    read_file(read_file const&) = delete;
    read_file& operator=(read_file const&) = delete;
    ~read_file() { ::close(fd); }
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }

    struct reader {
        explicit reader(read_file& of) : fd_{of.fd} {}
        std::uint64_t read(std::uint32_t no) {
            auto const at = static_cast<::off_t>(no) * static_cast<::off_t>(page_size);
            if (::pread(fd_, page_.data(), page_size, at) != static_cast<::ssize_t>(page_size)) {
                fail("pread");
            }
            return value_in(page_.data());
        }

    private:
        int fd_;
        alignas(page_size) std::array<std::byte, page_size> page_;
    };

    std::uint32_t count;
    int fd;
};

}  // namespace quire_bench
