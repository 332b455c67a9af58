// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/buffer_pool.hpp>

#include "calls.hpp"
#include "doubles.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "temp_dir.hpp"

#include <cerrno>
#include <ctime>
#include <future>
#include <memory>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using quire::errc;
using quire::io_verb;
using quire::open_mode;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

using pool_type = quire::buffer_pool<size, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;
using gated_pool = quire::buffer_pool<size, quire::clock, quire::hybrid_latch, gated_backend>;

std::uint64_t number_in(quire::memory_store& store, std::string const& name, std::uint64_t no) {
    auto const bytes = store.bytes(name);
    REQUIRE(bytes.size() >= (no + 1) * size);
    return quire::load_le<std::uint64_t>(bytes.data() + no * size + number_at);
}

std::shared_ptr<quire::memory_store> new_store() {
    return std::make_shared<quire::memory_store>();
}

/// Processor time of this thread.
std::chrono::nanoseconds busy_time() {
    ::timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

}  // namespace

TEST_CASE("buffer_pool: what one pool wrote another reads, with fewer frames than pages") {
    auto const store = new_store();
    {
        pool_type pool{{.frames = 4, .backend = {store}}};
        auto file = pool.open("f", open_mode::open_or_create);
        append_numbers(file, 20, 100);
        file.close();
    }
    pool_type pool{{.frames = 1, .backend = {store}}};
    auto file = pool.open("f", open_mode::read_only);
    CHECK(file.pages() == 20);
    for (std::uint64_t no = 20; no-- > 0;) { CHECK(number_on(file, no) == 100 + no); }
}

TEST_CASE("buffer_pool: files share the frames, and each has its own pages and counts") {
    pool_type pool{{.frames = 4, .backend = {}}};
    auto a = pool.open("a", open_mode::open_or_create);
    auto b = pool.open("b", open_mode::open_or_create);
    CHECK(a.number() != b.number());
    append_numbers(a, 6, 1000);
    append_numbers(b, 6, 2000);
    for (std::uint64_t no = 0; no < 6; ++no) {
        CHECK(number_on(a, no) == 1000 + no);
        CHECK(number_on(b, no) == 2000 + no);
    }
    CHECK(number_on(b, 5) == 2005);
    auto const of_a = a.stats();
    auto const of_b = b.stats();
    CHECK(of_a.appends == 6);
    CHECK(of_b.appends == 6);
    CHECK(of_a.hits + of_a.misses == 6);
    CHECK(of_b.hits + of_b.misses == 7);
    CHECK(of_b.hits >= 1);
    CHECK(of_a.bytes_read == of_a.misses * size);
    CHECK(of_b.bytes_written == of_b.write_backs * size);
    auto sum = of_a;
    sum += of_b;
    CHECK(pool.stats().hits == sum.hits);
    CHECK(pool.stats().misses == sum.misses);
    CHECK(pool.stats().evictions == sum.evictions);
    CHECK(sum.evictions == 12 + sum.misses - 4);
}

TEST_CASE("buffer_pool: flush writes every file, and one that fails does not stop the others") {
    gated_backend::options io;
    gated_pool pool{{.frames = 8, .backend = io}};
    auto a = pool.open("a", open_mode::open_or_create);
    auto b = pool.open("b", open_mode::open_or_create);
    append_numbers(a, 1, 70);
    append_numbers(b, 1, 80);
    io.script->fail(io_verb::write, 0, EIO);  // once: the first file's
    CHECK(refusal([&] { pool.flush(); }) == errc::write_failed);
    CHECK(number_in(*io.store, "a", 0) == 0);
    CHECK(number_in(*io.store, "b", 0) == 80);
    pool.flush();
    CHECK(number_in(*io.store, "a", 0) == 70);
    a.close();
    pool.flush();  // a closed file is nobody's business
}

TEST_CASE("buffer_pool: files that are opened at the same time get different slots") {
    gated_backend::options io;
    gated_pool pool{{.frames = 4, .backend = io}};
    std::promise<void> inside;
    std::promise<void> go_on;
    io.script->during_open = [&](std::string const& path) {
        if (path == "a") {
            inside.set_value();
            go_on.get_future().wait();
        }
    };
    auto const open = [&](char const* path) {
        return std::async(std::launch::async,
                          [&pool, path] { return pool.open(path, open_mode::open_or_create); });
    };
    auto first = open("a");
    inside.get_future().wait();
    auto second = open("b");
    static_cast<void>(second.wait_for(20ms));
    go_on.set_value();
    auto const a = first.get();
    auto const b = second.get();
    CHECK(a.number() != b.number());
    CHECK(a.path() == "a");
    CHECK(b.path() == "b");
    CHECK(pool.path(a.number()) == "a");
    CHECK(pool.path(b.number()) == "b");
    CHECK(pool.path(quire::file_no::unknown) == "");
}

TEST_CASE("buffer_pool: flush waits for a file that another thread is closing") {
    // A flush that passed over such a file would return with pages unwritten if closing failed.
    gated_backend::options io;
    gated_pool pool{{.frames = 8, .backend = io}};
    auto a = pool.open("a", open_mode::open_or_create);
    append_numbers(a, 1, 70);
    io.script->hold(io_verb::write, 0);
    auto closer = std::async(std::launch::async, [&] { a.close(); });
    io.script->wait_until_held();
    auto flusher = std::async(std::launch::async, [&] { pool.flush(); });
    CHECK(flusher.wait_for(20ms) == std::future_status::timeout);
    io.script->let_go();
    closer.get();
    flusher.get();
    CHECK(number_in(*io.store, "a", 0) == 70);
    CHECK_FALSE(a.is_open());
}

TEST_CASE("buffer_pool: close waits for a flush under way in another thread") {
    gated_backend::options io;
    gated_pool pool{{.frames = 8, .backend = io}};
    auto a = pool.open("a", open_mode::open_or_create);
    append_numbers(a, 1, 70);
    io.script->hold(io_verb::write, 0);
    auto flusher = std::async(std::launch::async, [&] { pool.flush(); });
    io.script->wait_until_held();
    auto closer = std::async(std::launch::async, [&] { a.close(); });
    CHECK(closer.wait_for(20ms) == std::future_status::timeout);
    io.script->let_go();
    flusher.get();
    closer.get();
    CHECK(number_in(*io.store, "a", 0) == 70);
}

TEST_CASE("buffer_pool: a write-back for another file's page does not keep a file from closing") {
    // The miss on b writes page 0 of a back: its latch is held, but by no guard.
    gated_backend::options io;
    gated_pool pool{{.frames = 1, .frame_wait_max = 5s, .backend = io}};
    auto b = pool.open("b", open_mode::open_or_create);
    append_numbers(b, 2, 80);
    b.flush();
    auto a = pool.open("a", open_mode::open_or_create);
    append_numbers(a, 1, 70);  // b has no frame now
    io.script->hold(io_verb::write, 0);
    auto reader = std::async(std::launch::async, [&] { return number_on(b, 1); });
    io.script->wait_until_held();
    auto closer = std::async(std::launch::async, [&] { a.close(quire::unwritten::discard); });
    std::this_thread::sleep_for(10ms);
    io.script->let_go();
    closer.get();
    CHECK(reader.get() == 81);
}

TEST_CASE("buffer_pool: reserved frames are there when all others are held") {
    pool_type pool{{.frames = 5, .frame_wait_max = 10ms, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 8);
    {
        auto budget = pool.reserve(3);
        CHECK(budget.frames() == 3);
        auto a = file.read(0);
        auto b = file.read(1);
        CHECK(refusal([&] { number_on(file, 2); }) == errc::no_free_frame);
        b.release();
        CHECK(number_on(file, 1, {.budget = &budget}) == 1);  // a hit draws nothing
        CHECK(budget.frames() == 3);
        auto again = file.read(1);
        auto c = file.read(2, {.budget = &budget});
        auto d = file.write(3, {.budget = &budget});
        auto e = file.append({.budget = &budget});
        CHECK(budget.frames() == 0);
        CHECK(refusal([&] { number_on(file, 4, {.budget = &budget}); }) == errc::no_free_frame);
    }
    for (std::uint64_t no = 0; no < 8; ++no) { CHECK(number_on(file, no) == no); }
}

TEST_CASE("buffer_pool: what is left of a budget comes back") {
    pool_type pool{{.frames = 3, .frame_wait_max = 10ms, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 3);
    {
        auto budget = pool.reserve(3);
        CHECK(refusal([&] { number_on(file, 0); }) == errc::no_free_frame);
        CHECK(number_on(file, 0, {.budget = &budget}) == 0);
        CHECK(budget.frames() == 2);
    }
    auto a = file.read(0);
    auto b = file.read(1);
    auto c = file.read(2);
    CHECK(pool.stats().misses == 3);
}

TEST_CASE("buffer_pool: a budget that cannot be had takes no frame") {
    pool_type pool{{.frames = 3, .frame_wait_max = 5ms, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 4);
    {
        auto page = file.read(0);
        CHECK(refusal([&] { static_cast<void>(pool.reserve(3)); }) == errc::no_free_frame);
        CHECK(refusal([&] { static_cast<void>(pool.reserve(4)); }) == errc::no_free_frame);
        CHECK(refusal([&] { static_cast<void>(pool.reserve(~std::size_t{0})); }) ==
              errc::no_free_frame);
        auto budget = pool.reserve(2);
        CHECK(budget.frames() == 2);
    }
    auto all = pool.reserve(3);
    CHECK(all.frames() == 3);
    auto none = pool.reserve(0);
    CHECK(none.frames() == 0);
}

TEST_CASE("buffer_pool: the destructor writes what is dirty and unlocks the files") {
    auto const store = new_store();
    {
        pool_type pool{{.frames = 4, .backend = {store}}};
        append_numbers(pool.open("a", open_mode::open_or_create), 2, 70);
        append_numbers(pool.open("b", open_mode::open_or_create), 1, 80);
    }
    CHECK(number_in(*store, "a", 1) == 71);
    CHECK(number_in(*store, "b", 0) == 80);
    pool_type pool{{.frames = 4, .backend = {store}}};
    CHECK(number_on(pool.open("a"), 1) == 71);
}

TEST_CASE("buffer_pool: the destructor tells what it could not write, and does not throw") {
    gated_backend::options io;
    std::vector<std::string> lost;
    {
        gated_pool pool{{.frames = 4,
                         .on_loss =
                             [&](std::string const& path, quire::error const& why) {
                                 CHECK(why.kind() == errc::write_failed);
                                 CHECK(why.system_errno() == EIO);
                                 lost.push_back(path);
                             },
                         .backend = io}};
        append_numbers(pool.open("a", open_mode::open_or_create), 2, 70);
        append_numbers(pool.open("b", open_mode::open_or_create), 1, 80);
        io.script->fail(io_verb::write, 0, EIO);  // once: the first file's
    }
    CHECK(lost == std::vector<std::string>{"a"});
    CHECK(number_in(*io.store, "a", 0) == 0);
    CHECK(number_in(*io.store, "a", 1) == 71);  // what could be written is
    CHECK(number_in(*io.store, "b", 0) == 80);
    gated_pool again{{.frames = 4, .backend = io}};
    CHECK(again.open("a").pages() == 2);  // not locked
}

TEST_CASE("buffer_pool: without a handler a loss is a line on stderr") {
    auto const end = in_child([] {
        gated_backend::options io;
        gated_pool pool{{.frames = 4, .backend = io}};
        append_numbers(pool.open("the file", open_mode::open_or_create), 1);
        io.script->fail_sync(EIO);
    });
    CHECK(end.exited_well());
    CHECK_THAT(end.text, ContainsSubstring("the file was not written in full"));
}

TEST_CASE("buffer_pool: a guard that outlives its pool stops the program") {
    auto const end_under_guard = [](auto take) {
        return violation_of([&] {
            auto pool = std::make_unique<pool_type>(
                pool_type::options_type{.frames = 2, .backend = {}});
            auto file = pool->open("f", open_mode::open_or_create);
            append_numbers(file, 1);
            auto guard = take(file);
            pool.reset();
        });
    };
    auto const rule = ContainsSubstring("no guard outlives its pool");
    CHECK_THAT(end_under_guard([](auto const& file) { return file.read(0); }), rule);
    CHECK_THAT(end_under_guard([](auto const& file) { return file.write(0); }), rule);
    CHECK_THAT(end_under_guard([](auto const& file) { return file.append(); }), rule);
}

TEST_CASE("buffer_pool: a budget that outlives its pool stops the program") {
    CHECK_THAT(violation_of([] {
                   auto pool = std::make_unique<pool_type>(
                       pool_type::options_type{.frames = 4, .backend = {}});
                   append_numbers(pool->open("f", open_mode::open_or_create), 2);
                   auto const budget = pool->reserve(1);
                   pool.reset();
               }),
               ContainsSubstring("no budget outlives its pool"));
}

TEST_CASE("buffer_pool: views point into its memory") {
    pool_type pool{{.frames = 3, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    auto page = file.read(0);
    CHECK(pool.frames() == 3);
    auto const view = page->bytes();
    auto const bytes = view.unguarded_span();
    CHECK(pool.memory().contains(bytes.data()));
    CHECK(pool.memory().contains(bytes.data() + size - 1));
    CHECK(reinterpret_cast<std::uintptr_t>(bytes.data()) % size == 0);
}

TEST_CASE("buffer_pool: the longest wait is no wait at all if the clock overflows") {
    auto const ever = std::chrono::nanoseconds::max();
    pool_type pool{{.frames = 1, .wait_max = ever, .frame_wait_max = ever, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    std::future<std::uint64_t> same;
    std::future<std::uint64_t> other;
    {
        auto page = file.write(0);
        same = std::async(std::launch::async, [&] { return number_on(file, 0); });
        other = std::async(std::launch::async,
                           [&] { return number_on(file, 1, {.wait_max = ever}); });
        std::this_thread::sleep_for(30ms);
        page->bytes().store<std::uint64_t>(number_at, 70);
    }
    CHECK(same.get() == 70);
    CHECK(other.get() == 1);
    file.flush({.wait_max = ever});
    file.close();
}

TEST_CASE("buffer_pool: waiting for a frame is sleeping, however long it takes") {
    pool_type pool{{.frames = 1, .frame_wait_max = 400ms, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    auto page = file.read(0);
    auto const begin = busy_time();
    CHECK(refusal([&] { number_on(file, 1); }) == errc::no_free_frame);
    CHECK(busy_time() - begin < 100ms);
}

TEST_CASE("buffer_pool: a file that cannot be written holds no other file up") {
    // Half of the frames are dirty pages of a, which cannot be written; the other half are dirty
    // pages of b, which can. A miss must find its way to those of b.
    quire::buffer_pool<size, told_policy, quire::hybrid_latch, gated_backend> pool{
        {.frames = 24, .frame_wait_max = 10ms, .backend = {}}};
    policy_orders::current() = {};
    auto b = pool.open("b", open_mode::open_or_create, {.dirty_pages_max = 100});
    append_numbers(b, 32, 2000);
    auto a = pool.open("a", open_mode::open_or_create, {.dirty_pages_max = 100});
    append_numbers(a, 12, 1000);
    pool.flush();
    for (std::uint64_t no = 0; no < 12; ++no) { write_number(a, no, 1000 + no); }
    a.slot().sync_error = EIO;  // as after a failed sync
    for (std::uint64_t no = 0; no < 12; ++no) { write_number(b, no, 3000 + no); }
    CHECK(a.slot().dirty + b.slot().dirty == 24);
    for (std::uint64_t no = 12; no < 32; ++no) { CHECK(number_on(b, no) == 2000 + no); }
    for (std::uint64_t no = 0; no < 12; ++no) { CHECK(number_on(b, no) == 3000 + no); }
    CHECK(a.slot().dirty == 12);
    for (std::uint64_t no = 0; no < 12; ++no) { CHECK(number_on(a, no) == 1000 + no); }
    a.close(quire::unwritten::discard);
}

TEST_CASE("buffer_pool: a miss whose every victim is unwritable says so soon") {
    gated_backend::options io;
    gated_pool pool{{.frames = 16, .frame_wait_max = 10ms, .backend = io}};
    auto a = pool.open("a", open_mode::open_or_create, {.dirty_pages_max = 100});
    append_numbers(a, 17);
    a.flush();
    for (std::uint64_t no = 0; no < 16; ++no) { write_number(a, no, no); }
    CHECK(a.slot().dirty == 16);
    a.slot().sync_error = EIO;
    CHECK(refusal([&] { number_on(a, 16); }) == errc::sync_failed);
    for (std::uint64_t no = 0; no < 16; ++no) { CHECK(number_on(a, no) == no); }
    a.close(quire::unwritten::discard);
}

TEST_CASE("buffer_pool: with no_latch it serves one thread") {
    using single = quire::buffer_pool<size, quire::clock, quire::no_latch, quire::memory_backend>;
    single::options_type const options{.frames = 2, .frame_wait_max = 1ms, .backend = {}};
    single pool{options};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 5);
    for (std::uint64_t no = 0; no < 5; ++no) { CHECK(number_on(file, no) == no); }
    {
        auto a = file.read(0);
        auto b = file.read(1);
        CHECK(refusal([&] { number_on(file, 2); }) == errc::no_free_frame);
    }
    {
        auto const page = file.write(0);
        CHECK(refusal([&] { number_on(file, 0); }) == errc::held_here);
    }
    file.close();
}

TEMPLATE_TEST_CASE("buffer_pool: a forked child is refused everything, and harms nothing", "",
                   quire::memory_backend, quire::direct_backend) {
    temp_dir const dir;
    using pool_under_test = quire::buffer_pool<4096, quire::clock, quire::hybrid_latch, TestType>;
    bool lost = false;
    auto pool = std::make_unique<pool_under_test>(typename pool_under_test::options_type{
        .frames = 4,
        .on_loss = [&](std::string const&, quire::error const&) { lost = true; },
        .backend = {}});
    std::string const path = dir / "f";
    auto file = pool->open(path, open_mode::open_or_create);
    append_numbers(file, 6, 70);
    file.flush();
    write_number(file, 5, 700);  // resident and dirty
    auto const failure = failure_of([&]() -> std::string {
        auto const forked = [](auto call) { return refusal(call) == errc::forked; };
        if (!forked([&] { number_on(file, 5); })) { return "a hit"; }
        if (!forked([&] { number_on(file, 0); })) { return "a miss"; }
        if (!forked([&] { static_cast<void>(file.write(5)); })) { return "write"; }
        if (!forked([&] { static_cast<void>(file.append()); })) { return "append"; }
        if (!forked([&] { file.reserve(1); })) { return "file.reserve"; }
        if (!forked([&] { file.flush(); })) { return "flush"; }
        if (!forked([&] { pool->flush(); })) { return "pool.flush"; }
        if (!forked([&] { file.close(); })) { return "close"; }
        if (!forked([&] { file.close(quire::unwritten::discard); })) { return "discard"; }
        if (!forked([&] { static_cast<void>(pool->open(path + "2",
            open_mode::open_or_create)); })) {
            return "open";
        }
        if (!forked([&] { static_cast<void>(pool->reserve(1)); })) { return "reserve"; }
        static_cast<void>(pool->stats());
        pool.reset();
        if (lost) { return "the destructor tried to write"; }
        return {};
    });
    CHECK(failure == "");
    CHECK(number_on(file, 5) == 700);
    CHECK(number_on(file, 0) == 70);
    if constexpr (std::same_as<TestType, quire::direct_backend>) {
        pool_under_test other{{.frames = 4}};  // the lock is the parent's still
        CHECK(refusal([&] { static_cast<void>(other.open(path)); }) == errc::file_locked);
    }
    file.close();
    file = pool->open(path);
    CHECK(number_on(file, 5) == 700);
}

TEST_CASE("buffer_pool: a guard that a forked child inherits may end there") {
    pool_type pool{{.frames = 4, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2, 70);
    auto reading = file.read(0);
    auto writing = file.write(1);
    writing->bytes().store<std::uint64_t>(number_at, 700);
    auto const end = in_child([&] {
        reading.release();
        writing.release();
    });
    CHECK(end.exited_well());
    reading.release();
    writing.release();
    CHECK(number_on(file, 1) == 700);
}
