// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_moves: which parts of a difference are bytes that the page had already, a little before or
/// behind. An insertion into an array moves all that is behind it: in the log that is one move of
/// 12 bytes, not the bytes.
///
/// A move reads the page as it was before the change, all of it: no move sees what another move or
/// a literal range has written. So the order of moves does not matter, and they may overlap.
///
/// A move is right only where a replay has the bytes that the change had. It has, except those of
/// the seal: a replay makes a page from its image in the log, never from the disk, and applies
/// every later change of the page in order (log_replay.hpp has the argument). The seal is written
/// with the page, at other times in a replay than in the life that was logged. So no move reads
/// bytes that a seal may write.
///
/// How a move is found: a sample of a long stretch is looked for among the old bytes near it, and
/// extended both ways from where it is found. What is left before and behind is searched likewise.
/// A sample of equal bytes would be found nearly everywhere, and is not used.
///
/// Cost: a search reads some 500 bytes. A page is given up after `failures_max` in vain.

#include <quire/pool/detail/change_record.hpp>

#include <algorithm>  // std::max, std::min

namespace quire::inline QUIRE_ABI::detail {

/// Bytes of a page that differ from what they were. A move: what was at `from` is at `offset` now.
struct byte_range {
    std::uint32_t offset;
    std::uint32_t size;
    std::uint32_t from;  ///< `offset`: it is no move, the record has the bytes

    [[nodiscard]] constexpr bool is_move() const noexcept { return from != offset; }
    /// In a record.
    [[nodiscard]] constexpr std::size_t cost() const noexcept {
        return is_move() ? record_writer::move_size : record_writer::range_head + size;
    }
    static constexpr byte_range literal(std::size_t offset, std::size_t size) noexcept {
        auto const at = static_cast<std::uint32_t>(offset);
        return {at, static_cast<std::uint32_t>(size), at};
    }
};

class page_moves {
public:
    static constexpr std::size_t size_min = 64;
    static constexpr std::size_t distance_max = 256;

    /// Moves read bytes from `first_readable` on. Expects: both are of one size.
    page_moves(std::span<std::byte const> before, std::span<std::byte const> now,
               std::size_t first_readable) noexcept
        : before_{before}, now_{now}, first_{first_readable} {}

    /// Splits those of `ranges` from `first` on that have moves; the bytes that this saves in a
    /// record.
    [[nodiscard]] std::size_t find(std::vector<byte_range>& ranges, std::size_t first) {
        std::size_t saved = 0;
        for (auto i = first; i < ranges.size(); ++i) {
            auto const stretch = ranges[i];
            if (stretch.is_move() || stretch.size < size_min) { continue; }
            if (failures_ == failures_max) { break; }
            auto const move = find_in(stretch);
            if (move.size == 0) { continue; }
            saved += stretch.cost() - move.cost();
            ranges[i] = move;
            auto const put_rest = [&](std::size_t from, std::size_t to) {
                if (from == to) { return; }
                ranges.push_back(byte_range::literal(from, to - from));
                saved -= ranges.back().cost();
            };
            put_rest(stretch.offset, move.offset);
            put_rest(move.offset + move.size, stretch.offset + stretch.size);
        }
        return saved;
    }

private:
    static constexpr std::size_t sample = 16;
    static constexpr std::size_t word = 8;
    static constexpr int failures_max = 4;
    static constexpr int hits_max = 8;  ///< of one sample: it may be a pattern
    using vector [[gnu::vector_size(16), gnu::aligned(1), gnu::may_alias]] = unsigned char;

    /// The best move in a stretch; of size 0 if there is none.
    [[nodiscard]] byte_range find_in(byte_range const& stretch) noexcept {
        for (std::size_t const eighth : {3U, 6U}) {  // the middle may be where two arrays meet
            if (eighth == 6 && stretch.size < 4 * size_min) { break; }
            auto const at = stretch.offset + (stretch.size - sample) * eighth / 8;
            if (is_of_equal_bytes(at)) { continue; }
            if (auto const best = around(stretch, at); best.size >= size_min) { return best; }
            if (++failures_ == failures_max) { break; }
        }
        return {};
    }
    [[nodiscard]] bool is_of_equal_bytes(std::size_t at) const noexcept {
        return std::memcmp(now_.data() + at, now_.data() + at + 1, sample - 1) == 0;
    }
    /// The longest move that has the sample at `at`.
    [[nodiscard]] byte_range around(byte_range const& stretch, std::size_t at) const noexcept {
        byte_range best{};
        auto const lowest = std::max(at - std::min(at, distance_max), first_);
        auto const end = std::min(at + distance_max, before_.size() - sample) + 1;
        if (!may_be_among(lowest, end, at)) { return best; }
        auto hits = hits_max;
        bool is_done = false;
        auto const look_at = [&](std::size_t from) {
            if (!equal_words(before_.data() + from, now_.data() + at) ||
                !equal_words(before_.data() + from + word, now_.data() + at + word)) {
                return;
            }
            auto const found = extended(stretch, at, from);
            if (found.size > best.size) { best = found; }
            is_done = --hits == 0 || best.size + size_min > stretch.size;
        };
        for (std::size_t distance = 1; distance <= distance_max && !is_done; ++distance) {
            if (at >= lowest + distance) { look_at(at - distance); }
            if (at + distance < end && at + distance >= lowest && !is_done) {
                look_at(at + distance);
            }
        }
        return best;
    }
    /// False: the sample at `at` begins at none of the old bytes from `first` on, below `end`. It
    /// is judged by three of its bytes, 16 places at once: most searches in vain end here.
    [[nodiscard]] bool may_be_among(std::size_t first, std::size_t end,
                                    std::size_t at) const noexcept {
        if (first >= end) { return false; }
        auto const differ = [&](std::size_t from, std::size_t i) {
            vector bytes;
            std::memcpy(&bytes, before_.data() + from + i, sizeof bytes);
            return bytes ^ std::to_integer<unsigned char>(now_[at + i]);
        };
        vector fits{};
        for (auto from = first; from < end; from += sample) {
            if (before_.size() - from < 2 * sample) { return true; }  // at the page's end
            fits |= (differ(from, 0) | differ(from, word) | differ(from, sample - 1)) == 0;
        }
        std::uint64_t halves[2];
        std::memcpy(halves, &fits, sizeof halves);
        return (halves[0] | halves[1]) != 0;
    }
    [[nodiscard]] static bool equal_words(std::byte const* a, std::byte const* b) noexcept {
        return std::memcmp(a, b, word) == 0;
    }
    /// What is at `at` was at `from`, and how many bytes around it, within the stretch.
    [[nodiscard]] byte_range extended(byte_range const& stretch, std::size_t at,
                                      std::size_t from) const noexcept {
        auto const in_front = std::min(at - stretch.offset, from - first_);
        auto const behind = std::min(stretch.offset + stretch.size - at, before_.size() - from);
        auto const* const here = now_.data() + at;
        auto const* const there = before_.data() + from;
        std::size_t down = 0;
        while (down + word <= in_front && equal_words(here - down - word, there - down - word)) {
            down += word;
        }
        while (down < in_front && *(here - down - 1) == *(there - down - 1)) { ++down; }
        std::size_t up = sample;
        while (up + word <= behind && equal_words(here + up, there + up)) { up += word; }
        while (up < behind && here[up] == there[up]) { ++up; }
        return {static_cast<std::uint32_t>(at - down), static_cast<std::uint32_t>(down + up),
                static_cast<std::uint32_t>(from - down)};
    }

    std::span<std::byte const> before_;
    std::span<std::byte const> now_;
    std::size_t first_;
    int failures_ = 0;
};

}  // namespace quire::inline QUIRE_ABI::detail
