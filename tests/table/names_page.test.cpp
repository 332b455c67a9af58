// SPDX-License-Identifier: BSL-1.0
#include <quire/table/names_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

using quire::errc;
using quire::names_page;
using quire::root_entry;
using quire::root_kind;
using quire::slot_id;

namespace {

using own_names = names_page<std::byte, 512>;
using shared_names = names_page<std::byte const, 512>;

/// With the roots a, of page 7, and bc, of page 0x010203040506; page 9 is next.
page_buffer<512> page_with_names() {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    own_names::format(buffer.span(), 0x0A0B);
    own_names page{buffer.span()};
    REQUIRE(page.add({{}, 5, root_kind::btree, 7}, "a", "int"));
    REQUIRE(page.add({{}, 0x08070605, root_kind::heap_file, 0x010203040506}, "bc", ""));
    page.set_next(9);
    return buffer;
}
template <class P>
concept changes_names = requires(P& p) { p.set_next(1); } ||
                        requires(P& p) { p.add(root_entry{}, "a", ""); };
static_assert(changes_names<own_names> && !changes_names<shared_names>);
template <class P>
concept lends_names = requires(P&& p) { static_cast<P&&>(p).name(slot_id{}); } ||
                      requires(P&& p) { static_cast<P&&>(p).schema(slot_id{}); };
static_assert(lends_names<shared_names&> && !lends_names<shared_names>);

}  // namespace

TEST_CASE("names_page: format and operations write the bytes of the map") {
    auto const buffer = page_with_names();
    std::vector<unsigned> const wanted{
        0,    0,    0,    0,                             // checksum
        0x0B, 0x0A, 0,    0,    0, 0, 0, 0,              // own number
        9,    0,                                         // kind
        1,    0,                                         // version, flags
        0,    0,    0,    0,    0, 0, 0, 0,              // log sequence number
        2,    0,    0xE2, 0x01, 0, 0, 0, 0,              // slots, free_upper: 482
        9,    0,    0,    0,    0, 0, 0, 0,              // next
        0xC1, 0x07, 0x20, 0,                             // 16 bytes at 496
        0x89, 0x07, 0x1C, 0,                             // 14 bytes at 482
        0,    0,
    };
    std::vector<unsigned> head;
    for (auto const b : buffer.span().first(wanted.size())) {
        head.push_back(std::to_integer<unsigned>(b));
    }
    CHECK(head == wanted);
    std::vector<unsigned> const tail_wanted{
        5, 6, 7, 8, 1, 2, 6, 5, 4, 3, 2, 1, 'b', 'c',            // number, kind, length, page
        5, 0, 0, 0, 2, 1, 7, 0, 0, 0, 0, 0, 'a', 'i', 'n', 't',  //
    };
    std::vector<unsigned> tail;
    for (auto const b : buffer.span().last(tail_wanted.size())) {
        tail.push_back(std::to_integer<unsigned>(b));
    }
    CHECK(tail == tail_wanted);
    shared_names{buffer.span()}.validate();
}

TEST_CASE("names_page: what was written is read") {
    auto const buffer = page_with_names();
    shared_names const page{buffer.span()};
    CHECK(page.own_number() == 0x0A0B);
    CHECK(page.next() == 9);
    CHECK(page.slot_count() == 2);
    CHECK(page.find("a") == root_entry{slot_id{0}, 5, root_kind::btree, 7});
    CHECK(page.find("bc") ==
          root_entry{slot_id{1}, 0x08070605, root_kind::heap_file, 0x010203040506});
    CHECK(page.find("b") == std::nullopt);
    CHECK(page.entry(slot_id{2}) == std::nullopt);
    CHECK(std::string{page.name(slot_id{1})} == "bc");
    CHECK(std::string{page.schema(slot_id{0})} == "int");
    CHECK(errc_of([&] { static_cast<void>(page.name(slot_id{2}).size()); }) ==
          errc::no_such_tuple);
}

TEST_CASE("names_page: room is told before, and a refusal changes nothing") {
    page_buffer<512> buffer;
    own_names::format(buffer.span(), 3);
    own_names page{buffer.span()};
    CHECK(own_names::text_size_max == 512 - 40 - 4 - 12);
    CHECK(page.has_room(456));
    CHECK_FALSE(page.has_room(457));
    CHECK_FALSE(page.has_room(std::size_t(0) - 1));
    REQUIRE(page.add({{}, 1, root_kind::btree, 1}, "a", std::string(199, 's')));
    CHECK(page.has_room(240));  // 472 bytes without 216: 256
    CHECK_FALSE(page.has_room(241));
    auto const half = buffer.bytes();
    CHECK_FALSE(page.add({{}, 2, root_kind::btree, 1}, "b", std::string(240, 's')));
    CHECK(buffer.bytes() == half);
    CHECK(page.add({{}, 2, root_kind::btree, 1}, "b", std::string(239, 's')));
    own_names::format(buffer.span(), 3);
    for (std::uint32_t n = 1; n <= 10; ++n) {  // 472 bytes: ten roots of 12 + 30, and 4 each
        REQUIRE(page.has_room(30));
        REQUIRE(page.add({{}, n, root_kind::btree, n}, std::string(30, char('a' + n)), ""));
    }
    CHECK_FALSE(page.has_room(1));  // 12 bytes remain, and 17 it would need
    auto const before = buffer.bytes();
    CHECK_FALSE(page.add({{}, 11, root_kind::btree, 1}, "x", ""));
    CHECK_FALSE(page.add({{}, 11, root_kind::btree, 1}, "x", std::string(10'000, 'x')));
    CHECK(buffer.bytes() == before);
    page.validate();
}

TEST_CASE("names_page: what contradicts its map is corrupt") {
    auto const refuses = [](std::size_t at, unsigned value) {
        auto buffer = page_with_names();
        buffer.bytes()[at] = std::byte(value);
        return errc_of([&] { shared_names{buffer.span()}.validate(); }) == errc::corrupt_page;
    };
    { shared_names{page_with_names().span()}.validate(); }
    CHECK(refuses(11, 1));    // number of the page
    CHECK(refuses(12, 3));    // kind
    CHECK(refuses(14, 2));    // version
    CHECK(refuses(15, 1));    // flags
    CHECK(refuses(24, 200));  // slots
    CHECK(refuses(38, 1));    // next: no page number
    CHECK(refuses(41, 6));    // a line pointer: the roots overlap
    CHECK(refuses(496, 0));   // no number
    CHECK(refuses(501, 0));   // no name
    CHECK(refuses(501, 5));   // a name past the root's end
    auto numbers = page_with_names();
    for (std::size_t i = 0; i < 4; ++i) { numbers.bytes()[496 + i] = numbers.bytes()[482 + i]; }
    CHECK(errc_of([&] { shared_names{numbers.span()}.validate(); }) == errc::corrupt_page);
    auto twice = page_with_names();
    REQUIRE(own_names{twice.span()}.add({{}, 6, root_kind::btree, 1}, "a", ""));
    CHECK(errc_of([&] { shared_names{twice.span()}.validate(); }) == errc::corrupt_page);
}
