// SPDX-License-Identifier: BSL-1.0
#include <quire/borrow/byte_view.hpp>

#include "../death.hpp"
#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using quire::byte_view;

namespace {

using shared = byte_view<std::byte const>;
using exclusive = byte_view<std::byte>;
constexpr char const* offset_rule =
    "quire: contract violation: an offset lies inside the byte_view";

template <class T>
concept made_in_place_only = !std::is_default_constructible_v<T> &&
                             !std::is_copy_constructible_v<T> && !std::is_move_constructible_v<T> &&
                             !std::is_copy_assignable_v<T> && !std::is_move_assignable_v<T>;

template <class V>
concept lends_span = requires(V&& v) { static_cast<V&&>(v).unguarded_span(); };
template <class V>
concept has_span = requires(V&& v) { static_cast<V&&>(v).span(); };
template <class V>
concept gives_address = requires(V&& v) { &v; };
template <class V>
concept lends_begin = requires(V&& v) { static_cast<V&&>(v).begin(); };
template <class V>
concept lends_end = requires(V&& v) { static_cast<V&&>(v).end(); };
template <class V>
concept has_data = requires(V& v) { v.data(); };
template <class V>
concept can_store = requires(V& v) { v.store(std::size_t{0}, std::uint32_t{1}); };

/// Whether `V` gives a standard span, by constructor or by conversion.
template <class V, class Byte>
constexpr bool gives_span =
    std::is_constructible_v<std::span<Byte>, V> || std::is_convertible_v<V, std::span<Byte>>;

std::array<std::byte, 16> counting() {
    std::array<std::byte, 16> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) { bytes[i] = static_cast<std::byte>(i); }
    return bytes;
}

}  // namespace

static_assert(made_in_place_only<shared> && made_in_place_only<exclusive>);

// I3: the ways to a span are the two that say so.
static_assert(!has_span<shared> && !has_span<shared&> && !has_span<exclusive const&>);
static_assert(!gives_address<shared&> && !gives_address<exclusive const&>);
static_assert(!gives_span<shared, std::byte const> && !gives_span<shared&, std::byte const>);
static_assert(!gives_span<shared const&, std::byte const>);
static_assert(!gives_span<exclusive, std::byte> && !gives_span<exclusive&, std::byte>);
static_assert(!gives_span<exclusive, std::byte const> && !gives_span<exclusive&, std::byte const>);
static_assert(!has_data<shared> && !has_data<exclusive>);
static_assert(!std::contiguous_iterator<shared::iterator>);
static_assert(std::input_iterator<shared::iterator> && std::ranges::input_range<shared>);
static_assert(!std::forward_iterator<shared::iterator>);
static_assert(!std::ranges::borrowed_range<shared> && !std::ranges::view<shared>);

// Nothing is lent by a temporary.
static_assert(lends_span<shared&> && lends_span<exclusive const&>);
static_assert(!lends_span<shared> && !lends_span<exclusive const>);
static_assert(lends_begin<shared&> && lends_end<shared const&>);
static_assert(!lends_begin<shared> && !lends_end<shared> && !lends_begin<exclusive>);

static_assert(can_store<exclusive> && can_store<exclusive const> && !can_store<shared>);

TEST_CASE("byte_view: reads the bytes it was made over") {
    auto bytes = counting();
    shared const view{bytes};
    CHECK(view.size() == 16);
    CHECK_FALSE(view.empty());
    for (std::size_t i = 0; i < 16; ++i) { CHECK(view[i] == bytes[i]); }
    CHECK(view.unguarded_span().data() == bytes.data());
    CHECK(view.load<std::uint32_t>(3) == 0x06050403);
    CHECK(view.load<std::uint64_t>(8) == 0x0F0E0D0C0B0A0908);
    bytes[3] = std::byte{0xFF};
    CHECK(view[3] == std::byte{0xFF});
}

TEST_CASE("byte_view: is empty over nothing") {
    shared const view{std::span<std::byte const>{}};
    CHECK(view.empty());
    CHECK(view.begin() == view.end());
    CHECK_THAT(violation_of([&] { static_cast<void>(view[0]); }), ContainsSubstring(offset_rule));
}

TEST_CASE("byte_view: writes numbers in place") {
    auto bytes = counting();
    exclusive const view{bytes};
    view.store(1, std::uint16_t{0xABCD});
    view.store(15, std::uint8_t{0x77});
    CHECK(bytes[0] == std::byte{0});
    CHECK(bytes[1] == std::byte{0xCD});
    CHECK(bytes[2] == std::byte{0xAB});
    CHECK(bytes[3] == std::byte{3});
    CHECK(bytes[15] == std::byte{0x77});
}

TEST_CASE("byte_view: equals a view, a span and a container with the same bytes") {
    auto bytes = counting();
    auto others = counting();
    shared const view{bytes};
    exclusive const other{others};
    std::vector<std::byte> const copy{bytes.begin(), bytes.end()};
    std::span<std::byte const> const span{bytes};
    CHECK(view == other);
    CHECK(other == view);
    CHECK(view == shared{others});
    CHECK(view == span);
    CHECK(span == view);
    CHECK(view == std::span{bytes});
    CHECK(view == copy);
    CHECK(copy == view);
    CHECK(view == bytes);
    CHECK_FALSE(view != copy);
    CHECK(view != span.first(15));
    CHECK(view != shared{span.first(15)});
    others[15] = std::byte{0};
    CHECK(view != other);
    CHECK(other != span);
    CHECK(shared{span.first(0)} == shared{span.last(0)});
}

TEST_CASE("byte_view: a copy is a std::vector, however it is made") {
    auto bytes = counting();
    exclusive const view{bytes};
    std::vector<std::byte> const a = view;
    std::vector<std::byte> const b{view};
    std::vector<std::byte> c;
    c = shared{bytes};
    bytes[0] = std::byte{0xFF};
    auto const expected = counting();
    CHECK(std::ranges::equal(a, expected));
    CHECK(a == b);
    CHECK(a == c);
    CHECK(std::vector<std::byte>{shared{std::span{bytes}.first(0)}}.empty());
    static_assert(std::is_convertible_v<shared const&, std::optional<std::vector<std::byte>>> &&
                  !std::is_convertible_v<shared const&, std::vector<int>>);
}

TEST_CASE("byte_view: goes through range-for and the range algorithms") {
    auto bytes = counting();
    exclusive const view{bytes};
    std::vector<std::byte> seen;
    for (auto byte : view) { seen.push_back(byte); }
    CHECK(std::ranges::equal(seen, bytes));
    CHECK(std::ranges::count(view, std::byte{7}) == 1);
    CHECK(std::ranges::equal(view, bytes));
    auto const found = std::ranges::find(view, std::byte{9});
    CHECK(found != view.end());
    CHECK(*found == std::byte{9});
}

TEST_CASE("byte_view: an offset outside is a contract violation") {
    auto bytes = counting();
    exclusive const view{bytes};
    constexpr auto huge = std::numeric_limits<std::size_t>::max();
    for (std::size_t at : {std::size_t{16}, std::size_t{17}, huge}) {
        CHECK_THAT(violation_of([&] { static_cast<void>(view[at]); }),
                   ContainsSubstring(offset_rule));
    }
    for (std::size_t at : {std::size_t{13}, std::size_t{16}, huge - 3, huge}) {
        CAPTURE(at);
        CHECK_THAT(violation_of([&] { static_cast<void>(view.load<std::uint32_t>(at)); }),
                   ContainsSubstring(offset_rule));
        CHECK_THAT(violation_of([&] { view.store(at, std::uint32_t{1}); }),
                   ContainsSubstring(offset_rule));
    }
    CHECK(view.load<std::uint32_t>(12) == 0x0F0E0D0C);
}

TEST_CASE("byte_view: with_span lends the bytes to a function, mutable ones to be changed") {
    auto bytes = counting();
    quire::lender const page;
    {
        exclusive const view{bytes, page};
        auto const at = view.with_span([](std::span<std::byte> span) {
            span[3] = std::byte{9};
            return span.size();
        });
        CHECK(at == 16);
    }
    CHECK(shared{bytes, page}.with_span([&](std::span<std::byte const> span) {
        return span.data() == bytes.data() && span[3] == std::byte{9};
    }));
}

#if QUIRE_CHECKED

TEST_CASE("byte_view: in checked builds it is used only until its page is next changed") {
    auto const after_change = [](auto use) {
        return violation_of([&] {
            auto bytes = counting();
            quire::lender const page;
            exclusive const view{bytes, page};
            page.expect_unlent();
            use(view);
        });
    };
    auto const rule = ContainsSubstring("used only until the page is next changed");
    CHECK_THAT(after_change([](auto& view) { static_cast<void>(view.size()); }), rule);
    CHECK_THAT(after_change([](auto& view) { static_cast<void>(view[0]); }), rule);
    CHECK_THAT(after_change([](auto& view) { static_cast<void>(view.template load<int>(0)); }),
               rule);
    CHECK_THAT(after_change([](auto& view) { view.store(0, 1); }), rule);
    CHECK_THAT(after_change([](auto& view) { view.copy_to({}); }), rule);
    CHECK_THAT(after_change([](auto& view) { static_cast<void>(std::vector<std::byte>{view}); }),
               rule);
    CHECK_THAT(after_change([](auto& view) { static_cast<void>(view == counting()); }), rule);
    CHECK_THAT(after_change([](auto& view) {
                   auto const others = counting();
                   static_cast<void>(shared{others} == view);
               }),
               rule);
    CHECK_THAT(after_change([](auto& view) { static_cast<void>(view.unguarded_span()); }), rule);
    CHECK_THAT(after_change([](auto& view) { static_cast<void>(view.begin()); }), rule);
    auto bytes = counting();
    quire::lender const page;
    exclusive const view{bytes, page};
    CHECK(view[0] == std::byte{0});
    page.expect_unlent();  // stops at nothing: it is not used again
}

TEST_CASE("byte_view: in checked builds its span and its iterators keep the page from changing") {
    auto const change_after = [](auto use) {
        return violation_of([&] {
            auto bytes = counting();
            quire::lender const page;
            shared const view{bytes, page};
            use(view);
            page.expect_unlent();
        });
    };
    auto const rule = ContainsSubstring("a page is changed only while");
    CHECK_THAT(change_after([](auto& view) { static_cast<void>(view.unguarded_span()); }), rule);
    CHECK_THAT(violation_of([] {
                   auto bytes = counting();
                   quire::lender const page;
                   shared const view{bytes, page};
                   view.with_span([&](auto) { page.expect_unlent(); });
               }),
               rule);
    CHECK_THAT(change_after([](auto& view) { view.with_span([](auto) {}); }),
               ContainsSubstring("did not abort"));
    CHECK_THAT(change_after([](auto& view) {
                   static_cast<void>(view.unguarded_span());
                   view.with_span([](auto) {});
               }),
               rule);
    CHECK_THAT(change_after([](auto& view) { static_cast<void>(view.begin()); }), rule);
    CHECK_THAT(change_after([](auto& view) { static_cast<void>(view.end()); }), rule);
}

#endif
