// SPDX-License-Identifier: BSL-1.0
#include <quire/page/slotted.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

#include <algorithm>
#include <stdexcept>

using quire::line_pointer;
using quire::slot_state;

namespace {

constexpr std::size_t wide_header = 64;
using wide = quire::slotted<std::byte, 512, wide_header>;
using wide_const = quire::slotted<std::byte const, 512, wide_header>;

static_assert(std::convertible_to<wide, wide_const>);
static_assert(!std::convertible_to<wide_const, wide>);
template <class S>
concept compactable = requires(S s) { s.compact(); };
static_assert(compactable<wide> && !compactable<wide_const>);
static_assert(wide::tuple_size_max == 512 - 64 - 4);
static_assert(quire::slotted_page_size<512> && quire::slotted_page_size<32768>);
static_assert(!quire::slotted_page_size<256> && !quire::slotted_page_size<65536> &&
              !quire::slotted_page_size<1000>);

auto writes(char fill) {
    return
        [fill](std::span<std::byte> out) { std::ranges::fill(out, static_cast<std::byte>(fill)); };
}

std::string text(wide page, std::size_t slot) {
    return text_of(page.tuple(page.load_pointer(slot, page.load_bounds())));
}

}  // namespace

TEST_CASE("slotted: line pointers begin behind a header of the format's own size") {
    page_buffer<512> buffer;
    wide page{buffer.span()};
    page.clear();
    REQUIRE(page.place(0, 3, writes('a')));
    REQUIRE(page.place(1, 2, writes('b')));
    page.validate();
    CHECK(text(page, 0) == "aaa");
    CHECK(text(page, 1) == "bb");
    CHECK(quire::load_le<std::uint32_t>(buffer.bytes().data() + 64) ==
          line_pointer::live(509, 3).bits());
    CHECK(quire::load_le<std::uint32_t>(buffer.bytes().data() + 68) ==
          line_pointer::live(507, 2).bits());
    CHECK(page.load_bounds().gap() == 507 - 72);
}

TEST_CASE("slotted: a writer that throws changes no tuple wherever it was to write") {
    page_buffer<512> buffer;
    wide page{buffer.span()};
    page.clear();
    REQUIRE(page.place(0, 200, writes('a')));
    REQUIRE(page.place(1, 100, writes('b')));
    REQUIRE(page.place(2, 100, writes('c')));
    page.set_slot(0, line_pointer::free(), page.load_bounds());
    auto const before = buffer.bytes();
    auto const failing = [](std::span<std::byte> out) {
        std::ranges::fill(out, std::byte{0xEE});
        throw std::runtime_error{"writer"};
    };
    SECTION("in place") { CHECK_THROWS_AS(page.place(1, 90, failing), std::runtime_error); }
    SECTION("by compaction") { CHECK_THROWS_AS(page.place(0, 200, failing), std::runtime_error); }
    CHECK(buffer.bytes() == before);
    SECTION("in the free gap") { CHECK_THROWS_AS(page.place(3, 20, failing), std::runtime_error); }
    page.validate();
    CHECK(page.load_bounds().slots == 3);
    CHECK(text(page, 1) == std::string(100, 'b'));
    CHECK(text(page, 2) == std::string(100, 'c'));
}

TEST_CASE("slotted: a writer sees the page as it was although its tuple needs compaction") {
    page_buffer<512> buffer;
    wide page{buffer.span()};
    page.clear();
    REQUIRE(page.place(0, 150, writes('a')));
    REQUIRE(page.place(1, 150, writes('b')));
    REQUIRE(page.place(2, 100, writes('c')));
    page.set_slot(0, line_pointer::free(), page.load_bounds());
    auto const source = page.tuple(page.load_pointer(1, page.load_bounds()));
    REQUIRE(page.load_bounds().gap() < source.size());
    REQUIRE(page.place(0, source.size(),
                       [&](std::span<std::byte> out) { std::ranges::copy(source, out.begin()); }));
    page.validate();
    CHECK(text(page, 0) == std::string(150, 'b'));
    CHECK(text(page, 1) == std::string(150, 'b'));
    CHECK(text(page, 2) == std::string(100, 'c'));
}

TEST_CASE("slotted: compaction drops free slots at the end and keeps the others") {
    page_buffer<512> buffer;
    wide page{buffer.span()};
    page.clear();
    for (std::size_t i = 0; i < 6; ++i) { REQUIRE(page.place(i, 10, writes('x'))); }
    for (std::size_t i : {1U, 4U, 5U}) {
        page.set_slot(i, line_pointer::free(), page.load_bounds());
    }
    page.set_slot(3, line_pointer::dead(), page.load_bounds());
    page.compact();
    page.validate();
    auto const b = page.load_bounds();
    CHECK(b.slots == 4);
    CHECK(b.free_slots == 1);
    CHECK(b.upper == 512 - 20);
    CHECK(page.lowest_free(b) == 1);
    CHECK(page.load_pointer(3, b).state() == slot_state::dead);
}

TEST_CASE("slotted: set_slot behind the last slot makes free ones between") {
    page_buffer<512> buffer;
    wide page{buffer.span()};
    page.clear();
    page.set_slot(3, line_pointer::dead(), page.load_bounds());
    page.validate();
    CHECK(page.load_bounds().slots == 4);
    CHECK(page.load_bounds().free_slots == 3);
}

TEST_CASE("slotted: validate names what is wrong") {
    page_buffer<512> buffer;
    wide page{buffer.span()};
    page.clear();
    quire::page_header{.number = 12}.store(buffer.span().first<24>());
    REQUIRE(page.place(0, 20, writes('a')));
    REQUIRE(page.place(1, 20, writes('b')));
    page.validate();
    std::byte* const at = buffer.bytes().data();
    auto const expect = [&](std::string const& what) {
        try {
            page.validate();
            FAIL("validate found nothing, expected: " << what);
        } catch (quire::error const& e) {
            CHECK(e.kind() == quire::errc::corrupt_page);
            CHECK(e.operation() == what);
            CHECK(e.page() == quire::page_id{quire::file_no::unknown, 12});
        }
    };
    SECTION("slot_count too large") {
        quire::store_le<std::uint16_t>(at + 24, 113);
        expect("slot_count or free_upper");
    }
    SECTION("slot_count into the tuples") {
        quire::store_le<std::uint16_t>(at + 24, 110);
        expect("slot_count or free_upper");
    }
    SECTION("free_upper past the page") {
        quire::store_le<std::uint16_t>(at + 26, 513);
        expect("slot_count or free_upper");
    }
    SECTION("free_upper past a tuple") {
        quire::store_le<std::uint16_t>(at + 26, 490);
        expect("line pointer");
    }
    SECTION("more free slots than slots") {
        quire::store_le<std::uint16_t>(at + 28, 3);
        expect("free_slots");
        CHECK(errc_of([&] { (void)page.load_bounds(); }) == quire::errc::corrupt_page);
    }
    SECTION("free slots that are none") {
        quire::store_le<std::uint16_t>(at + 28, 1);
        expect("free_slots");
    }
    SECTION("reserved field") {
        quire::store_le<std::uint16_t>(at + 30, 1);
        expect("reserved field");
    }
    SECTION("overlap by one byte") {
        page.put_pointer(1, line_pointer::live(473, 20));
        expect("overlap of tuples");
    }
    SECTION("tuple past the page") {
        page.put_pointer(1, line_pointer::live(493, 20));
        expect("line pointer");
    }
    SECTION("free pointer that says more") {
        page.put_pointer(1, line_pointer::from_bits(4));
        expect("line pointer");
    }
    SECTION("dead pointer that says more") {
        page.put_pointer(1, line_pointer::from_bits(6));
        expect("line pointer");
    }
    SECTION("redirect to no slot") {
        page.put_pointer(1, line_pointer::redirect(2));
        expect("line pointer");
    }
    SECTION("empty tuple that lies somewhere") {
        page.put_pointer(1, line_pointer::from_bits((500U << 2) | 1U));
        expect("line pointer");
    }
}

TEST_CASE("slotted: tuples that add up to more than the page are an error and stay") {
    page_buffer<512> buffer;
    wide page{buffer.span()};
    page.clear();
    REQUIRE(page.place(0, 300, writes('a')));
    REQUIRE(page.place(1, 10, writes('b')));
    page.put_pointer(1, line_pointer::live(212, 300));
    auto const before = buffer.bytes();
    CHECK(errc_of([&] { (void)page.count(page.load_bounds()); }) == quire::errc::corrupt_page);
    CHECK(errc_of([&] { page.compact(); }) == quire::errc::corrupt_page);
    CHECK(errc_of([&] { (void)page.place(2, 200, writes('c')); }) == quire::errc::corrupt_page);
    CHECK(buffer.bytes() == before);
}
