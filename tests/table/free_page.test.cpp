// SPDX-License-Identifier: BSL-1.0
#include <quire/table/free_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

using quire::errc;

namespace {

using page_type = quire::free_page<std::byte const, 512>;

page_buffer<512> fresh() {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    quire::free_page<std::byte, 512>::format(buffer.span(), 0x0102);
    return buffer;
}

}  // namespace

TEST_CASE("free_page: format writes the bytes of the map") {
    auto const buffer = fresh();
    std::vector<std::byte> wanted(512);
    wanted[4] = std::byte{2};  // own number
    wanted[5] = std::byte{1};
    wanted[12] = std::byte{5};  // kind
    wanted[14] = std::byte{1};  // version
    CHECK(buffer.bytes() == wanted);
    page_type const page{buffer.span()};
    page.validate();
    CHECK(page.own_number() == quire::page_no{0x0102});
    CHECK(page_type::accepts(buffer.span()));
}

TEST_CASE("free_page: any other byte is corrupt, except in checksum, number and log position") {
    for (std::size_t at = 0; at < 512; ++at) {
        auto buffer = fresh();
        buffer.bytes()[at] ^= std::byte{0x40};
        page_type const page{buffer.span()};
        bool const is_free = at < 10 || (at >= 16 && at < 24);
        INFO(at);
        if (is_free) {
            page.validate();
        } else {
            CHECK(errc_of([&] { page.validate(); }) == errc::corrupt_page);
        }
        CHECK(page_type::accepts(buffer.span()) == (at < 12 || at > 14));
    }
}
