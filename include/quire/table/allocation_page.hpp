// SPDX-License-Identifier: BSL-1.0
#pragma once

/// allocation_page: which pages of a file are in use, one bit a page.
///
/// Byte map
///
///     0  24   common header (page_header.hpp), kind 4, version 1
///    24  ..   bits: bit b is bit b % 8 of byte 24 + b / 8; 1: the page is used
///
/// Such pages have fixed places in their file, so no page tells where they are. With M bits behind
/// the header, M = (page size - 24) * 8: page 0 is the catalog's and has no bit. Page 1 is an
/// allocation page. Its bits are those of pages 1 to M, of itself first. Then page 1 + M is the
/// next one, and so on. M is 32,576 in pages of 4 KiB.
///
/// Invariants (of a page that `validate` passes)
///   I1. Its number is that of an allocation page.
///   I2. Bit 0, which is its own, is set.
/// Any bytes are a legal page: each state of the bits is one. Bits of pages behind the file's end
/// mean nothing here; catalog::check reports those that are set.
///
/// Cost: `first_free` and `used` look at 64 bits at a time; the others at one byte.

#include <quire/table/detail/own_header.hpp>

#include <algorithm>  // std::min
#include <bit>        // std::countr_zero, std::popcount
#include <optional>   // std::optional

namespace quire::inline QUIRE_ABI {

template <viewed_byte Byte, std::size_t PageSize>
class QUIRE_POINTER allocation_page : public page_view<allocation_page, Byte, PageSize> {
    using header = detail::own_header<kind_no::allocation, 1>;
    static constexpr std::size_t bits_at = page_header::size;
    static_assert(bits_at % 8 == 0, "the bits are read by words");

public:
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    /// How many pages one allocation page covers.
    static constexpr std::size_t bit_count = (PageSize - bits_at) * 8;
    /// The first allocation page of every file.
    static constexpr page_no first_map{1};
    using allocation_page::page_view::page_view;

    /// Makes `bytes` an allocation page with no page in use except itself.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        header::format(bytes, no);
        bytes[bits_at] = std::byte{1};
    }
    /// Whether the header names this kind and a version that this code knows.
    [[nodiscard]] static bool accepts(shared_span<Byte, PageSize> bytes) noexcept {
        return header::accepts(bytes);
    }

    // Which bit of which page. Expects: the page is not page 0, which has no bit.

    /// The allocation page that has the bit of page `no`.
    [[nodiscard]] static constexpr page_no map_of(page_no no) noexcept {
        return no.value() - bit_of(no);
    }
    /// Whether page `no` is the place of an allocation page.
    [[nodiscard]] static constexpr bool is_map(page_no no) noexcept {
        return no.value() != 0 && bit_of(no) == 0;
    }
    [[nodiscard]] static constexpr std::size_t bit_of(page_no no) noexcept {
        QUIRE_EXPECTS(no.value() != 0, "page 0 has no bit in an allocation page");
        return (no.value() - 1) % bit_count;
    }

    // Bits. Expects: they are below bit_count.

    [[nodiscard]] bool is_used(std::size_t bit) const noexcept {
        return (byte_of(bit) & mask_of(bit)) != 0;
    }
    void set_used(std::size_t bit) noexcept
        requires writable_page<Byte>
    {
        store_le(at(bit), static_cast<std::uint8_t>(byte_of(bit) | mask_of(bit)));
    }
    void set_free(std::size_t bit) noexcept
        requires writable_page<Byte>
    {
        store_le(at(bit), static_cast<std::uint8_t>(byte_of(bit) & ~mask_of(bit)));
    }
    QUIRE_REFUSED_ON_SHARED(set_used);
    QUIRE_REFUSED_ON_SHARED(set_free);

    /// The first clear bit in [from, end), if there is one. An `end` past bit_count is bit_count.
    [[nodiscard]] std::optional<std::size_t> first_free(
        std::size_t from, std::size_t end = bit_count) const noexcept {
        end = std::min(end, bit_count);
        std::uint64_t below = (std::uint64_t{1} << (from % 64)) - 1;  // count as used
        for (std::size_t word = from / 64; word * 64 < end; ++word) {
            std::uint64_t const used = bits(word) | below;
            below = 0;
            if (used == ~std::uint64_t{0}) { continue; }
            std::size_t const bit = word * 64 + static_cast<std::size_t>(std::countr_one(used));
            return bit < end ? std::optional{bit} : std::nullopt;
        }
        return std::nullopt;
    }
    /// How many bits are set.
    [[nodiscard]] std::size_t used() const noexcept {
        std::size_t sum = 0;
        for (std::size_t word = 0; word < bit_count / 64; ++word) {
            sum += static_cast<std::size_t>(std::popcount(bits(word)));
        }
        return sum;
    }

    /// The whole page.
    void copy_to(std::span<std::byte, PageSize> to) const noexcept
        requires page_byte<Byte>
    {
        std::memcpy(to.data(), all().data(), PageSize);
    }

    /// The page's own number. Errors: errc::corrupt_page when the bytes are no page number.
    [[nodiscard]] page_no own_number() const { return header::number(this->bytes()); }
    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps I1 and I2.
    void validate() const {
        header::validate(this->bytes());
        if (!is_map(own_number())) { header::corrupt("place of an allocation page", all()); }
        if (!is_used(0)) { header::corrupt("own bit of an allocation page", all()); }
    }

private:
    static_assert(bit_count % 64 == 0);

    [[nodiscard]] auto all() const noexcept { return this->bytes(); }
    [[nodiscard]] Byte* at(std::size_t bit) const noexcept {
        QUIRE_EXPECTS(bit < bit_count, "a bit of an allocation page is below its bit_count");
        return all().data() + bits_at + bit / 8;
    }
    [[nodiscard]] unsigned byte_of(std::size_t bit) const noexcept {
        return load_le<std::uint8_t>(at(bit));
    }
    [[nodiscard]] static constexpr unsigned mask_of(std::size_t bit) noexcept {
        return 1U << (bit % 8);
    }
    /// Bits 64 * word and up. Expects: they are there.
    [[nodiscard]] std::uint64_t bits(std::size_t word) const noexcept {
        return load_le<std::uint64_t>(all().data() + bits_at + word * 8);
    }
};

static_assert(racy_page_kind<allocation_page, 512> && racy_page_kind<allocation_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
