// SPDX-License-Identifier: BSL-1.0
#pragma once

/// overflow_page: a part of a value that is too large for a leaf of its tree.
///
/// Such a value is in a chain of pages, each filled before the next one. Byte map, behind the
/// common header of 24 bytes (page_header.hpp; kind 8, version 1):
///
///    24   4   tree      the number of the tree that the value belongs to
///    28   4   position  of the page in its chain, from 0
///    32   4   checksum  CRC-32C of the whole value: the same in all its pages, and in the leaf
///    36   4   zero
///    40   ..  list      only where the position is a multiple of L = PageSize / 128: the numbers
///                       of the L pages behind this one, 6 bytes each; 0 where there is none
///    ..   ..  bytes of the value, to the end of the page; zeros behind its last one
///
/// So a reader knows up to L pages ahead, and can ask for them at once. L is 32 in pages of 4 KiB.
///
/// Invariants
///   I1. A page says its place: in a chain whose pages are each at their position nothing comes
///       twice, so walking along a chain ends, whatever is in the pages.
///   I2. A page says its value: a leaf and pages that a crash without a log has left from different
///       times do not go together.
///   I3. Any bytes are a legal page: a contradiction is errc::corrupt_page.
///
/// This class is a plain value over the span, as record_page is. detail/overflow_chain.hpp writes
/// and reads whole chains.

#include <quire/borrow/page_kind.hpp>
#include <quire/table/detail/own_header.hpp>

#include <algorithm>  // std::copy_n

namespace quire::inline QUIRE_ABI {

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER overflow_page {
    using header = detail::own_header<kind_no::overflow, 1>;
    static constexpr std::size_t list_at = 40;
    static constexpr std::size_t number_size = 6;

public:
    static constexpr std::size_t page_size = PageSize;
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    /// How many pages a list has.
    static constexpr std::size_t list_size = PageSize / 128;

    explicit overflow_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    overflow_page(overflow_page const&) noexcept = default;
    overflow_page& operator=(overflow_page const&) noexcept = default;
    ~overflow_page() = default;
    overflow_page(overflow_page<std::byte, PageSize> const& other) noexcept
        requires std::same_as<Byte, std::byte const>
        : bytes_{other.bytes()} {}

    /// A page of tree 0, at position 0, which lists none.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        header::format(bytes, no);
    }
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return header::accepts(bytes);
    }

    // Which part of a value is in which page

    [[nodiscard]] static constexpr bool has_list(std::size_t position) noexcept {
        return position % list_size == 0;
    }
    /// How many bytes of a value the page at `position` has room for.
    [[nodiscard]] static constexpr std::size_t room_at(std::size_t position) noexcept {
        return PageSize - bytes_at(position);
    }
    /// How many pages a value of `size` bytes takes.
    [[nodiscard]] static constexpr std::size_t pages_for(std::size_t size) noexcept {
        auto const of_list = list_size * room_at(1) - list_size * number_size;
        auto const pages = size / of_list * list_size;
        auto const rest = size % of_list;
        if (rest <= room_at(0)) { return pages + (rest > 0 ? 1U : 0U); }
        return pages + 1 + (rest - room_at(0) + room_at(1) - 1) / room_at(1);
    }

    [[nodiscard]] std::uint32_t tree() const noexcept { return load_le<std::uint32_t>(at(24)); }
    [[nodiscard]] std::size_t position() const noexcept { return load_le<std::uint32_t>(at(28)); }
    /// Of the whole value.
    [[nodiscard]] std::uint32_t checksum() const noexcept { return load_le<std::uint32_t>(at(32)); }
    /// The page that comes `i` pages behind the next one; 0: none. Expects: has_list(position()),
    /// i < list_size.
    [[nodiscard]] page_no listed(std::size_t i) const noexcept {
        auto* const number = at(list_at + i * number_size);
        return load_le<std::uint32_t>(number) |
               std::uint64_t{load_le<std::uint16_t>(number + 4)} << 32;
    }
    /// What it has of the value, and the zeros behind that.
    [[nodiscard]] std::span<Byte> bytes_of_value() const noexcept {
        return bytes_.subspan(bytes_at(position()));
    }
    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps every invariant.
    void validate() const {
        header::validate(bytes_);
        if (load_le<std::uint32_t>(at(36)) != 0) { corrupt("reserved field"); }
        if (!has_list(position())) { return; }
        bool ends = false;
        for (std::size_t i = 0; i < list_size; ++i) {
            if (ends && listed(i).value() != 0) { corrupt("list of pages"); }
            ends = listed(i).value() == 0;
        }
    }

    /// Of a page that is as `format` makes it.
    void begin(std::uint32_t tree, std::size_t position, std::uint32_t checksum) const noexcept
        requires writable_page<Byte>
    {
        store_le(at(24), tree);
        store_le(at(28), static_cast<std::uint32_t>(position));
        store_le(at(32), checksum);
    }
    /// Expects: as listed.
    void list(std::size_t i, page_no no) const noexcept
        requires writable_page<Byte>
    {
        auto* const number = at(list_at + i * number_size);
        store_le(number, static_cast<std::uint32_t>(no.value()));
        store_le(number + 4, static_cast<std::uint16_t>(no.value() >> 32));
    }
    /// Expects: no more bytes than there is room for.
    void put(std::span<std::byte const> part) const noexcept
        requires writable_page<Byte>
    {
        std::copy_n(part.data(), part.size(), bytes_of_value().data());
    }

    [[nodiscard]] std::span<Byte, PageSize> bytes() const noexcept { return bytes_; }
    [[noreturn]] void corrupt(char const* what) const { header::corrupt(what, bytes_); }

private:
    [[nodiscard]] static constexpr std::size_t bytes_at(std::size_t position) noexcept {
        return list_at + (has_list(position) ? list_size * number_size : 0);
    }
    [[nodiscard]] Byte* at(std::size_t offset) const noexcept { return bytes_.data() + offset; }

    std::span<Byte, PageSize> bytes_;
};

static_assert(page_kind<overflow_page, 512> && page_kind<overflow_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
