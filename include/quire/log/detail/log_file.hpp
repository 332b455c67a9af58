// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_file: a log's file: two headers and a ring of blocks. How it is made, how its end is found,
/// and how its records are read.
///
/// Opening. A file that has a header is a log; one that is blank, but for what `make` writes first,
/// was never finished, and is made; anything else is damage. `recover` finds the end. What it read
/// may be in a cache only, and is written again before anything else is, from where the log is
/// known to be durable; then the epoch is raised (log_sector.hpp).
///
/// Blocks of the stream have numbers that grow for ever. The file does not know what is not written
/// yet.
///
/// Errors: log_corrupt, log_failed, and those of opening a file.
/// Threads: one at a time.

#include <quire/io/relative_name.hpp>
#include <quire/log/detail/log_device.hpp>
#include <quire/log/detail/log_reader.hpp>

#include <random>  // std::random_device
#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// The first block that begins at `position` of the stream or after it.
[[nodiscard]] constexpr std::uint64_t block_from(std::uint64_t position) noexcept {
    return (position + log_block_payload - 1) / log_block_payload;
}
[[nodiscard]] constexpr std::uint64_t block_of(std::uint64_t position) noexcept {
    return position / log_block_payload;
}
/// Puts bytes at `position` of the stream, which is in `block`, and clears a block that begins
/// there; how many: those that the sector has room for.
[[nodiscard]] inline std::size_t put_some(log_block_bytes block, std::uint64_t position,
                                          std::span<std::byte const> bytes) noexcept {
    auto const in_block = position % log_block_payload;
    if (in_block == 0) { std::memset(block.data(), 0, block.size()); }
    auto const to = payload_of(block, in_block / log_payload).subspan(in_block % log_payload);
    auto const count = bytes.size() < to.size() ? bytes.size() : to.size();
    std::memcpy(to.data(), bytes.data(), count);
    return count;
}
/// Before the bytes of a record in the stream.
[[nodiscard]] inline std::array<std::byte, log_reader::prefix> record_prefix(
    log_record kind, std::size_t size) noexcept {
    std::array<std::byte, log_reader::prefix> prefix;
    store_le<std::uint32_t>(prefix.data(), static_cast<std::uint32_t>(size));
    store_le<std::uint32_t>(prefix.data() + 4, static_cast<std::uint32_t>(kind));
    return prefix;
}

template <file_backend Backend>
class log_file : immovable {
public:
    static constexpr std::size_t chunk_blocks = 64;  // transferred at once
    static constexpr std::uint64_t blocks_min = 16;  // of a ring

    /// Opens the file, or makes it, of `bytes`. `chunk` is of chunk_blocks, in `memory`.
    log_file(arena const& memory, std::span<std::byte> chunk,
             typename Backend::options const& options, open_request const& request,
             std::uint64_t bytes)
        : chunk_{chunk}, device_{memory, options, request} {
        if (!find_header()) { make(bytes); }
    }

    [[nodiscard]] log_header const& header() const noexcept { return header_; }
    [[nodiscard]] std::string const& path() const noexcept { return device_.path(); }
    /// As it was when the file was opened.
    [[nodiscard]] std::string const& absolute_path() const noexcept { return absolute_path_; }

    /// Once: the LSN of the last record. From here on the log goes on with the next block.
    /// `fn(kind, lsn, bytes)` for each record.
    template <class Fn>
    [[nodiscard]] std::uint64_t recover(std::uint64_t record_max, Fn fn) {
        std::vector<std::byte> room(chunk_.size());
        auto const found = scan(record_max, room, alone, fn);
        if (found.records() == 0) { corrupt("there is no record where it begins"); }
        write_again(block_of(found.durable()), block_from(found.end()));
        ++header_.epoch;
        header_.history.add(random_number());
        write_header();
        return found.end();
    }

    /// Blocks from number `first` on.
    void write(std::uint64_t first, std::span<std::byte> blocks) {
        device_.transfer_in_ring(io_verb::write, first, header_.blocks, blocks);
    }
    void sync() { device_.sync(); }
    /// Recovery begins at `lsn`. Durably.
    void begin_at(std::uint64_t lsn) {
        header_.start = lsn;
        write_header();
    }

    /// `fn(kind, lsn, bytes)` for each record of the file from where it begins. `room` is of
    /// chunk_blocks. Each read of the file is inside of an `exclusively(act)`.
    template <class Exclusively, class Fn>
    log_reader scan(std::uint64_t record_max, std::span<std::byte> room, Exclusively exclusively,
                    Fn fn) {
        log_reader found{header_.start, header_.epoch, record_max};
        auto const end = block_of(header_.start) + header_.blocks;
        auto const read = [&](std::uint64_t first, std::size_t count) {
            auto const blocks = chunk_.first(count * log_block);
            exclusively([&] {
                device_.transfer_in_ring(io_verb::read, first, header_.blocks, blocks);
                std::memcpy(room.data(), blocks.data(), blocks.size());
            });
        };
        try {
            auto next = block_of(header_.start);
            do {
                for (bool more = true; more && next < end;) {
                    auto const count = at_most_a_chunk(end - next);
                    read(next, count);
                    more = take(found, next, room.first(count * log_block), fn);
                    next += count;
                }
                next = block_from(found.end());
                if (next >= end) { break; }
                read(next, 1);
            } while (found.goes_on(room.template first<log_sector_size>(),
                                   next * log_block_payload));
        } catch (log_reader::damage const& why) {
            corrupt(why.what);
        }
        return found;
    }

    [[noreturn]] void corrupt(char const* what) const {
        throw error{errc::log_corrupt, "open log", {page_id::none(), 0, path(), what}};
    }

private:
    static constexpr auto alone = [](auto act) { act(); };
    static constexpr std::uint32_t first_epoch = 1;

    [[nodiscard]] static std::uint64_t random_number() {
        std::random_device random;
        return (std::uint64_t{random()} << 32) | random();
    }
    [[nodiscard]] static std::size_t at_most_a_chunk(std::uint64_t blocks) noexcept {
        return blocks < chunk_blocks ? blocks : chunk_blocks;
    }
    [[nodiscard]] std::span<std::byte> chunk(std::size_t blocks) const noexcept {
        return chunk_.first(blocks * log_block);
    }
    [[nodiscard]] log_block_bytes in_chunk(std::size_t block) const noexcept {
        return chunk_.subspan(block * log_block).template first<log_block>();
    }

    /// False: the log has ended in `blocks`, the first of which has number `first`.
    template <class Fn>
    [[nodiscard]] static bool take(log_reader& found, std::uint64_t first,
                                   std::span<std::byte const> blocks, Fn& fn) {
        for (std::size_t i = 0; i < blocks.size() / log_sector_size; ++i) {
            auto const sector = blocks.subspan(i * log_sector_size).first<log_sector_size>();
            auto const position = first * log_block_payload + i * log_payload;
            if (!found.take(sector, position, fn)) { return false; }
        }
        return true;
    }

    /// The next of the two, and a sync.
    void write_header() {
        ++header_.sequence;
        header_.write(in_chunk(0));
        device_.transfer(io_verb::write, header_.sequence % 2, chunk(1));
        device_.sync();
    }
    /// Whether the file has a header; false: it is new, or was never finished.
    [[nodiscard]] bool find_header() {
        constexpr auto headers = log_device<Backend>::headers;
        if (device_.size() == 0) { return false; }
        if (device_.size() < (blocks_min + headers) * log_block) { corrupt("it is too short"); }
        device_.transfer(io_verb::read, 0, chunk(headers));
        bool found = false;
        for (std::size_t i = 0; i < headers; ++i) {
            if (!log_header::is_valid(in_chunk(i))) { continue; }
            auto const one = log_header::read(in_chunk(i));
            if (!found || one.sequence > header_.sequence) { header_ = one; }
            found = true;
        }
        if (!found && !is_unfinished()) { corrupt("it has no header"); }
        // It may be longer: some backends grow in steps (rbd_backend).
        if (found && (header_.blocks < blocks_min ||
                      header_.blocks > device_.size() / log_block - headers)) {
            corrupt("it is shorter than its header says");
        }
        return found;
    }
    /// Whether a crash in `make` can have left the file so: blank, but for the first record.
    [[nodiscard]] bool is_unfinished() {
        auto const blocks = device_.size() / log_block;
        for (std::uint64_t at = 0; at < blocks; at += chunk_blocks) {
            auto const part = chunk(at_most_a_chunk(blocks - at));
            device_.transfer(io_verb::read, at, part);
            if (at == 0) { clear_first_record(in_chunk(log_device<Backend>::headers)); }
            if (!all_zero(part)) { return false; }
        }
        return true;
    }
    /// Sectors of the first record, as `make` writes them, become blank.
    static void clear_first_record(log_block_bytes block) {
        std::vector<std::byte> made(log_block);
        auto const expected = std::span{made}.template first<log_block>();
        put_first_record(expected);
        for (std::size_t i = 0; i < log_sectors; ++i) {
            auto const sector = block.subspan(i * log_sector_size).first<log_sector_size>();
            auto const as_made = sector_of(expected, i);
            if (std::equal(sector.begin(), sector.end(), as_made.begin())) {
                std::memset(sector.data(), 0, sector.size());
            }
        }
    }
    /// Expects: `block` is blank.
    static void put_first_record(log_block_bytes block) noexcept {
        auto const prefix = record_prefix(log_record::log, 0);
        std::memcpy(payload_of(block, 0).data(), prefix.data(), prefix.size());
        log_sector{0, 0, 0, first_epoch}.seal(block);
    }
    /// Zero-filled, so that no later sync moves metadata; with one record, of the log's own.
    void make(std::uint64_t bytes) {
        auto const blocks = bytes / log_block;
        device_.resize(blocks * log_block);
        std::memset(chunk_.data(), 0, chunk_.size());
        for (std::uint64_t at = 0; at < blocks; at += chunk_blocks) {
            device_.transfer(io_verb::write, at, chunk(at_most_a_chunk(blocks - at)));
        }
        device_.sync();
        header_ = {{random_number()},
                   blocks - log_device<Backend>::headers, 0, 0, first_epoch};
        put_first_record(in_chunk(0));
        write(0, chunk(1));
        device_.sync();
        write_header();
    }
    /// Blocks that may be in a cache only.
    void write_again(std::uint64_t from, std::uint64_t to) {
        while (from < to) {
            auto const part = chunk(at_most_a_chunk(to - from));
            device_.transfer_in_ring(io_verb::read, from, header_.blocks, part);
            device_.transfer_in_ring(io_verb::write, from, header_.blocks, part);
            from += part.size() / log_block;
        }
        device_.sync();
    }

    std::span<std::byte> const chunk_;
    log_device<Backend> device_;
    std::string const absolute_path_ = "/" + relative_name(device_.path(), "/log");
    log_header header_;
};

}  // namespace quire::inline QUIRE_ABI::detail
