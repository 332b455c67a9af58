// SPDX-License-Identifier: BSL-1.0
#include <quire/row/row_view.hpp>

#include "page/exercise_rows.hpp"

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"

// Any bytes are some row or errc::row_mismatch. Here every bit of good rows is flipped, every 16
// bits in them get every value, and rows are cut short; every column is asked for and set.

using quire_test::amount;
using quire_test::error_cost;
using quire_test::figure;
using quire_test::record;
using quire_test::row_of;
using quire_test::specimen;

namespace {

/// Everything of a row in an allocation of its own.
template <class T>
void exercise(std::vector<std::byte> tuple, choices& choose, outcome& out) {
    tuple.shrink_to_fit();
    quire_test::read_row<T>(tuple, out);
    quire_test::change_row<T>(tuple, choose, out);
    quire_test::read_row<T>(tuple, out);
}

template <class T>
void flip_and_cut(T const& value, choices& choose) {
    auto const good = row_of(value);
    outcome out;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto tuple = good;
        tuple[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        exercise<T>(std::move(tuple), choose, out);
    }
    for (std::size_t size = 0; size < good.size(); ++size) {
        exercise<T>({good.data(), good.data() + size}, choose, out);
    }
    figure("bit flips of rows exercised", good.size() * 8);
    CHECK(out.answers > good.size());
    CHECK(out.errors > good.size() / 2);
}

/// Gives each 16 bits of the fixed part one value in `every`.
template <class T>
void give_every_value(T const& value, std::uint64_t every, choices& choose) {
    auto const good = row_of(value);
    outcome out;
    std::uint64_t read = 0;
    for (std::size_t field = 0; field + 2 <= quire::schema<T>::fixed_size; ++field) {
        for (std::uint64_t bits = choose.bits() % every; bits <= 0xFFFF; bits += every, ++read) {
            auto tuple = good;
            quire::store_le(tuple.data() + field, static_cast<std::uint16_t>(bits));
            quire_test::read_row<T>(tuple, out);
        }
    }
    figure("values of 16 bits of rows read", read);
    CHECK(out.answers > 500);
    CHECK(out.errors > 100);
}

}  // namespace

TEST_CASE("row_view: every flipped bit and every length is some row or an error") {
    test_random random;
    choices choose{random.bits()};
    for (int i = 0; i < 4; ++i) {
        flip_and_cut(quire_test::some_record(choose, 30), choose);
        flip_and_cut(quire_test::some_specimen(choose, 30), choose);
    }
}

TEST_CASE("row_view: every number in a small row is some row or an error") {
    test_random random;
    choices choose{random.bits()};
    auto value = quire_test::some_record(choose, 30);
    value.more = "more";
    give_every_value(value, amount(7 * error_cost, 1), choose);
}

TEST_CASE("row_view: every number in a row of all kinds of columns is some row or an error") {
    test_random random;
    choices choose{random.bits()};
    give_every_value(quire_test::some_specimen(choose, 30), amount(509 * error_cost, 1), choose);
}
