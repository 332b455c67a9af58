// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_kind: what the pool requires of a view class template. It requires nothing else.
///
/// The pool moves pages and never looks into them; views look into them and know no pool. This
/// concept connects them: `file.read<heap_page>(no)` works for any template that models it, one of
/// quire's or your own.
///
/// A model `View<Byte, PageSize>`, with `Byte` std::byte const or std::byte, has
///
///   expression                          semantics
///   View<B, N>{std::span<B, N>}         views the bytes in place: holds the span, copies nothing,
///                                       and keeps nothing that it found there
///   View<std::byte, N>::format(s, no)   makes the bytes of `s` a fresh, empty page number `no`;
///                                       noexcept, and writes every byte it relies on later
///   View<B, N>::accepts(s)              whether the page's header says that it is of this kind;
///                                       not a validation; noexcept, for any bytes at all
///
/// The bytes that a file's seal writes do not belong to the kind: under crc_seal, the default, a
/// format's own bytes begin at 12 (append checks that a sealed page is still accepted).
///
/// A view holds the span and nothing else. A write guard has two views of its page: one changes it
/// and the other lends, so bytes that a view copied would become stale without its knowledge.
/// Guards refuse views larger than a std::span of dynamic extent and the members of a lender.
///
/// A view marks functions that change the page by `requires writable_page<Byte>`, and may name them
/// in QUIRE_REFUSED_ON_SHARED(function) for a clear message (attributes.hpp). A view that lends
/// parts of its page, such as rows or ranges, has quire::lender as a public base (loan.hpp): then
/// compilers and checked builds check that the parts end before the page changes. For any other
/// view they check only that its guard is held.
///
/// A kind that can be read without a latch also models racy_page_kind: see racy_byte.hpp.
///
/// A refused page is reported as errc::wrong_page_kind; no member of a model may have undefined
/// behaviour for any page content. Page size is a power of two from 512 bytes to 1 MiB.

#include <quire/borrow/raw_page.hpp>

#include <bit>  // std::has_single_bit

namespace quire::inline QUIRE_ABI {

/// The page sizes of the pool: every power of two from 512 bytes to 1 MiB.
template <std::size_t PageSize>
concept pool_page_size = std::has_single_bit(PageSize) && PageSize >= 512 &&
                         PageSize <= (std::size_t{1} << 20);

template <template <class, std::size_t> class View, std::size_t PageSize>
concept page_kind =
    pool_page_size<PageSize> &&
    requires(std::span<std::byte, PageSize> exclusive, std::span<std::byte const, PageSize> shared,
             page_no no) {
        View<std::byte, PageSize>{exclusive};
        View<std::byte const, PageSize>{shared};
        { View<std::byte, PageSize>::format(exclusive, no) } noexcept;
        { View<std::byte const, PageSize>::accepts(shared) } noexcept -> std::same_as<bool>;
    };

/// A page kind that can be read without a latch, by paged_file::optimistic_read.
template <template <class, std::size_t> class View, std::size_t PageSize>
concept racy_page_kind =
    page_kind<View, PageSize> && requires(std::span<racy_byte const, PageSize> racy) {
        View<racy_byte const, PageSize>{racy};
        { View<racy_byte const, PageSize>::accepts(racy) } noexcept -> std::same_as<bool>;
    };

static_assert(racy_page_kind<raw_page, 4096>);

}  // namespace quire::inline QUIRE_ABI
