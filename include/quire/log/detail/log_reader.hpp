// SPDX-License-Identifier: BSL-1.0
#pragma once

/// log_reader: finds the records in a log's sectors, and where they end.
///
/// It is given the sectors in their order, from the one with the first record on. A record is four
/// bytes of its length, four of its kind, and its bytes; the next one begins at a multiple of 8.
/// Kind 0 is no record: the rest of the block was filled up.
///
/// What is no possible state of a log after a crash throws `damage`.

#include <quire/log/detail/log_sector.hpp>

#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI::detail {

enum class log_record : std::uint32_t {
    none = 0,
    user = 1,
    log = 2,   ///< the log's own, so that there is one where recovery begins
    note = 3,  ///< like a user's, and kept in memory when the log is opened
};

class log_reader {
public:
    struct damage {
        char const* what;
    };
    static constexpr std::size_t alignment = 8;  // of records in the stream
    static constexpr std::size_t prefix = 8;     // bytes before those of a record
    [[nodiscard]] static constexpr std::uint64_t aligned(std::uint64_t position) noexcept {
        return (position + alignment - 1) / alignment * alignment;
    }

    /// Expects: `start` is where a record begins, or was filled up.
    log_reader(std::uint64_t start, std::uint32_t epoch_max, std::uint64_t record_max)
        : skip_to_{start}, end_{start}, epoch_max_{epoch_max}, record_max_{record_max} {}

    /// Takes the sector that should begin at `position`; false: the log has ended before it.
    /// `fn(kind, lsn, bytes)` for each record that ends in it.
    template <class Fn>
    [[nodiscard]] bool take(log_sector_bytes bytes, std::uint64_t position, Fn& fn) {
        if (!accept(bytes, position)) { return false; }
        auto const payload = bytes.subspan<log_sector_size - log_payload>();
        std::size_t at = 0;
        while (at < payload.size()) {
            if (skip_to_ > position + at) {
                auto const skipped = skip_to_ - position;
                at = skipped < payload.size() ? skipped : payload.size();
            } else if (kind_ == log_record::none) {
                begin(payload.data() + at, position + at);
                if (kind_ != log_record::none) { at += prefix; }
            } else {
                auto const room = payload.size() - at;
                auto const part = left_ < room ? left_ : room;
                record_.insert(record_.end(), payload.begin() + static_cast<std::ptrdiff_t>(at),
                               payload.begin() + static_cast<std::ptrdiff_t>(at + part));
                left_ -= part;
                at += part;
            }
            if (kind_ != log_record::none && left_ == 0) { finish(position + at, fn); }
        }
        return true;
    }

    /// After the end: whether the log goes on at `position`, the first block that begins at the end
    /// or after it, since a later life began there. What lies between is what a crash left of an
    /// earlier one, and may be anything.
    [[nodiscard]] bool goes_on(log_sector_bytes bytes, std::uint64_t position) {
        if (all_zero(bytes)) { return false; }
        if (!has_checksum(bytes)) { throw damage{"a sector's checksum is wrong"}; }
        auto const said = log_sector::read(bytes);
        if (said.position != position || said.epoch_begin != position ||
            (seen_ && said.epoch <= epoch_)) {
            return false;
        }
        forget_what_has_no_end(position);
        return true;
    }

    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }          ///< the last LSN
    [[nodiscard]] std::uint64_t durable() const noexcept { return durable_; }  ///< at least
    [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
    /// Bytes that the record behind the end lacks, if one has begun there; else 0.
    [[nodiscard]] std::uint64_t missing() const noexcept {
        return kind_ == log_record::none ? 0 : left_;
    }

private:
    [[nodiscard]] bool accept(log_sector_bytes bytes, std::uint64_t position) {
        if (all_zero(bytes)) { return false; }
        if (!has_checksum(bytes)) { throw damage{"a sector's checksum is wrong"}; }
        auto const said = log_sector::read(bytes);
        if (said.position < position) { return false; }
        if (said.position > position) { throw damage{"a sector is newer than its place"}; }
        if (said.epoch > epoch_max_) { throw damage{"a sector is of an epoch that never was"}; }
        if (seen_ && said.epoch != epoch_) {
            if (said.epoch < epoch_ || said.epoch_begin != position) { return false; }
            forget_what_has_no_end(position);
        }
        seen_ = true;
        epoch_ = said.epoch;
        if (said.durable > durable_) { durable_ = said.durable; }
        return true;
    }
    void forget_what_has_no_end(std::uint64_t position) noexcept {
        kind_ = log_record::none;
        record_.clear();
        skip_to_ = position;
    }
    void begin(std::byte const* at, std::uint64_t position) {
        auto const kind = load_le<std::uint32_t>(at + 4);
        left_ = load_le<std::uint32_t>(at);
        if (kind == 0) {
            skip_to_ = (position / log_block_payload + 1) * log_block_payload;
            return;
        }
        if (kind > 3 || left_ > record_max_) { throw damage{"a record is none"}; }
        kind_ = static_cast<log_record>(kind);
    }
    template <class Fn>
    void finish(std::uint64_t position, Fn& fn) {
        end_ = skip_to_ = aligned(position);
        ++records_;
        fn(kind_, end_, std::span<std::byte const>{record_});
        kind_ = log_record::none;
        record_.clear();
    }

    std::uint64_t skip_to_;
    std::uint64_t end_;
    std::uint32_t const epoch_max_;
    std::uint64_t const record_max_;
    std::uint64_t durable_ = 0;
    std::uint64_t records_ = 0;
    std::uint32_t epoch_ = 0;
    bool seen_ = false;
    log_record kind_ = log_record::none;
    std::uint64_t left_ = 0;  ///< bytes of the record that have not been seen
    std::vector<std::byte> record_;
};

}  // namespace quire::inline QUIRE_ABI::detail
