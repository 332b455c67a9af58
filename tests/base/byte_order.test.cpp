// SPDX-License-Identifier: BSL-1.0
#include <quire/base/byte_order.hpp>

#include "catch.hpp"
#include "death.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

using quire::load_be;
using quire::load_le;
using quire::page_byte;
using quire::page_number;
using quire::store_be;
using quire::store_le;

namespace {

/// The bytes of `value`, which `store` has written.
std::vector<int> stored_by(auto store, auto value) {
    std::array<std::byte, sizeof value + 2> bytes;
    bytes.fill(std::byte{0xEE});
    store(bytes.data() + 1, value);
    REQUIRE(bytes.front() == std::byte{0xEE});  // nothing beside the number
    REQUIRE(bytes.back() == std::byte{0xEE});
    std::vector<int> out;
    for (std::size_t i = 1; i <= sizeof value; ++i) {
        out.push_back(std::to_integer<int>(bytes[i]));
    }
    return out;
}
std::vector<int> stored(auto value) {
    return stored_by([](std::byte* at, auto v) { store_le(at, v); }, value);
}
std::vector<int> stored_big(auto value) {
    return stored_by([](std::byte* at, auto v) { store_be(at, v); }, value);
}

}  // namespace

static_assert(page_byte<std::byte> && page_byte<std::byte const>);
static_assert(!page_byte<unsigned char> && !page_byte<char> && !page_byte<std::byte volatile>);
static_assert(!page_byte<std::byte&>);

static_assert(page_number<std::int8_t> && page_number<std::uint64_t> && page_number<float>);
static_assert(page_number<double>);
static_assert(!page_number<bool> && !page_number<std::byte> && !page_number<void*>);
static_assert(!page_number<bool const> && !page_number<bool volatile>);

TEST_CASE("byte_order: stores integers with the lowest byte first") {
    CHECK(stored(std::uint8_t{0x12}) == std::vector<int>{0x12});
    CHECK(stored(std::uint16_t{0x1234}) == std::vector<int>{0x34, 0x12});
    CHECK(stored(std::uint32_t{0x12345678}) == std::vector<int>{0x78, 0x56, 0x34, 0x12});
    CHECK(stored(std::uint64_t{0x0123456789ABCDEF}) ==
          std::vector<int>{0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01});
    CHECK(stored(std::int16_t{-2}) == std::vector<int>{0xFE, 0xFF});
    CHECK(stored(std::numeric_limits<std::int64_t>::min()) ==
          std::vector<int>{0, 0, 0, 0, 0, 0, 0, 0x80});
}

TEST_CASE("byte_order: stores numbers of other formats with the highest byte first") {
    CHECK(stored_big(std::uint8_t{0x12}) == std::vector<int>{0x12});
    CHECK(stored_big(std::uint16_t{0x1234}) == std::vector<int>{0x12, 0x34});
    CHECK(stored_big(std::uint32_t{0x12345678}) == std::vector<int>{0x12, 0x34, 0x56, 0x78});
    CHECK(stored_big(std::uint64_t{0x0123456789ABCDEF}) ==
          std::vector<int>{0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF});
    CHECK(stored_big(std::int16_t{-2}) == std::vector<int>{0xFF, 0xFE});
    CHECK(stored_big(std::numeric_limits<std::int64_t>::min()) ==
          std::vector<int>{0x80, 0, 0, 0, 0, 0, 0, 0});
    CHECK(stored_big(1.5F) == std::vector<int>{0x3F, 0xC0, 0, 0});
    CHECK(stored_big(-2.0) == std::vector<int>{0xC0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("byte_order: stores floating point as the bits of IEEE 754") {
    CHECK(stored(1.5F) == std::vector<int>{0, 0, 0xC0, 0x3F});
    CHECK(stored(-2.0) == std::vector<int>{0, 0, 0, 0, 0, 0, 0, 0xC0});
    CHECK(stored(-0.0) == std::vector<int>{0, 0, 0, 0, 0, 0, 0, 0x80});
}

TEST_CASE("byte_order: loads what stands there at any address") {
    alignas(8) std::array<std::byte, 24> bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) { bytes[i] = static_cast<std::byte>(i + 1); }
    for (std::size_t at = 0; at < 8; ++at) {
        CAPTURE(at);
        std::uint64_t expected = 0;
        for (std::size_t i = 8; i > 0; --i) { expected = (expected << 8) | (at + i); }
        CHECK(load_le<std::uint64_t>(bytes.data() + at) == expected);
        CHECK(load_le<std::uint32_t>(bytes.data() + at) == static_cast<std::uint32_t>(expected));
        CHECK(load_le<std::uint16_t>(bytes.data() + at) == static_cast<std::uint16_t>(expected));
        CHECK(load_le<std::uint8_t>(bytes.data() + at) == static_cast<std::uint8_t>(expected));
        std::uint64_t big = 0;
        for (std::size_t i = 1; i <= 8; ++i) { big = (big << 8) | (at + i); }
        CHECK(load_be<std::uint64_t>(bytes.data() + at) == big);
        CHECK(load_be<std::uint32_t>(bytes.data() + at) == static_cast<std::uint32_t>(big >> 32));
        CHECK(load_be<std::uint16_t>(bytes.data() + at) == static_cast<std::uint16_t>(big >> 48));
        CHECK(load_be<std::uint8_t>(bytes.data() + at) == static_cast<std::uint8_t>(big >> 56));
    }
}

TEMPLATE_TEST_CASE("byte_order: gives back what was stored", "", std::int8_t, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t,
                   std::uint64_t, float, double) {
    using limits = std::numeric_limits<TestType>;
    std::array<std::byte, 16> bytes{};
    for (TestType value : {limits::min(), limits::max(), limits::lowest(), TestType{0}, TestType{1},
                           static_cast<TestType>(42)}) {
        for (std::size_t at = 0; at < 8; ++at) {
            store_le<TestType>(bytes.data() + at, value);
            REQUIRE(load_le<TestType>(bytes.data() + at) == value);
            store_be<TestType>(bytes.data() + at, value);
            REQUIRE(load_be<TestType>(bytes.data() + at) == value);
        }
    }
}

TEST_CASE("byte_order: keeps the payload of a quiet NaN") {
    auto const nan = std::bit_cast<double>(std::uint64_t{0x7FF8'0000'DEAD'BEEF});
    std::array<std::byte, 8> bytes{};
    store_le(bytes.data(), nan);
    CHECK(load_le<std::uint64_t>(bytes.data()) == 0x7FF8'0000'DEAD'BEEF);
    CHECK(std::isnan(load_le<double>(bytes.data())));
}

TEST_CASE("byte_order: a page_field has the place, the type and the order of its number") {
    constexpr quire::field_le<std::uint16_t> small{2};
    constexpr quire::field_be<std::int32_t> big{4};
    static_assert(small.end() == 4 && big.end() == 8);
    static_assert(big.fits(8) && !big.fits(7) && !big.fits(3) && !big.fits(0));
    static_assert(!quire::field_le<std::uint16_t>{~std::size_t{0}}.fits(8));
    std::array<std::byte, 8> bytes{};
    small.store(bytes, 0x1234);
    big.store(bytes, -2);
    CHECK(load_le<std::uint16_t>(bytes.data() + 2) == 0x1234);
    CHECK(load_be<std::int32_t>(bytes.data() + 4) == -2);
    CHECK(small.load(std::span{bytes}) == 0x1234);
    CHECK(big.load(std::span<std::byte const>{bytes}) == -2);
}

TEST_CASE("byte_order: a page_field that does not lie inside of its page stops the program") {
    auto const rule = "a field lies inside of its page";
    std::array<std::byte, 8> bytes{};
    quire::field_le<std::uint32_t> const field{5};
    CHECK(violation_of([&] { field.store(bytes, 1); }).find(rule) != std::string::npos);
    CHECK(violation_of([&] { static_cast<void>(field.load(std::span{bytes})); }).find(rule) !=
          std::string::npos);
}
