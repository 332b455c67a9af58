// SPDX-License-Identifier: BSL-1.0
#include <quire/page/redirects.hpp>

#include "page/exercise_redirects.hpp"
#include "page/hostile.hpp"

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"

// What heap pages are made of, given any bytes by itself: raw bytes, headers, line pointers, the
// slotted layout behind headers of other sizes, and redirects beside a plain walk over them.

using quire_test::amount;
using quire_test::error_cost;
using quire_test::figure;

TEST_CASE("line_pointer: any 32 bits are some line pointer") {
    outcome out;
    std::uint64_t const step = amount(4099, 67);
    std::uint64_t done = 0;
    for (std::uint64_t bits = 0; bits <= 0xFFFF'FFFF; bits += step, ++done) {
        quire_test::exercise_line_pointer(static_cast<std::uint32_t>(bits), out);
    }
    for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits, done += 2) {
        quire_test::exercise_line_pointer(bits, out);
        quire_test::exercise_line_pointer(bits << 16, out);
    }
    figure("line pointers exercised", done);
    CHECK(out.answers == done);
}

TEST_CASE("page_header: any bytes are some header") {
    outcome out;
    test_random random;
    choices choose{random.bits()};
    auto buffer = quire_test::good_page<512>(choose);
    for (std::size_t field = 0; field < 24; field += 2) {
        auto const before = quire::load_le<std::uint16_t>(buffer.bytes().data() + field);
        std::uint64_t const step = field < 12 || field >= 16 ? 257 : amount(error_cost, 1);
        for (std::uint64_t value = 0; value <= 0xFFFF; value += step) {
            quire::store_le(buffer.bytes().data() + field, static_cast<std::uint16_t>(value));
            quire_test::exercise_header<512>(buffer.span(), out);
        }
        quire::store_le(buffer.bytes().data() + field, before);
    }
    CHECK(out.errors > 4096);
}

TEST_CASE("raw_page: any bytes are read and written inside, and racy ones outside are an error") {
    outcome out;
    test_random random;
    choices choose{random.bits()};
    for (std::uint64_t i = 0; i < amount(1000 / error_cost, 200'000); ++i) {
        auto small = quire_test::hostile_page<512>(choose);
        quire_test::exercise_raw_page<512>(small.span(), choose, out);
    }
    CHECK(out.errors > 50);
}

TEST_CASE("slotted: any bytes give answers or errors behind a header of any size") {
    outcome out;
    test_random random;
    choices choose{random.bits()};
    auto const exercise = [&](auto slots) {
        slots.read(4);
        for (int i = 0; i < 8; ++i) { slots.change(); }
        slots.read(4);
    };
    for (std::uint64_t i = 0; i < amount(1000 / error_cost, 200'000); ++i) {
        auto narrow = quire_test::hostile_page<512>(choose);
        auto wide = narrow;
        exercise(quire_test::slotted_exercise<512>{narrow.span(), choose, out});
        exercise(quire_test::slotted_exercise<512, 64>{wide.span(), choose, out});
    }
    CHECK(out.answers > 500);
    CHECK(out.errors > 500);
}

TEST_CASE("slotted: operations on a valid page leave it valid") {
    outcome out;
    test_random random;
    choices choose{random.bits()};
    page_buffer<512> buffer;
    quire_test::slotted_exercise<512> slots{buffer.span(), choose, out};
    quire::slotted<std::byte, 512> const page{buffer.span()};
    page.clear();
    std::uint64_t const steps = amount(20'000, 2'000'000);
    for (std::uint64_t i = 0; i < steps; ++i) { slots.change(); }
    page.validate();
    figure("operations on slotted pages", steps);
}

TEST_CASE("redirects: chains of any shape end, or are an error") {
    outcome out;
    test_random random;
    choices choose{random.bits()};
    std::uint64_t const pages = amount(4000 / error_cost, 1'000'000);
    for (std::uint64_t i = 0; i < pages; ++i) {
        quire_test::redirects_exercise{choose, i % 4 == 0, out}.compare();
    }
    figure("pages of redirects compared", pages);
    CHECK(out.answers > pages);
    CHECK(out.errors > pages / 8);
}
