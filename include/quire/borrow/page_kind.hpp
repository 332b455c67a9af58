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
/// and may ask for the page's number in its file, where its place in the file says how it is read
/// (page 1 of an SQLite file has the file's header first)
///
///   View<B, N>{std::span<B, N>, no}     instead of View<B, N>{std::span<B, N>}; keeps the number,
///                                       which stays the same as long as the view lives
///   View<B, N>::accepts(s, no)          instead of View<B, N>::accepts(s)
///
/// A kind may ask in one place or in both. Of two forms the one with the number is used.
///
/// The bytes that a file's seal writes do not belong to the kind: under crc_seal, the default, a
/// format's own bytes begin at 12. A kind for files with crc_seal may say where its own begin, in a
/// public member, and then is refused at compile time if they are among the seal's
///
///   static constexpr std::size_t first_field_at = quire::crc_seal_bytes;
///
/// A kind that says nothing may be for files with another seal. Whatever it says, append and format
/// check that a sealed page is still accepted.
///
/// A view holds the span, and the number if it asks for it, and nothing else. A write guard has two
/// views of its page: one changes it and the other lends, so bytes that a view copied would become
/// stale without its knowledge. Guards refuse views larger than a std::span of dynamic extent, the
/// members of a lender, and that number. They also refuse final classes: what they lend is derived
/// from the view.
///
/// A view marks functions that change the page by `requires writable_page<Byte>`, and may name them
/// in QUIRE_REFUSED_ON_SHARED(function) for a clear message (attributes.hpp).
///
/// A view that lends parts of its page, such as rows or texts, is best derived from page_view
/// (page_view.hpp), which has all of the above except the format: then compilers and checked builds
/// check that the parts end before the page changes. A member function that returns a std::span or
/// a std::string_view of the page is seen by neither. A view that is derived from page_view or from
/// quire::lender (loan.hpp) lends; for any other they check only that its guard is held.
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

namespace detail {

/// A view that asks for its page's number, and an `accepts` that does.
template <class View, class Bytes>
concept view_asks_number = requires(Bytes bytes, page_no no) { View{bytes, no}; };
template <class View, class Bytes>
concept accepts_asks_number = requires(Bytes bytes, page_no no) { View::accepts(bytes, no); };

/// The view of page `no`: all views of the pool's pages are made here.
template <class View, class Bytes>
[[nodiscard]] View view_of(Bytes bytes, [[maybe_unused]] page_no no) {
    if constexpr (view_asks_number<View, Bytes>) {
        return View{bytes, no};
    } else {
        return View{bytes};
    }
}
/// Whether page `no` says that it is of the kind of `View`: the pool asks it here.
template <class View, class Bytes>
[[nodiscard]] bool accepted_by(Bytes bytes, [[maybe_unused]] page_no no) noexcept {
    if constexpr (accepts_asks_number<View, Bytes>) {
        return View::accepts(bytes, no);
    } else {
        return View::accepts(bytes);
    }
}

template <class View, class Bytes>
concept made_of = view_asks_number<View, Bytes> || requires(Bytes bytes) { View{bytes}; };
template <class View, class Bytes>
concept judges = (accepts_asks_number<View, Bytes> && requires(Bytes bytes, page_no no) {
    { View::accepts(bytes, no) } noexcept -> std::same_as<bool>;
}) || (!accepts_asks_number<View, Bytes> && requires(Bytes bytes) {
    { View::accepts(bytes) } noexcept -> std::same_as<bool>;
});

}  // namespace detail

template <template <class, std::size_t> class View, std::size_t PageSize>
concept page_kind =
    pool_page_size<PageSize> &&
    detail::made_of<View<std::byte, PageSize>, std::span<std::byte, PageSize>> &&
    detail::made_of<View<std::byte const, PageSize>, std::span<std::byte const, PageSize>> &&
    detail::judges<View<std::byte const, PageSize>, std::span<std::byte const, PageSize>> &&
    requires(std::span<std::byte, PageSize> exclusive, page_no no) {
        { View<std::byte, PageSize>::format(exclusive, no) } noexcept;
    };

/// A page kind that can be read without a latch, by paged_file::optimistic_read.
template <template <class, std::size_t> class View, std::size_t PageSize>
concept racy_page_kind =
    page_kind<View, PageSize> &&
    detail::made_of<View<racy_byte const, PageSize>, std::span<racy_byte const, PageSize>> &&
    detail::judges<View<racy_byte const, PageSize>, std::span<racy_byte const, PageSize>>;

static_assert(racy_page_kind<raw_page, 4096>);

}  // namespace quire::inline QUIRE_ABI
