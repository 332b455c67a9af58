// SPDX-License-Identifier: BSL-1.0
#include <quire/pool/detail/page_moves.hpp>

// What breaks when a rule is left out (each a test here, or in change.test.cpp and crash/):
//
//   a move reads what another has written        a page that never was, after a crash
//   a move reads bytes of the seal               likewise: a replay has others
//   a move leaves the page                       any memory is read or written
//   equal bytes are looked for                   they are everywhere: moves are not found

#include <quire/pool/detail/page_difference.hpp>
#include <quire/table/detail/entry_block.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

using quire::page_no;
using quire::detail::byte_range;
using quire::detail::change_tag;
using quire::detail::moved_range;
using quire::detail::record_writer;

namespace {

using page_bytes = std::vector<std::byte>;

/// What a record makes of a page.
struct patched_page {
    page_bytes bytes;
    page_bytes before{};
    std::size_t moves = 0;
    std::size_t moved = 0;  ///< bytes

    void file_is(quire::detail::file_record const&) {}
    void file_was_closed(std::uint32_t) {}
    void file_was_cut(std::uint32_t, std::uint64_t) {}
    void page_is(std::uint32_t, page_no, std::span<std::byte const> image) {
        bytes.assign(image.begin(), image.end());
    }
    void move_is(std::uint32_t, page_no, moved_range const& move) {
        if (move.is_first) { before = bytes; }
        std::memcpy(bytes.data() + move.offset, before.data() + move.from, move.size);
        ++moves;
        moved += move.size;
    }
    void range_is(std::uint32_t, page_no, std::size_t offset, std::span<std::byte const> range) {
        std::memcpy(bytes.data() + offset, range.data(), range.size());
    }
};

struct logged_difference {
    std::size_t said = 0;     ///< what it takes, by find_difference
    page_bytes record{};
    patched_page made{{}};    ///< of the page before
};

logged_difference logged(page_bytes const& before, page_bytes const& now,
                         std::size_t first_readable = 0) {
    std::vector<byte_range> ranges;
    logged_difference found;
    found.said = quire::detail::find_difference(before, now, first_readable, ranges);
    page_bytes memory;
    record_writer writer{memory};
    writer.put(change_tag::change);
    writer.put(std::uint32_t{ranges.empty() ? 0U : 1U});
    if (!ranges.empty()) {
        writer.begin_ranges(1, 0, static_cast<std::uint32_t>(ranges.size()));
    }
    for (auto const& range : ranges) {
        if (range.is_move()) {
            REQUIRE(range.from >= first_readable);
            writer.put_move(range.offset, range.size, range.from);
        }
    }
    for (auto const& range : ranges) {
        if (range.is_move()) { continue; }
        writer.put_range(range.offset, std::span{now}.subspan(range.offset, range.size));
    }
    found.record.assign(writer.record().begin(), writer.record().end());
    found.made.bytes = before;
    quire::detail::record_reader<patched_page>::read(found.record, before.size(), found.made);
    return found;
}

page_bytes random_page(quire_test::generator& random, std::size_t size) {
    page_bytes page(size);
    auto const values = random.chance(1, 2) ? 256U : random.between(1, 5);
    for (auto& byte : page) { byte = static_cast<std::byte>(random.below(values)); }
    if (random.chance(1, 3)) {  // runs of equal bytes
        for (int i = 0; i < 4; ++i) {
            auto const at = random.below(size);
            std::memset(page.data() + at, static_cast<int>(random.below(2)),
                        std::min<std::size_t>(random.below(size / 3), size - at));
        }
    }
    return page;
}
/// Bytes [from, from + size) move by up to 300, others are overwritten.
void change_somehow(quire_test::generator& random, page_bytes& page) {
    auto const size = random.between(1, page.size() / 2);
    auto const from = random.below(page.size() - size + 1);
    auto const distance = random.below(301);
    auto const to = random.chance(1, 2) ? from - std::min<std::size_t>(from, distance)
                                        : std::min(from + distance, page.size() - size);
    switch (random.below(3)) {
        case 0:
        case 1: std::memmove(page.data() + to, page.data() + from, size); break;
        default:
            for (std::size_t i = from; i < from + std::min<std::size_t>(size, 200); ++i) {
                page[i] = static_cast<std::byte>(random.below(256));
            }
    }
}

/// A block of u64 -> u64 without a prefix, in the page from byte 128 on, with hints before it.
quire::detail::entry_block<std::byte> block_in(page_bytes& page, std::size_t count) {
    return {page.data() + 48, std::span{page}.subspan(128, page.size() - 128), {8, 8}, 0, count};
}
std::array<std::byte, 8> random_bytes(quire_test::generator& random) {
    std::array<std::byte, 8> bytes;
    quire::store_be<std::uint64_t>(bytes.data(), random.bits());
    return bytes;
}

}  // namespace

TEST_CASE("page_moves: what a record makes of the page before is the page after") {
    quire_test::generator random{2026};
    std::size_t moves = 0;
    std::size_t none = 0;
    for (int round = 0; round < 20'000; ++round) {
        auto const before = random_page(random, std::size_t{512} << random.below(4));
        auto now = before;
        for (auto left = random.between(1, 4); left > 0; --left) { change_somehow(random, now); }
        std::size_t const first_readable = std::array<std::size_t, 3>{0, 12, 300}[random.below(3)];
        auto const found = logged(before, now, first_readable);
        REQUIRE(found.made.bytes == now);
        auto const head = std::size_t{8} + (found.said == 0 ? 0 : record_writer::page_head);
        REQUIRE(found.record.size() == head + found.said);
        moves += found.made.moves;
        none += found.made.moves == 0 ? 1U : 0U;
    }
    CHECK(moves > 10'000);
    CHECK(none > 1'000);
}

// 128 entries of 192: an insertion moves 64 keys and 64 values on average, which are 1,024 bytes.
TEST_CASE("page_moves: an insertion into a block, or an erasure, is two moves") {
    quire_test::generator random{7};
    page_bytes page(4096);
    std::size_t count = 0;
    auto const one_of = [&](bool inserts) {
        auto const before = page;
        if (inserts) {
            auto const key = random_bytes(random);
            auto const place = block_in(page, count).find(key);
            block_in(page, count).insert(place.position, key, random_bytes(random));
            block_in(page, ++count).put_hints();
        } else {
            block_in(page, count).erase(random.below(count));
            block_in(page, --count).put_hints();
        }
        auto const found = logged(before, page, 12);
        REQUIRE(found.made.bytes == page);
        return found;
    };
    while (count < 128) { one_of(true); }
    std::size_t inserting = 0;
    std::size_t erasing = 0;
    std::size_t moved = 0;
    for (int i = 0; i < 1000; ++i) {
        auto const inserted = one_of(true);
        auto const erased = one_of(false);
        inserting += inserted.record.size();
        erasing += erased.record.size();
        moved += inserted.made.moved;
        REQUIRE(inserted.made.moves <= 2);
        REQUIRE(erased.made.moves <= 2);
    }
    UNSCOPED_INFO("inserting " << inserting << ", erasing " << erasing << ", moved " << moved);
    CHECK(inserting < 1000 * 200);
    CHECK(erasing < 1000 * 200);
    CHECK(moved > 1000 * 900);
}

TEST_CASE("page_moves: no move reads a byte before the first one that may be read") {
    quire_test::generator random{3};
    page_bytes before(1024);
    for (auto& byte : before) { byte = static_cast<std::byte>(random.below(256)); }
    auto now = before;
    std::memmove(now.data() + 128, before.data(), 128);
    auto const all = logged(before, now, 0);
    CHECK(all.made.moved == 128);
    auto const behind = logged(before, now, 12);
    CHECK(behind.made.moved == 116);
    CHECK(behind.made.bytes == now);
    CHECK(logged(before, now, 1024).made.moves == 0);
    CHECK(logged(before, now, ~std::size_t{0}).made.moves == 0);
}

// A page is given up after four searches in vain: those for equal bytes would be.
TEST_CASE("page_moves: bytes that are equal to all around them hide no move") {
    quire_test::generator random{5};
    page_bytes before(4096);
    for (auto& byte : before) { byte = static_cast<std::byte>(random.between(1, 255)); }
    auto now = before;
    for (std::size_t const at : {100U, 500U, 900U, 1300U}) { std::memset(now.data() + at, 0, 300); }
    std::memmove(now.data() + 2024, before.data() + 2000, 400);
    auto const found = logged(before, now);
    CHECK(found.made.bytes == now);
    CHECK(found.made.moved == 400);
}

TEST_CASE("page_moves: two arrays side by side that move in opposite ways are two moves") {
    quire_test::generator random{6};
    page_bytes before(2048);
    for (auto& byte : before) { byte = static_cast<std::byte>(random.below(256)); }
    auto now = before;
    std::memmove(now.data() + 608, before.data() + 600, 392);  // [600, 1000) up
    std::memmove(now.data() + 1000, before.data() + 1008, 392);  // [1000, 1400) down
    auto const found = logged(before, now);
    CHECK(found.made.bytes == now);
    CHECK(found.made.moves == 2);
    CHECK(found.record.size() <= 24 + 2 * 12 + 2 * 16);
}

TEST_CASE("page_moves: the whole page may move, and moves may read what others write") {
    quire_test::generator random{8};
    page_bytes before(1024);
    for (auto& byte : before) { byte = static_cast<std::byte>(random.below(256)); }
    auto now = before;
    std::memcpy(now.data() + 256, before.data() + 384, 128);  // two parts change places
    std::memcpy(now.data() + 384, before.data() + 256, 128);
    auto const found = logged(before, now);
    CHECK(found.made.bytes == now);
    CHECK(found.made.moves == 2);
    CHECK(found.record.size() == 24 + 2 * 12);
}

// 2^31 in a size says that it is a move: golden bytes.
TEST_CASE("page_moves: a record's moves are 12 bytes each, before its other ranges") {
    page_bytes memory;
    record_writer writer{memory};
    writer.put_move(640, 96, 632);
    std::array<unsigned char, 12> const golden{0x80, 2, 0, 0, 0x60, 0, 0, 0x80, 0x78, 2, 0, 0};
    CHECK(std::memcmp(writer.record().data(), golden.data(), 12) == 0);
    CHECK(writer.record().size() == 12);
}

TEST_CASE("page_moves: a move that leaves the page, or is behind a literal range, is no record") {
    auto const is_record = [](auto put, std::uint32_t ranges) {
        page_bytes memory;
        record_writer writer{memory};
        writer.put(change_tag::change);
        writer.put(std::uint32_t{1});
        writer.begin_ranges(1, 0, ranges);
        put(writer);
        page_bytes const record{writer.record().begin(), writer.record().end()};
        patched_page page{page_bytes(512)};
        try {
            quire::detail::record_reader<patched_page>::read(record, 512, page);
        } catch (quire::detail::no_record const&) { return false; }
        return true;
    };
    auto const is_move = [&](std::uint32_t offset, std::uint32_t size, std::uint32_t from) {
        return is_record([&](auto& writer) { writer.put_move(offset, size, from); }, 1);
    };
    CHECK(is_move(0, 512, 0));
    CHECK(is_move(412, 100, 0));
    CHECK(is_move(0, 100, 412));
    CHECK(!is_move(413, 100, 0));
    CHECK(!is_move(0, 100, 413));
    CHECK(!is_move(0, 513, 0));
    CHECK(!is_move(0xFFFF'FFFF, 100, 0));
    CHECK(!is_move(0, 100, 0xFFFF'FFFF));
    CHECK(!is_move(0, 0x7FFF'FFFF, 0));

    page_bytes const eight(8);
    auto const in_order = [&](record_writer& writer) {
        writer.put_move(0, 100, 100);
        writer.put_range(0, eight);
    };
    CHECK(is_record(in_order, 2));
    CHECK(!is_record(in_order, 1));  // the range is behind the record's end
    CHECK(!is_record(in_order, 3));  // there is none
    CHECK(!is_record(
        [&](record_writer& writer) {
            writer.put_range(0, eight);
            writer.put_move(0, 100, 100);
        },
        2));
}
