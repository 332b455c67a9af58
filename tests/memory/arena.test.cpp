// SPDX-License-Identifier: BSL-1.0
#include <quire/memory/arena.hpp>

#include "../death.hpp"
#include "catch.hpp"
#include "memory/smaps.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include <sys/mman.h>

using quire::arena;
using quire::errc;
using quire::frame_no;
using quire::huge_pages;
using quire_test::smaps_line;

namespace {

constexpr std::size_t two_mib = std::size_t{2} << 20;

frame_no nth(std::size_t n) { return static_cast<frame_no>(n); }

std::uintptr_t address(void const* at) { return reinterpret_cast<std::uintptr_t>(at); }

errc refusal(std::size_t frames) {
    try {
        arena const a{frames, 4096, huge_pages::off};
    } catch (quire::error const& e) { return e.kind(); }
    return {};
}

}  // namespace

static_assert(!std::is_copy_constructible_v<arena> && !std::is_move_constructible_v<arena>);

TEST_CASE("arena: frames lie side by side and each is aligned to its size") {
    for (std::size_t frame_size = 512; frame_size <= (1U << 20); frame_size *= 2) {
        for (auto wanted : {huge_pages::on, huge_pages::off}) {
            CAPTURE(frame_size);
            arena const a{5, frame_size, wanted};
            CHECK(a.bytes().size() == 5 * frame_size);
            CHECK(address(a.bytes().data()) % two_mib == 0);
            for (std::size_t f = 0; f < 5; ++f) {
                auto const frame = a.frame(nth(f));
                CHECK(frame.size() == frame_size);
                CHECK(frame.data() == a.bytes().data() + f * frame_size);
                CHECK(address(frame.data()) % frame_size == 0);
            }
        }
    }
}

TEST_CASE("arena: an untouched frame is zero and a written one changes no other - I1 I2") {
    arena const a{3, 4096, huge_pages::on};
    std::ranges::fill(a.frame(nth(1)), std::byte{0xFF});
    for (std::size_t f : {0U, 2U}) {
        CHECK(std::ranges::all_of(a.frame(nth(f)), [](std::byte b) { return b == std::byte{0}; }));
    }
    CHECK(std::ranges::all_of(a.frame(nth(1)), [](std::byte b) { return b == std::byte{0xFF}; }));
}

TEST_CASE("arena: contains its own bytes and no others") {
    arena const a{3, 4096, huge_pages::off};
    auto* const first = a.bytes().data();
    CHECK(a.contains(first));
    CHECK(a.contains(first + 3 * 4096 - 1));
    CHECK_FALSE(a.contains(first + 3 * 4096));
    CHECK_FALSE(a.contains(first - 1));
    CHECK_FALSE(a.contains(nullptr));
    CHECK_FALSE(a.contains(&a));
}

TEST_CASE("arena: asks for huge pages or forbids them") {
    arena const with{1024, 4096, huge_pages::on};
    arena const without{1024, 4096, huge_pages::off};
    auto const on = smaps_line(with.bytes().data(), "VmFlags:");
    auto const off = smaps_line(without.bytes().data(), "VmFlags:");
    if (on.find(" hg ") == std::string::npos && on.find(" nh ") == std::string::npos &&
        off.find(" nh ") == std::string::npos) {
        return skip("this kernel has no transparent huge pages");
    }
    CHECK(on.find(" hg ") != std::string::npos);
    CHECK(off.find(" nh ") != std::string::npos);
    CHECK(off.find(" hg ") == std::string::npos);
}

// Pages are users' data, and gigabytes.
TEST_CASE("arena: frames are left out of core dumps") {
    if (!quire_test::has_smaps()) { return skip(quire_test::no_smaps); }
    arena const a{8, 4096, huge_pages::on};
    a.bytes()[0] = std::byte{1};
    CHECK(quire_test::has_flag(a.bytes().data(), "dd"));
    REQUIRE(::madvise(a.bytes().data(), a.bytes().size(), MADV_DODUMP) == 0);  // as arena.hpp says
    CHECK_FALSE(quire_test::has_flag(a.bytes().data(), "dd"));
}

TEST_CASE("arena: no frame or too many are a bad option") {
    CHECK(refusal(0) == errc::bad_option);
    CHECK(refusal(std::size_t{arena::frames_max} + 1) == errc::bad_option);
    CHECK(refusal(std::size_t{1} << 52) == errc::bad_option);
    CHECK(refusal(~std::size_t{0}) == errc::bad_option);
    CHECK(arena::frames_max == 0xFFFF'FFFD);
}

TEST_CASE("arena: frames that the system cannot map are out_of_memory") {
    CHECK_THROWS_MATCHES((arena{arena::frames_max, std::size_t{1} << 20, huge_pages::off}),
                         quire::error,
                         Catch::Matchers::Predicate<quire::error>(
                             [](quire::error const& e) { return e.code() == errc::out_of_memory; },
                             "out_of_memory"));
}

TEST_CASE("arena: belongs to its process") {
    arena const a{4, 4096, huge_pages::on};
    CHECK_FALSE(a.inherited());
    CHECK(failure_of([&]() -> std::string {
              if (!a.inherited()) { return "not inherited"; }
              unsigned char resident = 0;
              auto* const first = a.bytes().data();
              return ::mincore(first, 4096, &resident) == 0 ? "still mapped" : "";
          }) == "");
}
