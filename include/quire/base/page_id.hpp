// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_id: which page of which file, in 64 bits.
///
/// A page number counts pages from the beginning of a file; a file number is the pool's name for
/// an open file. Both are types of their own, so that neither is mistaken for a byte offset, a
/// frame number or each other. The id packs them: 16 bits of file, 48 bits of page; one word is
/// loaded and compared on every hit.
///
/// Invariants
///   I1. A page_id made from parts gives the same parts back; no page_no is out of range.
///   I2. `page_id::none()` names no page: its file number is never given to a file.
///   I3. An offset in bytes is computed only by `byte_offset`, which cannot overflow: 2^48 pages of
///       1 MiB would, so it is checked there.

#include <quire/base/contract.hpp>

#include <compare>     // std::strong_ordering
#include <concepts>    // std::integral
#include <cstdint>     // std::uint64_t
#include <limits>      // std::numeric_limits
#include <optional>    // std::optional, std::hash

namespace quire::inline QUIRE_ABI {

/// A page's place in its file: 0 is the first page. At most 2^48 - 1.
///
/// Converts implicitly from a number, so that `file.read(7)` works. A negative number, or one past
/// the limit, becomes the limit, which no file reaches: a bad number from a page or a user leads to
/// errc::page_out_of_range, never to another page. `fits` checks a number beforehand.
class page_no {
public:
    static constexpr std::uint64_t max = (std::uint64_t{1} << 48) - 1;

    constexpr page_no() noexcept = default;
    template <std::integral I>
    constexpr page_no(I number) noexcept
        : value_{fits(number) ? static_cast<std::uint64_t>(number) : max} {}

    /// Whether `number` can be a page number.
    template <std::integral I>
    [[nodiscard]] static constexpr bool fits(I number) noexcept {
        return number >= I{0} && static_cast<std::uint64_t>(number) <= max;
    }

    [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }

    friend constexpr auto operator<=>(page_no, page_no) noexcept = default;

    /// The next page's number. Expects: this is not the last one.
    constexpr page_no& operator++() noexcept {
        QUIRE_EXPECTS(value_ < max, "a page number lies between 0 and 2^48 - 1");
        ++value_;
        return *this;
    }

private:
    std::uint64_t value_ = 0;
};

/// An open file's number in its pool. Reused after the file is closed: see pool_options::files_max.
enum class file_no : std::uint16_t {
    /// No file: the page number came from a page's own bytes, outside a pool.
    unknown = 0xFFFF,
};

/// Which page of which file.
class page_id {
public:
    constexpr page_id() noexcept = default;
    constexpr page_id(file_no file, page_no page) noexcept
        : bits_{(static_cast<std::uint64_t>(file) << 48) | page.value()} {}

    /// The id that names no page.
    [[nodiscard]] static constexpr page_id none() noexcept { return from_bits(~std::uint64_t{0}); }

    /// The id whose `bits()` are `bits`.
    [[nodiscard]] static constexpr page_id from_bits(std::uint64_t bits) noexcept {
        page_id id;
        id.bits_ = bits;
        return id;
    }

    [[nodiscard]] constexpr file_no file() const noexcept {
        return static_cast<file_no>(bits_ >> 48);
    }
    [[nodiscard]] constexpr page_no page() const noexcept { return bits_ & page_no::max; }
    [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }

    /// By file, then by page: the order of the bytes on the disk.
    friend constexpr auto operator<=>(page_id, page_id) noexcept = default;

private:
    std::uint64_t bits_ = ~std::uint64_t{0};
};

/// A frame's place in its pool's arena.
enum class frame_no : std::uint32_t {};

[[nodiscard]] constexpr std::uint32_t index(frame_no frame) noexcept {
    return static_cast<std::uint32_t>(frame);
}

/// Where page `no` begins in its file, in bytes; nothing when it would end past what a file can
/// hold.
[[nodiscard]] constexpr std::optional<std::uint64_t> byte_offset(page_no no,
                                                                 std::uint64_t page_size) noexcept {
    constexpr std::uint64_t file_max = std::numeric_limits<std::int64_t>::max();
    if (page_size == 0 || page_size > file_max) { return std::nullopt; }
    if (no.value() > (file_max - page_size) / page_size) { return std::nullopt; }
    return no.value() * page_size;
}

}  // namespace quire::inline QUIRE_ABI

template <>
struct std::hash<quire::page_id> {
    std::size_t operator()(quire::page_id id) const noexcept {
        return static_cast<std::size_t>((id.bits() ^ (id.bits() >> 31)) * 0x9E3779B97F4A7C15ULL);
    }
};
