// SPDX-License-Identifier: BSL-1.0
#include <quire/borrow/page_kind.hpp>

#include "catch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

using quire::page_kind;
using quire::page_no;
using quire::pool_page_size;

namespace {

// The archetype: what the concept asks for, and nothing else.
template <class Byte, std::size_t N>
struct archetype {
    explicit archetype(std::span<Byte, N>) {}
    archetype(archetype const&) = delete;
    archetype& operator=(archetype const&) = delete;
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};

// The near misses: each lacks one thing.
template <class Byte, std::size_t N>
struct no_format {
    explicit no_format(std::span<Byte, N>) {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct format_throws {
    explicit format_throws(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct format_without_number {
    explicit format_without_number(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct format_of_an_object {
    explicit format_of_an_object(std::span<Byte, N>) {}
    void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct no_accepts {
    explicit no_accepts(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
};
template <class Byte, std::size_t N>
struct accepts_throws {
    explicit accepts_throws(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) { return true; }
};
template <class Byte, std::size_t N>
struct accepts_a_number {
    explicit accepts_a_number(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static int accepts(std::span<std::byte const, N>) noexcept { return 1; }
};
template <class Byte, std::size_t N>
struct accepts_mutable_only {
    explicit accepts_mutable_only(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct mutable_only {
    explicit mutable_only(std::span<std::byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct const_only {
    explicit const_only(std::span<std::byte const, N>)
        requires std::same_as<Byte, std::byte const>
    {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};

// Those that ask for the page's number: in both places, or in one.
template <class Byte, std::size_t N>
struct asks {
    asks(std::span<Byte, N>, page_no) {}
    asks(asks const&) = delete;
    asks& operator=(asks const&) = delete;
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>, page_no) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct view_asks {
    view_asks(std::span<Byte, N>, page_no) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct accepts_asks {
    explicit accepts_asks(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>, page_no) noexcept { return true; }
};
// With both forms the one with the number counts.
template <class Byte, std::size_t N>
struct both_forms {
    explicit both_forms(std::span<Byte, N>) : with{false} {}
    both_forms(std::span<Byte, N>, page_no) : with{true} {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return false; }
    static bool accepts(std::span<std::byte const, N>, page_no no) noexcept { return no == 7; }
    bool with;
};

// Their near misses.
template <class Byte, std::size_t N>
struct number_first {
    number_first(page_no, std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct number_is_an_integer {
    number_is_an_integer(std::span<Byte, N>, std::uint64_t) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct asks_when_mutable {
    asks_when_mutable(std::span<Byte, N>, page_no)
        requires std::same_as<Byte, std::byte>
    {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct accepts_an_integer {
    explicit accepts_an_integer(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>, std::uint64_t) noexcept { return true; }
};
template <class Byte, std::size_t N>
struct asking_accepts_throws {
    explicit asking_accepts_throws(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static bool accepts(std::span<std::byte const, N>) noexcept { return true; }
    static bool accepts(std::span<std::byte const, N>, page_no) { return true; }
};
template <class Byte, std::size_t N>
struct asking_accepts_counts {
    explicit asking_accepts_counts(std::span<Byte, N>) {}
    static void format(std::span<std::byte, N>, page_no) noexcept {}
    static int accepts(std::span<std::byte const, N>, page_no) noexcept { return 1; }
};

}  // namespace

static_assert(page_kind<archetype, 4096> && page_kind<archetype, 512>);
static_assert(page_kind<asks, 4096> && page_kind<view_asks, 4096>);
static_assert(page_kind<accepts_asks, 4096> && page_kind<both_forms, 4096>);
static_assert(!page_kind<no_format, 4096>);
static_assert(!page_kind<format_throws, 4096>);
static_assert(!page_kind<format_without_number, 4096>);
static_assert(!page_kind<format_of_an_object, 4096>);
static_assert(!page_kind<no_accepts, 4096>);
static_assert(!page_kind<accepts_throws, 4096>);
static_assert(!page_kind<accepts_a_number, 4096>);
static_assert(!page_kind<accepts_mutable_only, 4096>);
static_assert(!page_kind<mutable_only, 4096>);
static_assert(!page_kind<const_only, 4096>);
static_assert(!page_kind<number_first, 4096>);
static_assert(!page_kind<number_is_an_integer, 4096>);
static_assert(!page_kind<asks_when_mutable, 4096>);
static_assert(!page_kind<accepts_an_integer, 4096>);
static_assert(!page_kind<asking_accepts_throws, 4096>);
static_assert(!page_kind<asking_accepts_counts, 4096>);

static_assert(pool_page_size<512> && pool_page_size<4096> && pool_page_size<(1U << 20)>);
static_assert(!pool_page_size<0> && !pool_page_size<256> && !pool_page_size<(1U << 21)>);
static_assert(!pool_page_size<513> && !pool_page_size<4095> && !pool_page_size<12288>);
static_assert(!page_kind<archetype, 256> && !page_kind<archetype, 5000>);

TEST_CASE("page_kind: of two forms the one with the page's number is used") {
    std::array<std::byte, 512> bytes{};
    std::span<std::byte const, 512> const page{bytes};
    using view = both_forms<std::byte const, 512>;
    CHECK(quire::detail::view_of<view>(page, 7).with);
    CHECK(quire::detail::accepted_by<view>(page, 7));
    CHECK_FALSE(quire::detail::accepted_by<view>(page, 8));
}

TEST_CASE("page_kind: raw_page models it for every page size of the pool") {
    static_assert(page_kind<quire::raw_page, 512> && page_kind<quire::raw_page, 1024> &&
                  page_kind<quire::raw_page, 8192> && page_kind<quire::raw_page, (1U << 20)>);
    SUCCEED();
}
