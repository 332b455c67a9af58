// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

#include <array>

using quire::catalog_page;
using quire::errc;
using quire::page_no;
using quire::root_entry;
using quire::root_kind;
using quire::slot_id;

namespace {

using small = catalog_page<std::byte, 512>;
using shared = catalog_page<std::byte const, 512>;

page_buffer<512> fresh() {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    small::format(buffer.span(), 0);
    return buffer;
}
/// With the roots a, of page 7, and bc, of page 0x0102030405.
page_buffer<512> with_roots() {
    auto buffer = fresh();
    small page{buffer.span()};
    REQUIRE(page.add(root_kind::btree, 7, "a", "int") == 1U);
    REQUIRE(page.add(root_kind::heap_file, 0x010203040506, "bc", "") == 2U);
    return buffer;
}
template <class P>
concept changes = requires(P& p) { p.set_closed(true); } ||
                  requires(P& p) { p.set_log({}); } ||
                  requires(P& p) { p.add(root_kind::btree, 1, "a", ""); };
static_assert(changes<small> && !changes<shared> && !changes<small const>);
template <class P>
concept lends = requires(P&& p) { static_cast<P&&>(p).name(slot_id{}); } ||
                requires(P&& p) { static_cast<P&&>(p).file_id(); };
static_assert(lends<shared&> && lends<shared const&> && !lends<shared>);

std::string name_of(shared const& page, std::size_t slot) {
    return std::string{page.name(slot_id{slot})};
}

}  // namespace

TEST_CASE("catalog_page: format and operations write the bytes of the map") {
    auto buffer = with_roots();
    small page{buffer.span()};
    std::array<std::byte, 16> id{};
    for (std::size_t i = 0; i < 16; ++i) { id[i] = std::byte(0xA0 + i); }
    page.set_file_id(id);
    page.set_closed(true);
    page.set_in_doubt(true);
    page.set_next(0xE6E5'E4E3'E2E1);
    page.set_log({{0xB7B6'B5B4'B3B2'B1B0, 0xC7C6'C5C4'C3C2'C1C0}, 0xD7D6'D5D4'D3D2'D1D0});

    std::vector<unsigned> const wanted{
        0,    0,    0,    0,                                            // checksum
        0,    0,    0,    0,    0,    0,    0,    0,                    // own number
        3,    0,                                                        // kind
        2,    0,                                                        // version, flags
        0,    0,    0,    0,    0,    0,    0,    0,                    // log sequence number
        2,    0,    0xE2, 0x01, 0,    0,    0,    0,                    // slots, free_upper: 482
        'q',  'u',  'i',  'r',  'e',  ' ',  'd',  'b',                  // magic
        3,    0,    0,    0,                                            // version of the format
        0,    2,    0,    0,                                            // page size
        0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,                 // file id
        0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF,                 //
        3,    0,    0,    0,                                            // next number
        1,    1,    0,    0,                                            // closed, in doubt; zero
        0xB0, 0xB1, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7,                 // log that it needs
        0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7,                 // opening
        0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7,                 // its name there
        0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0,    0,                    // next page of names
        0xC1, 0x07, 0x20, 0,                                            // 16 bytes at 496
        0x89, 0x07, 0x1C, 0,                                            // 14 bytes at 482
        0,    0,
    };
    std::vector<unsigned> head;
    for (auto const b : buffer.span().first(wanted.size())) {
        head.push_back(std::to_integer<unsigned>(b));
    }
    CHECK(head == wanted);
    std::vector<unsigned> const tail_wanted{
        2, 0, 0, 0, 1, 2, 6, 5, 4, 3, 2, 1, 'b', 'c',               // number, kind, length, page
        1, 0, 0, 0, 2, 1, 7, 0, 0, 0, 0, 0, 'a', 'i', 'n', 't',     //
    };
    std::vector<unsigned> tail;
    for (auto const b : buffer.span().last(tail_wanted.size())) {
        tail.push_back(std::to_integer<unsigned>(b));
    }
    CHECK(tail == tail_wanted);
    page.validate();
}

TEST_CASE("catalog_page: what was written is read") {
    auto const buffer = with_roots();
    shared const page{buffer.span()};
    CHECK(page.magic() == shared::file_magic);
    CHECK(page.format_version() == 3);
    CHECK(page.next() == 0);
    CHECK(page.page_size() == 512);
    CHECK(page.next_number() == 3);
    CHECK_FALSE(page.is_closed());
    CHECK_FALSE(page.is_in_doubt());
    CHECK(page.log() == quire::needed_log{});
    CHECK(page.slot_count() == 2);
    CHECK(page.find("a") == root_entry{slot_id{0}, 1, root_kind::btree, 7});
    CHECK(page.find("bc") == root_entry{slot_id{1}, 2, root_kind::heap_file, 0x010203040506});
    CHECK(page.find("b") == std::nullopt);
    CHECK(page.find("") == std::nullopt);
    CHECK(page.entry(slot_id{2}) == std::nullopt);
    CHECK(name_of(page, 0) == "a");
    CHECK(name_of(page, 1) == "bc");
    CHECK(page.schema(slot_id{0}) == "int");
    CHECK(page.schema(slot_id{1}).empty());
    CHECK(errc_of([&] { static_cast<void>(name_of(page, 2)); }) == errc::no_such_tuple);
}

TEST_CASE("catalog_page: roots are added until the page is full, and a refusal changes nothing") {
    auto buffer = fresh();
    small page{buffer.span()};
    std::uint32_t count = 0;
    while (page.add(root_kind::btree, count, "n" + std::to_string(count), "schema")) {
        ++count;
        REQUIRE(count < 100);
    }
    // 408 bytes; ten roots of 24 bytes, then of 25 with their line pointers of 4 each
    CHECK(count == 10 + (408 - 240) / 25);
    CHECK_FALSE(page.has_room(3 + 6));
    auto const before = buffer.bytes();
    CHECK(page.add(root_kind::btree, 0, "a", std::string(10'000, 'x')) == std::nullopt);
    CHECK(page.add(root_kind::btree, 0, std::string(255, 'x'), "") == std::nullopt);
    CHECK(buffer.bytes() == before);
    page.validate();
}

TEST_CASE("catalog_page: what contradicts its map is corrupt") {
    auto const refuses = [](std::size_t at, unsigned value) {
        auto buffer = with_roots();
        buffer.bytes()[at] = std::byte(value);
        return errc_of([&] { shared{buffer.span()}.validate(); }) == errc::corrupt_page;
    };
    { shared{with_roots().span()}.validate(); }
    CHECK(refuses(4, 1));     // number of the page
    CHECK(refuses(12, 4));    // kind
    CHECK(refuses(14, 1));    // version
    CHECK(refuses(15, 1));    // flags
    CHECK(refuses(24, 200));  // slots
    CHECK(refuses(64, 0));    // next number
    CHECK(refuses(64, 2));    // the second root has it
    CHECK(refuses(68, 2));    // mark of closing
    CHECK(refuses(69, 2));    // mark of doubt
    CHECK(refuses(71, 1));    // reserved
    CHECK(refuses(102, 1));   // next: no page number
    CHECK(refuses(105, 6));   // a line pointer: the roots overlap
    CHECK(refuses(496, 2));   // two of one number
    CHECK(refuses(501, 0));   // no name
    CHECK(refuses(501, 5));   // a name past the root's end
    auto dead = with_roots();
    for (std::size_t i = 104; i < 108; ++i) { dead.bytes()[i] = std::byte(i == 104 ? 2 : 0); }
    CHECK(errc_of([&] { shared{dead.span()}.validate(); }) == errc::corrupt_page);
    auto twice = with_roots();
    small page{twice.span()};
    REQUIRE(page.add(root_kind::btree, 1, "a", ""));
    CHECK(errc_of([&] { page.validate(); }) == errc::corrupt_page);
}

TEST_CASE("catalog_page: the last number is never given") {
    auto buffer = fresh();
    small page{buffer.span()};
    for (std::size_t i = 64; i < 68; ++i) { buffer.bytes()[i] = std::byte{0xFF}; }
    auto const before = buffer.bytes();
    CHECK(errc_of([&] { static_cast<void>(page.add(root_kind::btree, 1, "a", "")); }) ==
          errc::corrupt_page);
    for (std::size_t i = 64; i < 68; ++i) { buffer.bytes()[i] = std::byte{0}; }
    CHECK(errc_of([&] { static_cast<void>(page.add(root_kind::btree, 1, "a", "")); }) ==
          errc::corrupt_page);
}
