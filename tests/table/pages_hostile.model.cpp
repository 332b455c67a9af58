// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog_page.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"
#include "table/exercise.hpp"

// Any bytes are a legal page of each kind: random ones, good pages with some things wrong, and good
// pages with each bit flipped. An answer, or a quire::error and nothing changed (exercise.hpp); the
// rest is the sanitizers' to say.

using quire_test::amount;
using quire_test::error_cost;
using quire_test::figure;
using quire_test::table_page;

namespace {

constexpr std::array kinds{table_page::free, table_page::allocation, table_page::catalog,
                           table_page::directory, table_page::records, table_page::names};

template <std::size_t N>
void exercise_damaged(std::uint64_t rounds, choices& choose, outcome& out) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
        for (auto const kind : kinds) {
            auto buffer = quire_test::good_table_page<N>(kind, choose);
            quire_test::damage_table_page<N>(buffer.span(), choose);
            quire_test::exercise_table_page<N>(kind, buffer.span(), choose, out);
        }
    }
}

}  // namespace

TEST_CASE("pages of table/: random bytes") {
    test_random random;
    choices choose{random.bits()};
    outcome out;
    for (std::uint64_t i = 0; i < amount(4'000, 100'000) / error_cost; ++i) {
        for (auto const kind : kinds) {
            page_buffer<512> buffer;
            random.fill(buffer.span());
            bool const has_bounds = kind == table_page::catalog || kind == table_page::records ||
                                    kind == table_page::names;
            for (std::size_t at = 24; at < 32 && has_bounds; ++at) {
                if (random.chance(7, 8)) { buffer.bytes()[at] &= std::byte{1}; }  // bounds
            }
            quire_test::exercise_table_page<512>(kind, buffer.span(), choose, out);
        }
    }
    figure("answers", out.answers);
    figure("errors", out.errors);
    CHECK(out.answers > 100);
    CHECK(out.errors > 100);
}

TEST_CASE("pages of table/: good pages with some things wrong") {
    test_random random;
    choices choose{random.bits()};
    outcome out;
    exercise_damaged<512>(amount(8'000, 200'000) / error_cost, choose, out);
    exercise_damaged<4096>(amount(800, 20'000) / error_cost, choose, out);
    exercise_damaged<32768>(amount(50, 1'000) / error_cost + 1, choose, out);
    figure("answers", out.answers);
    figure("errors", out.errors);
    CHECK(out.answers > 1000);
    CHECK(out.errors > 100);
}

TEST_CASE("pages of table/: each bit of good pages flipped") {
    test_random random;
    choices choose{random.bits()};
    outcome out;
    for (auto const kind : kinds) {
        auto const good = quire_test::good_table_page<512>(kind, choose);
        for (std::size_t bit = 0; bit < 512 * 8; ++bit) {
            auto damaged = good;
            damaged.bytes()[bit / 8] ^= std::byte(1U << (bit % 8));
            quire_test::exercise_table_page<512>(kind, damaged.span(), choose, out);
        }
    }
    CHECK(out.answers > 1000);
}
