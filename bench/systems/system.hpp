// SPDX-License-Identifier: BSL-1.0
#pragma once

/// system: the interface of quire, its peers and the bare machine for the benchmarks.
///
/// A system is built over a scratch directory for `pages` pages of 4 KiB, has them all in memory
/// when its constructor returns, and gives a reader to each thread. A reader reads eight bytes in
/// the middle of a page, by the page's number, in the usual way of its system: from one page to the
/// next it keeps only what the system intends to be kept (an open transaction, a prepared
/// statement, a handle).
///
///     struct example {
///         static constexpr char const* name = "example";
///         example(std::filesystem::path const& scratch, std::uint32_t pages);
///         struct reader {
///             explicit reader(example& of);
///             std::uint64_t read(std::uint32_t page);
///         };
///         std::vector<std::uint32_t> resident() const;   // the pages that may be read
///     };
///
/// Errors: all throw std::runtime_error with the system's message; a benchmark then stops.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>   // open
#include <unistd.h>  // ftruncate

namespace quire_bench {

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t value_at = 64;  ///< of the eight bytes in their page

template <class S>
concept readable_system =
    std::constructible_from<S, std::filesystem::path const&, std::uint32_t> &&
    std::constructible_from<typename S::reader, S&> &&
    requires(S const& s, typename S::reader r, std::uint32_t page) {
        { S::name } -> std::convertible_to<std::string>;
        { r.read(page) } -> std::same_as<std::uint64_t>;
        { s.resident() } -> std::same_as<std::vector<std::uint32_t>>;
    };

[[noreturn]] inline void fail(std::string const& what) { throw std::runtime_error{what}; }

[[nodiscard]] inline std::uint64_t value_in(void const* page) noexcept {
    std::uint64_t value;
    std::memcpy(&value, static_cast<std::byte const*>(page) + value_at, sizeof value);
    return value;
}

/// Pages 0 to `pages` - 1.
[[nodiscard]] inline std::vector<std::uint32_t> all_pages(std::uint32_t pages) {
    std::vector<std::uint32_t> numbers(pages);
    std::iota(numbers.begin(), numbers.end(), 0U);
    return numbers;
}

/// A file of `pages` pages of ones, written, in the page cache. Returns its descriptor.
[[nodiscard]] inline int file_of_pages(std::filesystem::path const& path, std::uint32_t pages) {
    int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) { fail("make " + path.string()); }
    std::vector<std::byte> const chunk(page_size * 256, std::byte{1});
    for (std::uint64_t left = std::uint64_t{pages} * page_size; left > 0;) {
        auto const wrote = ::write(fd, chunk.data(), std::min<std::uint64_t>(left, chunk.size()));
        if (wrote <= 0) { fail("fill " + path.string()); }
        left -= static_cast<std::uint64_t>(wrote);
    }
    return fd;
}

}  // namespace quire_bench
