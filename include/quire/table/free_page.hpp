// SPDX-License-Identifier: BSL-1.0
#pragma once

/// free_page: a page that belongs to nothing: the common header (page_header.hpp), then zeros.
///
/// A page becomes one in the change that gives it up. So whoever was on the way to it finds out: it
/// is not of the kind that was looked for.

#include <quire/borrow/page_kind.hpp>
#include <quire/page/page_header.hpp>

#include <algorithm>  // std::ranges::all_of
#include <cstring>    // std::memset

namespace quire::inline QUIRE_ABI {

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER free_page {
public:
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t first_field_at = page_header::kind_offset;

    explicit free_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}

    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
        page_header{.kind = kind_no::free, .version = version, .number = no.value()}.store(
            bytes.template first<page_header::size>());
    }
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        auto const header = page_header::load(bytes.template first<page_header::size>());
        return header.kind == kind_no::free && header.version == version;
    }

    /// Throws errc::corrupt_page unless everything behind the header is zero.
    void validate() const {
        std::span<std::byte const, PageSize> const bytes{bytes_};
        auto const header = bytes.template first<page_header::size>();
        if (!accepts(bytes)) {
            detail::throw_page_error(errc::corrupt_page, "kind or version", header);
        }
        auto const is_zero = [](std::byte b) { return b == std::byte{0}; };
        if (page_header::load(header).flags != 0 ||
            !std::ranges::all_of(bytes.subspan(page_header::size), is_zero)) {
            detail::throw_page_error(errc::corrupt_page, "content of a free page", header);
        }
    }

private:
    std::span<Byte, PageSize> bytes_;
};

static_assert(page_kind<free_page, 512> && page_kind<free_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
