// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/evictor.hpp>

#include "calls.hpp"
#include "doubles.hpp"
#include "queued_backend.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <cerrno>
#include <future>
#include <memory>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;
using quire::frame_no;
using quire::page_id;

namespace {

constexpr page_id page(std::uint64_t no, std::uint16_t file = 0) {
    return {static_cast<quire::file_no>(file), no};
}

}  // namespace

TEST_CASE("failed_victims: bars the page, after two the file, after eight everything") {
    quire::detail::failed_victims failed;
    CHECK_FALSE(failed.bars(page(0)));
    failed.add(page(0));
    CHECK(failed.bars(page(0)));
    CHECK_FALSE(failed.bars(page(1)));
    failed.add(page(1));
    CHECK(failed.bars(page(2)));
    CHECK_FALSE(failed.bars(page(0, 1)));
    for (std::uint16_t file = 1; file <= 6; ++file) { failed.add(page(0, file)); }
    CHECK(failed.bars(page(5, 9)));
}

TEST_CASE("failed_victims: a batch of one file's pages bars that file, and no other") {
    quire::detail::failed_victims failed;
    for (std::uint64_t no = 0; no < 64; ++no) { failed.add(page(no)); }
    CHECK(failed.bars(page(99)));
    CHECK_FALSE(failed.bars(page(0, 1)));
}

// Each miss wrote its victim: a submit for each page, where 64 travel in one.
TEMPLATE_TEST_CASE("evictor: with a dirty victim goes a batch of what would be evicted next", "",
                   quire::clock, quire::sieve, quire::s3_fifo, quire::lru, told_policy) {
    constexpr std::uint64_t frames = 256;
    policy_orders::current() = {};
    auto const store = std::make_shared<quire::memory_store>();
    {
        quire::buffer_pool<512, quire::clock, quire::hybrid_latch, quire::memory_backend> maker{
            {.frames = 8, .backend = {store}}};
        append_numbers(maker.open("f", quire::open_mode::open_or_create), 4 * frames);
    }
    auto const script = std::make_shared<queue_script>();
    quire::buffer_pool<512, TestType, quire::hybrid_latch, queued_backend<>> pool{
        {.frames = frames, .backend = {.inner = {store}, .script = script}}};
    auto file = pool.open("f", quire::open_mode::read_write, {.dirty_pages_max = 10'000});
    auto const scattered = [](std::uint64_t i) { return 4 * (i * 77 % frames); };
    for (std::uint64_t i = 0; i < frames; ++i) { write_number(file, scattered(i), 5000 + i); }
    REQUIRE(file.slot().dirty == frames);
    auto const submits = script->submits();
    for (std::uint64_t i = 0; i < frames; ++i) { CHECK(number_on(file, 4 * i + 1) == 4 * i + 1); }
    auto const evictions = file.stats().evictions;
    CHECK(evictions == frames);
    auto const write_submits = script->submits() - submits - frames;
    CHECK(write_submits >= file.stats().write_backs / 64);
    CHECK(write_submits <= frames / 64 + 2);
    CHECK(file.stats().write_backs <= frames);
    for (std::uint64_t i = 0; i < frames; ++i) { CHECK(number_on(file, scattered(i)) == 5000 + i); }
}

TEST_CASE("evictor: a file that failed lately has only its victims written") {
    constexpr std::size_t size = 512;
    gated_backend::options io;
    quire::buffer_pool<size, told_policy, quire::hybrid_latch, gated_backend> pool{
        {.frames = 6, .backend = io}};
    policy_orders::current() = {};
    auto file = pool.open("f", quire::open_mode::open_or_create, {.dirty_pages_max = 100});
    append_numbers(file, 10);
    file.flush();
    for (std::uint64_t no : {0U, 2U, 4U}) { CHECK(number_on(file, no) == no); }
    auto const frame_of = [&](std::uint64_t no) { return file.slot().pages->load(no).frame(); };
    auto const writes_of = [&](std::uint64_t no) {
        return io.script->count(quire::io_verb::write, no * size);
    };
    for (std::uint64_t no : {0U, 2U, 4U}) { write_number(file, no, 70 + no); }
    auto const before = writes_of(0);
    io.script->fail(quire::io_verb::write, 0, EIO, 2);
    policy_orders::current().candidates = {frame_of(4), frame_of(0), frame_of(2)};
    CHECK(number_on(file, 1) == 1);
    CHECK(file.slot().dirty == 1);  // page 0, which was written in vain
    CHECK(writes_of(0) == before + 1);
    write_number(file, 2, 720);
    policy_orders::current().candidates = {frame_of(2), frame_of(0)};
    CHECK(number_on(file, 3) == 3);
    CHECK(writes_of(0) == before + 1);  // left alone
    CHECK(file.slot().dirty == 1);
    policy_orders::current().candidates = {frame_of(0)};
    CHECK(refusal([&] { number_on(file, 5); }) == errc::write_failed);
    CHECK(writes_of(0) == before + 2);
    policy_orders::current() = {};
    file.flush();
    CHECK(number_on(file, 0) == 70);
}

TEST_CASE("free_list: gives out each frame once, the first one first") {
    quire::detail::free_list list{3};
    CHECK(list.count() == 3);
    for (std::uint32_t f = 0; f < 3; ++f) { CHECK(list.take() == frame_no{f}); }
    CHECK(list.take() == std::nullopt);
    list.give_back(frame_no{1});
    CHECK(list.count() == 1);
    CHECK(list.take() == frame_no{1});
}

TEST_CASE("frame_budget: gives back what was not drawn") {
    quire::arena const memory{3, 512, quire::huge_pages::off};
    quire::detail::free_list list{3};
    {
        std::vector<frame_no> mine;
        while (auto const frame = list.take()) { mine.push_back(*frame); }
        quire::frame_budget budget{list, memory, mine};
        CHECK(budget.frames() == 3);
        CHECK(budget.draw().has_value());
        CHECK(budget.frames() == 2);
    }
    CHECK(list.count() == 2);
}

TEST_CASE("evictor: threads that only wait for a frame do not count against their file") {
    // Each counted a frame for as long as it waited. So all saw the share exceeded, looked only for
    // pages of their own file, and were refused although the pool had frames again.
    auto const frames_max = GENERATE(std::size_t{2}, std::size_t{4}, std::size_t{0});
    auto const store = std::make_shared<quire::memory_store>();
    using pool_type =
        quire::buffer_pool<512, quire::clock, quire::hybrid_latch, quire::memory_backend>;
    {
        pool_type maker{{.frames = 8, .backend = {store}}};
        for (char const* name : {"a", "b"}) {
            auto file = maker.open(name, quire::open_mode::open_or_create);
            append_numbers(file, 8);
            file.close();
        }
    }
    pool_type pool{{.frames = 4, .frame_wait_max = 20s, .backend = {store}}};
    auto b = pool.open("b");
    auto a = pool.open("a", quire::open_mode::read_write, {.frames_max = frames_max});
    std::vector<std::future<std::uint64_t>> readers;
    {
        quire::guard_slot<pool_type::read_guard<quire::raw_page>> held[4];
        for (std::uint64_t no = 0; no < 4; ++no) { held[no].emplace(b, no); }
        for (std::uint64_t no = 0; no < 5; ++no) {
            readers.push_back(std::async(std::launch::async, [&, no] {
                return number_on(a, no);
            }));
        }
        std::this_thread::sleep_for(50ms);
        CHECK(a.slot().frames <= 5);
    }
    for (std::uint64_t no = 0; no < 5; ++no) { CHECK(readers[no].get() == no); }
    CHECK((frames_max == 0 || a.slot().frames <= frames_max));
}

TEST_CASE("evictor: a frame that becomes free while a victim's write fails is found") {
    constexpr std::size_t size = 512;
    gated_backend::options io;
    quire::buffer_pool<size, told_policy, quire::hybrid_latch, gated_backend> pool{
        {.frames = 2, .backend = io}};
    policy_orders::current() = {};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    append_numbers(file, 3);
    file.flush();
    write_number(file, 1, 71);  // dirty; pages 1 and 2 are resident
    auto pin = std::optional{file.pin(2)};
    REQUIRE(file.resident_pages() == std::vector<quire::page_no>{1, 2});
    io.script->hold(quire::io_verb::write, 1 * size);
    io.script->fail(quire::io_verb::write, 1 * size, EIO);
    auto reader = std::async(std::launch::async, [&] { return number_on(file, 0); });
    io.script->wait_until_held();
    pin.reset();
    file.discard(2);  // its frame is free
    io.script->let_go();
    CHECK(reader.get() == 0);
    file.close(quire::unwritten::discard);
}

TEST_CASE("evictor: threads that miss at once do not pass a file's frames_max") {
    // Both look for a frame before either has its page: a frame that is on the way counts.
    constexpr std::size_t size = 512;
    gated_backend::options io;
    quire::buffer_pool<size, quire::clock, quire::hybrid_latch, gated_backend> pool{
        {.frames = 8, .backend = io}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    append_numbers(file, 6);
    file.close();
    file = pool.open("f", quire::open_mode::read_write, {.frames_max = 2});
    CHECK(number_on(file, 0) == 0);
    io.script->hold(quire::io_verb::read, 1 * size);
    auto slow = std::async(std::launch::async, [&] { return number_on(file, 1); });
    io.script->wait_until_held();
    CHECK(file.slot().frames == 2);
    CHECK(number_on(file, 2) == 2);  // takes the frame of page 0
    CHECK(file.slot().frames == 2);
    CHECK(file.resident_pages() == std::vector<quire::page_no>{2});
    {
        auto const held = file.read(2);
        CHECK(refusal([&] { number_on(file, 3, {.wait_max = 1s}); }) == errc::no_free_frame);
        CHECK(file.slot().frames == 2);
    }
    io.script->let_go();
    CHECK(slow.get() == 1);
    CHECK(file.slot().frames == 2);
}
