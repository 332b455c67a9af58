// SPDX-License-Identifier: BSL-1.0
#pragma once

/// allocation_page: which pages of a file are in use, one bit for each.
///
/// Byte map: the common header (page_header.hpp), and
///
///    24   8   zero
///    32  ..   bits, in 64-bit words (little-endian), the lowest first: 1 means in use
///
/// An allocation page stands first among the pages that it covers, so its place follows from their
/// numbers: page 0 is the catalog; page 1 covers itself and the next, `pages_covered` in all; then
/// comes the next allocation page. Bits of pages behind the file's end are zero.
///
/// Invariants
///   I1. Bit 0, its own, is set.
///   I2. Any bytes are a legal page: each bit pattern means something.

#include <quire/borrow/page_kind.hpp>
#include <quire/page/page_header.hpp>

#include <bit>       // std::countr_one, std::popcount
#include <cstring>   // std::memset
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI {

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER allocation_page {
    static constexpr std::size_t bits_at = 32;

public:
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    static constexpr std::uint64_t pages_covered = (PageSize - bits_at) * 8;

    /// The allocation page of page `no`. Expects: no > 0.
    [[nodiscard]] static constexpr page_no page_of(page_no no) noexcept {
        return (no.value() - 1) / pages_covered * pages_covered + 1;
    }
    /// The bit of page `no` there. Expects: no > 0.
    [[nodiscard]] static constexpr std::size_t bit_of(page_no no) noexcept {
        return std::size_t{(no.value() - 1) % pages_covered};
    }
    /// Whether page `no` is an allocation page.
    [[nodiscard]] static constexpr bool is_at(page_no no) noexcept {
        return no.value() > 0 && bit_of(no) == 0;
    }

    explicit allocation_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}

    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
        page_header{.kind = kind_no::allocation, .version = version, .number = no.value()}.store(
            bytes.template first<page_header::size>());
        bytes[bits_at] = std::byte{1};
    }
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        auto const header = page_header::load(bytes.template first<page_header::size>());
        return header.kind == kind_no::allocation && header.version == version;
    }

    /// Expects: bit < pages_covered.
    [[nodiscard]] bool is_used(std::size_t bit) const noexcept {
        return (word(bit) >> (bit % 64) & 1U) != 0;
    }
    /// The lowest bit below `end` that is not set. Cost: PageSize / 8 loads at most.
    [[nodiscard]] std::optional<std::size_t> first_free(std::size_t end) const noexcept {
        for (std::size_t bit = 0; bit < end; bit += 64) {
            auto const ones = static_cast<std::size_t>(std::countr_one(word(bit)));
            if (ones < 64) { return bit + ones < end ? std::optional{bit + ones} : std::nullopt; }
        }
        return std::nullopt;
    }
    /// How many bits are set.
    [[nodiscard]] std::size_t used() const noexcept {
        std::size_t sum = 0;
        for (std::size_t bit = 0; bit < pages_covered; bit += 64) {
            sum += static_cast<std::size_t>(std::popcount(word(bit)));
        }
        return sum;
    }
    /// Expects: bit < pages_covered.
    void set(std::size_t bit, bool is_used) noexcept
        requires writable_page<Byte>
    {
        auto const mask = std::uint64_t{1} << (bit % 64);
        auto const now = word(bit);
        store_le(place_of(bit), is_used ? now | mask : now & ~mask);
    }

    /// Throws errc::corrupt_page, naming what is wrong.
    void validate() const {
        std::span<std::byte const, PageSize> const bytes{bytes_};
        auto const header = bytes.template first<page_header::size>();
        auto const corrupt = [&](char const* what) {
            detail::throw_page_error(errc::corrupt_page, what, header);
        };
        if (!accepts(bytes)) { corrupt("kind or version"); }
        if (page_header::load(header).flags != 0) { corrupt("flags"); }
        if (load_le<std::uint64_t>(bytes.data() + page_header::size) != 0) {
            corrupt("reserved field");
        }
        if (!is_used(0)) { corrupt("own bit"); }
    }

private:
    [[nodiscard]] Byte* place_of(std::size_t bit) const noexcept {
        QUIRE_EXPECTS(bit < pages_covered, "an allocation page has the bit that is asked for");
        return bytes_.data() + bits_at + bit / 64 * 8;
    }
    [[nodiscard]] std::uint64_t word(std::size_t bit) const noexcept {
        return load_le<std::uint64_t>(place_of(bit));
    }

    std::span<Byte, PageSize> bytes_;
};

static_assert(page_kind<allocation_page, 512> && page_kind<allocation_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
