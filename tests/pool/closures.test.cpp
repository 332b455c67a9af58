// SPDX-License-Identifier: BSL-1.0

/// Closures that are lent a page: with_read, with_write and their sealed forms.

#include <quire/pool/paged_file.hpp>

#include "calls.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <stdexcept>
#include <string>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::access_options;
using quire::errc;
using quire::open_mode;

namespace {

using pool_type = quire::buffer_pool<512, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;
using page_view = quire::raw_page<std::byte const, 512>;
using mutable_page_view = quire::raw_page<std::byte, 512>;

struct open_pool {
    pool_type pool{{.frames = 4, .wait_max = 20ms, .backend = {}}};
    pool_type::file file = pool.open("f", open_mode::open_or_create);
    open_pool() { append_numbers(file, 3, 100); }

    /// Whether nobody holds page `no`.
    [[nodiscard]] bool is_free(std::uint64_t no) const {
        return !refusal([&] { file.write(no).release(); });
    }
};

std::uint64_t number_of(page_view const& page) {
    return page.bytes().load<std::uint64_t>(number_at);
}

}  // namespace

TEST_CASE("closures: with_read lends the const view and returns what owns") {
    open_pool o;
    CHECK(o.file.with_read(1, number_of) == 101);
    auto const text = o.file.with_read(
        2, [](page_view const& page) { return std::to_string(number_of(page)); });
    CHECK(text == "102");
    int calls = 0;
    o.file.with_read(0, [&](page_view const&) { ++calls; });
    CHECK(calls == 1);
    CHECK_FALSE(std::is_invocable_v<decltype([](mutable_page_view&) {}), page_view const&>);
}

TEST_CASE("closures: the page is held during the call, and not afterwards") {
    open_pool o;
    auto elsewhere = [&](std::uint64_t no) {  // another thread: this one may hold the page
        bool free = false;
        std::thread{[&] { free = o.is_free(no); }}.join();
        return free;
    };
    CHECK_FALSE(o.file.with_read(1, [&](page_view const&) { return elsewhere(1); }));
    CHECK(elsewhere(1));
    CHECK_FALSE(o.file.with_write(1, [&](mutable_page_view&) { return elsewhere(1); }));
    CHECK(elsewhere(1));
}

TEST_CASE("closures: with_write changes the page, and what was changed is written") {
    open_pool o;
    o.file.flush();
    CHECK(o.file.with_write(1, [](mutable_page_view& page) {
        page.bytes().store<std::uint64_t>(number_at, 7);
        return page.bytes().load<std::uint64_t>(number_at);
    }) == 7);
    auto const before = o.file.stats().write_backs;
    o.file.flush();
    CHECK(o.file.stats().write_backs == before + 1);
    CHECK(number_on(o.file, 1) == 7);
}

TEST_CASE("closures: an exception leaves, the guard ends, the page is as the closure left it") {
    open_pool o;
    CHECK_THROWS_AS(o.file.with_read(0, [](page_view const&) { throw std::runtime_error{"x"}; }),
                    std::runtime_error);
    CHECK(o.is_free(0));
    CHECK_THROWS_AS(o.file.with_write(0,
                                      [](mutable_page_view& page) {
                                          page.bytes().store<std::uint64_t>(number_at, 9);
                                          throw std::runtime_error{"x"};
                                      }),
                    std::runtime_error);
    CHECK(o.is_free(0));
    CHECK(number_on(o.file, 0) == 9);
    bool called = false;
    CHECK(refusal([&] { o.file.with_read(3, [&](page_view const&) { called = true; }); }) ==
          errc::page_out_of_range);
    CHECK_FALSE(called);
}

TEST_CASE("closures: a guard of the next page may leave, latched before this one is let go") {
    open_pool o;
    auto next = o.file.with_read(0, [&](page_view const& page) {
        auto guard_no = number_of(page) - 99;
        return o.file.read(guard_no);
    });
    CHECK(next.id().page() == quire::page_no{1});
    CHECK(o.is_free(0));
    CHECK(next->bytes().load<std::uint64_t>(number_at) == 101);
}

TEST_CASE("closures: a sealed closure gets its arguments, by value or by reference") {
    open_pool o;
    CHECK(o.file.with_read_sealed(
              1,
              [](page_view const& page, std::uint64_t add) { return number_of(page) + add; },
              std::uint64_t{5}) == 106);
    std::string out;
    o.file.with_read_sealed(
        1, [](page_view const& page, std::string& to) { to = std::to_string(number_of(page)); },
        out);
    CHECK(out == "101");
    o.file.with_write_sealed(
        1,
        [](mutable_page_view& page, std::uint64_t value) {
            page.bytes().store<std::uint64_t>(number_at, value);
        },
        std::uint64_t{55});
    CHECK(number_on(o.file, 1) == 55);
}

TEST_CASE("closures: access options reach the guard") {
    open_pool o;
    auto const held = o.file.write(1);
    auto const from = std::chrono::steady_clock::now();
    std::thread{[&] {
        CHECK(refusal([&] {
                  o.file.with_read(1, [](page_view const&) {}, access_options{.wait_max = 1ms});
              }) == errc::timed_out);
    }}.join();
    CHECK(std::chrono::steady_clock::now() - from < 20s);
}
