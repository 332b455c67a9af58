// SPDX-License-Identifier: BSL-1.0
#include <quire/page/page_header.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>

using quire::kind_no;
using quire::page_header;

namespace {

constexpr std::array<unsigned char, page_header::size> golden{
    0xAA, 0xAA, 0xAA, 0xAA,                          // checksum: the seal's
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x00, 0x00,  // own number
    0x01, 0x00,                                      // kind
    0x02,                                            // version
    0x80,                                            // flags
    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,  // log sequence number
};
constexpr page_header golden_fields{.kind = kind_no::heap,
                                    .version = 2,
                                    .flags = 0x80,
                                    .number = 0x030405060708,
                                    .lsn = 0x8877665544332211};

}  // namespace

TEST_CASE("page_header: fields stand at the bytes of the map") {
    std::array<std::byte, page_header::size> bytes;
    bytes.fill(std::byte{0xAA});
    golden_fields.store(bytes);
    CHECK(std::equal(bytes.begin(), bytes.end(), std::as_bytes(std::span{golden}).begin()));
    CHECK(page_header::load(std::as_bytes(std::span{golden})) == golden_fields);
}

TEST_CASE("page_header: a number past the last page names no page") {
    std::array<std::byte, page_header::size> bytes{};
    page_header{.number = quire::page_no::max - 1}.store(bytes);
    CHECK(quire::detail::own_id(std::span{bytes}) ==
          quire::page_id{quire::file_no::unknown, quire::page_no::max - 1});
    page_header{.number = quire::page_no::max + 1}.store(bytes);
    CHECK(quire::detail::own_id(std::span{bytes}) == quire::page_id::none());
    auto const e =
        quire::detail::page_error(quire::errc::corrupt_page, "own number", std::span{bytes});
    CHECK(e.page() == quire::page_id::none());
}
