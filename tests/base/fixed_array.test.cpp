// SPDX-License-Identifier: BSL-1.0
#include <quire/base/fixed_array.hpp>

#include "catch.hpp"

#include <atomic>
#include <cstdint>

using quire::fixed_array;

namespace {

struct alignas(64) line {
    std::atomic<int> value{7};  // neither copied nor moved
};

}  // namespace

static_assert(!std::is_copy_constructible_v<fixed_array<int>>);
static_assert(!std::is_move_constructible_v<fixed_array<int>>);

TEST_CASE("fixed_array: elements are value-initialised and in their place") {
    fixed_array<std::uint32_t> numbers{1000};
    CHECK(numbers.size() == 1000);
    for (auto const number : numbers) { REQUIRE(number == 0); }
    numbers[999] = 5;
    CHECK(numbers.data()[999] == 5);
    CHECK(numbers.end() - numbers.begin() == 1000);
    fixed_array<std::uint32_t> none{0};
    CHECK(none.begin() == none.end());
}

TEST_CASE("fixed_array: elements need no copy, and are aligned as they ask") {
    fixed_array<line> lines{3};
    for (auto& one : lines) {
        CHECK(one.value == 7);
        CHECK(reinterpret_cast<std::uintptr_t>(&one) % 64 == 0);
    }
}
