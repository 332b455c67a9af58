// SPDX-License-Identifier: BSL-1.0
#include <quire/base/page_id.hpp>

#include "../death.hpp"
#include "catch.hpp"

#include <cstdint>
#include <limits>
#include <set>
#include <unordered_set>

using Catch::Matchers::ContainsSubstring;
using quire::byte_offset;
using quire::file_no;
using quire::frame_no;
using quire::page_id;
using quire::page_no;

namespace {

constexpr std::uint64_t last_page = (std::uint64_t{1} << 48) - 1;
constexpr char const* page_rule = "a page number lies between 0 and 2^48 - 1";

}  // namespace

// Types of their own: nothing is mistaken for anything else.
static_assert(std::is_convertible_v<int, page_no> && std::is_convertible_v<std::uint64_t, page_no>);
static_assert(!std::is_convertible_v<page_no, std::uint64_t>);
static_assert(!std::is_convertible_v<double, page_no>);
static_assert(!std::is_convertible_v<frame_no, page_no> &&
              !std::is_convertible_v<file_no, page_no>);
static_assert(!std::is_convertible_v<std::uint16_t, file_no>);
static_assert(!std::is_convertible_v<std::uint32_t, frame_no>);
static_assert(!std::is_convertible_v<std::uint64_t, page_id> &&
              !std::is_convertible_v<page_no, page_id>);
static_assert(sizeof(page_id) == 8 && sizeof(page_no) == 8);
static_assert(std::is_trivially_copyable_v<page_id> && std::is_trivially_copyable_v<page_no>);

TEST_CASE("page_no: is zero unless told otherwise and gives its number back") {
    CHECK(page_no{}.value() == 0);
    CHECK(page_no{7}.value() == 7);
    CHECK(page_no{last_page}.value() == last_page);
    CHECK(page_no::max == last_page);
}

TEST_CASE("page_no: fits says what can be a page number for every integer type") {
    CHECK(page_no::fits(0));
    CHECK(page_no::fits(last_page));
    CHECK_FALSE(page_no::fits(last_page + 1));
    CHECK_FALSE(page_no::fits(~std::uint64_t{0}));
    CHECK_FALSE(page_no::fits(-1));
    CHECK_FALSE(page_no::fits(std::int8_t{-1}));
    CHECK_FALSE(page_no::fits(std::numeric_limits<std::int64_t>::min()));
    CHECK_FALSE(page_no::fits(std::numeric_limits<std::int64_t>::max()));
    CHECK(page_no::fits(std::numeric_limits<std::uint32_t>::max()));
}

TEST_CASE("page_no: a number that is none becomes the one that no file reaches") {
    CHECK(page_no{last_page + 1}.value() == last_page);
    CHECK(page_no{~std::uint64_t{0}}.value() == last_page);
    CHECK(page_no{-1}.value() == last_page);
    CHECK(page_no{std::int8_t{-128}}.value() == last_page);
    CHECK(page_no{std::numeric_limits<std::int64_t>::max()}.value() == last_page);
    static_assert(quire::page_id{quire::file_no{3}, -1}.file() == quire::file_no{3});
}

TEST_CASE("page_no: counts up to the last page and not beyond") {
    page_no no = last_page - 1;
    CHECK((++no).value() == last_page);
    CHECK_THAT(violation_of([&] { ++no; }), ContainsSubstring(page_rule));
}

TEST_CASE("page_no: is ordered by its number") {
    CHECK(page_no{3} == 3);
    CHECK(page_no{3} < page_no{4});
    CHECK(page_no{last_page} > 0);
}

TEST_CASE("page_id: gives its parts and its bits back") {
    for (std::uint32_t file : {0U, 1U, 255U, 256U, 0x8000U, 0xFFFEU, 0xFFFFU}) {
        for (std::uint64_t page : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32,
                                   last_page - 1, last_page}) {
            auto const f = static_cast<file_no>(file);
            page_id const id{f, page};
            REQUIRE(id.file() == f);
            REQUIRE(id.page() == page_no{page});
            REQUIRE(page_id::from_bits(id.bits()) == id);
        }
    }
    CHECK(page_id{file_no{1}, 2}.bits() == 0x0001'0000'0000'0002U);
}

TEST_CASE("page_id: none names no page of a file that can be open") {
    CHECK(page_id{} == page_id::none());
    CHECK(page_id::none().file() == file_no::unknown);
    CHECK(page_id{file_no{0xFFFE}, last_page} != page_id::none());
    CHECK(page_id{file_no{0}, 0} != page_id::none());
}

TEST_CASE("page_id: is ordered by file and then by page") {
    page_id const ascending[] = {{file_no{0}, 0},
                                 {file_no{0}, last_page},
                                 {file_no{1}, 0},
                                 {file_no{1}, 9},
                                 {file_no{0xFFFE}, 3}};
    for (std::size_t i = 0; i + 1 < std::size(ascending); ++i) {
        CHECK(ascending[i] < ascending[i + 1]);
    }
}

TEST_CASE("page_id: neighbouring pages have different hashes") {
    std::set<std::size_t> hashes;
    std::unordered_set<page_id> ids;
    for (std::uint16_t file = 0; file < 4; ++file) {
        for (int page = 0; page < 1000; ++page) {
            page_id const id{file_no{file}, page};
            hashes.insert(std::hash<page_id>{}(id));
            ids.insert(id);
        }
    }
    CHECK(hashes.size() == 4000);
    CHECK(ids.size() == 4000);
}

TEST_CASE("page_id: a frame number gives its index") {
    CHECK(quire::index(frame_no{0}) == 0);
    CHECK(quire::index(frame_no{0xFFFF'FFFD}) == 0xFFFF'FFFD);
}

TEST_CASE("byte_offset: is the page number times the page size") {
    static_assert(byte_offset(3, 4096) == 12288);
    CHECK(byte_offset(0, 4096) == 0U);
    CHECK(byte_offset(last_page, 4096) == last_page * 4096);
    CHECK(byte_offset(last_page, 16384) == last_page * 16384);
}

TEST_CASE("byte_offset: is nothing when the page would not end inside the largest file") {
    constexpr std::uint64_t file_max = std::numeric_limits<std::int64_t>::max();
    CHECK(byte_offset(last_page, 1U << 20) == std::nullopt);
    CHECK(byte_offset(0, 0) == std::nullopt);
    CHECK(byte_offset(5, 0) == std::nullopt);
    for (unsigned shift = 9; shift <= 20; ++shift) {
        std::uint64_t const size = std::uint64_t{1} << shift;
        std::uint64_t const last = file_max / size - 1;  // the last page that ends inside
        CAPTURE(size);
        if (last < last_page) {
            CHECK(byte_offset(last, size) == last * size);
            CHECK(byte_offset(last + 1, size) == std::nullopt);
        } else {
            CHECK(byte_offset(last_page, size) == last_page * size);
        }
    }
}

TEST_CASE("byte_offset: does not overflow for a page size no file can have") {
    constexpr std::uint64_t half = std::uint64_t{1} << 63;
    CHECK(byte_offset(0, half) == std::nullopt);
    CHECK(byte_offset(1, half) == std::nullopt);
    CHECK(byte_offset(2, half) == std::nullopt);
    CHECK(byte_offset(0, half - 1) == 0U);
    CHECK(byte_offset(1, half - 1) == std::nullopt);
    CHECK(byte_offset(0, ~std::uint64_t{0}) == std::nullopt);
    CHECK(byte_offset(1, ~std::uint64_t{0}) == std::nullopt);
}
