// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_directory_page: which pages a heap file has, and about how much room each of them has.
///
/// Byte map, behind the common header of 24 bytes (page_header.hpp; kind 7, version 1):
///
///    24   4   heap    the number of the heap file
///    28   4   count   of the pages that are listed here
///    32   8   next    the page of the next directory page; 0 in the last one
///    40  ..   entries of 8 bytes: 6 bytes page number, 1 byte room, 1 byte zero
///
/// Room is the free space in 256ths of a page, rounded down, when it was last noted: a hint, as
/// old as it may be. The first directory page of a heap file is the page of its root.
///
/// Invariants (of a page that `validate` passes; each accessor checks those it relies on)
///   I1. There is room for `count` entries; what is behind them is zero, and the entries' last
///       bytes, too.
///   I2. Any bytes are a legal page: a contradiction is errc::corrupt_page.
///
/// This class is a plain value over the span, as record_page is.

#include <quire/borrow/page_kind.hpp>
#include <quire/table/detail/own_header.hpp>

namespace quire::inline QUIRE_ABI {

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER heap_directory_page {
    using header = detail::own_header<kind_no::directory, 1>;
    static constexpr std::size_t entries_at = 40;
    static constexpr std::size_t entry_size = 8;

public:
    static constexpr std::size_t page_size = PageSize;
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    /// How many pages one directory page lists.
    static constexpr std::size_t capacity = (PageSize - entries_at) / entry_size;

    struct entry {
        page_no page;
        std::uint8_t room = 0;

        friend bool operator==(entry const&, entry const&) = default;
    };

    explicit heap_directory_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    heap_directory_page(heap_directory_page const&) noexcept = default;
    heap_directory_page& operator=(heap_directory_page const&) noexcept = default;
    ~heap_directory_page() = default;
    heap_directory_page(heap_directory_page<std::byte, PageSize> const& other) noexcept
        requires std::same_as<Byte, std::byte const>
        : bytes_{other.bytes()} {}

    /// An empty directory page of heap file 0, the last one.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        header::format(bytes, no);
    }
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return header::accepts(bytes);
    }

    [[nodiscard]] std::uint32_t heap() const noexcept { return load_le<std::uint32_t>(at(24)); }
    /// Errors: corrupt_page.
    [[nodiscard]] std::size_t count() const {
        std::size_t const found = load_le<std::uint32_t>(at(28));
        if (found > capacity) { corrupt("count"); }
        return found;
    }
    /// 0 in the last one. Errors: corrupt_page.
    [[nodiscard]] page_no next() const {
        auto const found = load_le<std::uint64_t>(at(32));
        if (!page_no::fits(found)) { corrupt("next"); }
        return found;
    }
    /// Expects: i < count().
    [[nodiscard]] entry operator[](std::size_t i) const noexcept {
        auto const bits = load_le<std::uint64_t>(at(entries_at + i * entry_size));
        return {bits & page_no::max, static_cast<std::uint8_t>(bits >> 48)};
    }
    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps every invariant.
    void validate() const {
        header::validate(bytes_);
        static_cast<void>(next());
        auto const used = count();
        for (std::size_t i = 0; i < capacity; ++i) {
            auto const bits = load_le<std::uint64_t>(at(entries_at + i * entry_size));
            if (i < used ? bits >> 56 != 0 : bits != 0) { corrupt("entry"); }
        }
    }

    void set_heap(std::uint32_t number) const noexcept
        requires writable_page<Byte>
    {
        store_le(at(24), number);
    }
    void set_next(page_no no) const noexcept
        requires writable_page<Byte>
    {
        store_le(at(32), no.value());
    }
    /// Expects: count() < capacity.
    void add(entry const& one) const
        requires writable_page<Byte>
    {
        auto const used = count();
        QUIRE_EXPECTS(used < capacity, "a page is listed where there is room for it");
        store_le(at(28), static_cast<std::uint32_t>(used + 1));
        set(used, one);
    }
    /// Expects: i < count().
    void set(std::size_t i, entry const& one) const noexcept
        requires writable_page<Byte>
    {
        store_le(at(entries_at + i * entry_size),
                 one.page.value() | std::uint64_t{one.room} << 48);
    }

    [[nodiscard]] std::span<Byte, PageSize> bytes() const noexcept { return bytes_; }
    [[noreturn]] void corrupt(char const* what) const { header::corrupt(what, bytes_); }

private:
    [[nodiscard]] Byte* at(std::size_t offset) const noexcept { return bytes_.data() + offset; }

    std::span<Byte, PageSize> bytes_;
};

static_assert(page_kind<heap_directory_page, 512> && page_kind<heap_directory_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
