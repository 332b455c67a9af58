// SPDX-License-Identifier: BSL-1.0
#include <quire/page/line_pointer.hpp>

#include "catch.hpp"

using quire::line_pointer;
using quire::slot_id;
using quire::slot_state;

static_assert(!std::is_convertible_v<int, slot_id>, "a slot number is written out: slot_id{7}");
static_assert(std::is_trivially_copyable_v<slot_id> && sizeof(slot_id) == 2);
static_assert(slot_id{} == slot_id{0} && slot_id{1} < slot_id{2});
static_assert(!std::is_default_constructible_v<line_pointer>);

TEST_CASE("line_pointer: bits are state then offset then length") {
    CHECK(line_pointer::free().bits() == 0x0000'0000);
    CHECK(line_pointer::live(1, 1).bits() == 0x0002'0005);
    CHECK(line_pointer::live(0x7FFF, 0x7FFF).bits() == 0xFFFF'FFFD);
    CHECK(line_pointer::live(0x1234, 0x0567).bits() == ((0x0567U << 17) | (0x1234U << 2) | 1U));
    CHECK(line_pointer::dead().bits() == 0x0000'0002);
    CHECK(line_pointer::redirect(5).bits() == 0x0000'0017);
}

TEST_CASE("line_pointer: parts come back") {
    auto const live = line_pointer::from_bits(line_pointer::live(0x4321, 0x1234).bits());
    CHECK(live.state() == slot_state::live);
    CHECK(live.is_live());
    CHECK(live.offset() == 0x4321);
    CHECK(live.length() == 0x1234);
    auto const redirect = line_pointer::redirect(8183);
    CHECK(redirect.state() == slot_state::redirect);
    CHECK(redirect.target() == 8183);
    CHECK_FALSE(redirect.is_live());
}

TEST_CASE("line_pointer: a tuple of no bytes lies nowhere") {
    CHECK(line_pointer::live(32768, 0) == line_pointer::live(0, 0));
    CHECK(line_pointer::live(32768, 0).bits() == 1);
}
