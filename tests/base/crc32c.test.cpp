// SPDX-License-Identifier: BSL-1.0
#include <quire/base/detail/crc32c.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

using quire::crc32c;

namespace {

std::uint32_t crc_of(std::string_view text) {
    return crc32c(std::as_bytes(std::span{text.data(), text.size()}));
}

/// Bit by bit, from the definition.
std::uint32_t by_definition(std::uint32_t crc, std::span<std::byte const> bytes) {
    for (auto byte : bytes) {
        crc ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) { crc = (crc >> 1) ^ ((crc & 1U) * 0x82F63B78U); }
    }
    return crc;
}

}  // namespace

// Published values: the check value of the catalogue, and those of RFC 3720, appendix B.4.
TEST_CASE("crc32c: has the published values") {
    CHECK(crc_of("123456789") == 0xE3069283);
    CHECK(crc_of("") == 0);
    CHECK(crc32c(std::vector<std::byte>(32, std::byte{0})) == 0x8A9136AA);
    CHECK(crc32c(std::vector<std::byte>(32, std::byte{0xFF})) == 0x62A8AB43);
    std::array<std::byte, 32> rising;
    for (std::size_t i = 0; i < 32; ++i) { rising[i] = static_cast<std::byte>(i); }
    CHECK(crc32c(rising) == 0x46DD794E);
    std::array<std::byte, 32> falling;
    for (std::size_t i = 0; i < 32; ++i) { falling[i] = static_cast<std::byte>(31 - i); }
    CHECK(crc32c(falling) == 0x113FDB5C);
}

TEST_CASE("crc32c: the portable way follows the definition") {
    test_random random;
    std::vector<std::byte> bytes(300);
    random.fill(bytes);
    for (std::size_t size = 0; size <= 257; ++size) {
        for (std::size_t from = 0; from < 9; ++from) {
            auto const part = std::span{bytes}.subspan(from, size);
            auto const start = static_cast<std::uint32_t>(random.bits());
            REQUIRE(quire::detail::crc32c_portable(start, part.data(), part.size()) ==
                    by_definition(start, part));
        }
    }
}

TEST_CASE("crc32c: the instruction gives what the portable way gives") {
#if defined(__x86_64__)
    if (!quire::detail::cpu_has_crc32c()) { return skip("the processor has no crc32 instruction"); }
    test_random random;
    std::vector<std::byte> bytes(4200 + 8);
    random.fill(bytes);
    for (std::size_t size = 0; size <= 4200; ++size) {
        auto const from = size % 8;
        auto const start = static_cast<std::uint32_t>(random.bits());
        REQUIRE(quire::detail::crc32c_sse42(start, bytes.data() + from, size) ==
                quire::detail::crc32c_portable(start, bytes.data() + from, size));
    }
    for (std::size_t size : {4096U, 2040U, 2039U, 2041U, 4080U, 100U}) {
        for (std::size_t from = 0; from < 8; ++from) {
            REQUIRE(quire::detail::crc32c_sse42(~0U, bytes.data() + from, size) ==
                    quire::detail::crc32c_portable(~0U, bytes.data() + from, size));
        }
    }
#else
    skip("this processor has no other way than the portable one");
#endif
}

TEST_CASE("crc32c: long inputs of all page sizes agree with the definition") {
    test_random random;
    std::vector<std::byte> bytes(std::size_t{1} << 17);
    random.fill(bytes);
    for (std::size_t size = 512; size <= bytes.size(); size *= 2) {
        auto const part = std::span{bytes}.first(size).subspan(4);
        CHECK(crc32c(part) == ~by_definition(~0U, part));
    }
}
