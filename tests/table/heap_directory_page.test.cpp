// SPDX-License-Identifier: BSL-1.0
#include <quire/table/heap_directory_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

using quire::errc;

namespace {

using small = quire::heap_directory_page<std::byte, 512>;
using shared = quire::heap_directory_page<std::byte const, 512>;
static_assert(small::capacity == 59);

page_buffer<512> fresh() {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    small::format(buffer.span(), 9);
    return buffer;
}

}  // namespace

TEST_CASE("heap_directory_page: format and operations write the bytes of the map") {
    auto buffer = fresh();
    small const page{buffer.span()};
    page.set_heap(0x01020304);
    page.set_next(0x0A0B0C0D0E0F);
    page.add({0x010203040506, 0x77});
    page.add({2, 0});
    page.set(1, {3, 0xFF});
    std::vector<unsigned> const wanted{
        0,    0,    0,    0,                                           // checksum
        9,    0,    0,    0,    0,    0,    0,    0,                   // own number
        7,    0,    1,    0,                                           // kind, version, flags
        0,    0,    0,    0,    0,    0,    0,    0,                   // lsn
        0x04, 0x03, 0x02, 0x01,                                        // heap
        2,    0,    0,    0,                                           // count
        0x0F, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A, 0,    0,                   // next
        6,    5,    4,    3,    2,    1,    0x77, 0,                   // entries
        3,    0,    0,    0,    0,    0,    0xFF, 0,                   //
    };
    for (std::size_t i = 0; i < 512; ++i) {
        INFO("byte " << i);
        CHECK(std::to_integer<unsigned>(buffer.bytes()[i]) == (i < wanted.size() ? wanted[i] : 0));
    }
    page.validate();
    shared const read{std::span<std::byte const, 512>{buffer.span()}};
    CHECK(read.heap() == 0x01020304);
    CHECK(read.count() == 2);
    CHECK(read.next() == 0x0A0B0C0D0E0F);
    CHECK(read[0] == shared::entry{0x010203040506, 0x77});
    CHECK(read[1] == shared::entry{3, 0xFF});
}

TEST_CASE("heap_directory_page: it takes as many pages as it has room for") {
    auto buffer = fresh();
    small const page{buffer.span()};
    for (std::size_t i = 0; i < small::capacity; ++i) { page.add({i + 10, 1}); }
    CHECK(page.count() == small::capacity);
    CHECK(page[small::capacity - 1].page == small::capacity + 9);
    page.validate();
}

TEST_CASE("heap_directory_page: what contradicts the map is corrupt") {
    auto const refused = [](std::size_t at, unsigned value) {
        auto buffer = fresh();
        small const page{buffer.span()};
        page.add({5, 1});
        buffer.bytes()[at] = std::byte(value);
        try {
            page.validate();
        } catch (quire::error const& why) { return why.code() == errc::corrupt_page; }
        return false;
    };
    CHECK_FALSE(refused(24, 3));
    CHECK(refused(12, 6));    // kind
    CHECK(refused(15, 1));    // flags
    CHECK(refused(28, 60));   // count
    CHECK(refused(31, 1));    // count
    CHECK(refused(39, 1));    // next
    CHECK(refused(47, 1));    // behind an entry
    CHECK(refused(48, 1));    // behind the entries
    CHECK(refused(511, 1));
}
