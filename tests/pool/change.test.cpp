// SPDX-License-Identifier: BSL-1.0

// What breaks when a rule is left out (each a test here, or in crash/changes.model.cpp):
//
//   a change waits with a page in hand              two of them wait for each other
//   a conflict that the function catches is lost    half a change is committed
//   an appended page is seen before the commit      a reader has a page that never was
//   undo forgets what was appended                  the next append finds its entry taken
//   room is asked for with latches held             the checkpoint waits for them
//   a file with records that is not open is no pin  its changes are overwritten in the log
//   a close is not told to the log                  old records overwrite what was done meanwhile
//   a page of a logged file is written otherwise    the log knows nothing of it
//   a move reads bytes of the seal                  a replay has others, and copies those

#include <quire/io/memory_backend.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/pool/change.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "pool/calls.hpp"
#include "random.hpp"
#include "temp_dir.hpp"

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

using quire::errc;
using quire::heap_page;
using quire_test::number_at;
using quire_test::number_on;
using quire_test::refusal;
using namespace std::chrono_literals;

namespace {

using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
                                     quire::memory_backend>;
using log_type = quire::redo_log<quire::memory_backend>;
using change_type = quire::change<pool_type>;
using file_type = pool_type::file;

/// A pool with a log over files in memory, which outlive it.
struct engine {
    quire::memory_backend::options disk{quire::memory_store_ptr::make()};
    quire::redo_log_options<quire::memory_backend> log_options{.bytes = 1 << 20, .backend = disk};
    std::size_t frames = 16;
    std::chrono::nanoseconds wait_max = 20s;
    std::optional<log_type> log;
    std::optional<pool_type> pool;

    engine() { start(); }
    void start() {
        log.emplace("data/log", log_options);
        pool.emplace(
            quire::pool_options<quire::memory_backend>{
                .frames = frames,
                .wait_max = wait_max,
                .on_loss = [](std::string const&, quire::error const&) {},
                .backend = disk},
            *log);
    }
    /// With an empty disk, and a log of so many blocks. Expects: no file is open.
    void begin_anew(std::uint64_t log_blocks) {
        disk.store = quire::memory_store_ptr::make();
        log_options.bytes = log_blocks * 4096;
        log_options.backend = disk;
        crash({});
    }
    [[nodiscard]] file_type open(std::string const& name = "data/f") {
        return pool->open(name, quire::open_mode::open_or_create, {.logged = true});
    }
    /// The power fails: what was not written is gone.
    void crash(std::vector<file_type> const& files) {
        for (auto const& file : files) { file.close(quire::unwritten::discard); }
        pool.reset();
        log.reset();
        start();
    }
};

void append(engine& e, file_type const& file, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        e.pool->change([&](change_type& c) {
            auto page = c.append(file);
            page->bytes().store<std::uint64_t>(number_at, page.page_no().value());
        });
    }
}
void set_number(change_type& c, file_type const& file, std::uint64_t no, std::uint64_t value) {
    auto page = c.write(file, no);
    page->bytes().store<std::uint64_t>(number_at, value);
}
std::uint64_t number_in(change_type& c, file_type const& file, std::uint64_t no) {
    auto const page = c.read(file, no);
    return page->bytes().load<std::uint64_t>(number_at);
}
std::vector<std::byte> all_of(file_type const& file, std::uint64_t no) {
    auto const page = file.read(no);
    auto const bytes = page->bytes();
    auto const span = bytes.unguarded_span();
    return {span.begin(), span.end()};
}
struct stop {};

/// `fn(bytes)` with all bytes of page `no`, in a change.
template <class Fn>
std::uint64_t change_bytes(engine& e, file_type const& file, std::uint64_t no, Fn fn) {
    return e.pool->change([&](change_type& c) {
        auto page = c.write(file, no);
        auto const bytes = page->bytes();
        fn(bytes.unguarded_span());
    });
}

/// Seals of a user's own: a number that becomes another each time that the page is sealed.
constexpr std::size_t user_seal_at = 2048;
quire::page_state no_check(std::span<std::byte const>, quire::page_id, std::uint64_t) noexcept {
    return quire::page_state::good;
}
void put_next(std::span<std::byte> bytes, quire::page_id, std::uint64_t) noexcept {
    auto* const at = bytes.data() + user_seal_at;
    quire::store_le<std::uint64_t>(at, quire::load_le<std::uint64_t>(at) * 3 + 1);
}

}  // namespace

TEST_CASE("change: pages change together, and are there after a crash") {
    engine e;
    auto file = e.open();
    append(e, file, 3);
    auto const at = e.pool->change([&](change_type& c) {
        set_number(c, file, 0, 10);
        set_number(c, file, 2, 12);
    });
    CHECK(at == e.log->end());
    CHECK(number_on(file, 0) == 10);
    CHECK(number_on(file, 2) == 12);
    e.log->sync(at);
    e.crash({file});

    file = e.open();
    CHECK(file.pages() == 3);
    CHECK(number_on(file, 0) == 10);
    CHECK(number_on(file, 1) == 1);
    CHECK(number_on(file, 2) == 12);
}

TEST_CASE("change: what no sync covered is absent after a crash, and what a sync covered is not") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    e.log->sync(e.log->end());
    e.pool->change([&](change_type& c) {
        set_number(c, file, 0, 10);
        set_number(c, file, 1, 11);
        auto const page = c.append(file);
    });
    auto const kept = quire::memory_store_ptr::make();
    kept->assign("data/log", e.disk.store->bytes("data/log"));
    kept->assign("data/f", e.disk.store->bytes("data/f"));
    e.disk.store = kept;
    e.log_options.backend = e.disk;
    e.crash({file});

    file = e.open();
    CHECK(file.pages() == 2);
    CHECK(number_on(file, 0) == 0);
    CHECK(number_on(file, 1) == 1);
    append(e, file, 1);
    CHECK(number_on(file, 2) == 2);
}

TEST_CASE("change: an exception leaves every page byte for byte as it was") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    e.pool->change([&](change_type& c) {
        auto page = c.append<heap_page>(file);
        for (int i = 0; i < 20; ++i) { page->insert(std::as_bytes(std::span{"a row", 5})).value(); }
    });
    file.write_back();
    std::array const before{all_of(file, 0), all_of(file, 1), all_of(file, 2)};
    auto end = e.log->end();

    auto const undone = [&](auto act) {
        CHECK_THROWS_AS(e.pool->change([&](change_type& c) {
            act(c);
            throw stop{};
        }), stop);
        for (std::uint64_t no = 0; no < 3; ++no) { CHECK(all_of(file, no) == before[no]); }
        CHECK(file.pages() == 3);
        CHECK(e.log->end() == end);
    };
    undone([&](change_type& c) { set_number(c, file, 0, 77); });
    undone([&](change_type& c) {
        auto page = c.write(file, 1);
        auto const bytes = page->bytes();
        std::ranges::fill(bytes.unguarded_span(), std::byte{0xEE});
    });
    undone([&](change_type& c) {
        auto page = c.write<heap_page>(file, 2);
        page->erase(quire::slot_id{3});
        page->erase(quire::slot_id{7});
        while (page->insert(std::as_bytes(std::span{"another row", 11}))) {}
    });
    undone([&](change_type& c) { auto const page = c.append<heap_page>(file); });
    undone([&](change_type& c) {
        for (int i = 0; i < 3; ++i) { auto const page = c.append(file); }
    });
    undone([&](change_type& c) { auto const page = c.format<heap_page>(file, 1); });
    undone([&](change_type& c) {
        set_number(c, file, 0, 5);
        auto const page = c.format<heap_page>(file, 0);
    });
    SECTION("also of a page that was not resident") {
        for (std::uint64_t no = 0; no < 3; ++no) { CHECK(all_of(file, no) == before[no]); }
        auto other = e.open("data/other");
        append(e, other, 40);  // takes all frames
        end = e.log->end();
        undone([&](change_type& c) { auto const page = c.format<heap_page>(file, 0); });
    }
}

TEST_CASE("change: what was undone may be done again") {
    engine e;
    auto file = e.open();
    for (int i = 0; i < 3; ++i) {
        CHECK_THROWS_AS(e.pool->change([&](change_type& c) {
            auto const one = c.append(file);
            auto const two = c.append(file);
            CHECK(one.page_no() == 0);
            CHECK(two.page_no() == 1);
            throw stop{};
        }), stop);
        CHECK(file.pages() == 0);
        CHECK(refusal([&] { auto const page = file.read(0); }) == errc::page_out_of_range);
    }
    append(e, file, 20);
    for (std::uint64_t no = 0; no < 20; ++no) { CHECK(number_on(file, no) == no); }
    file.close();
}

TEST_CASE("change: it sees its own pages, by however many names") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    e.pool->change([&](change_type& c) {
        set_number(c, file, 0, 10);
        CHECK(number_in(c, file, 0) == 10);
        auto one = c.write(file, 0);
        auto const two = c.read(file, 0);
        one->bytes().store<std::uint64_t>(number_at, 11);
        CHECK(two->bytes().load<std::uint64_t>(number_at) == 11);
        auto page = c.append(file);
        page->bytes().store<std::uint64_t>(number_at, 12);
        CHECK(number_in(c, file, 2) == 12);
    });
    CHECK(number_on(file, 0) == 11);
    CHECK(number_on(file, 2) == 12);
}

TEST_CASE("change: one that changes nothing logs nothing") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    auto const end = e.log->end();
    CHECK(e.pool->change([&](change_type& c) { auto const page = c.read(file, 0); }) == end);
    CHECK(e.pool->change([&](change_type& c) {
        auto page = c.write(file, 1);
        page->bytes().store<std::uint64_t>(number_at, 1);  // as it was
    }) == end);
    CHECK(e.pool->change([](change_type&) {}) == end);
    CHECK(e.log->end() == end);
}

TEST_CASE("change: an appended page is seen when the change is committed, not before") {
    engine e;
    auto file = e.open();
    append(e, file, 1);
    e.pool->change([&](change_type& c) {
        auto const page = c.append(file);
        auto const other = std::async(std::launch::async, [&] {
            CHECK(file.pages() == 1);
            CHECK(refusal([&] { auto const seen = file.read(1, {.wait_max = 1ms}); }) ==
                  errc::page_out_of_range);
        });
        other.wait();
    });
    CHECK(file.pages() == 2);
    auto const page = file.read(1);
}

TEST_CASE("change: pages of a logged file are written in changes only") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    CHECK(refusal([&] { auto const page = file.write(0); }) == errc::needs_change);
    CHECK(refusal([&] { auto const page = file.append(); }) == errc::needs_change);
    CHECK(refusal([&] { auto const page = file.format(0); }) == errc::needs_change);
    CHECK(refusal([&] { file.with_write(0, [](auto&) {}); }) == errc::needs_change);
    CHECK(refusal([&] {
        auto const seen = file.read(0).version();
        static_cast<void>(file.write_unchanged(0, seen));
    }) == errc::needs_change);
    CHECK(refusal([&] { file.discard(0); }) == errc::needs_change);
    {
        auto page = file.read(0);
        CHECK(refusal([&] { auto writer = file.write(1); }) == errc::needs_change);
    }
    file.reserve(4);
    file.flush();
    auto const plain = e.pool->open("data/plain", quire::open_mode::open_or_create);
    plain.append().release();
    CHECK(refusal([&] {
        e.pool->change([&](change_type& c) { auto const page = c.write(plain, 0); });
    }) == errc::bad_option);
    CHECK(refusal([&] {
        e.pool->change([&](change_type& c) { auto const page = c.append(plain); });
    }) == errc::bad_option);
}

TEST_CASE("change: by hand: what is not committed is undone") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    {
        quire::change change{*e.pool};
        set_number(change, file, 0, 10);
        auto const at = change.commit();
        CHECK(at == e.log->end());
    }
    {
        quire::change change{*e.pool};
        set_number(change, file, 0, 20);
        set_number(change, file, 1, 21);
    }
    CHECK(number_on(file, 0) == 10);
    CHECK(number_on(file, 1) == 1);
}

TEST_CASE("change: a page of another thread is a conflict, waited for with nothing in hand") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    std::promise<void> held;
    std::promise<void> first_refused;
    auto const other = std::async(std::launch::async, [&] {
        auto const page = file.read(1);
        held.set_value();
        first_refused.get_future().wait();
        CHECK(number_on(file, 0, {.wait_max = 10s}) == 0);
    });
    held.get_future().wait();
    int runs = 0;
    e.pool->change([&](change_type& c) {
        ++runs;
        set_number(c, file, 0, 10);
        try {
            set_number(c, file, 1, 11);
        } catch (quire::error const& why) {
            CHECK(why.code() == errc::conflict);
            if (runs == 1) { first_refused.set_value(); }
            throw;
        }
    });
    other.wait();
    CHECK(runs >= 2);
    CHECK(number_on(file, 0) == 10);
    CHECK(number_on(file, 1) == 11);
}

TEST_CASE("change: a conflict that the function catches is none the less one") {
    engine e;
    auto file = e.open();
    append(e, file, 3);
    std::promise<void> held;
    std::promise<void> go_on;
    auto const other = std::async(std::launch::async, [&] {
        auto const page = file.read(1);
        held.set_value();
        go_on.get_future().wait();
    });
    held.get_future().wait();
    {
        quire::change change{*e.pool};
        set_number(change, file, 0, 10);
        CHECK(refusal([&] { set_number(change, file, 1, 11); }) == errc::conflict);
        CHECK(refusal([&] { set_number(change, file, 2, 12); }) == errc::conflict);
        CHECK(refusal([&] { change.commit(); }) == errc::conflict);
    }
    CHECK(number_on(file, 0) == 0);
    int runs = 0;
    e.pool->change([&](change_type& c) {
        if (++runs == 2) { go_on.set_value(); }
        set_number(c, file, 0, 10);
        static_cast<void>(refusal([&] { set_number(c, file, 1, 11); }));
        if (runs == 1) {
            CHECK(refusal([&] { set_number(c, file, 2, 12); }) == errc::conflict);
            go_on.set_value();
            ++runs;
        }
    });
    other.wait();
    CHECK(number_on(file, 1) == 11);
}

TEST_CASE("change: threads whose pages come in any order end, and lose nothing") {
    engine e;
    e.frames = 40;
    e.crash({});
    auto file = e.open();
    constexpr std::uint64_t pages = 6;
    append(e, file, pages);
    e.pool->change([&](change_type& c) {
        for (std::uint64_t no = 0; no < pages; ++no) { set_number(c, file, no, 1000); }
    });
    std::vector<std::future<void>> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
        threads.push_back(std::async(std::launch::async, [&, t] {
            quire_test::generator random{t};
            for (int i = 0; i < 400; ++i) {
                std::array<std::uint64_t, 3> const some{random.below(pages), random.below(pages),
                                                        random.below(pages)};
                e.pool->change([&](change_type& c) {
                    auto const add = [&](std::uint64_t no, std::uint64_t amount) {
                        auto page = c.write(file, no);
                        auto const bytes = page->bytes();
                        bytes.store<std::uint64_t>(
                            number_at, bytes.load<std::uint64_t>(number_at) + amount);
                    };
                    add(some[0], 3);
                    add(some[1], ~std::uint64_t{0});
                    add(some[2], ~std::uint64_t{1});
                });
            }
        }));
    }
    for (auto& thread : threads) { thread.get(); }
    std::uint64_t sum = 0;
    for (std::uint64_t no = 0; no < pages; ++no) { sum += number_on(file, no); }
    CHECK(sum == 1000 * pages);
    e.log->sync(e.log->end());
    e.crash({file});
    file = e.open();
    for (std::uint64_t no = 0; no < pages; ++no) { sum -= number_on(file, no); }
    CHECK(sum == 0);
}

TEST_CASE("change: an image that ends where a checkpoint begins is made again") {
    engine e;
    auto file = e.open();
    append(e, file, 1);
    e.pool->checkpoint();
    e.pool->change([&](change_type& c) { set_number(c, file, 0, 10); });
    e.log->sync(e.log->end());
    auto bytes = e.disk.store->bytes("data/f");
    std::fill(bytes.begin(), bytes.end(), std::byte{0x77});  // torn, and worse
    file.close(quire::unwritten::discard);
    e.disk.store->assign("data/f", bytes);
    e.crash({});
    file = e.open();
    CHECK(number_on(file, 0) == 10);
}

TEST_CASE("change: a full log makes room by a checkpoint") {
    engine e;
    e.begin_anew(64);
    auto file = e.open();
    append(e, file, 30);
    for (std::uint64_t i = 0; i < 2000; ++i) {
        auto const at = e.pool->change([&](change_type& c) {
            set_number(c, file, i % 30, i);
            set_number(c, file, (i + 7) % 30, i);
        });
        if (i % 3 == 0) { e.log->sync(at); }
    }
    e.log->sync(e.log->end());
    e.crash({file});
    file = e.open();
    for (std::uint64_t i = 2000 - 23; i < 2000; ++i) { CHECK(number_on(file, i % 30) == i); }
}

TEST_CASE("change: with a full log it waits for the checkpoint of another thread") {
    engine e;
    e.begin_anew(64);
    auto file = e.open();
    append(e, file, 2);
    e.pool->checkpoint();
    e.pool->change([&](change_type& c) { set_number(c, file, 0, 1); });
    std::promise<void> held;
    auto const reader = std::async(std::launch::async, [&] {
        auto const page = file.read(0);  // the checkpoint waits for it
        held.set_value();
        std::this_thread::sleep_for(200ms);
    });
    held.get_future().wait();
    auto const end = e.log->end();
    auto const other = std::async(std::launch::async, [&] { e.pool->checkpoint(); });
    while (e.log->end() == end) { std::this_thread::yield(); }  // it has begun
    for (std::uint64_t i = 0; i < 300; ++i) {
        e.log->sync(e.pool->change([&](change_type& c) { set_number(c, file, 1, i); }));
    }
    CHECK(number_on(file, 1) == 299);
}

TEST_CASE("change: one that is larger than a quarter of the log is refused") {
    engine e;
    e.frames = 64;
    e.begin_anew(64);
    auto file = e.open();
    append(e, file, 30);
    e.pool->checkpoint();
    auto const end = e.log->end();
    CHECK(refusal([&] {
        e.pool->change([&](change_type& c) {
            for (std::uint64_t no = 0; no < 20; ++no) { set_number(c, file, no, 70); }
        });
    }) == errc::log_full);
    CHECK(e.log->end() == end);
    for (std::uint64_t no = 0; no < 20; ++no) { CHECK(number_on(file, no) == no); }
    e.pool->change([&](change_type& c) {  // more than what is promised to each change
        for (std::uint64_t no = 0; no < 12; ++no) { set_number(c, file, no, 70); }
    });
    CHECK(number_on(file, 11) == 70);
}

TEST_CASE("change: records of a file that is not opened again are kept, until it is forgotten") {
    engine e;
    e.begin_anew(64);
    auto file = e.open();
    auto other = e.open("data/deep/other");
    append(e, file, 4);
    append(e, other, 4);
    e.log->sync(e.log->end());
    e.crash({file, other});

    file = e.open();
    auto const fill = [&] {
        for (std::uint64_t i = 0; i < 2000; ++i) {
            e.pool->change([&](change_type& c) { set_number(c, file, i % 4, i); });
            e.log->sync(e.log->end());
        }
    };
    try {
        fill();
        FAIL("the log has room for everything");
    } catch (quire::error const& why) {
        CHECK(why.code() == errc::log_full);
        CHECK(std::string{why.what()}.find("deep/other") != std::string::npos);
    }
    CHECK(refusal([&] {
        static_cast<void>(e.pool->open("data/./deep/../deep/other", quire::open_mode::read_write));
    }) == errc::log_mismatch);
    SECTION("opened, it is whole") {
        other = e.open("data/deep/other");
        for (std::uint64_t no = 0; no < 4; ++no) { CHECK(number_on(other, no) == no); }
    }
    SECTION("forgotten, it is as it is") {
        e.pool->forget("data/deep/other");
        static_cast<void>(e.pool->open("data/deep/other", quire::open_mode::read_write));
    }
    CHECK_NOTHROW(fill());
    CHECK(refusal([&] { e.pool->forget("data/f"); }) == errc::in_use);
}

TEST_CASE("change: checkpoints that fail take no room") {
    engine e;
    e.wait_max = 1ms;
    e.begin_anew(64);
    auto file = e.open();
    append(e, file, 2);
    std::promise<void> held;
    std::promise<void> go_on;
    auto const reader = std::async(std::launch::async, [&] {
        e.pool->change([&](change_type& c) {
            auto const page = c.write(file, 0);
            held.set_value();
            go_on.get_future().wait();
        });
    });
    held.get_future().wait();
    for (int i = 0; i < 100; ++i) {
        CHECK(refusal([&] { e.pool->checkpoint(); }) == errc::timed_out);
        e.log->sync(e.log->end());
    }
    std::uint64_t refused = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
        auto const wrong = refusal([&] {
            e.log->sync(e.pool->change([&](change_type& c) { set_number(c, file, 1, i); }));
        });
        refused += wrong ? 1U : 0U;
    }
    CHECK(refused > 0);
    CHECK(refused < 90);
    go_on.set_value();
    reader.wait();
    e.pool->checkpoint();
    e.pool->change([&](change_type& c) { set_number(c, file, 1, 77); });
    file.close();
    file = e.open();
    CHECK(number_on(file, 1) == 77);
}

TEST_CASE("change: opening and crashing, again and again, takes no room") {
    engine e;
    e.begin_anew(64);
    auto file = e.open();
    append(e, file, 3);
    e.log->sync(e.log->end());
    for (int i = 0; i < 200; ++i) {
        e.crash({file});
        file = e.open();
        REQUIRE(file.pages() == 3);
    }
    for (std::uint64_t no = 0; no < 3; ++no) { CHECK(number_on(file, no) == no); }
    e.pool->change([&](change_type& c) { set_number(c, file, 1, 77); });
}

TEST_CASE("change: a file that is to be replaced, and cannot be, keeps its records") {
    engine e;
    auto file = e.open();
    append(e, file, 2);
    e.log->sync(e.log->end());
    auto const replace = [&](quire::file_options options) {
        options.logged = true;
        return refusal([&] {
            file = e.pool->open("data/f", quire::open_mode::create_or_replace, options);
        });
    };
    CHECK(replace({}) == errc::file_locked);
    append(e, file, 1);
    e.log->sync(e.log->end());
    e.crash({file});
    CHECK(replace({.seal = {nullptr, nullptr}}) == errc::bad_option);
    file = e.open();
    CHECK(file.pages() == 3);
    for (std::uint64_t no = 0; no < 3; ++no) { CHECK(number_on(file, no) == no); }
    e.crash({file});
    CHECK(replace({}) == std::nullopt);
    CHECK(file.pages() == 0);
    append(e, file, 1);
    e.log->sync(e.log->end());
    e.crash({file});
    file = e.open();
    CHECK(file.pages() == 1);
}

TEST_CASE("change: a file is known by where it is, not by the program's folder") {
    engine e;
    quire_test::temp_dir const dir;
    auto const here = std::filesystem::current_path();
    auto file = e.open("data/f");
    append(e, file, 2);
    std::filesystem::current_path(dir.path());
    auto other = e.open("data/f2");
    append(e, other, 1);
    file.close();
    other.close(quire::unwritten::discard);
    CHECK(refusal([&] {
        static_cast<void>(e.pool->open("data/f2", quire::open_mode::read_write));
    }) == errc::log_mismatch);
    std::filesystem::current_path(here);
    static_cast<void>(e.pool->open("data/f", quire::open_mode::read_write));
}

TEST_CASE("change: a checkpoint writes also while a file is left over") {
    engine e;
    auto file = e.open();
    auto other = e.open("data/other");
    append(e, other, 1);
    e.log->sync(e.log->end());
    e.crash({file, other});
    file = e.open();
    append(e, file, 2);
    e.pool->checkpoint();
    std::size_t dirty = 0;
    e.pool->for_each_dirty([&](quire::page_id, std::uint64_t) { ++dirty; });
    CHECK(dirty == 0);
}

TEST_CASE("change: what is promised to others is waited for") {
    engine e;
    e.frames = 64;
    e.begin_anew(24);
    auto file = e.open();
    append(e, file, 8);
    std::vector<std::future<void>> threads;
    for (std::uint64_t t = 0; t < 8; ++t) {
        threads.push_back(std::async(std::launch::async, [&, t] {
            for (std::uint64_t i = 0; i < 20; ++i) {
                e.pool->change([&](change_type& c) {
                    std::this_thread::sleep_for(1ms);
                    set_number(c, file, t, i);
                });
            }
        }));
    }
    for (auto& thread : threads) { CHECK_NOTHROW(thread.get()); }
}

TEST_CASE("change: a full log with a file left over and many to close is of use again") {
    engine e;
    e.frames = 40;
    e.begin_anew(66);
    auto other = e.open("data/other");
    append(e, other, 1);
    e.log->sync(e.log->end());
    e.crash({other});
    std::vector<file_type> files;
    auto const name = [](int i) { return "data/f" + std::to_string(i); };
    for (int i = 0; i < 10; ++i) {
        files.push_back(e.open(name(i)));
        append(e, files.back(), 1);
    }
    auto const fill = [&] {
        for (std::uint64_t i = 0; i < 400; ++i) {
            e.log->sync(
                e.pool->change([&](change_type& c) { set_number(c, files[i % 10], 0, i); }));
        }
    };
    CHECK(refusal(fill) == errc::log_full);
    for (auto const& file : files) { file.close(); }
    e.crash({});
    SECTION("forgotten") { e.pool->forget("data/other"); }
    SECTION("opened") { other = e.open("data/other"); }
    for (int i = 0; i < 10; ++i) { files[static_cast<std::size_t>(i)] = e.open(name(i)); }
    CHECK(refusal(fill) == std::nullopt);
}

TEST_CASE("change: a page that tells of an appended one is seen when that can be read") {
    engine e;
    e.frames = 64;
    e.crash({});
    auto file = e.open();
    append(e, file, 1);
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> reads{0};
    auto const follow = [&] {
        for (std::uint64_t last = 0; !over; ++reads) {
            auto const no = number_on(file, 0);
            if (no != last) { static_cast<void>(number_on(file, no)); }
            last = no;
        }
    };
    auto one = std::async(std::launch::async, follow);
    auto two = std::async(std::launch::async, follow);
    for (int i = 0; i < 6000; ++i) {
        e.pool->change([&](change_type& c) {
            auto first = c.write(file, 0);
            auto const next = c.append(file);
            first->bytes().store<std::uint64_t>(number_at, next.page_no().value());
        });
    }
    over = true;
    CHECK_NOTHROW(one.get());
    CHECK_NOTHROW(two.get());
    CHECK(reads > 0);
}

TEST_CASE("change: a file that was closed is not touched by older records") {
    engine e;
    auto file = e.open();
    auto other = e.open("data/other");
    append(e, file, 2);
    append(e, other, 2);
    e.pool->change([&](change_type& c) { set_number(c, file, 0, 10); });
    file.close();
    {
        pool_type plain{{.frames = 4, .backend = e.disk}};
        auto const same = plain.open("data/f", quire::open_mode::read_write);
        quire_test::write_number(same, 0, 20);
        same.close();
    }
    file = e.open();
    CHECK(number_on(file, 0) == 20);
    e.pool->change([&](change_type& c) { set_number(c, file, 1, 21); });
    e.log->sync(e.log->end());
    e.crash({file, other});
    file = e.open();
    CHECK(number_on(file, 0) == 20);
    CHECK(number_on(file, 1) == 21);
}

TEST_CASE("change: a truncated file stays so after a crash, and what is appended then is new") {
    engine e;
    auto file = e.open();
    append(e, file, 6);
    e.pool->checkpoint();  // it begins with six pages
    e.pool->change([&](change_type& c) {
        set_number(c, file, 1, 10);
        set_number(c, file, 4, 40);
    });
    auto const before = e.log->end();
    file.truncate(2);
    CHECK(file.pages() == 2);
    CHECK(e.log->durable() > before);
    CHECK(e.disk.store->bytes("data/f").size() == 2 * 4096);
    CHECK(refusal([&] { number_on(file, 2); }) == errc::page_out_of_range);
    e.crash({file});

    file = e.open();
    CHECK(file.pages() == 2);
    CHECK(number_on(file, 1) == 10);
    for (std::uint64_t i = 0; i < 3; ++i) {
        e.log->sync(e.pool->change([&](change_type& c) {
            auto page = c.append(file);
            page->bytes().store<std::uint64_t>(number_at, 200 + i);
        }));
        if (i == 1) { file.truncate(3); }
        e.crash({file});
        file = e.open();
        CHECK(number_on(file, 2) == 200);
    }
    CHECK(file.pages() == 4);
    CHECK(number_on(file, 3) == 202);
    file.truncate(3);
    file.close(quire::unwritten::discard);  // a crash of the file alone
    file = e.open();
    CHECK(file.pages() == 3);
    append(e, file, 1);
    file.close();
    file = e.open();
    CHECK(file.pages() == 4);
}

TEST_CASE("change: what was cut off is not asked for by a checkpoint that began before") {
    engine e;
    auto file = e.open();
    append(e, file, 6);
    e.pool->checkpoint();
    file.truncate(2);
    append(e, file, 1);
    e.crash({file});
    e.disk.store->assign("data/f", std::vector<std::byte>(4096));  // it loses one that it had
    CHECK(refusal([&] { static_cast<void>(e.open()); }) == errc::log_mismatch);
}

TEST_CASE("change: a truncation that is refused leaves the file, and the log, as they were") {
    engine e;
    auto file = e.open();
    append(e, file, 4);
    auto const end = e.log->end();
    std::promise<void> held;
    std::promise<void> go_on;
    auto const reader = std::async(std::launch::async, [&] {
        auto const page = file.read(3);
        held.set_value();
        go_on.get_future().wait();
    });
    held.get_future().wait();
    CHECK(refusal([&] { file.truncate(2); }) == errc::in_use);
    CHECK(refusal([&] { file.truncate(5); }) == errc::page_out_of_range);
    go_on.set_value();
    reader.wait();
    CHECK(file.pages() == 4);
    CHECK(e.log->end() == end);
    e.pool->change([&](change_type& c) { set_number(c, file, 3, 30); });
    CHECK(number_on(file, 3) == 30);
}

TEST_CASE("change: a file that lost pages which the log does not have is refused") {
    engine e;
    auto file = e.open();
    append(e, file, 3);
    e.pool->checkpoint();
    e.pool->change([&](change_type& c) { set_number(c, file, 2, 12); });
    e.log->sync(e.log->end());
    SECTION("all of them") { e.disk.store->assign("data/f", {}); }
    SECTION("one that the log has, and one that it does not have") {
        auto bytes = e.disk.store->bytes("data/f");
        bytes.resize(4096);
        file.close(quire::unwritten::discard);
        e.disk.store->assign("data/f", bytes);
        e.crash({});
        CHECK(refusal([&] { file = e.open(); }) == errc::log_mismatch);
        CHECK(refusal([&] { file = e.open(); }) == errc::log_mismatch);  // not only once
        return;
    }
    file.close(quire::unwritten::discard);
    e.disk.store->assign("data/f", {});
    e.crash({});
    CHECK(refusal([&] { file = e.open(); }) == errc::log_mismatch);
    CHECK(refusal([&] { file = e.open(); }) == errc::log_mismatch);
    file = e.pool->open("data/f", quire::open_mode::create_or_replace, {.logged = true});
    CHECK(file.pages() == 0);
}

TEST_CASE("change: options that make no sense are refused") {
    engine e;
    using options = quire::pool_options<quire::memory_backend>;
    CHECK(refusal([&] { pool_type other(options{}, *e.log); }) == errc::bad_option);
    e.pool.reset();
    CHECK(refusal([&] {
        pool_type other(options{.durable = [](std::uint64_t lsn) { return lsn; }}, *e.log);
    }) == errc::bad_option);
    pool_type plain{options{.backend = e.disk}};
    CHECK(refusal([&] {
        static_cast<void>(plain.open("data/f", quire::open_mode::open_or_create, {.logged = true}));
    }) == errc::bad_option);
    CHECK(refusal([&] { plain.change([](change_type&) {}); }) == errc::bad_option);
    CHECK(refusal([&] { quire::change{plain}.commit(); }) == errc::bad_option);
    CHECK(refusal([&] { plain.checkpoint(); }) == errc::bad_option);
    CHECK(refusal([&] { plain.forget("data/f"); }) == errc::bad_option);
    e.log_options.buffer_bytes = 16 << 10;
    log_type small{"data/small", e.log_options};
    CHECK(refusal([&] {
        quire::buffer_pool<8192, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend> large(
            {}, small);
    }) == errc::bad_option);
}

TEST_CASE("change: a log that a pool did not write is refused") {
    engine e;
    e.pool.reset();
    e.log->append_note(std::as_bytes(std::span{"a record of another kind", 24}));
    CHECK(refusal([&] {
        pool_type other({}, *e.log);
    }) == errc::log_corrupt);
}

TEST_CASE("change: it tells what it holds, and lets go of what it did not change") {
    engine e;
    auto const file = e.open();
    append(e, file, 3);
    change_type change{*e.pool};
    CHECK_FALSE(change.holds(file, 0));
    set_number(change, file, 0, 10);
    static_cast<void>(change.read(file, 1));
    static_cast<void>(change.read(file, 2));
    CHECK(change.holds(file, 1));
    change.let_go(file, 1);
    change.let_go(file, 0);  // it was changed
    CHECK_FALSE(change.holds(file, 1));
    CHECK(change.holds(file, 0));
    CHECK(change.holds(file, 2));
    auto const another_reads = [&](std::uint64_t no) {
        return std::async(std::launch::async, [&] {
                   return refusal([&] { number_on(file, no, {.wait_max = 1ms}); }) !=
                          errc::timed_out;
               }).get();
    };
    CHECK(another_reads(1));
    CHECK_FALSE(another_reads(2));
    CHECK_FALSE(another_reads(0));
    change.commit();
    CHECK(number_on(file, 0) == 10);
    CHECK(another_reads(2));
}

TEST_CASE("change: it takes a page that nobody has, and goes on without one that others have") {
    engine e;
    auto const file = e.open();
    append(e, file, 5);
    change_type change{*e.pool};
    set_number(change, file, 0, 10);
    CHECK(change.try_hold(file, 0));
    CHECK(change.try_hold(file, 1));
    CHECK(change.holds(file, 1));
    std::latch has_taken{1};
    std::latch is_enough{1};
    std::thread other{[&] {
        change_type theirs{*e.pool};
        set_number(theirs, file, 2, 20);
        auto const read = file.read(4);
        has_taken.count_down();
        is_enough.wait();
        CHECK_FALSE(theirs.try_hold(file, 1));
    }};
    has_taken.wait();
    CHECK_FALSE(change.try_hold(file, 2));
    CHECK_FALSE(change.holds(file, 2));
    CHECK_FALSE(change.try_hold(file, 4));  // it is read
    CHECK(change.try_hold(file, 3));
    CHECK(refusal([&] { static_cast<void>(change.try_hold(file, 5)); }) ==
          errc::page_out_of_range);
    set_number(change, file, 3, 30);
    is_enough.count_down();
    other.join();
    CHECK(change.try_hold(file, 2));  // theirs was undone
    set_number(change, file, 1, 40);
    change.commit();
    for (std::uint64_t const no : {0U, 1U, 2U, 3U}) {
        CHECK(number_on(file, no) == std::array<std::uint64_t, 4>{10, 40, 2, 30}[no]);
    }
}

TEST_CASE("change: with a failed log it appends nothing, however often it tries") {
    using faulty = quire::testing::faulty_backend<quire::memory_backend>;
    using faulty_pool = quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, faulty>;
    auto const plan = std::make_shared<quire::testing::fault_plan>();
    faulty::options const disk{.inner = {quire::memory_store_ptr::make()}, .faults = plan};
    quire::redo_log<faulty> log{"log", {.bytes = 1 << 20, .backend = disk}};
    faulty_pool pool{{.frames = 16,
                      .on_loss = [](std::string const&, quire::error const&) {},
                      .backend = disk},
                     log};
    auto file = pool.open("f", quire::open_mode::open_or_create, {.logged = true});
    auto const at = pool.change([&](auto& change) {
        [[maybe_unused]] auto const page = change.append(file);
    });
    plan->add({.call = quire::testing::io_call::sync});
    CHECK(refusal([&] { log.sync(at); }) == errc::log_failed);
    {
        quire::change change{pool};
        for (int i = 0; i < 3; ++i) {
            CHECK(refusal([&] {
                [[maybe_unused]] auto const page = change.append(file);
            }) == errc::log_failed);
        }
    }
    file.close(quire::unwritten::discard);
}

TEST_CASE("change: one that met a conflict tries nothing any more") {
    engine e;
    auto const file = e.open();
    append(e, file, 3);
    change_type one{*e.pool};
    set_number(one, file, 0, 10);
    std::thread{[&] {
        change_type other{*e.pool};
        set_number(other, file, 1, 20);
        CHECK(refusal([&] { set_number(other, file, 0, 30); }) == errc::conflict);
        CHECK(refusal([&] { static_cast<void>(other.try_hold(file, 2)); }) == errc::conflict);
    }}.join();
}

TEST_CASE("change: a checkpoint does not wait for ever behind a thread that changes one page") {
    engine e;
    auto const file = e.open();
    append(e, file, 1);
    std::atomic<bool> over = false;
    std::atomic<std::uint64_t> changes = 0;
    std::thread busy{[&] {
        while (!over) {
            e.pool->change([&](change_type& c) {
                set_number(c, file, 0, changes);
                auto const until = std::chrono::steady_clock::now() + 10ms;
                while (std::chrono::steady_clock::now() < until) {}  // then it is let go, briefly
            });
            ++changes;
        }
    }};
    while (changes < 2) { std::this_thread::yield(); }
    std::uint64_t passed = 0;
    for (int i = 0; i < 6; ++i) {
        auto const before = changes.load();
        e.pool->checkpoint();
        passed += changes - before;
    }
    over = true;
    busy.join();
    CHECK(passed < 60);  // one or two each
}

TEST_CASE("change: a file that is read only does not make the log forget what it is to become") {
    engine e;
    {
        auto const file = e.open();
        append(e, file, 6);
        e.pool->checkpoint();
        auto const long_file = e.disk.store->bytes("data/f");
        file.truncate(2);
        e.crash({file});
        e.disk.store->assign("data/f", long_file);  // the power took its new size back
    }
    CHECK(refusal([&] {
              static_cast<void>(
                  e.pool->open("data/f", quire::open_mode::read_only, {.logged = true}));
          }) == errc::read_only);
    auto const file = e.open();
    CHECK(file.pages() == 2);
}

#if QUIRE_CHECKED

TEST_CASE("change: in checked builds it ends only when none of its pages has a name") {
    auto const rule = std::string{"a change ends only while none of its pages has a name"};
    auto const said = [](auto act) {
        return violation_of([&] {
            engine e;
            auto const file = e.open();
            append(e, file, 2);
            act(e, file);
        });
    };
    CHECK(said([](engine& e, file_type const& file) {  // committed
              change_type change{*e.pool};
              auto page = change.write(file, 0);
              change.commit();
          }).find(rule) != std::string::npos);
    CHECK(said([](engine& e, file_type const& file) {  // undone
              std::optional<change_type> change{std::in_place, *e.pool};
              auto page = change->write(file, 0);
              change.reset();
          }).find(rule) != std::string::npos);
    CHECK(said([](engine& e, file_type const& file) {  // its page is let go
              change_type change{*e.pool};
              auto page = change.read(file, 0);
              change.let_go(file, 0);
          }).find(rule) != std::string::npos);
    CHECK(said([](engine& e, file_type const& file) {  // of two names one is left
              change_type change{*e.pool};
              auto page = change.read(file, 0);
              { auto other = change.read(file, 0); }
              change.commit();
          }).find(rule) != std::string::npos);
    CHECK(said([](engine& e, file_type const& file) {
              change_type change{*e.pool};
              {
                  auto page = change.write(file, 0);
                  auto other = change.read(file, 0);
                  { auto bytes = page->bytes(); }
                  auto const seen = *other;
              }
              auto left = change.read(file, 1);
              change.let_go(file, 0);  // changed: it stays
              CHECK(left->bytes().size() > 0);
          }).starts_with("did not abort"));
}

#endif

// An array grows at its front: the log has that what was there moved, and what is new.
TEST_CASE("change: bytes moved within a page are not logged, and are there after a crash") {
    engine e;
    auto file = e.open();
    append(e, file, 1);
    quire_test::generator random{1};
    auto const push = [&](std::span<std::byte> bytes) {
        std::memmove(bytes.data() + 72, bytes.data() + 64, 3000);
        quire::store_le<std::uint64_t>(bytes.data() + 64, random.bits());
    };
    for (int i = 0; i < 400; ++i) { change_bytes(e, file, 0, push); }
    auto const before = e.log->end();
    for (int i = 0; i < 100; ++i) { change_bytes(e, file, 0, push); }
    change_bytes(e, file, 0, [](std::span<std::byte> bytes) {  // two parts change places
        std::swap_ranges(bytes.begin() + 1024, bytes.begin() + 1152, bytes.begin() + 1152);
    });
    CHECK(e.log->end() - before < 101 * 100);
    for (int i = 0; i < 100; ++i) {
        if (i % 30 == 9) { file.write_back(); }  // the page on the disk is newer than its image
        e.log->sync(change_bytes(e, file, 0, push));
    }
    auto const expected = all_of(file, 0);
    e.crash({file});

    file = e.open();
    auto const found = all_of(file, 0);
    CHECK(std::equal(expected.begin() + 12, expected.end(), found.begin() + 12));
    e.crash({file});  // the replay is not the last one

    file = e.open();
    auto const again = all_of(file, 0);
    CHECK(std::equal(expected.begin() + 12, expected.end(), again.begin() + 12));
}

// A page is sealed when it is written. A replay does not write it when the life before did: the
// bytes of the seal differ, and a move that reads them makes another page.
TEST_CASE("change: what is copied from a page's seal is in the log") {
    bool const is_user_seal = GENERATE(false, true);
    std::size_t const seal_at = is_user_seal ? user_seal_at : 0;
    quire::file_options options{.logged = true};
    if (is_user_seal) { options.seal = {no_check, put_next}; }
    auto const open = [&](engine& e) {
        return e.pool->open("data/f", quire::open_mode::open_or_create, options);
    };
    engine e;
    auto file = open(e);
    append(e, file, 1);
    quire_test::generator random{2};
    change_bytes(e, file, 0, [&](std::span<std::byte> bytes) {
        for (std::size_t i = 12; i < bytes.size(); ++i) {
            if (i / 8 == user_seal_at / 8) { continue; }
            bytes[i] = static_cast<std::byte>(random.below(256));
        }
    });
    for (std::size_t i = 0; i < 2; ++i) {  // a replay seals the image, and not what came of it
        change_bytes(e, file, 0,
                     [&](std::span<std::byte> bytes) { bytes[3000 + i] ^= std::byte{1}; });
        file.write_back();
    }
    auto const sealed = all_of(file, 0);
    e.log->sync(change_bytes(e, file, 0, [&](std::span<std::byte> bytes) {
        std::memcpy(bytes.data() + seal_at + 128, bytes.data() + seal_at, 128);
    }));
    e.crash({file});

    file = open(e);
    auto const found = all_of(file, 0);
    CHECK(std::equal(sealed.begin() + static_cast<std::ptrdiff_t>(seal_at),
                     sealed.begin() + static_cast<std::ptrdiff_t>(seal_at + 128),
                     found.begin() + static_cast<std::ptrdiff_t>(seal_at + 128)));
}
