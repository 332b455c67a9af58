// SPDX-License-Identifier: BSL-1.0
#pragma once

/// guard_view: the view that a guard holds of its page: the page kind's own, which is a lender or
/// is made one. What a page kind must not be is refused here, by a sentence at compile time.

#include <quire/base/page_seal.hpp>
#include <quire/borrow/page_kind.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// The largest views: they hold a span, the page's number if they ask for it, and nothing else.
struct span_and_number {
    std::span<std::byte> bytes;
    page_no number;
};
template <class Held>
struct held_by_lender : lender {
    Held held;
};
template <class View, class Bytes>
struct largest_view {
    using held = std::conditional_t<view_asks_number<View, Bytes>, span_and_number,
                                    std::span<std::byte>>;
    static constexpr std::size_t size =
        std::derived_from<View, lender> ? sizeof(held_by_lender<held>) : sizeof(held);
};

/// A view that is a lender: itself if it is one. The parameters have long names, since g++ warns of
/// one that hides a member of the kind (-Wshadow).
template <class View>
struct view_that_lends : View, lender {
    template <class Bytes>
    explicit view_that_lends(Bytes whole_page) noexcept : View{whole_page} {}
    template <class Bytes>
        requires view_asks_number<View, Bytes>
    view_that_lends(Bytes whole_page, page_no number_of_page) noexcept
        : View{whole_page, number_of_page} {}
};

/// Whether the kind's own bytes, if it says where they begin, are behind those of crc_seal.
template <class View>
consteval bool clear_of_crc_seal() {
    if constexpr (requires { View::first_field_at; }) {
        return std::size_t{View::first_field_at} >= crc_seal_bytes;
    } else {
        return true;
    }
}

/// The type that a guard holds, and sentences for what is no page kind.
template <class View, class Bytes>
struct lending_view {
    static_assert(!std::is_final_v<View>,
                  "a page kind is no final class: what a guard lends is derived from it");
    static_assert(clear_of_crc_seal<View>(),
                  "a page kind's own bytes begin behind those that crc_seal writes: move the field "
                  "at first_field_at to quire::crc_seal_bytes or behind, or leave first_field_at "
                  "out if no file of the kind has crc_seal (page_kind.hpp)");
    static_assert(sizeof(View) <= largest_view<View, Bytes>::size,
                  "a page kind holds the span and nothing else: what it kept of the bytes would be "
                  "stale after a change by another view, so read it each time (page_kind.hpp)");
    using type =
        std::conditional_t<std::derived_from<View, lender>, View, view_that_lends<View>>;
};

/// The view that a guard holds, of a page kind over `Byte`.
template <template <class, std::size_t> class View, class Byte, std::size_t PageSize>
using guard_view =
    typename lending_view<View<Byte, PageSize>, std::span<Byte, PageSize>>::type;

}  // namespace quire::inline QUIRE_ABI::detail
