// SPDX-License-Identifier: BSL-1.0
#include <quire/testing/report.hpp>

#include "catch.hpp"

#include <stdexcept>
#include <string>
#include <vector>

using quire::testing::report;

TEST_CASE("report: names each broken rule once with what was seen first") {
    report found;
    CHECK(found.passed());
    CHECK(found.text().empty());
    found.expect(true, "water: is wet");
    CHECK(found.passed());
    found.expect(false, "fire: is hot", "it was cold");
    found.expect(false, "fire: is hot", "it was lukewarm");
    found.expect(false, "ice");
    CHECK_FALSE(found.passed());
    CHECK(found.broken() == std::vector<std::string>{"fire: is hot (it was cold)", "ice"});
    CHECK(found.text() == "fire: is hot (it was cold)\nice\n");
    CHECK(found.names("cold"));
    CHECK_FALSE(found.names("lukewarm"));
}

TEST_CASE("report: a section ends where its sense ends, and by what is thrown") {
    report found;
    bool reached = false;
    found.section("section: throws nothing", [&] {
        found.need(true, "one");
        found.need(false, "two");
        reached = true;
    });
    CHECK_FALSE(reached);
    found.section("section: throws nothing", [] { throw std::runtime_error{"three"}; });
    CHECK(found.text() == "two\nsection: throws nothing (three)\n");
}

TEST_CASE("report: takes over another's rules without saying one twice") {
    report found;
    found.expect(false, "a", "1");
    report other;
    other.expect(false, "a", "2");
    other.expect(false, "b", "3");
    found.add(other);
    CHECK(found.text() == "a (1)\nb (3)\n");
}

TEST_CASE("report: says what was tried and what was not, apart from the rules") {
    report found;
    found.note_checked("swimming");
    found.note_unchecked("diving", "there is no water");
    CHECK(found.checked() == std::vector<std::string>{"swimming"});
    CHECK(found.unchecked() == std::vector<std::string>{"diving (there is no water)"});
    CHECK(found.text().empty());
    CHECK(found.passed());
}
