// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"
#include "table/exercise_file.hpp"

// A file of any bytes is opened, checked, read and changed: an answer, or an error that tells what
// is wrong with the file (exercise_file.hpp). The rest is the sanitizers' to say.

using quire_test::amount;
using quire_test::error_cost;
using quire_test::figure;

TEST_CASE("catalog: good files with some things wrong") {
    test_random random;
    choices choose{random.bits()};
    quire_test::catalog_outcome out;
    auto const rounds = amount(4'000, 100'000) / error_cost;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        auto bytes = quire_test::good_file(choose);
        quire_test::damage_file(bytes, choose);
        quire_test::exercise_file(std::move(bytes), choose, out);
    }
    figure("answers", out.answers);
    figure("errors", out.errors);
    CHECK(out.answers > rounds);
    CHECK(out.errors > rounds);
}

TEST_CASE("catalog: files of random bytes, and files that end early") {
    test_random random;
    choices choose{random.bits()};
    quire_test::catalog_outcome out;
    for (std::uint64_t i = 0; i < amount(400, 10'000) / error_cost; ++i) {
        std::vector<std::byte> bytes(512 * choose.below(9));
        random.fill(bytes);
        quire_test::exercise_file(std::move(bytes), choose, out);
        auto good = quire_test::good_file(choose);
        good.resize(512 * choose.below(9));
        quire_test::exercise_file(std::move(good), choose, out);
    }
    CHECK(out.answers > 10);
    CHECK(out.errors > 10);
}
