// SPDX-License-Identifier: BSL-1.0
#include <quire/table/detail/overflow_place.hpp>
#include <quire/table/overflow_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "pool/calls.hpp"

#include <vector>

using quire::errc;
using quire_test::refusal;

namespace {

using overflow = quire::overflow_page<std::byte, 512>;
using overflow_to_read = quire::overflow_page<std::byte const, 512>;
using place = quire::detail::overflow_place;

// Lists of 4: 448 bytes in a page with a list, 472 in another one.
static_assert(overflow::list_size == 4);
static_assert(overflow::room_at(0) == 448 && overflow::room_at(4) == 448);
static_assert(overflow::room_at(1) == 472 && overflow::room_at(3) == 472);
static_assert(overflow::pages_for(1) == 1 && overflow::pages_for(448) == 1);
static_assert(overflow::pages_for(449) == 2 && overflow::pages_for(448 + 472) == 2);
static_assert(overflow::pages_for(448 + 472 + 1) == 3 && overflow::pages_for(1864) == 4);
static_assert(overflow::pages_for(1865) == 5 && overflow::pages_for(1864 + 448) == 5);
static_assert(overflow::pages_for(1864 + 449) == 6 && overflow::pages_for(2 * 1864) == 8);
static_assert(quire::overflow_page<std::byte, 4096>::list_size == 32);

page_buffer<512> empty_overflow_page() {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    overflow::format(buffer.span(), 9);
    return buffer;
}
void expect_bytes(page_buffer<512> const& buffer, std::vector<unsigned> const& wanted) {
    for (std::size_t i = 0; i < 512; ++i) {
        INFO("byte " << i);
        CHECK(std::to_integer<unsigned>(buffer.bytes()[i]) == (i < wanted.size() ? wanted[i] : 0));
    }
}

}  // namespace

TEST_CASE("overflow_page: format and operations write the bytes of the map") {
    auto buffer = empty_overflow_page();
    overflow const page{buffer.span()};
    page.begin(0x01020304, 8, 0xA1A2A3A4);
    page.list(0, 0x0A0B0C0D0E0F);
    page.list(1, 2);
    page.put(std::vector<std::byte>{std::byte{0x71}, std::byte{0x72}});
    expect_bytes(buffer, {
        0,    0,    0,    0,                                           // checksum
        9,    0,    0,    0,    0,    0,    0,    0,                   // own number
        8,    0,    1,    0,                                           // kind, version, flags
        0,    0,    0,    0,    0,    0,    0,    0,                   // lsn
        0x04, 0x03, 0x02, 0x01,                                        // tree
        8,    0,    0,    0,                                           // position
        0xA4, 0xA3, 0xA2, 0xA1,                                        // checksum
        0,    0,    0,    0,                                           //
        0x0F, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A,                            // list
        2,    0,    0,    0,    0,    0,                               //
        0,    0,    0,    0,    0,    0,                               //
        0,    0,    0,    0,    0,    0,                               //
        0x71, 0x72,                                                    // bytes of the value
    });
    page.validate();
    overflow_to_read const read{page};
    CHECK(read.tree() == 0x01020304);
    CHECK(read.position() == 8);
    CHECK(read.checksum() == 0xA1A2A3A4);
    CHECK(read.listed(0) == 0x0A0B0C0D0E0F);
    CHECK(read.listed(1) == 2);
    CHECK(read.listed(3) == 0);
    CHECK(read.bytes_of_value().size() == 448);
    CHECK(read.bytes_of_value()[1] == std::byte{0x72});
}

TEST_CASE("overflow_page: a page without a list has the value from byte 40 on") {
    auto buffer = empty_overflow_page();
    overflow const page{buffer.span()};
    page.begin(1, 3, 0);
    page.put(std::vector<std::byte>(472, std::byte{0x71}));
    CHECK(page.bytes_of_value().size() == 472);
    CHECK(buffer.bytes()[39] == std::byte{0});
    CHECK(buffer.bytes()[40] == std::byte{0x71});
    CHECK(buffer.bytes()[511] == std::byte{0x71});
    page.validate();
}

TEST_CASE("overflow_page: validate names what is wrong") {
    auto buffer = empty_overflow_page();
    overflow const page{buffer.span()};
    page.list(1, 2);  // behind none
    CHECK_THROWS_WITH(page.validate(), Catch::Matchers::StartsWith("list of pages of page 9"));
    page.begin(1, 1, 0);  // has no list
    page.validate();
    buffer.bytes()[36] = std::byte{1};
    CHECK_THROWS_WITH(page.validate(), Catch::Matchers::StartsWith("reserved field of page 9"));
    buffer.bytes()[15] = std::byte{1};
    CHECK_THROWS_WITH(page.validate(), Catch::Matchers::StartsWith("flags of page 9"));
    buffer.bytes()[14] = std::byte{2};
    CHECK_FALSE(overflow::accepts(buffer.span()));
    CHECK(refusal([&] { page.validate(); }) == errc::corrupt_page);
}

TEST_CASE("overflow_place: 14 bytes in a leaf, and no others") {
    std::array<std::byte, 14> bytes{};
    place const stored{.size = 0x01020304, .checksum = 0xA1A2A3A4, .first = 0x0A0B0C0D0E0F};
    stored.store(bytes);
    std::vector<unsigned> const wanted{4,    3,    2,    1,    0xA4, 0xA3, 0xA2,
                                       0xA1, 0x0F, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A};
    for (std::size_t i = 0; i < 14; ++i) {
        CHECK(std::to_integer<unsigned>(bytes[i]) == wanted[i]);
    }
    CHECK(place::load(bytes) == stored);
    CHECK_FALSE(place::load(std::span{bytes}.first(13)));
    place{.size = 0, .checksum = 1, .first = 1}.store(bytes);
    CHECK_FALSE(place::load(bytes));
    place{.size = 1, .checksum = 1, .first = 0}.store(bytes);
    CHECK_FALSE(place::load(bytes));
}
