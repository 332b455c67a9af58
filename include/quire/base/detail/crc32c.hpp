// SPDX-License-Identifier: BSL-1.0
#pragma once

/// crc32c: the CRC-32C (Castagnoli) checksum of a run of bytes.
///
/// There are two ways to the number; one is chosen once per process: the processor's crc32
/// instruction where it has one (x86-64 with SSE 4.2, detected at run time), else eight table
/// look-ups per eight bytes. The instruction takes three cycles, but one can start every cycle. So
/// long inputs are processed in three interleaved lanes, whose checksums are joined by a table
/// ("what this register becomes after lane_bytes more zero bytes": the CRC is linear).
///
/// Ensures: crc32c of "123456789" is 0xE3069283 (the check value of the catalogue of CRCs).
/// Cost: about N / 20 ns with the instruction, N ns without.
/// Tables: 8 KiB without the instruction, 4 KiB with it, made at the first use. As constants they
/// were computed by the compiler for each source that includes this, in a fifth of a second.

#include <quire/base/byte_order.hpp>

#include <array>  // std::array
#include <span>   // std::span

namespace quire::inline QUIRE_ABI::detail {

inline constexpr std::uint32_t crc32c_polynomial = 0x82F63B78U;  // bit-reversed 0x1EDC6F41

using crc_table = std::array<std::uint32_t, 256>;

/// The register after `byte` was fed to register 0.
[[nodiscard]] inline std::uint32_t crc32c_of_byte(std::uint32_t byte) noexcept {
    for (int bit = 0; bit < 8; ++bit) {
        byte = (byte >> 1) ^ ((byte & 1U) != 0 ? crc32c_polynomial : 0U);
    }
    return byte;
}

/// tables[k][b]: the register after byte b and then k zero bytes, from register 0.
[[nodiscard]] inline std::array<crc_table, 8> const& crc32c_tables() noexcept {
    static std::array<crc_table, 8> const made = [] {
        std::array<crc_table, 8> tables;
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            tables[0][byte] = crc32c_of_byte(byte);
            for (std::size_t k = 1; k < 8; ++k) {
                std::uint32_t const before = tables[k - 1][byte];
                tables[k][byte] = (before >> 8) ^ crc32c_of_byte(before & 0xFFU);
            }
        }
        return tables;
    }();
    return made;
}

/// Feeds `size` bytes to a register, without an instruction for it.
[[nodiscard]] inline std::uint32_t crc32c_portable(std::uint32_t crc, std::byte const* at,
                                                   std::size_t size) noexcept {
    auto const& t = crc32c_tables();
    auto const byte_at = [](std::uint64_t word, int i) { return (word >> (8 * i)) & 0xFFU; };
    for (; size >= 8; at += 8, size -= 8) {
        std::uint64_t word = 0;
        for (int i = 7; i >= 0; --i) { word = (word << 8) | static_cast<std::uint8_t>(at[i]); }
        word ^= crc;
        crc = t[7][byte_at(word, 0)] ^ t[6][byte_at(word, 1)] ^ t[5][byte_at(word, 2)] ^
              t[4][byte_at(word, 3)] ^ t[3][byte_at(word, 4)] ^ t[2][byte_at(word, 5)] ^
              t[1][byte_at(word, 6)] ^ t[0][byte_at(word, 7)];
    }
    for (; size > 0; ++at, --size) {
        crc = (crc >> 8) ^ t[0][(crc ^ static_cast<std::uint32_t>(*at)) & 0xFFU];
    }
    return crc;
}

#if defined(__x86_64__)

inline constexpr std::size_t crc32c_lane_bytes = 680;  // two rounds of three lanes in 4 KiB

/// join[k][b]: what byte k of a register, with value b, becomes after a lane of zero bytes.
[[nodiscard]] inline std::array<crc_table, 4> const& crc32c_join() noexcept {
    static std::array<crc_table, 4> const made = [] {
        std::array<crc_table, 4> join{};
        for (std::size_t k = 0; k < 4; ++k) {
            for (std::size_t bit = 0; bit < 8; ++bit) {
                std::uint32_t crc = std::uint32_t{1} << (8 * k + bit);
                for (std::size_t i = 0; i < crc32c_lane_bytes; ++i) {
                    crc = (crc >> 8) ^ crc32c_of_byte(crc & 0xFFU);
                }
                join[k][std::size_t{1} << bit] = crc;
            }
            for (std::size_t b = 1; b < 256; ++b) {  // linear: the rest are sums of single bits
                std::size_t const low = b & (~b + 1);
                join[k][b] = join[k][low] ^ join[k][b ^ low];
            }
        }
        return join;
    }();
    return made;
}

[[nodiscard]] inline std::uint32_t crc32c_after_lane(std::array<crc_table, 4> const& join,
                                                     std::uint32_t crc) noexcept {
    return join[0][crc & 0xFFU] ^ join[1][(crc >> 8) & 0xFFU] ^ join[2][(crc >> 16) & 0xFFU] ^
           join[3][crc >> 24];
}

[[nodiscard]] inline std::uint64_t load_word(std::byte const* at) noexcept {
    std::uint64_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

/// Feeds `size` bytes to a register with the instruction. Expects: the processor has it.
[[nodiscard]] __attribute__((target("sse4.2"))) inline std::uint32_t crc32c_sse42(
    std::uint32_t crc, std::byte const* at, std::size_t size) noexcept {
    constexpr std::size_t lane = crc32c_lane_bytes;
    auto const& join = crc32c_join();
    std::uint64_t a = crc;
    for (; size >= 3 * lane; at += 3 * lane, size -= 3 * lane) {
        std::uint64_t b = 0;
        std::uint64_t c = 0;
        for (std::size_t i = 0; i < lane; i += 8) {
            a = __builtin_ia32_crc32di(a, load_word(at + i));
            b = __builtin_ia32_crc32di(b, load_word(at + lane + i));
            c = __builtin_ia32_crc32di(c, load_word(at + 2 * lane + i));
        }
        a = crc32c_after_lane(join, static_cast<std::uint32_t>(a)) ^ b;
        a = crc32c_after_lane(join, static_cast<std::uint32_t>(a)) ^ c;
    }
    for (; size >= 8; at += 8, size -= 8) { a = __builtin_ia32_crc32di(a, load_word(at)); }
    auto rest = static_cast<std::uint32_t>(a);
    for (; size > 0; ++at, --size) {
        rest = __builtin_ia32_crc32qi(rest, static_cast<std::uint8_t>(*at));
    }
    return rest;
}

[[nodiscard]] inline bool cpu_has_crc32c() noexcept {
    static bool const has = __builtin_cpu_supports("sse4.2") != 0;
    return has;
}

#endif

}  // namespace quire::inline QUIRE_ABI::detail

namespace quire::inline QUIRE_ABI {

/// The CRC-32C of `bytes`.
[[nodiscard]] inline std::uint32_t crc32c(std::span<std::byte const> bytes) noexcept {
#if defined(__x86_64__)
    if (detail::cpu_has_crc32c()) {
        return ~detail::crc32c_sse42(~std::uint32_t{0}, bytes.data(), bytes.size());
    }
#endif
    return ~detail::crc32c_portable(~std::uint32_t{0}, bytes.data(), bytes.size());
}

}  // namespace quire::inline QUIRE_ABI
