// SPDX-License-Identifier: BSL-1.0
#include <quire/base/page_seal.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using quire::crc_seal;
using quire::file_no;
using quire::no_seal;
using quire::page_seal;
using quire::page_id;
using quire::page_no;
using quire::page_state;

namespace {

constexpr page_id home{file_no{1}, 7};

std::vector<std::byte> sealed_page(generator& random, std::size_t size, page_id id = home) {
    std::vector<std::byte> page(size);
    random.fill(page);
    crc_seal.seal(page, id, 0);
    return page;
}

/// Inverts bit `bit`, counted from the lowest bit of the first byte.
void flip(std::vector<std::byte>& page, std::size_t bit) {
    page[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
}

/// Inverts the `length` bits from `first` on which `mask` says, the outer two in any case.
void flip_burst(std::vector<std::byte>& page, std::size_t first, std::size_t length,
                std::uint64_t mask) {
    for (std::size_t i = 0; i < length; ++i) {
        if (i == 0 || i + 1 == length || ((mask >> i) & 1U) != 0) { flip(page, first + i); }
    }
}

}  // namespace

static_assert(std::is_trivially_copyable_v<page_seal>);
static_assert(noexcept(crc_seal.check({}, home, 0)) && noexcept(crc_seal.seal({}, home, 0)));
static_assert(crc_seal.file_value == 0 && no_seal.file_value == 0);  // they have none

TEST_CASE("crc_seal: the byte map is the documented one") {
    std::vector<std::byte> page(512);
    for (std::size_t i = 0; i < page.size(); ++i) { page[i] = static_cast<std::byte>(i); }
    auto const before = page;
    crc_seal.seal(page, page_id{file_no{9}, 0x0000'1234'5678'9ABC}, 0);
    CHECK(quire::load_le<std::uint64_t>(page.data() + 4) == 0x0000'1234'5678'9ABC);
    CHECK(quire::load_le<std::uint32_t>(page.data()) == quire::crc32c(std::span{page}.subspan(4)));
    constexpr auto taken = static_cast<std::ptrdiff_t>(quire::crc_seal_bytes);
    CHECK(std::equal(page.begin() + taken, page.end(), before.begin() + taken));
}

TEST_CASE("crc_seal: a known page has a known checksum") {
    std::vector<std::byte> page(512);
    for (std::size_t i = 0; i < page.size(); ++i) { page[i] = static_cast<std::byte>(i); }
    crc_seal.seal(page, home, 0);
    CHECK(quire::load_le<std::uint32_t>(page.data()) == 0xF3EB9A0D);
}

TEST_CASE("crc_seal: a sealed page is good whatever is in it") {
    test_random random;
    for (std::size_t size : {512U, 4096U, 16384U}) {
        for (std::uint64_t number :
             {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{page_no::max}}) {
            page_id const id{file_no{2}, number};
            auto page = sealed_page(random, size, id);
            CHECK(crc_seal.check(page, id, 0) == page_state::good);
            crc_seal.seal(page, id, 0);  // sealing again changes nothing
            CHECK(crc_seal.check(page, id, 0) == page_state::good);
            std::fill(page.begin(), page.end(), std::byte{0});
            crc_seal.seal(page, id, 0);
            CHECK(crc_seal.check(page, id, 0) == page_state::good);
        }
    }
}

TEST_CASE("crc_seal: the file's number does not matter and the page's does") {
    test_random random;
    auto const page = sealed_page(random, 4096);
    CHECK(crc_seal.check(page, {file_no{3}, home.page()}, 0) == page_state::good);
    CHECK(crc_seal.check(page, {file_no::unknown, home.page()}, 0) == page_state::good);
    CHECK(crc_seal.check(page, {home.file(), 6}, 0) == page_state::corrupt);
    CHECK(crc_seal.check(page, {home.file(), 8}, 0) == page_state::corrupt);
    page_id const far{home.file(), 7 + (std::uint64_t{1} << 40)};
    CHECK(crc_seal.check(page, far, 0) == page_state::corrupt);
}

TEST_CASE("crc_seal: does not use the value of the file") {
    test_random random;
    auto page = sealed_page(random, 4096);
    auto const before = page;
    CHECK(crc_seal.check(page, home, 5) == page_state::good);
    crc_seal.seal(page, home, 5);
    CHECK(page == before);
}

TEST_CASE("crc_seal: every flipped bit is noticed - I4") {
    test_random random;
    auto page = sealed_page(random, 4096);
    for (std::size_t bit = 0; bit < page.size() * 8; ++bit) {
        flip(page, bit);
        REQUIRE(crc_seal.check(page, home, 0) == page_state::corrupt);
        flip(page, bit);
    }
    CHECK(crc_seal.check(page, home, 0) == page_state::good);
}

TEST_CASE("crc_seal: every two and three flipped bits of a sample are noticed") {
    test_random random;
    auto page = sealed_page(random, 4096);
    auto const bits = page.size() * 8;
    for (int round = 0; round < 20'000; ++round) {
        std::size_t const a = random.below(bits);
        std::size_t const b = random.below(bits);
        std::size_t const c = random.below(bits);
        if (a == b || b == c || a == c) { continue; }
        flip(page, a);
        flip(page, b);
        REQUIRE(crc_seal.check(page, home, 0) == page_state::corrupt);
        flip(page, c);
        REQUIRE(crc_seal.check(page, home, 0) == page_state::corrupt);
        flip(page, a);
        flip(page, b);
        flip(page, c);
    }
}

// The checksum stands before what it covers, so a burst over its end (bytes 3 and 4) is no burst to
// the code; there the page's own number stands, and is compared.
TEST_CASE("crc_seal: a burst of up to 32 bits is noticed wherever it is - I4") {
    test_random random;
    auto page = sealed_page(random, 4096);
    auto const bits = page.size() * 8;
    auto const untouched = page;
    for (int round = 0; round < 60'000; ++round) {
        std::size_t const length = random.between(2, 32);
        // Every third at the front of the page, where checksum and page number are.
        std::size_t const first = random.below(round % 3 == 0 ? 160 : bits - length + 1);
        flip_burst(page, first, length, random.bits());
        REQUIRE(crc_seal.check(page, home, 0) == page_state::corrupt);
        std::copy_n(untouched.begin() + static_cast<std::ptrdiff_t>(first / 8),
                    std::min<std::size_t>(5, page.size() - first / 8),
                    page.begin() + static_cast<std::ptrdiff_t>(first / 8));
    }
    CHECK(page == untouched);
}

TEST_CASE("crc_seal: a change over the checksum's end that the CRC misses is noticed - I4") {
    // Any change of the number's low bytes, with the checksum made to fit: a 64-bit burst at worst,
    // and the 31-bit ones that a CRC in front of its data would take for no change.
    test_random random;
    auto const untouched = sealed_page(random, 512);
    for (int round = 0; round < 10'000; ++round) {
        auto page = untouched;
        quire::store_le<std::uint32_t>(
            page.data() + 4,
            quire::load_le<std::uint32_t>(page.data() + 4) ^
                static_cast<std::uint32_t>(random.between(1, 0xFFFFFFFF)));
        quire::store_le<std::uint32_t>(page.data(), quire::crc32c(std::span{page}.subspan(4)));
        REQUIRE(crc_seal.check(page, home, 0) == page_state::corrupt);
    }
}

TEST_CASE("crc_seal: the page number is compared even where the checksum fits") {
    test_random random;
    auto page = sealed_page(random, 4096);
    quire::store_le<std::uint64_t>(page.data() + 4, 8);
    quire::store_le<std::uint32_t>(page.data(), quire::crc32c(std::span{page}.subspan(4)));
    CHECK(crc_seal.check(page, home, 0) == page_state::corrupt);
    CHECK(crc_seal.check(page, {home.file(), 8}, 0) == page_state::good);
    // A number that no page can have, with the right low bits.
    quire::store_le<std::uint64_t>(page.data() + 4, (std::uint64_t{1} << 48) | 7);
    quire::store_le<std::uint32_t>(page.data(), quire::crc32c(std::span{page}.subspan(4)));
    CHECK(crc_seal.check(page, home, 0) == page_state::corrupt);
}

TEST_CASE("crc_seal: a page of zeros is blank and one bit makes it corrupt - I3") {
    for (std::size_t size : {512U, 4096U, 1U << 20}) {
        std::vector<std::byte> page(size);
        CHECK(crc_seal.check(page, home, 0) == page_state::blank);
        CHECK(crc_seal.check(page, {file_no{0}, 0}, 0) == page_state::blank);
        for (std::size_t bit : {std::size_t{0}, std::size_t{64}, size * 4, size * 8 - 1}) {
            flip(page, bit);
            CHECK(crc_seal.check(page, home, 0) == page_state::corrupt);
            flip(page, bit);
        }
    }
}

TEST_CASE("no_seal: every page is good and is left as it is") {
    test_random random;
    std::vector<std::byte> page(4096);
    CHECK(no_seal.check(page, home, 0) == page_state::good);
    random.fill(page);
    auto const before = page;
    CHECK(no_seal.check(page, home, 0) == page_state::good);
    no_seal.seal(page, home, 0);
    CHECK(page == before);
}
