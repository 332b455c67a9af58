// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tuple_codec: how values of a type become tuples, and how tuples are viewed as that type.
///
/// Pages keep bytes. This is the customisation point by which they also take and lend typed
/// values, without knowing their types: `page.insert(user{...})`, `page.rows<user>()`.
/// row/codec.hpp specialises it for every struct described with BOOST_DESCRIBE_STRUCT; your own
/// specialisation wins over that one if it is more specialised (a full specialisation is).
///
/// A specialisation `tuple_codec<T>` has
///
///   expression                 semantics
///   size(v)                    bytes that the tuple of `v` takes, a std::size_t; may throw
///                              errc::tuple_too_large
///   encode(v, out)             writes the tuple of `v` to `out`, a std::span<std::byte> of exactly
///                              size(v) bytes; every byte is written, since they are not zeroed
///   view<B>{bytes, slot}       views the tuple `bytes`, a std::span<B> with B std::byte const or
///                              std::byte, which may be any bytes at all: throws
///                              errc::row_mismatch when they are no T. Immovable (immovable.hpp).
///                              `slot` is a slot_id, or a tuple_place, which names the page too
///   view<B>{bytes, slot, from} optional: keeps `from`, a quire::borrow, as long as it lives, and
///                              has QUIRE_BORROWER and QUIRE_ENDS_LOAN (loan.hpp); then compilers
///                              and checked builds check that it ends before the page changes
///   decode(bytes)              a T from a std::span<std::byte const>; `edit` needs it
///   decode(bytes, slot)        optional: a T likewise; the slot (or tuple_place) is for errors
///   fixed_size                 optional: what size(v) is for every v, a constant; or a
///                              std::optional, empty where sizes differ
///   owns                       constexpr bool: whether a decoded T keeps no reference into the
///                              tuple; `edit` needs it
///
/// Why a class template and not a free function found by its arguments: it has a view type, and
/// pages must be able to name that by the type alone.

#include <quire/borrow/byte_view.hpp>
#include <quire/page/line_pointer.hpp>
#include <quire/page/page_header.hpp>

#include <concepts>  // std::move_constructible
#include <cstring>   // std::memmove
#include <utility>   // std::tuple_size

namespace quire::inline QUIRE_ABI {

template <class T>
struct tuple_codec;

/// The bytes of a tuple, copied to another page. There is no view of them but themselves.
template <page_byte Byte>
struct tuple_codec<byte_view<Byte>> {
    [[nodiscard]] static std::size_t size(byte_view<Byte> const& from) noexcept {
        return from.size();
    }
    static void encode(byte_view<Byte> const& from, std::span<std::byte> out) noexcept {
        from.copy_to(out);
    }
};

/// Where a tuple is, for errors: its slot, and the page whose header has the page's number. A page
/// gives it to each view and decode; one that takes a slot_id gets the slot.
///
/// Why the page's address and not its number: it is there without a load. Only an error reads the
/// number.
/// Lifetime: as that of the tuple's bytes.
class tuple_place {
public:
    tuple_place() noexcept = default;  ///< of bytes that were not found by a slot
    tuple_place(slot_id slot) noexcept : slot_{slot} {}
    /// In a page that begins with a page_header.
    template <class Byte, std::size_t PageSize>
        requires(PageSize != std::dynamic_extent && PageSize >= page_header::size)
    tuple_place(slot_id slot, std::span<Byte, PageSize> page) noexcept
        : page_{page.data()}, slot_{slot} {}

    [[nodiscard]] slot_id slot() const noexcept { return slot_; }
    operator slot_id() const noexcept { return slot_; }

    /// Throws an errc::row_mismatch that names `what`, the slot and the page, as far as known.
    [[noreturn, gnu::always_inline]] void mismatch(char const* what) const {
        throw_mismatch(what, page_, slot_.value());
    }

private:
    static constexpr std::uint16_t no_slot = 0xFFFF;  // no page has this one

    /// Takes scalars, not `this`: so compilers keep a view in registers.
    [[noreturn, gnu::cold, gnu::noinline]] static void throw_mismatch(char const* what,
                                                                      std::byte const* page,
                                                                      std::uint16_t slot) {
        std::string where{what};
        if (slot != no_slot) { where += " in slot " + std::to_string(slot); }
        page_id id = page_id::none();
        if (page != nullptr) {
            id = detail::own_id(
                std::span<std::byte const, page_header::size>{page, page_header::size});
        }
        throw error{errc::row_mismatch, where, id};
    }

    std::byte const* page_ = nullptr;
    slot_id slot_{no_slot};
};

namespace detail {

/// A view of bytes `B`; not std::constructible_from, which does not test the braces used here.
template <class View, class B>
concept tuple_view = requires(std::span<B> bytes, tuple_place place) { View{bytes, place}; };

}  // namespace detail

/// A type of values that become tuples.
template <class T>
concept tuple_source = requires(T const& value, std::span<std::byte> out) {
    { tuple_codec<T>::size(value) } -> std::same_as<std::size_t>;
    tuple_codec<T>::encode(value, out);
};

/// A type with a tuple_codec.
template <class T>
concept tuple_type = tuple_source<T> && requires {
    requires detail::tuple_view<typename tuple_codec<T>::template view<std::byte>, std::byte>;
    requires detail::tuple_view<typename tuple_codec<T>::template view<std::byte const>,
                                std::byte const>;
};

namespace detail {

/// A T from its tuple.
template <class T>
[[nodiscard]] T decoded(std::span<std::byte const> bytes, [[maybe_unused]] tuple_place place) {
    if constexpr (requires { tuple_codec<T>::decode(bytes, place); }) {
        return tuple_codec<T>::decode(bytes, place);
    } else {
        return tuple_codec<T>::decode(bytes);
    }
}

/// A value that a page takes as bytes, without a codec.
template <class T>
concept tuple_bytes = std::convertible_to<T const&, std::span<std::byte const>>;

/// Whether a row of T is a borrower that keeps its loan.
template <class View, class B>
concept lent_view = requires(std::span<B> bytes, tuple_place place, borrow const& from) {
    View{bytes, place, from};
};
template <class T, class Byte>
concept keeps_its_loan = lent_view<typename tuple_codec<T>::template view<Byte>, Byte>;

/// Writers of a tuple. This one uses memmove: its bytes may lie in the free gap, after an erase.
[[nodiscard]] inline auto copy_of(std::span<std::byte const> tuple) noexcept {
    return [tuple](std::span<std::byte> out) noexcept {
        if (!tuple.empty()) { std::memmove(out.data(), tuple.data(), tuple.size()); }
    };
}
template <class T>
[[nodiscard]] auto encoder_of(T const& value) noexcept {
    return [&value](std::span<std::byte> out) { tuple_codec<T>::encode(value, out); };
}

/// An item of a walk (live_range.hpp) over tuples: the row.
template <class T>
struct row_item {
    template <class Layout>
    [[nodiscard]] auto operator()(Layout const& layout, slot_id slot,
                                  [[maybe_unused]] borrow const& from) const {
        using view = typename tuple_codec<T>::template view<typename Layout::byte>;
        // Second comes the place: so the page's address need not live across the call.
        auto const tuple = layout.live_tuple(slot);
        tuple_place const place{slot, layout.bytes()};
        if constexpr (lent_view<view, typename Layout::byte>) {
            return view{tuple, place, from};
        } else {
            return view{tuple, place};
        }
    }
};

/// std::tuple, std::pair and std::array. (A row of a page has std::tuple_size, too, and stays.)
template <class T>
concept values_without_names =
    std::move_constructible<T> && requires { std::tuple_size<T>::value; };

/// Whether a page lends (or takes) a T, with a message that says what is missing.
template <class T, bool IsTaken = false>
[[nodiscard]] consteval bool has_tuple_codec() {
    constexpr bool has = tuple_type<T> || (IsTaken && tuple_source<T>);
    static_assert(has || !values_without_names<T>,
                  "a row is a described struct: give the values of a std::tuple, std::pair or "
                  "std::array names as members of one, and describe that with "
                  "BOOST_DESCRIBE_STRUCT");
    static_assert(has || values_without_names<T>,
                  "a page takes bytes (std::span<std::byte const>) or a type with a tuple_codec: "
                  "describe the struct with BOOST_DESCRIBE_STRUCT, in its own namespace, and "
                  "include <quire/row/codec.hpp>");
    return has;
}
/// Whether a page takes one.
template <class T>
[[nodiscard]] consteval bool becomes_a_tuple() {
    return has_tuple_codec<T, true>();
}

/// The parameter of a function that takes one.
template <class R, class C, class P>
P parameter_of(R (C::*)(P));
template <class R, class C, class P>
P parameter_of(R (C::*)(P) const);

/// Whether Fn, called with a T&, gets the T itself: with T& and auto& it does, and these bind no
/// temporary; with auto&& it does, and that binds one. With T, auto, and references to const it
/// gets a copy, or cannot change the T.
template <class T, class Fn>
[[nodiscard]] consteval bool takes_in_place() {
    using function = std::remove_cvref_t<Fn>;
    if constexpr (!std::is_invocable_v<Fn, T>) {
        return true;
    } else {
        return requires {
            { parameter_of(&function::template operator()<T>) } -> std::same_as<T&&>;
        };
    }
}

/// The other requirements of `edit`.
template <class T, class Fn>
[[nodiscard]] consteval bool is_editable_by() {
    constexpr bool decodes = requires(std::span<std::byte const> bytes) {
        { tuple_codec<T>::decode(bytes) } -> std::same_as<T>;
        requires tuple_codec<T>::owns;
    };
    static_assert(decodes,
                  "edit decodes into a T that owns its strings and whose tuple_codec has decode: "
                  "the row may move under a std::string_view, use std::string");
    static_assert(std::is_invocable_v<Fn, T&>, "edit calls fn(T&)");
    if constexpr (std::is_invocable_v<Fn, T&>) {
        static_assert(takes_in_place<T, Fn>(),
                      "edit writes back the T that it lends to fn, and this fn changes a copy or "
                      "nothing: take it by reference, [](T& value) { ... }");
        static_assert(std::is_void_v<std::invoke_result_t<Fn, T&>>,
                      "fn returns nothing: edit writes the row back when it returns, and leaves it "
                      "as it was when it throws");
    }
    return decodes && std::is_invocable_v<Fn, T&>;
}

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
