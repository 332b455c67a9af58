// SPDX-License-Identifier: BSL-1.0
#pragma once

/// own_header: the common header (page_header.hpp) of a page kind in table/: written, recognised,
/// and validated in one place.

#include <quire/borrow/page_view.hpp>
#include <quire/page/page_header.hpp>

#include <cstring>  // std::memset

namespace quire::inline QUIRE_ABI::detail {

template <kind_no Kind, std::uint8_t Version>
struct own_header {
    /// Makes `bytes` zeros behind a header of the kind.
    template <std::size_t PageSize>
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
        page_header{.kind = Kind, .version = Version, .number = no.value()}.store(
            bytes.template first<page_header::size>());
    }
    template <class Byte, std::size_t PageSize>
    [[nodiscard]] static bool accepts(std::span<Byte, PageSize> bytes) noexcept {
        auto const header = page_header::load(bytes.template first<page_header::size>());
        return header.kind == Kind && header.version == Version;
    }
    /// The page's own number. Errors: errc::corrupt_page when the bytes are no page number.
    template <class Byte, std::size_t PageSize>
    [[nodiscard]] static page_no number(std::span<Byte, PageSize> bytes) {
        auto const found = page_header::load(bytes.template first<page_header::size>()).number;
        if (!page_no::fits(found)) { corrupt("own number", bytes); }
        return found;
    }
    /// Errors: errc::corrupt_page, naming what is wrong.
    template <class Byte, std::size_t PageSize>
    static void validate(std::span<Byte, PageSize> bytes) {
        if (!accepts(bytes)) { corrupt("kind or version", bytes); }
        if (page_header::load(bytes.template first<page_header::size>()).flags != 0) {
            corrupt("flags", bytes);
        }
        static_cast<void>(number(bytes));
    }
    template <class Byte, std::size_t PageSize>
    [[noreturn]] static void corrupt(char const* what, std::span<Byte, PageSize> bytes) {
        throw_page_error(errc::corrupt_page, what, bytes.template first<page_header::size>());
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
