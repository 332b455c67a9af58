// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/options.hpp>

#include "calls.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <limits>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;

namespace {

using pool_type = quire::buffer_pool<512, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;
using options_type = pool_type::options_type;

std::optional<errc> making(options_type const& options) {
    return refusal([&] { pool_type{options}.flush(); });
}

}  // namespace

TEST_CASE("options: the defaults make a pool") {
    CHECK(making({.backend = {}}) == std::nullopt);
    CHECK(making({.frames = 1, .huge = quire::huge_pages::off, .backend = {}}) == std::nullopt);
    CHECK(making({.frames = 1, .files_max = 1, .file_pages_max = 1, .backend = {}}) ==
          std::nullopt);
    CHECK(making({.frames = 1, .frame_wait_max = 0ns, .backend = {}}) == std::nullopt);
}

TEST_CASE("options: what makes no sense is refused, each with its rule") {
    auto const rule = [](options_type const& options) -> std::string {
        try {
            pool_type pool{options};
        } catch (quire::error const& e) {
            return e.kind() == errc::bad_option ? e.what() : "another error";
        }
        return "none";
    };
    using Catch::Matchers::ContainsSubstring;
    CHECK_THAT(rule({.frames = 0, .backend = {}}), ContainsSubstring("frames is"));
    CHECK_THAT(rule({.frames = std::size_t{1} << 32, .backend = {}}),
               ContainsSubstring("frames is"));
    CHECK_THAT(rule({.frames = std::numeric_limits<std::size_t>::max(), .backend = {}}),
               ContainsSubstring("frames is"));
    CHECK_THAT(rule({.files_max = 0, .backend = {}}), ContainsSubstring("files_max"));
    CHECK_THAT(rule({.files_max = 16'385, .backend = {}}), ContainsSubstring("files_max"));
    CHECK_THAT(rule({.file_pages_max = 0, .backend = {}}), ContainsSubstring("file_pages_max"));
    CHECK_THAT(rule({.file_pages_max = (std::uint64_t{1} << 32) + 1, .backend = {}}),
               ContainsSubstring("file_pages_max"));
    CHECK_THAT(rule({.wait_max = 0ns, .backend = {}}), ContainsSubstring("wait_max"));
    CHECK_THAT(rule({.wait_max = -1ns, .backend = {}}), ContainsSubstring("wait_max"));
    CHECK_THAT(rule({.frame_wait_max = -1ns, .backend = {}}), ContainsSubstring("wait_max"));
}

TEST_CASE("options: an access's own deadline goes before the pool's") {
    pool_type pool{{.frames = 2, .wait_max = 10ms, .backend = {}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    append_numbers(file, 1);
    auto page = file.write(0);
    auto const waits = [&](quire::access_options const& how) {
        std::chrono::nanoseconds took{};
        std::thread{[&] {
            auto const begin = std::chrono::steady_clock::now();
            CHECK(refusal([&] { number_on(file, 0, how); }) == errc::timed_out);
            took = std::chrono::steady_clock::now() - begin;
        }}.join();
        return took;
    };
    CHECK(waits({}) >= 10ms);
    CHECK(waits({.wait_max = 60ms}) >= 60ms);
    CHECK(waits({.wait_max = -5ms}) >= 10ms);  // no deadline of its own
    CHECK(waits({.wait_max = 1ns}) < 5s);
}
