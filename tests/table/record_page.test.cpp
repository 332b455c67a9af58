// SPDX-License-Identifier: BSL-1.0
#include <quire/table/record_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

#include <string_view>

using quire::errc;
using quire::record_form;
using quire::record_id;
using quire::slot_id;

namespace {

using small = quire::record_page<std::byte, 512>;
using shared = quire::record_page<std::byte const, 512>;

page_buffer<512> fresh() {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    small::format(buffer.span(), 9);
    return buffer;
}
auto writer_of(std::string_view text) {
    return [text](std::span<std::byte> out) {
        REQUIRE(out.size() == text.size());
        std::ranges::copy(std::as_bytes(std::span{text}), out.begin());
    };
}
bool put(small page, std::size_t slot, std::string_view row,
         record_form form = record_form::row, record_id other = {}) {
    return page.put(slot_id{slot}, form, other, row.size(), writer_of(row));
}
std::string as_text(std::span<std::byte const> row) {
    return {reinterpret_cast<char const*>(row.data()), row.size()};
}
std::string row_in(shared page, std::size_t slot) {
    auto const found = page.find(slot_id{slot});
    REQUIRE(found);
    return as_text(found->row);
}
template <class P>
concept changes = requires(P const& p) { p.erase(slot_id{}); } ||
                  requires(P const& p) { p.set_heap(1); };
static_assert(changes<small> && !changes<shared>);

}  // namespace

TEST_CASE("record_page: format and operations write the bytes of the map") {
    auto buffer = fresh();
    small const page{buffer.span()};
    page.set_heap(0x01020304);
    REQUIRE(put(page, 0, "ninebytes"));
    REQUIRE(put(page, 1, "ab"));
    REQUIRE(put(page, 2, "moved", record_form::moved_here, {0x0A0B, slot_id{0x0C0D}}));
    REQUIRE(put(page, 3, "long enough to go"));
    page.put_address(slot_id{3}, {0x010203040506, slot_id{7}});

    std::vector<unsigned> const head{
        0,    0,    0,    0,                                           // checksum
        9,    0,    0,    0,    0,    0,    0,    0,                   // own number
        6,    0,    1,    0,                                           // kind, version, flags
        0,    0,    0,    0,    0,    0,    0,    0,                   // lsn
        4,    0,    0xCD, 0x01, 0,    0,    0,    0,                   // slots
        0x04, 0x03, 0x02, 0x01, 0,    0,    0,    0,                   // heap
    };
    for (std::size_t i = 0; i < head.size(); ++i) {
        INFO("byte " << i);
        CHECK(std::to_integer<unsigned>(buffer.bytes()[i]) == head[i]);
    }
    std::vector<unsigned> const address{0x03, 7, 0, 6, 5, 4, 3, 2, 1};
    std::vector<unsigned> const moved{0x02, 0x0D, 0x0C, 0x0B, 0x0A, 0, 0, 0, 0,
                                      'm',  'o',  'v',  'e',  'd'};
    std::vector<unsigned> const padded{0x61, 'a', 'b', 0, 0, 0, 0, 0, 0};
    std::vector<unsigned> const plain{0x01, 'n', 'i', 'n', 'e', 'b', 'y', 't', 'e', 's'};
    auto const same = [&](std::size_t at, std::vector<unsigned> const& wanted) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            INFO("byte " << at + i);
            CHECK(std::to_integer<unsigned>(buffer.bytes()[at + i]) == wanted[i]);
        }
    };
    same(512 - 10, plain);
    same(512 - 19, padded);
    same(512 - 33, moved);
    same(512 - 51, address);
    page.validate();
}

TEST_CASE("record_page: a record is found as it was put, whatever its form") {
    auto buffer = fresh();
    small const page{buffer.span()};
    for (std::size_t size = 0; size < 12; ++size) {
        REQUIRE(put(page, size, std::string(size, 'x')));
    }
    for (std::size_t size = 0; size < 12; ++size) {
        auto const found = page.find(slot_id{size});
        REQUIRE(found);
        CHECK(found->form == record_form::row);
        CHECK(as_text(found->row) == std::string(size, 'x'));
    }
    REQUIRE(put(page, 3, "", record_form::moved_here, {77, slot_id{5}}));
    CHECK(page.find(slot_id{3})->form == record_form::moved_here);
    CHECK(page.find(slot_id{3})->other == record_id{77, slot_id{5}});
    CHECK(row_in(page, 3).empty());
    page.put_address(slot_id{0}, {78, slot_id{6}});
    CHECK(page.find(slot_id{0})->form == record_form::moved_away);
    CHECK(page.find(slot_id{0})->other == record_id{78, slot_id{6}});
    page.erase(slot_id{4});
    CHECK_FALSE(page.find(slot_id{4}));
    CHECK_FALSE(page.find(slot_id{12}));
    CHECK(page.room_for(20) == slot_id{4});
    page.validate();
}

TEST_CASE("record_page: a full page has room for the address of each of its rows") {
    auto buffer = fresh();
    small const page{buffer.span()};
    std::size_t rows = 0;
    while (auto const slot = page.room_for(small::size_of(record_form::row, 1))) {
        REQUIRE(put(page, slot->value(), "r"));
        ++rows;
    }
    REQUIRE(rows == (512 - 40) / (4 + 9));
    CHECK(page.free_space() < 9);
    for (std::size_t i = 0; i < rows; ++i) { page.put_address(slot_id{i}, {i + 1, slot_id{i}}); }
    for (std::size_t i = 0; i < rows; ++i) {
        CHECK(page.find(slot_id{i})->other == record_id{i + 1, slot_id{i}});
    }
    page.validate();
}

TEST_CASE("record_page: room is told as it is") {
    auto buffer = fresh();
    small const page{buffer.span()};
    CHECK(page.free_space() == 512 - 40 - 4);
    CHECK(page.room_for(512 - 40 - 4) == slot_id{0});
    CHECK_FALSE(page.room_for(512 - 40 - 3));
    REQUIRE(put(page, 0, std::string(small::row_size_max, 'a'), record_form::moved_here));
    CHECK(page.free_space() == 0);
    CHECK(page.can_hold(slot_id{0}, small::size_of(record_form::moved_here, small::row_size_max)));
    constexpr auto more = small::size_of(record_form::moved_here, small::row_size_max + 1);
    CHECK_FALSE(page.can_hold(slot_id{0}, more));
    REQUIRE(put(page, 0, "small"));
    auto const left = page.free_space();
    CHECK(left == 512 - 40 - 2 * 4 - 9);
    REQUIRE(put(page, 1, std::string(left - 1, 'b')));  // compacted
    CHECK(row_in(page, 0) == "small");
    CHECK(row_in(page, 1) == std::string(left - 1, 'b'));
    CHECK(page.can_hold(slot_id{0}, 9));
    CHECK_FALSE(page.can_hold(slot_id{0}, 10));
    page.validate();
}

TEST_CASE("record_page: what contradicts the map is corrupt") {
    auto const refused = [](auto damage) {
        auto buffer = fresh();
        small const page{buffer.span()};
        REQUIRE(put(page, 0, "a row of some length"));
        damage(buffer.bytes().data());
        try {
            shared{std::span<std::byte const, 512>{buffer.span()}}.validate();
        } catch (quire::error const& why) { return why.code() == errc::corrupt_page; }
        return false;
    };
    constexpr std::size_t record = 512 - 21;
    CHECK_FALSE(refused([](std::byte*) {}));
    CHECK(refused([](std::byte* page) { page[12] = std::byte{5}; }));            // kind
    CHECK(refused([](std::byte* page) { page[15] = std::byte{1}; }));            // flags
    CHECK(refused([](std::byte* page) { page[36] = std::byte{1}; }));            // reserved
    CHECK(refused([](std::byte* page) { page[record] = std::byte{0}; }));        // form
    CHECK(refused([](std::byte* page) { page[record] = std::byte{4}; }));        // form
    CHECK(refused([](std::byte* page) { page[record] = std::byte{3}; }));        // an address
    CHECK(refused([](std::byte* page) { page[40] = std::byte{0x02}; }));         // a dead slot
    CHECK(refused([](std::byte* page) { page[42] = std::byte{10}; }));        // length 5
}
