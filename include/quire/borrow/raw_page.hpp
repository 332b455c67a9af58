// SPDX-License-Identifier: BSL-1.0
#pragma once

/// raw_page: the page kind without a format, for callers that have no view of their own.
///
/// Every page is a raw page, so it can read any file; with no_seal also files of other programs. It
/// lends the bytes of the page as one byte_view.

#include <quire/borrow/byte_view.hpp>

namespace quire::inline QUIRE_ABI {

/// A page of any format, as bytes. In a file with the default seal bytes 0 to 11 belong to the seal
/// (base/page_seal.hpp).
template <viewed_byte Byte, std::size_t PageSize>
class QUIRE_POINTER raw_page : public lender {
public:
    explicit raw_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    /// From a mutable view to a const one, as std::span converts.
    raw_page(raw_page<std::byte, PageSize> const& other QUIRE_LIFETIMEBOUND) noexcept
        requires std::same_as<Byte, std::byte const>
        : bytes_{other.bytes_} {
        join(other);
    }
    raw_page(raw_page<std::byte, PageSize> const&&) QUIRE_REFUSED_AS_VIEW_OF_TEMPORARY_PAGE;
    raw_page(raw_page const&) QUIRE_REFUSED_TO_MOVE;

    /// Zeros the page.
    static void format(std::span<std::byte, PageSize> bytes, page_no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
    }
    /// Every page is a raw page.
    [[nodiscard]] static bool accepts(shared_span<Byte, PageSize>) noexcept { return true; }

    [[nodiscard]] byte_view<Byte> bytes() const& noexcept QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return byte_view<Byte>{bytes_, *this};
    }
    /// Mutable bytes: one borrow at a time. It is chosen as the more constrained one. Two that
    /// exclude each other are ambiguous to g++ after an error in the same function template.
    [[nodiscard]] byte_view<Byte> bytes() const& noexcept QUIRE_LIFETIMEBOUND
        requires writable_page<Byte>
    QUIRE_LENDS_ALONE { return byte_view<Byte>{bytes_, *this}; }
    name_the_page_first bytes() const&& QUIRE_REFUSED_ON_TEMPORARIES;

private:
    template <viewed_byte, std::size_t>
    friend class raw_page;
    std::span<Byte, PageSize> bytes_;
};

}  // namespace quire::inline QUIRE_ABI
