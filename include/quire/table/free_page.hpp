// SPDX-License-Identifier: BSL-1.0
#pragma once

/// free_page: a page that belongs to nothing.
///
/// Byte map: the common header (page_header.hpp) with kind 5, version 1; then zeros.
///
/// A page gets this kind in the change that frees it (catalog.hpp). Code that comes to a page by a
/// number from an older state of the file finds by the kind that the page is no longer what it was.
///
/// Any bytes are a legal page: errc::corrupt_page says what contradicts the map.

#include <quire/table/detail/own_header.hpp>

namespace quire::inline QUIRE_ABI {

template <viewed_byte Byte, std::size_t PageSize>
class QUIRE_POINTER free_page : public page_view<free_page, Byte, PageSize> {
    using header = detail::own_header<kind_no::free, 1>;

public:
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    using free_page::page_view::page_view;

    /// Makes `bytes` a free page; no earlier byte remains.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        header::format(bytes, no);
    }
    /// Whether the header names this kind and a version that this code knows.
    [[nodiscard]] static bool accepts(shared_span<Byte, PageSize> bytes) noexcept {
        return header::accepts(bytes);
    }

    /// The page's own number. Errors: errc::corrupt_page when the bytes are no page number.
    [[nodiscard]] page_no own_number() const { return header::number(this->bytes()); }
    /// Throws errc::corrupt_page, naming what is wrong, unless the page is as `format` makes it.
    void validate() const {
        header::validate(this->bytes());
        for (std::size_t at = page_header::size; at < PageSize; at += 8) {
            if (load_le<std::uint64_t>(this->bytes().data() + at) != 0) {
                header::corrupt("bytes of a free page", this->bytes());
            }
        }
    }
};

static_assert(racy_page_kind<free_page, 512> && racy_page_kind<free_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
