// SPDX-License-Identifier: BSL-1.0

#pragma GCC diagnostic error "-Wshadow"

#include <quire/pool/detail/guard_view.hpp>

#include <quire/borrow/lent_page.hpp>

#include <quire/page/heap_page.hpp>

#include "catch.hpp"

#include <array>
#include <cstddef>
#include <span>

using quire::page_no;
using quire::detail::clear_of_crc_seal;
using quire::detail::guard_view;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

template <class View, class Byte>
constexpr bool fits =
    sizeof(View) <= quire::detail::largest_view<View, std::span<Byte, size>>::size;

/// A page kind that holds `Held` beside its span, and does not ask for the page's number.
template <class Base, class Held>
struct holds : Base {
    explicit holds(std::span<std::byte, size> bytes) : bytes_{bytes} {}
    std::span<std::byte> bytes_;
    [[no_unique_address]] Held held_{};
};
/// One that asks.
template <class Base, class Held>
struct holds_and_asks : Base {
    holds_and_asks(std::span<std::byte, size> bytes, page_no no) : bytes_{bytes}, held_{no} {}
    std::span<std::byte> bytes_;
    Held held_;
};
/// One whose members have the names that a parameter of quire's could have.
template <class Byte, std::size_t Size>
struct well_named {
    std::span<Byte, Size> bytes;
    page_no no;
};
template <class Byte, std::size_t Size>
struct named_otherwise {
    std::span<Byte, Size> from;
    page_no how;
};

struct no_lender {};
struct nothing {};
struct two_numbers {
    two_numbers(page_no no) : first{no} {}
    page_no first;
    page_no second;
};

struct says_nothing {};
template <std::size_t At>
struct begins_at {
    static constexpr std::size_t first_field_at = At;
};
struct begins_at_an_int {
    static constexpr int first_field_at = 11;
};

}  // namespace

TEST_CASE("guard_view: a view holds a span, the number that it asks for, and nothing else") {
    CHECK(fits<holds<no_lender, nothing>, std::byte>);
    CHECK(fits<holds<quire::lender, nothing>, std::byte>);
    CHECK_FALSE(fits<holds<no_lender, page_no>, std::byte>);
    CHECK_FALSE(fits<holds<quire::lender, page_no>, std::byte>);
    CHECK(fits<holds_and_asks<no_lender, page_no>, std::byte>);
    CHECK(fits<holds_and_asks<quire::lender, page_no>, std::byte>);
    CHECK_FALSE(fits<holds_and_asks<no_lender, two_numbers>, std::byte>);
    CHECK_FALSE(fits<holds_and_asks<quire::lender, two_numbers>, std::byte>);
}

TEST_CASE("guard_view: a kind's first field is behind what crc_seal writes, if it says where") {
    CHECK(clear_of_crc_seal<says_nothing>());
    CHECK(clear_of_crc_seal<begins_at<quire::crc_seal_bytes>>());
    CHECK(clear_of_crc_seal<begins_at<24>>());
    CHECK_FALSE(clear_of_crc_seal<begins_at<quire::crc_seal_bytes - 1>>());
    CHECK_FALSE(clear_of_crc_seal<begins_at<0>>());
    CHECK_FALSE(clear_of_crc_seal<begins_at_an_int>());
}

TEST_CASE("guard_view: no parameter of quire's hides a member of a page kind") {  // a warning
    std::array<std::byte, size> bytes{};
    std::span<std::byte, size> const whole{bytes};
    guard_view<well_named, std::byte, size> const view{whole, page_no{3}};
    CHECK(view.no == 3);
    quire::lent_page<guard_view<named_otherwise, std::byte, size>> const page{
        view, quire::lending::alone, whole, page_no{4}};
    CHECK(page.how == 4);
}

// quire's own kind says it: nothing of a heap page is under the seal.
static_assert(quire::heap_page<std::byte, size>::first_field_at == quire::crc_seal_bytes);

// A lender is the guard's view itself; another kind is made one.
static_assert(std::same_as<guard_view<quire::raw_page, std::byte, size>,
                           quire::raw_page<std::byte, size>>);
