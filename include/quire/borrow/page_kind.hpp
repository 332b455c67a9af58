// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_kind: what the pool asks of a view class template, and all it ever asks.
///
/// The pool moves pages and never looks into them; views look into them and know no pool. This
/// concept is where they meet: `file.read<heap_page>(no)` works for any template that models it,
/// ours or a user's.
///
/// A model `View<Byte, PageSize>`, with `Byte` std::byte const or std::byte, has
///
///   expression                          semantics
///   View<B, N>{std::span<B, N>}         views the bytes in place: holds the span, copies nothing,
///                                       and keeps nothing that it found there
///   View<std::byte, N>::format(s, no)   makes the bytes of `s` a fresh, empty page number `no`;
///                                       noexcept, and writes every byte it relies on later
///   View<B, N>::accepts(s)              whether a page says it is of this kind: a look at the
///                                       header, not a validation; noexcept, for any bytes at all
///
/// What a file's seal writes into a page is not the kind's: under crc_seal, the default, a
/// format's own bytes begin at 12 (append checks that a sealed page is still accepted).
///
/// A view holds the span and nothing else: a write guard has two views of its page, of which one
/// changes it and the other lends, so what a view keeps of the bytes is stale without its knowing.
/// Guards refuse views larger than a std::span of dynamic extent, and what a lender has.
///
/// A view says by `requires writable_page<Byte>` which functions change the page, and may name them
/// in QUIRE_REFUSED_ON_SHARED(function) for the sentence (attributes.hpp). One that lends parts of
/// its page, rows or ranges, has quire::lender as a public base (loan.hpp): then compilers and
/// checked builds see that they end before the page changes. Of another view they see that its
/// guard is held.
///
/// A kind that can be read without a latch is a model of racy_page_kind besides: see racy_byte.hpp.
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
