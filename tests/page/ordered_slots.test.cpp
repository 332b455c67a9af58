// SPDX-License-Identifier: BSL-1.0
#include <quire/page/ordered_slots.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

#include <algorithm>
#include <stdexcept>

using quire::line_pointer;
using quire_test::page_buffer;

namespace {

constexpr std::size_t header = 40;
using node = quire::slotted<std::byte, 512, header, 8>;
using racy_node = quire::slotted<quire::racy_byte const, 512, header, 8>;

static_assert(node::slots_max == (512 - 40) / 8 && node::tuple_size_max == 512 - 40 - 8);
static_assert(node::lower(3) == 40 + 24);
// What looks at all bytes, or writes them, is not for pages that others may change meanwhile.
template <class S>
concept writable = requires(S s) { s.compact(); };
template <class S>
concept whole = requires(S s) { s.body(); };
static_assert(writable<node> && whole<node> && !writable<racy_node> && !whole<racy_node>);

auto writes(std::string const& text) {
    return [&text](std::span<std::byte> out) { std::ranges::copy(bytes_of(text), out.begin()); };
}
bool put(node page, std::size_t position, std::string const& text, std::uint32_t mark) {
    if (!insert_at(page, position, text.size(), writes(text))) { return false; }
    put_tag(page, position, mark);
    return true;
}
std::string text(node page, std::size_t slot) {
    return text_of(page.tuple(page.load_pointer(slot, page.load_bounds())));
}
}  // namespace

TEST_CASE("ordered_slots: a tuple inserted at a position moves those behind it, tags as well") {
    page_buffer<512> buffer;
    node page{buffer.span()};
    page.clear();
    REQUIRE(put(page, 0, "bb", 2));
    REQUIRE(put(page, 0, "a", 1));
    REQUIRE(put(page, 2, "dddd", 4));
    REQUIRE(put(page, 2, "ccc", 3));
    page.validate();
    CHECK(text(page, 0) == "a");
    CHECK(text(page, 1) == "bb");
    CHECK(text(page, 2) == "ccc");
    CHECK(text(page, 3) == "dddd");
    for (std::uint32_t i = 0; i < 4; ++i) { CHECK(tag(page, i) == i + 1); }
    // The bytes: slots of 8 behind the header; tuples downward in the order of their insertion.
    CHECK(quire::load_le<std::uint32_t>(&buffer.bytes()[40]) == line_pointer::live(509, 1).bits());
    CHECK(quire::load_le<std::uint32_t>(&buffer.bytes()[44]) == 1);
    CHECK(quire::load_le<std::uint32_t>(&buffer.bytes()[48]) == line_pointer::live(510, 2).bits());
    CHECK(quire::load_le<std::uint32_t>(&buffer.bytes()[64]) == line_pointer::live(505, 4).bits());
}

TEST_CASE("ordered_slots: erasure moves those behind down, and the last tuple's bytes are free") {
    page_buffer<512> buffer;
    node page{buffer.span()};
    page.clear();
    REQUIRE(put(page, 0, "a", 1));
    REQUIRE(put(page, 1, "bb", 2));
    REQUIRE(put(page, 2, "ccc", 3));
    erase_at(page, 1);
    page.validate();
    CHECK(page.load_bounds().slots == 2);
    CHECK(page.load_bounds().upper == 512 - 6);  // "bb" lies between others
    CHECK(text(page, 1) == "ccc");
    CHECK(tag(page, 1) == 3);
    erase_at(page, 1);
    CHECK(page.load_bounds().upper == 512 - 3);
    erase_at(page, 0);
    page.validate();
    CHECK(page.load_bounds().slots == 0);
}

TEST_CASE("ordered_slots: a full page refuses, compaction included, and is as before") {
    page_buffer<512> buffer;
    node page{buffer.span()};
    page.clear();
    std::string const big(150, 'x');
    for (std::size_t i = 0; i < 2; ++i) { REQUIRE(put(page, i, big, 9)); }
    REQUIRE(put(page, 1, std::string(100, 'm'), 7));
    auto const before = buffer.bytes();
    CHECK_FALSE(put(page, 1, std::string(100, 'y'), 8));
    CHECK(buffer.bytes() == before);
    // 472 bytes, 424 in use, 100 of them of the tuple that goes: 124 more fit, after compaction.
    erase_at(page, 0);
    REQUIRE(page.load_bounds().gap() < 132);
    REQUIRE(put(page, 2, std::string(140, 'z'), 6));
    page.validate();
    CHECK(text(page, 0) == std::string(100, 'm'));
    CHECK(tag(page, 0) == 7);
    CHECK(text(page, 1) == big);
    CHECK(text(page, 2) == std::string(140, 'z'));
    CHECK(tag(page, 2) == 6);
}

TEST_CASE("ordered_slots: a writer that throws, and a page that contradicts itself, change none") {
    page_buffer<512> buffer;
    node page{buffer.span()};
    page.clear();
    REQUIRE(put(page, 0, "a", 1));
    REQUIRE(put(page, 1, "b", 2));
    CHECK_THROWS_AS(insert_at(page, 0, 5, [](auto) { throw std::runtime_error{"writer"}; }),
                    std::runtime_error);
    CHECK(page.load_bounds().slots == 2);
    CHECK(text(page, 0) == "a");
    quire::store_le<std::uint32_t>(&buffer.bytes()[40], line_pointer::live(500, 30).bits());
    auto const damaged = buffer.bytes();
    CHECK(errc_of([&] { erase_at(page, 0); }) == quire::errc::corrupt_page);
    CHECK(errc_of([&] { static_cast<void>(put(page, 0, std::string(450, 'c'), 3)); }) ==
          quire::errc::corrupt_page);
    CHECK(buffer.bytes() == damaged);
}

TEST_CASE("ordered_slots: racy bytes are read slot by slot, and refused where they are wrong") {
    page_buffer<512> buffer;
    node page{buffer.span()};
    page.clear();
    quire::page_header{.number = 12}.store(buffer.span().first<24>());
    REQUIRE(put(page, 0, "abc", 77));
    racy_node const racy{quire::as_racy(std::span<std::byte const, 512>{buffer.span()})};
    auto const b = racy.load_bounds();
    REQUIRE(b.slots == 1);
    auto const tuple = racy.tuple(racy.load_pointer(0, b));
    REQUIRE(tuple.size() == 3);
    CHECK(tuple[2].load() == std::byte{'c'});
    CHECK(tag(racy, 0) == 77);
    CHECK(racy.plain_pointer(0) == line_pointer::live(509, 3));
    CHECK_FALSE(racy.plain_pointer(1).is_live());
    auto const slot = quire::load_le<std::uint32_t>(&buffer.bytes()[40]);
    quire::store_le(&buffer.bytes()[40], line_pointer::live(510, 3).bits());
    CHECK_FALSE(racy.plain_pointer(0).is_live());
    quire::store_le(&buffer.bytes()[40], slot);
    quire::store_le<std::uint16_t>(&buffer.bytes()[26], 600);
    CHECK_FALSE(racy.plain_pointer(0).is_live());
    try {
        static_cast<void>(racy.load_bounds());
        FAIL("free_upper lies behind the page");
    } catch (quire::error const& e) {
        CHECK(e.kind() == quire::errc::corrupt_page);
        CHECK(e.page() == quire::page_id{quire::file_no::unknown, 12});
    }
}

TEST_CASE("ordered_slots: as a vector of strings with their tags") {
    quire_test::test_random random;
    page_buffer<512> buffer;
    node page{buffer.span()};
    page.clear();
    std::vector<std::pair<std::string, std::uint32_t>> expected;
    int refused = 0;
    int erased = 0;
    for (int i = 0; i < 20'000; ++i) {
        bool const adds = random.below(9) < 5;
        if (adds) {
            auto const at = random.below(expected.size() + 1);
            auto const letter = static_cast<char>('a' + static_cast<int>(random.below(26)));
            std::string const text(random.below(40), letter);
            auto const mark = static_cast<std::uint32_t>(random.bits());
            std::size_t used = header + 8;
            for (auto const& [one, number] : expected) { used += one.size() + 8; }
            bool const fits = used + text.size() <= 512;
            REQUIRE(put(page, at, text, mark) == fits);
            if (fits) { expected.insert(expected.begin() + static_cast<long>(at), {text, mark}); }
            refused += fits ? 0 : 1;
        } else if (!expected.empty()) {
            auto const at = random.below(expected.size());
            erase_at(page, at);
            expected.erase(expected.begin() + static_cast<long>(at));
            ++erased;
        }
        page.validate();
        REQUIRE(page.load_bounds().slots == expected.size());
        for (std::size_t j = 0; j < expected.size(); ++j) {
            REQUIRE(text(page, j) == expected[j].first);
            REQUIRE(tag(page, j) == expected[j].second);
        }
    }
    CHECK(refused > 100);
    CHECK(erased > 100);
}
