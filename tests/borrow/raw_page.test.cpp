// SPDX-License-Identifier: BSL-1.0
#include <quire/borrow/raw_page.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

using quire::raw_page;

namespace {

template <class T>
concept made_in_place_only = !std::is_default_constructible_v<T> &&
                             !std::is_copy_constructible_v<T> && !std::is_move_constructible_v<T> &&
                             !std::is_copy_assignable_v<T> && !std::is_move_assignable_v<T>;
template <class V>
concept lends_bytes = requires(V&& v) { static_cast<V&&>(v).bytes(); };

}  // namespace

static_assert(made_in_place_only<raw_page<std::byte, 512>>);
static_assert(made_in_place_only<raw_page<std::byte const, 512>>);
static_assert(lends_bytes<raw_page<std::byte, 512>&> && !lends_bytes<raw_page<std::byte, 512>>);

// As std::span converts: from more rights to fewer.
static_assert(
    std::is_convertible_v<raw_page<std::byte, 512> const&, raw_page<std::byte const, 512>>);
static_assert(!std::is_constructible_v<raw_page<std::byte, 512>, raw_page<std::byte const, 512>&>);
static_assert(!std::is_constructible_v<raw_page<std::byte, 512>, raw_page<std::byte, 512>&>);
static_assert(std::is_same_v<decltype(raw_page{std::declval<std::span<std::byte, 512>>()}),
                             raw_page<std::byte, 512>>);

TEST_CASE("raw_page: format zeros the page and every page is accepted") {
    std::array<std::byte, 512> bytes;
    bytes.fill(std::byte{0xAA});
    std::span<std::byte, 512> const all{bytes};
    CHECK(raw_page<std::byte const, 512>::accepts(all));
    raw_page<std::byte, 512>::format(all, 7);
    CHECK(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }));
    CHECK(raw_page<std::byte const, 512>::accepts(all));
}

TEST_CASE("raw_page: views the bytes in place with the rights it was made with") {
    std::array<std::byte, 512> bytes{};
    raw_page const page{std::span<std::byte, 512>{bytes}};
    {
        auto const view = page.bytes();
        CHECK(view.size() == 512);
        CHECK(view.unguarded_span().data() == bytes.data());
        view.store(100, std::uint32_t{42});
    }
    raw_page<std::byte const, 512> const reading{page};
    auto const read = reading.bytes();
    CHECK(read.load<std::uint32_t>(100) == 42);
    CHECK(read.unguarded_span().data() == bytes.data());
}
