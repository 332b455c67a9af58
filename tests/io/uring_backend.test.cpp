// SPDX-License-Identifier: BSL-1.0
#include <quire/io/uring_backend.hpp>

#include "catch.hpp"
#include "temp_dir.hpp"

#include <quire/pool/buffer_pool.hpp>
#include <quire/testing/check_backend.hpp>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

using quire::io_mode;
using quire::open_mode;
using quire::uring_backend;
using quire::testing::check_backend;

TEST_CASE("uring_backend: keeps the rules of a backend") {
    quire_test::temp_dir const dir;
    auto const found = check_backend<uring_backend>({.path = dir.path() / "check"});
    INFO(found.text());
    CHECK(found.passed());
}

TEST_CASE("uring_backend: keeps the rules with few records, where runs are transferred at once") {
    quire_test::temp_dir const dir;
    auto const found = check_backend<uring_backend>({.path = dir.path() / "check"},
                                                    {.in_flight_max = 1});
    INFO(found.text());
    CHECK(found.passed());
}

TEST_CASE("uring_backend: a pool over it reads what it wrote, from several threads") {
    quire_test::temp_dir const dir;
    using pool_type =
        quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, uring_backend>;
    constexpr std::uint64_t pages = 500;
    pool_type pool{{.frames = 64}};
    auto file = pool.open((dir.path() / "f").string(), open_mode::create_new,
                          {.io = io_mode::direct_or_buffered});
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto page = file.append();
        page->bytes().store<std::uint64_t>(64, i);
    }
    file.flush();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 4 * pages; ++i) {
                auto const no = (i * 7919 + t * 131) % pages;
                if (i % 3 == 0) {
                    auto page = file.write(no);
                    page->bytes().store<std::uint64_t>(72, i);
                }
                auto const page = file.read(no);
                if (page->bytes().load<std::uint64_t>(64) != no) { ++wrong; }
            }
        });
    }
    for (auto& one : threads) { one.join(); }
    CHECK(wrong == 0);
    file.close();
}
