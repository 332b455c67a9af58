// SPDX-License-Identifier: BSL-1.0
#include <quire/base/hook.hpp>

#include "catch.hpp"

#include <functional>
#include <memory>
#include <string>

using quire::hook;

namespace {

int twice(int value) { return 2 * value; }

}  // namespace

static_assert(!std::is_constructible_v<hook<int(int)>, std::string>);
static_assert(!std::is_constructible_v<hook<int(int)>, void (*)(std::string)>);
static_assert(!std::is_constructible_v<hook<int(std::string)>, std::size_t std::string::*>);
static_assert(!std::is_constructible_v<hook<void()>, decltype([own = std::unique_ptr<int>{}] {})>);
static_assert(std::is_nothrow_move_constructible_v<hook<void()>>);

TEST_CASE("hook: is empty by default, and when it is made from what is empty") {
    CHECK_FALSE(hook<void()>{});
    CHECK_FALSE(hook<void()>{nullptr});
    CHECK(hook<void()>{} == nullptr);
    CHECK_FALSE(hook<void(int)>{hook<void(long)>{}});
    CHECK(hook<void(int)>{hook<void(long)>{[](long) {}}});
    CHECK_FALSE(hook<int(int)>{static_cast<int (*)(int)>(nullptr)});
    CHECK_FALSE(hook<int(int)>{std::function<int(int)>{}});
    CHECK(hook<int(int)>{twice});
    CHECK(hook<void()>{[] {}});
}

TEST_CASE("hook: calls what it owns, and gives back what that returns") {
    CHECK(hook<int(int)>{twice}(21) == 42);
    hook<std::size_t(std::string const&)> const length{
        [](std::string const& text) { return text.size(); }};
    CHECK(length("four") == 4);
    int sum = 0;
    hook<void(int)> const adds{[&](int value) { return sum += value; }};  // what it returns is lost
    adds(3);
    adds(4);
    CHECK(sum == 7);
}

TEST_CASE("hook: a copy owns a copy, a moved-from hook nothing") {
    auto const watched = std::make_shared<int>(0);
    hook<int()> first{[watched, calls = 0]() mutable { return ++calls; }};
    CHECK(watched.use_count() == 2);
    CHECK(first() == 1);
    hook<int()> second{first};
    CHECK(watched.use_count() == 3);
    CHECK(second() == 2);
    CHECK(second() == 3);
    CHECK(first() == 2);
    hook<int()> third{std::move(first)};
    CHECK_FALSE(first);
    CHECK(watched.use_count() == 3);
    CHECK(third() == 3);
    third = second;
    CHECK(third() == 4);
    third = {};
    CHECK(watched.use_count() == 2);
}

TEST_CASE("hook: what the callable throws passes through") {
    hook<void()> const throws{[] { throw std::string{"out"}; }};
    CHECK_THROWS_AS(throws(), std::string);
}
