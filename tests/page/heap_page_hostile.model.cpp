// SPDX-License-Identifier: BSL-1.0
#include <quire/page/heap_page.hpp>

#include "page/exercise.hpp"
#include "page/hostile.hpp"

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"

// Any bytes are a legal page. Here pages are random bytes, and good pages with some things wrong;
// then every bit of good pages is flipped, and every number of 16 bits in them is every number.
// Everything is asked of them, and all that may happen is an answer or a quire::error with the page
// unchanged (exercise.hpp). The rest is the sanitizers' to say.
//
// In the usual form a page in so many is exercised, and the others are only read a little (under
// the address sanitizer a part of them); in the long form all are exercised.

using quire_test::amount;
using quire_test::error_cost;
using quire_test::figure;
using quire_test::good_page;
using quire_test::heap_exercise;
using quire_test::hostile_page;
using quire_test::page_make;
using quire_test::slotted_exercise;

namespace {

/// Asks for everything, and changes the page some times.
template <std::size_t N>
void exercise(page_buffer<N>& buffer, std::size_t slots, std::size_t changes, choices& choose,
              outcome& out) {
    heap_exercise<N> page{buffer.span(), choose, out};
    page.read(slots);
    for (std::size_t i = 0; i < changes; ++i) {
        page.change();
        page.read(1);
    }
}

/// The same for the layers below; the page is lost.
template <std::size_t N>
void exercise_below(page_buffer<N>& buffer, choices& choose, outcome& out) {
    slotted_exercise<N> slots{buffer.span(), choose, out};
    slots.read(3);
    for (int i = 0; i < 3; ++i) { slots.change(); }
    heap_exercise<N>{buffer.span(), choose, out}.walk_and_change();
    quire_test::exercise_header<N>(buffer.span(), out);
    quire_test::exercise_raw_page<N>(buffer.span(), choose, out);
}

/// The little that every page is asked.
template <std::size_t N>
void look_at(page_buffer<N> const& buffer, quire::slot_id slot, outcome& out) {
    quire::heap_page page{buffer.span()};
    out.ask([&] {
        auto const tuple = page.tuple(slot);
        return tuple.size();
    });
    out.ask([&] { return page.validate(), page.free_space(); });
}

template <std::size_t N>
void torment(std::uint64_t pages) {
    test_random random;
    choices choose{random.bits()};
    outcome out;
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto buffer = hostile_page<N>(choose);
        exercise<N>(buffer, 12, 16, choose, out);
        exercise_below<N>(buffer, choose, out);
    }
    figure("hostile pages exercised", pages);
    CHECK(out.answers > 100);
    CHECK(out.errors > 100);
}

/// Flips every bit of a good page; exercises one page in `every`.
template <std::size_t N>
void flip_bits(page_make make, std::uint64_t every) {
    test_random random;
    choices choose{random.bits()};
    auto const good = good_page<N>(make, choose);
    outcome out;
    std::uint64_t exercised = 0;
    for (std::size_t bit = 0; bit < N * 8; ++bit) {
        auto buffer = good;
        buffer.bytes()[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        look_at<N>(buffer, quire::slot_id{bit / 32 % 16}, out);
        // Header and line pointers more often.
        bool const counts = bit < 64 * 8 && choose.bits() % amount(error_cost, 1) == 0;
        if (!counts && choose.bits() % every != 0) { continue; }
        ++exercised;
        exercise<N>(buffer, 4, 3, choose, out);
        exercise_below<N>(buffer, choose, out);
    }
    figure("bit flips of pages read", N * 8);
    figure("bit flips of pages exercised", exercised);
    CHECK(out.answers > N);
    CHECK(out.errors > N / 8);
}

/// Gives the 16 bits at `field` every value; exercises one page in `every`.
template <std::size_t N>
void give_every_value(page_buffer<N> const& good, std::size_t field, std::uint64_t every,
                      choices& choose, outcome& out) {
    page_buffer<N> buffer;
    std::uint64_t const step = amount(error_cost, 1);
    for (std::uint64_t value = choose.bits() % step; value <= 0xFFFF; value += step) {
        bool const whole = choose.bits() % every == 0;
        buffer.bytes() = good.bytes();
        quire::store_le(buffer.bytes().data() + field, static_cast<std::uint16_t>(value));
        look_at<N>(buffer, quire::slot_id{(field - 32) / 4 % 16}, out);
        if (!whole) { continue; }
        exercise<N>(buffer, 2, 1, choose, out);
        slotted_exercise<N> slots{buffer.span(), choose, out};
        slots.read(1);
        slots.change();
    }
}

template <std::size_t N>
void give_every_value(std::initializer_list<std::size_t> fields, std::uint64_t every) {
    test_random random;
    choices choose{random.bits()};
    outcome out;
    auto const good = good_page<N>(page_make::slots, choose);
    for (std::size_t const field : fields) {
        give_every_value<N>(good, field, every, choose, out);
    }
    figure("values of 16-bit fields read", fields.size() * 65536 / amount(error_cost, 1));
    CHECK(out.answers > 100);
    CHECK(out.errors > 100);
}

constexpr std::initializer_list<std::size_t> header_fields{12, 14, 24, 26, 28, 30};
constexpr std::initializer_list<std::size_t> number_fields{4, 6, 8, 10};
constexpr std::initializer_list<std::size_t> lower_halves{32, 36, 44, 60};
constexpr std::initializer_list<std::size_t> upper_halves{34, 38, 46, 62};

}  // namespace

TEST_CASE("heap_page: any bytes give answers or errors on small pages") {
    torment<512>(amount(1000 / error_cost, 200'000));
}
TEST_CASE("heap_page: any bytes give answers or errors on usual pages") {
    torment<4096>(amount(200 / error_cost, 30'000));
}
TEST_CASE("heap_page: any bytes give answers or errors on the largest pages") {
    torment<32768>(amount(20, 2000));
}

TEST_CASE("heap_page: every flipped bit of a small page gives answers or errors") {
    auto const make = GENERATE(page_make::empty, page_make::full, page_make::slots,
                               page_make::records, page_make::specimens);
    flip_bits<512>(make, amount(8 * error_cost, 1));
}
TEST_CASE("heap_page: every flipped bit of a usual page gives answers or errors") {
    auto const make = GENERATE(page_make::empty, page_make::full, page_make::slots,
                               page_make::records, page_make::specimens);
    flip_bits<4096>(make, amount(512 * error_cost, 1));
}

TEST_CASE("heap_page: every number in the header gives answers or errors") {
    give_every_value<512>(header_fields, amount(256, 1));
}
TEST_CASE("heap_page: every own number gives answers or errors") {
    give_every_value<512>(number_fields, amount(256, 1));
}
TEST_CASE("heap_page: every lower half of a line pointer gives answers or errors") {
    give_every_value<512>(lower_halves, amount(256, 1));
}
TEST_CASE("heap_page: every upper half of a line pointer gives answers or errors") {
    give_every_value<512>(upper_halves, amount(256, 1));
}
TEST_CASE("heap_page: every number in the header of a usual page gives answers or errors") {
    give_every_value<4096>(header_fields, amount(4096, 16));
}
