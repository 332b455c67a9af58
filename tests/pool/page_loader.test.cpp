// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/page_loader.hpp>

#include "calls.hpp"
#include "queued_backend.hpp"

#include <quire/evict/clock.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <algorithm>
#include <future>
#include <memory>
#include <optional>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;

namespace {

constexpr std::size_t size = 512;  // bytes of a page
auto const no_latch_wanted = [](auto&) {};

/// A pool of four frames over one queue, and a file of eight pages of which none is resident.
struct setting {
    setting() {
        pool_type maker{{.frames = 8, .backend = backend}};
        auto made = maker.open("f", quire::open_mode::open_or_create);
        append_numbers(made, 8);
        made.close();
        file.emplace(pool.open("f"));
    }

    using pool_type =
        quire::buffer_pool<size, quire::clock, quire::hybrid_latch, queued_backend<>>;
    using core_type = std::remove_reference_t<decltype(std::declval<pool_type::file>().core())>;
    using load_type = quire::detail::page_load<core_type::types>;

    auto& core() { return file->core(); }
    quire::page_id id(std::uint64_t no) { return {file->number(), no}; }
    /// A thread that wants page `no`, which another one loads; returns when it waits.
    std::future<std::optional<errc>> waiter(std::uint64_t no) {
        auto const before = file->stats().waits;
        auto waits = std::async(std::launch::async, [this, no] {
            return refusal([&] {
                if (number_on(*file, no, {.wait_max = 20s}) != no) {
                    throw quire::error{errc::corrupt_page, "compare"};
                }
            });
        });
        while (file->stats().waits == before) { std::this_thread::sleep_for(1ms); }
        return waits;
    }

    queued_backend<>::options backend{
        .inner = {std::make_shared<quire::memory_store>()},
        .script = std::make_shared<queue_script>()};
    pool_type pool{{.frames = 4, .backend = backend}};
    std::optional<pool_type::file> file;
};

}  // namespace

TEST_CASE("page_loader: a load that one thread begins is finished by another") {
    setting s;
    std::optional<setting::load_type> load;
    load.emplace(s.file->slot(), s.id(3));
    REQUIRE(s.core().loader.begin_load(*load, nullptr));
    auto waiting = s.waiter(3);
    std::thread{[&] {
        s.core().transfers.run({&load->read, 1});
        auto const failure = s.core().loader.finish_load(*load, no_latch_wanted);
        CHECK_FALSE(failure.happened());
        load.reset();
    }}.join();
    CHECK(waiting.get() == std::nullopt);
    CHECK(s.file->stats().misses == 1);
    CHECK(s.file->resident_pages() == std::vector<quire::page_no>{3});
    CHECK(s.file->slot().frames == 1);
}

TEST_CASE("page_loader: a page is claimed once, and nothing is evicted by the loser") {
    setting s;
    setting::load_type first{s.file->slot(), s.id(3)};
    setting::load_type second{s.file->slot(), s.id(3)};
    REQUIRE(s.core().loader.begin_load(first, nullptr));
    CHECK_FALSE(s.core().loader.begin_load(second, nullptr));
    CHECK(s.file->slot().frames == 1);
    s.core().transfers.run({&first.read, 1});
    CHECK_FALSE(s.core().loader.finish_load(first, no_latch_wanted).happened());
}

TEST_CASE("page_loader: a load that fails in another thread gives everything back") {
    setting s;
    auto bytes = s.backend.inner.store->bytes("f");
    bytes[5 * size + 100] ^= std::byte{1};
    s.backend.inner.store->assign("f", bytes);
    std::optional<setting::load_type> load;
    load.emplace(s.file->slot(), s.id(5));
    REQUIRE(s.core().loader.begin_load(*load, nullptr));
    auto const frame = load->frame;
    auto waiting = s.waiter(5);
    std::thread{[&] {
        s.core().transfers.run({&load->read, 1});
        auto const failure = s.core().loader.finish_load(*load, no_latch_wanted);
        CHECK(failure.code == errc::corrupt_page);
        load.reset();
    }}.join();
    CHECK(waiting.get() == errc::corrupt_page);
    CHECK(s.file->slot().frames == 0);
    CHECK(s.file->slot().uses == 0);
    auto all = s.pool.reserve(4);  // every frame is free
    s.core().frames.unpoison(frame);
    auto const left = s.core().frames.bytes(frame);
    CHECK(std::all_of(left.begin(), left.end(), [](std::byte b) { return b == std::byte{0}; }));
    s.core().frames.poison(frame);
}

TEST_CASE("page_loader: close waits until a load is over, its use of the file included") {
    setting s;
    std::optional<quire::detail::file_use<queued_backend<>>> use;
    use.emplace(s.file->slot());
    setting::load_type load{s.file->slot(), s.id(3)};
    REQUIRE(s.core().loader.begin_load(load, nullptr));
    auto closing = std::async(std::launch::async, [&] { s.file->close(); });
    CHECK(closing.wait_for(30ms) == std::future_status::timeout);
    s.core().transfers.run({&load.read, 1});
    CHECK_FALSE(s.core().loader.finish_load(load, no_latch_wanted).happened());
    CHECK(closing.wait_for(30ms) == std::future_status::timeout);
    use.reset();
    closing.get();
    CHECK_FALSE(s.file->is_open());
}

TEST_CASE("page_loader: many threads miss at once on one queue, and each waits for its own") {
    setting s;
    std::vector<std::thread> crew;
    std::atomic<int> wrong{0};
    for (std::uint64_t t = 0; t < 4; ++t) {  // as many as frames: each can hold one
        crew.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 500; ++i) {
                auto const no = (i * 3 + t * 2) % 8;
                wrong += number_on(*s.file, no) == no ? 0 : 1;
            }
        });
    }
    for (auto& thread : crew) { thread.join(); }
    CHECK(wrong == 0);
    CHECK(s.backend.script->overlapping_reaps() == 0);
    CHECK(s.backend.script->in_flight() == 0);
    CHECK(s.file->stats().misses > 100);
}
