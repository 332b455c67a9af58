// SPDX-License-Identifier: BSL-1.0
#include <quire/base/contract.hpp>

#include "../death.hpp"
#include "catch.hpp"

#include <string>

using Catch::Matchers::ContainsSubstring;

TEST_CASE("contract: a broken rule stops the program with its sentence and its place") {
    auto const text = violation_of([] { QUIRE_EXPECTS(1 + 1 == 3, "one and one are three"); });
    CHECK_THAT(text, ContainsSubstring("quire: contract violation: one and one are three ("));
    CHECK_THAT(text, ContainsSubstring("contract.test.cpp:"));
}

TEST_CASE("contract: a kept rule evaluates its condition once and goes on") {
    int looks = 0;
    QUIRE_EXPECTS(++looks > 0, "never broken");
    CHECK(looks == 1);
}

TEST_CASE("contract: is an expression that constant evaluation accepts") {
    constexpr auto checked = [](int i) constexpr { return QUIRE_EXPECTS(i > 0, "positive"), i; };
    static_assert(checked(3) == 3);
    SUCCEED();
}

TEST_CASE("contract: QUIRE_CHECK looks at its condition in checked builds only") {
    int looks = 0;
    auto const look = [&looks] { return ++looks > 0; };
    QUIRE_CHECK(look(), "never broken");
    CHECK(looks == (quire::checked_build ? 1 : 0));
    static_cast<void>(look);
    if constexpr (quire::checked_build) {
        CHECK_THAT(violation_of([] { QUIRE_CHECK(false, "a dear rule"); }),
                   ContainsSubstring("quire: contract violation: a dear rule"));
    } else {
        CHECK(in_child([] { QUIRE_CHECK(false, "a dear rule"); }).exited_well());
    }
}
