// SPDX-License-Identifier: BSL-1.0
#include <quire/base/poison.hpp>

#include <quire/memory/arena.hpp>

#include "catch.hpp"

#include <array>
#include <cstddef>
#include <span>

using quire::poison;
using quire::poisoning;
using quire::unpoison;

namespace {

/// Whether touching `at` would be reported.
bool is_poisoned([[maybe_unused]] std::byte const* at) {
#if defined(QUIRE_ASAN)
    return __asan_address_is_poisoned(at) != 0;
#else
    return false;
#endif
}

struct granules {
    alignas(8) std::array<std::byte, 64> bytes{};
    ~granules() { unpoison(bytes); }
};

}  // namespace

TEST_CASE("poison: reports exactly what was poisoned until it is unpoisoned") {
    granules g;
    auto const middle = std::span{g.bytes}.subspan(16, 32);
    poison(middle);
    for (std::size_t i = 0; i < 64; ++i) {
        CAPTURE(i);
        CHECK(is_poisoned(&g.bytes[i]) == (poisoning && i >= 16 && i < 48));
    }
    unpoison(middle);
    for (auto const& byte : g.bytes) { CHECK_FALSE(is_poisoned(&byte)); }
}

TEST_CASE("poison: is rounded inward to granules of 8 bytes") {
    granules g;
    poison(std::span{g.bytes}.subspan(13, 24));  // 13 to 37: granules 16 and 24
    for (std::size_t i = 0; i < 64; ++i) {
        CAPTURE(i);
        CHECK(is_poisoned(&g.bytes[i]) == (poisoning && i >= 16 && i < 32));
    }
    unpoison(std::span{g.bytes}.subspan(13, 24));
    for (auto const& byte : g.bytes) { CHECK_FALSE(is_poisoned(&byte)); }
}

TEST_CASE("poison: a range without a whole granule is left alone") {
    granules g;
    for (std::size_t from = 0; from < 16; ++from) {
        poison(std::span{g.bytes}.subspan(from, 7));
        poison(std::span{g.bytes}.subspan(from, 0));
    }
    poison({});
    unpoison({});
    for (auto const& byte : g.bytes) { CHECK_FALSE(is_poisoned(&byte)); }
}

TEST_CASE("poison: an arena that goes leaves nothing poisoned behind") {
    std::byte const* at = nullptr;
    {
        quire::arena const a{4, 4096, quire::huge_pages::off};
        poison(a.bytes());
        at = a.bytes().data();
        CHECK(is_poisoned(at) == poisoning);
        CHECK(is_poisoned(at + 4 * 4096 - 1) == poisoning);
    }
    CHECK_FALSE(is_poisoned(at));
    CHECK_FALSE(is_poisoned(at + 4 * 4096 - 1));
}
