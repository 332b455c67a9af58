// SPDX-License-Identifier: BSL-1.0
#include <quire/io/memory_backend.hpp>

#include "bench.hpp"
#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

using quire::io_mode;
using quire::memory_backend;
using quire::memory_store;
using quire::open_mode;
using quire_test::bench;
using quire_test::page_bytes;

TEST_CASE("memory_backend: is direct whatever was asked for") {
    bench<memory_backend> b;
    for (auto io : {io_mode::direct, io_mode::direct_or_buffered, io_mode::buffered}) {
        auto file = b.backend.open({"a", open_mode::open_or_create, io});
        CHECK(file.mode() == io_mode::direct);
        CHECK(b.backend.close(file) == 0);
    }
}

TEST_CASE("memory_store: outlives the backends and is shared by them") {
    auto const store = std::make_shared<memory_store>();
    {
        bench<memory_backend> one{{store}};
        bench<memory_backend> two{{store}};
        auto file = one.backend.open({"a", open_mode::open_or_create});
        REQUIRE(one.backend.resize(file, page_bytes) == 0);
        std::ranges::fill(one.frame(0), std::byte{7});
        REQUIRE(one.write(file, 0, 0) == 0);
        CHECK(quire_test::error_of([&] {
                  static_cast<void>(two.backend.open({"a", open_mode::read_only}));
              }).code() == quire::errc::file_locked);
        REQUIRE(one.backend.close(file) == 0);
        auto seen = two.backend.open({"a", open_mode::read_only});
        CHECK(two.content(seen, 0)[9] == std::byte{7});
        REQUIRE(two.backend.close(seen) == 0);
    }
    CHECK(store->bytes("a") == std::vector<std::byte>(page_bytes, std::byte{7}));
    CHECK(store->bytes("b").empty());
}

TEST_CASE("memory_store: gives a backend the bytes that were assigned") {
    auto const store = std::make_shared<memory_store>();
    store->assign("a", std::vector<std::byte>(3 * page_bytes, std::byte{3}));
    bench<memory_backend> b{{store}};
    auto file = b.backend.open({"a", open_mode::read_write});
    CHECK(file.size() == 3 * page_bytes);
    CHECK(b.content(file, 2)[0] == std::byte{3});
    store->assign("a", std::vector<std::byte>(page_bytes, std::byte{4}));  // cut under an open file
    CHECK(file.size() == page_bytes);
    CHECK(b.content(file, 0)[0] == std::byte{4});
    CHECK(b.read(file, 2, 0) == quire::io_ended);
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("memory_backend: threads may use one file at once") {
    bench<memory_backend> b;
    auto file = b.backend.open({"a", open_mode::open_or_create});
    REQUIRE(b.backend.resize(file, 8 * page_bytes) == 0);
    std::vector<std::thread> threads;
    std::vector<int> failures(8);
    for (std::size_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                auto ops = std::vector{b.page_op(quire::io_verb::write, file, t, t),
                                       b.page_op(quire::io_verb::read, file, (t + 1) % 8, 10 + t)};
                std::vector pointers{&ops[0], &ops[1]};
                auto const complete = b.backend.submit(pointers);
                failures[t] += complete != 2 || ops[0].error != 0 || ops[1].error != 0 ? 1 : 0;
            }
        });
    }
    for (auto& thread : threads) { thread.join(); }
    CHECK(failures == std::vector<int>(8));
    CHECK(b.backend.close(file) == 0);
}
