// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_sector: the format of a log's sectors, and of its headers.
///
/// A log is a stream of bytes, cut into parts of 480, one in each sector of 512. A byte's place in
/// the stream is its position, which grows for ever. The sectors lie in a ring of blocks of 4 KiB,
/// eight in each, behind two blocks for the headers.
///
///     offset   a sector                                       a header
///     0        CRC-32C of what follows                        CRC-32C of what follows
///     4        epoch                                          format version
///     8        position of its first byte                     "quirelog"
///     16       how far the log was durable when it was made   identity of the log, random
///     24       where its epoch begins                         blocks of the ring
///     32       480 bytes of the stream                        how many headers came before it
///     40                                                      where recovery begins
///     48                                                      epoch
///     56                                                      56 openings, the last one first
///
/// All little-endian. A header is the first sector of its block; they are written in turn.
///
/// A device writes a sector whole or not at all. So a sector is valid after a crash: it holds what
/// was written last, or what was there before, of an older round of the ring, or it is blank. A
/// sector that is older than expected is the log's end. One whose checksum is wrong is damage, and
/// so is one that is newer.
///
/// Epochs. What lies behind the end that a recovery found was written before the crash. Its
/// positions are right, but its predecessors are missing. So each recovery raises the epoch, and
/// what is written from then on begins a new block, and says where that is. A sector whose epoch is
/// older than that of the sector before it is the end; so is one whose epoch is newer, unless it is
/// the first of its epoch. And the end is the end only if no newer epoch begins in the next block:
/// the rest of the last one may hold anything that a crash has left there.

#include <quire/base/byte_order.hpp>
#include <quire/base/log_opening.hpp>
#include <quire/base/page_seal.hpp>

#include <cstddef>  // std::byte
#include <cstdint>  // std::uint64_t
#include <cstring>  // std::memset
#include <span>     // std::span

namespace quire::inline QUIRE_ABI::detail {

inline constexpr std::size_t log_block = 4096;    // bytes, here and below
inline constexpr std::size_t log_sector_size = 512;
inline constexpr std::size_t log_payload = 480;
inline constexpr std::size_t log_sectors = log_block / log_sector_size;  // in a block
inline constexpr std::uint64_t log_block_payload = log_sectors * log_payload;

using log_block_bytes = std::span<std::byte, log_block>;
using log_sector_bytes = std::span<std::byte const, log_sector_size>;

/// The bytes of the stream that a sector of a block has.
[[nodiscard]] inline std::span<std::byte, log_payload> payload_of(log_block_bytes block,
                                                                  std::size_t sector) noexcept {
    auto const at = sector * log_sector_size + log_sector_size - log_payload;
    return block.subspan(at).first<log_payload>();
}
[[nodiscard]] inline log_sector_bytes sector_of(log_block_bytes block,
                                                std::size_t sector) noexcept {
    return block.subspan(sector * log_sector_size).first<log_sector_size>();
}

/// What a sector says of itself.
struct log_sector {
    std::uint64_t position = 0;
    std::uint64_t durable = 0;
    std::uint64_t epoch_begin = 0;
    std::uint32_t epoch = 0;

    /// Seals the sectors of a block whose first byte has this position.
    void seal(log_block_bytes block) const noexcept {
        for (std::size_t i = 0; i < log_sectors; ++i) {
            auto const bytes = block.subspan(i * log_sector_size).first<log_sector_size>();
            store_le<std::uint32_t>(bytes.data() + 4, epoch);
            store_le<std::uint64_t>(bytes.data() + 8, position + i * log_payload);
            store_le<std::uint64_t>(bytes.data() + 16, durable);
            store_le<std::uint64_t>(bytes.data() + 24, epoch_begin);
            store_le<std::uint32_t>(bytes.data(), crc32c(bytes.subspan(4)));
        }
    }
    [[nodiscard]] static log_sector read(log_sector_bytes bytes) noexcept {
        return {load_le<std::uint64_t>(bytes.data() + 8), load_le<std::uint64_t>(bytes.data() + 16),
                load_le<std::uint64_t>(bytes.data() + 24),
                load_le<std::uint32_t>(bytes.data() + 4)};
    }
};

/// Of a sector or a header.
[[nodiscard]] inline bool has_checksum(log_sector_bytes bytes) noexcept {
    return load_le<std::uint32_t>(bytes.data()) == crc32c(bytes.subspan(4));
}

struct log_header {
    static_assert(56 + sizeof(log_history::openings) <= log_sector_size);
    static constexpr std::uint32_t version = 1;
    static constexpr std::uint64_t magic = 0x676F'6C65'7269'7571;  // "quirelog"

    log_history history{};       ///< with the identity
    std::uint64_t blocks = 0;    ///< of the ring
    std::uint64_t sequence = 0;  ///< headers before this one
    std::uint64_t start = 0;     ///< position of the record where recovery begins
    std::uint32_t epoch = 0;

    void write(log_block_bytes block) const noexcept {
        std::memset(block.data(), 0, block.size());
        store_le<std::uint32_t>(block.data() + 4, version);
        store_le<std::uint64_t>(block.data() + 8, magic);
        store_le<std::uint64_t>(block.data() + 16, history.log);
        store_le<std::uint64_t>(block.data() + 24, blocks);
        store_le<std::uint64_t>(block.data() + 32, sequence);
        store_le<std::uint64_t>(block.data() + 40, start);
        store_le<std::uint32_t>(block.data() + 48, epoch);
        for (std::size_t i = 0; i < history.openings.size(); ++i) {
            store_le<std::uint64_t>(block.data() + 56 + 8 * i, history.openings[i]);
        }
        store_le<std::uint32_t>(block.data(),
                                crc32c(block.first<log_sector_size>().subspan(4)));
    }
    /// Whether `block` is one, of a version that is known.
    [[nodiscard]] static bool is_valid(log_block_bytes block) noexcept {
        return load_le<std::uint64_t>(block.data() + 8) == magic &&
               load_le<std::uint32_t>(block.data() + 4) == version &&
               has_checksum(sector_of(block, 0));
    }
    [[nodiscard]] static log_header read(log_block_bytes block) noexcept {
        auto const at = [&](std::size_t offset) {
            return load_le<std::uint64_t>(block.data() + offset);
        };
        log_header found{
            {at(16)}, at(24), at(32), at(40), load_le<std::uint32_t>(block.data() + 48)};
        for (std::size_t i = 0; i < found.history.openings.size(); ++i) {
            found.history.openings[i] = at(56 + 8 * i);
        }
        return found;
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
