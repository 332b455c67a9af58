// SPDX-License-Identifier: BSL-1.0

/// What an engine asks of a file beside reading and writing pages: making them anew, forgetting,
/// cutting, versions, downgrades, pins, limits, and being told.

#include <quire/pool/paged_file.hpp>

#include "calls.hpp"
#include "doubles.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "loop_device.hpp"
#include "temp_dir.hpp"

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <shared_mutex>
#include <thread>

#include <fcntl.h>   // open
#include <unistd.h>  // close

using namespace quire_test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using quire::errc;
using quire::heap_page;
using quire::io_verb;
using quire::open_mode;
using quire::page_id;
using quire::page_no;

namespace {

using pool_type = quire::buffer_pool<512, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;
using gated_pool = quire::buffer_pool<512, quire::clock, quire::hybrid_latch, gated_backend>;

struct setting {
    std::shared_ptr<quire::memory_store> store = std::make_shared<quire::memory_store>();
    /// A bit of the file in the store.
    void flip(std::string const& name, std::size_t at) const {
        auto bytes = store->bytes(name);
        bytes[at] ^= std::byte{1};
        store->assign(name, bytes);
    }
    pool_type make(std::size_t frames = 4) const {
        return pool_type{{.frames = frames,
                          .files_max = 2,
                          .file_pages_max = 64,
                          .wait_max = 2s,
                          .frame_wait_max = 10ms,
                          .backend = {store}}};
    }
};

/// A file of four pages with the numbers 10 to 13, over a backend that stops where it is told.
struct gated_setting {
    std::shared_ptr<io_script> script = std::make_shared<io_script>();
    gated_pool pool;
    gated_pool::file file;

    explicit gated_setting(std::function<void(page_id)> on_miss = {})
        : pool{{.frames = 8,
                .wait_max = 5s,
                .observer = {.on_miss = std::move(on_miss)},
                .backend = {.script = script}}},
          file{pool.open("f", open_mode::open_or_create)} {
        append_numbers(file, 4, 10);
    }
    void evict_all() const {
        file.flush();
        for (std::uint64_t no = 0; no < file.pages(); ++no) { file.discard(no); }
    }
};

std::vector<page_no> pages(std::initializer_list<std::uint64_t> numbers) {
    return {numbers.begin(), numbers.end()};
}

template <class File>
std::size_t rows_on(File const& file, std::uint64_t no) {
    auto page = file.template read<heap_page>(no);
    return page->size();
}

/// A file of `count` pages that were grown and never written.
void make_blank(pool_type& pool, std::string const& name, std::uint64_t count) {
    auto file = pool.open(name, open_mode::open_or_create, {.dirty_pages_max = 100});
    for (std::uint64_t i = 0; i < count; ++i) { file.append().release(); }
    file.close(quire::unwritten::discard);
}

}  // namespace

// format

// All-zero pages are legal in files of some other programs, and each cost an exception.
TEST_CASE("engine: blank pages are shown in a file that is opened so, corrupt ones are not") {
    setting s;
    auto pool = s.make();
    make_blank(pool, "f", 3);
    auto file = pool.open("f", open_mode::read_write, {.blank = quire::blank_pages::shown});
    {
        auto const page = file.read(1);
        CHECK(page->bytes().load<std::uint64_t>(0) == 0);
    }
    CHECK(refusal([&] { file.read<heap_page>(1).release(); }) == errc::wrong_page_kind);
    write_number(file, 2, 7);
    file.close();
    s.flip("f", 512 + 300);
    file = pool.open("f", open_mode::read_only, {.blank = quire::blank_pages::shown});
    CHECK(number_on(file, 2) == 7);
    CHECK(refusal([&] { file.read(1).release(); }) == errc::corrupt_page);
    file.close();
    file = pool.open("f");  // the slot's next file is opened as it asks
    CHECK(refusal([&] { file.read(0).release(); }) == errc::blank_page);
}

TEST_CASE("engine: a blank page becomes one of a kind by format, without being read") {
    setting s;
    auto pool = s.make();
    make_blank(pool, "f", 3);
    auto file = pool.open("f");
    REQUIRE(file.pages() == 3);
    CHECK(refusal([&] { file.read(1).release(); }) == errc::blank_page);
    auto const misses = file.stats().misses;
    {
        auto page = file.format<heap_page>(1);
        CHECK(page.id() == page_id{file.number(), 1});
        CHECK(page->number() == page_no{1});
        CHECK(page->size() == 0);
    }
    CHECK(file.stats().misses == misses);
    CHECK(file.pages() == 3);
    CHECK(refusal([&] { file.read(2).release(); }) == errc::blank_page);
    file.close();
    file = pool.open("f");
    CHECK(rows_on(file, 1) == 0);
}

TEST_CASE("engine: format takes a page from whatever it is, resident or not") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 6, 100);  // raw pages; 4 frames: some are not resident
    file.flush();
    for (std::uint64_t const no : {0U, 5U}) {
        bool const resident = no == 5;
        auto const before = file.resident_pages();
        CHECK(std::count(before.begin(), before.end(), page_no{no}) == (resident ? 1 : 0));
        file.format<heap_page>(no).release();
        CHECK(rows_on(file, no) == 0);
    }
    CHECK(number_on(file, 1) == 101);
    file.flush();
    file.close();
    file = pool.open("f");
    CHECK(rows_on(file, 0) == 0);
    CHECK(rows_on(file, 5) == 0);
}

TEST_CASE("engine: a corrupt page is made anew by format, and nothing else helps") {
    setting s;
    {
        auto pool = s.make();
        auto file = pool.open("f", open_mode::open_or_create);
        append_numbers(file, 2);
    }
    s.flip("f", 512 + 100);
    auto pool = s.make();
    auto file = pool.open("f");
    CHECK(refusal([&] { file.read(1).release(); }) == errc::corrupt_page);
    CHECK(refusal([&] { file.write(1).release(); }) == errc::corrupt_page);
    file.format(1).release();
    CHECK(number_on(file, 1) == 0);
    file.flush();
}

TEST_CASE("engine: format refuses what it cannot do, and leaves no trace") {
    setting s;
    auto pool = s.make(2);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 4, 10);
    CHECK(refusal([&] { file.format(4).release(); }) == errc::page_out_of_range);
    {
        auto const one = file.read(2);
        auto const two = file.read(3);
        CHECK(refusal([&] { file.format(0).release(); }) == errc::no_free_frame);
        std::thread{[&] {
            CHECK(refusal([&] { file.format(2, {.wait_max = 1ms}).release(); }) == errc::timed_out);
        }}.join();
    }
    for (std::uint64_t no = 0; no < 4; ++no) { CHECK(number_on(file, no) == 10 + no); }
    file.close();
    file = pool.open("f", open_mode::read_only);
    CHECK(refusal([&] { file.format(0).release(); }) == errc::read_only);
}

TEST_CASE("engine: who asks for a page that is being made anew sees the new one") {
    gated_setting g;
    append_numbers(g.file, 1, 7);
    auto page = g.file.format(0);
    std::uint64_t seen = 99;
    std::thread reader{[&] { seen = number_on(g.file, 0); }};
    std::this_thread::sleep_for(5ms);
    page->bytes().store<std::uint64_t>(number_at, 8);
    page.release();
    reader.join();
    CHECK(seen == 8);
}

TEST_CASE("engine: format waits for the read of its page, whether that succeeds or not") {
    bool const fails = GENERATE(false, true);
    gated_setting g;
    g.evict_all();
    g.script->hold(io_verb::read, 512);
    if (fails) { g.script->fail(io_verb::read, 512, EIO); }
    std::optional<errc> read_error;
    std::thread reader{[&] { read_error = refusal([&] { g.file.read(1).release(); }); }};
    g.script->wait_until_held();
    std::thread maker{[&] {
        auto page = g.file.format(1);
        page->bytes().store<std::uint64_t>(number_at, 8);
    }};
    std::this_thread::sleep_for(10ms);
    g.script->let_go();
    reader.join();
    maker.join();
    CHECK(read_error == (fails ? std::optional{errc::read_failed} : std::nullopt));
    CHECK(number_on(g.file, 1) == 8);
    g.file.flush();
}

// discard, truncate

TEST_CASE("engine: discard forgets what was not written, and frees the frame") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 3, 10);
    file.flush();
    write_number(file, 1, 99);
    std::uint64_t dirty = 0;
    file.for_each_dirty([&](page_id, std::uint64_t) { ++dirty; });
    CHECK(dirty == 1);
    auto const writes = file.stats().write_backs;
    file.discard(1);
    CHECK(file.resident_pages() == pages({0, 2}));
    file.discard(1);  // not resident: nothing to do
    CHECK(number_on(file, 1) == 11);
    file.flush();
    CHECK(file.stats().write_backs == writes);
    CHECK(refusal([&] { file.discard(3); }) == errc::page_out_of_range);
    {
        auto const held = file.read(2);
        std::thread{[&] { CHECK(refusal([&] { file.discard(2); }) == errc::in_use); }}.join();
    }
    CHECK(number_on(file, 2) == 12);
}

TEST_CASE("engine: truncate cuts the file, and what is left stays") {
    setting s;
    auto pool = s.make(8);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 6, 10);
    write_number(file, 1, 50);
    file.truncate(6);
    CHECK(file.pages() == 6);
    file.truncate(2);
    CHECK(file.pages() == 2);
    CHECK(s.store->bytes("f").size() == 2 * 512);
    CHECK(file.resident_pages() == pages({0, 1}));
    CHECK(refusal([&] { file.read(2).release(); }) == errc::page_out_of_range);
    CHECK(refusal([&] { file.truncate(3); }) == errc::page_out_of_range);
    append_numbers(file, 1, 70);  // page 2 anew
    CHECK(number_on(file, 2) == 72);
    CHECK(number_on(file, 1) == 50);
    file.close();
    file = pool.open("f");
    CHECK(file.pages() == 3);
    CHECK(number_on(file, 0) == 10);
    CHECK(number_on(file, 1) == 50);
    CHECK(number_on(file, 2) == 72);
    file.truncate(0);
    CHECK(file.pages() == 0);
    CHECK(s.store->bytes("f").empty());
}

TEST_CASE("engine: truncate waits for the read of a page that goes") {
    gated_setting g;
    g.evict_all();
    g.script->hold(io_verb::read, 3 * 512);
    std::optional<errc> read_error;
    std::thread reader{[&] { read_error = refusal([&] { g.file.read(3).release(); }); }};
    g.script->wait_until_held();
    std::atomic<bool> cut{false};
    std::thread cutter{[&] {
        g.file.truncate(2);
        cut = true;
    }};
    std::this_thread::sleep_for(10ms);
    CHECK_FALSE(cut);
    CHECK(g.file.pages() == 2);
    g.script->let_go();
    reader.join();
    cutter.join();
    CHECK_FALSE(read_error.has_value());  // it was there when it was asked for
    CHECK(g.file.resident_pages().size() <= 2);
    append_numbers(g.file, 2, 90);
    CHECK(number_on(g.file, 3) == 93);
}

TEST_CASE("engine: who claimed a page just before it was cut off gives it up, and append gets it") {
    std::function<void()> on_miss;
    gated_setting g{[&](page_id) {
        if (auto const act = std::exchange(on_miss, nullptr)) { act(); }
    }};
    g.evict_all();
    std::thread cutter;
    on_miss = [&] {  // the reader has claimed page 3, and not looked again
        cutter = std::thread{[&] { g.file.truncate(3); }};
        while (g.file.pages() != 3) { std::this_thread::yield(); }
    };
    CHECK(refusal([&] { g.file.read(3).release(); }) == errc::page_out_of_range);
    cutter.join();
    append_numbers(g.file, 1, 60);
    CHECK(number_on(g.file, 3) == 63);
}

TEST_CASE("engine: a file that cannot be cut is as it was, changes included") {
    gated_setting g;
    write_number(g.file, 3, 99);
    g.script->fail_resize(EIO);
    CHECK(refusal([&] { g.file.truncate(1); }) == errc::grow_failed);
    CHECK(g.file.pages() == 4);
    CHECK(number_on(g.file, 3) == 99);
    g.file.truncate(1);
    CHECK(g.file.pages() == 1);
}

TEST_CASE("engine: discard waits for the read of its page") {
    gated_setting g;
    g.evict_all();
    g.script->hold(io_verb::read, 0);
    std::thread reader{[&] { static_cast<void>(number_on(g.file, 0)); }};
    g.script->wait_until_held();
    std::thread discarder{[&] { g.file.discard(0); }};
    std::this_thread::sleep_for(5ms);
    g.script->let_go();
    reader.join();
    discarder.join();
    CHECK(g.file.resident_pages().empty());
}

TEST_CASE("engine: discard waits for a read as long as it is told, not as long as the pool is") {
    auto const script = std::make_shared<io_script>();
    gated_pool pool{{.frames = 4, .wait_max = 1ms, .backend = {.script = script}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    file.flush();
    file.discard(0);
    script->hold(io_verb::read, 0);
    script->fail(io_verb::read, 0, EIO);
    auto reader = std::async(std::launch::async,
                             [&] { return refusal([&] { file.read(0).release(); }); });
    script->wait_until_held();
    auto discarder = std::async(std::launch::async, [&] {
        return refusal([&] { file.discard(0, {.wait_max = 1h}); });
    });
    CHECK(discarder.wait_for(100ms) == std::future_status::timeout);
    script->let_go();
    CHECK(reader.get() == errc::read_failed);
    CHECK(discarder.get() == std::nullopt);
}

TEST_CASE("engine: truncate that is refused loses nothing") {
    setting s;
    auto pool = s.make(8);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 5, 10);
    for (std::uint64_t const held_no : {2U, 4U}) {
        auto const held = file.read(held_no);
        std::thread{[&] { CHECK(refusal([&] { file.truncate(1); }) == errc::in_use); }}.join();
        CHECK(file.pages() == 5);
    }
    for (std::uint64_t no = 0; no < 5; ++no) { CHECK(number_on(file, no) == 10 + no); }
    file.close();
    file = pool.open("f");
    for (std::uint64_t no = 0; no < 5; ++no) { CHECK(number_on(file, no) == 10 + no); }
    file.close();
    file = pool.open("f", open_mode::read_only);
    CHECK(refusal([&] { file.truncate(1); }) == errc::read_only);
}

TEST_CASE("engine: close that discards and is refused loses nothing") {
    setting s;
    auto pool = s.make(8);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 4, 10);
    {
        auto const held = file.read(3);
        std::thread{[&] {
            CHECK(refusal([&] { file.close(quire::unwritten::discard); }) == errc::in_use);
        }}.join();
    }
    file.close();
    file = pool.open("f");
    for (std::uint64_t no = 0; no < 4; ++no) { CHECK(number_on(file, no) == 10 + no); }
}

// write_back, for_each_dirty, resident_pages

TEST_CASE("engine: write_back writes what is dirty, and does not sync") {
    setting s;
    auto pool = s.make(8);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 3, 10);
    auto const before = file.stats();
    file.write_back();
    auto const after = file.stats();
    CHECK(after.write_backs == before.write_backs + 3);
    CHECK(after.syncs == before.syncs);
    file.for_each_dirty([](page_id, std::uint64_t) { FAIL("a dirty page"); });
    file.close(quire::unwritten::discard);
    file = pool.open("f");
    CHECK(number_on(file, 2) == 12);
}

TEST_CASE("engine: a checkpoint learns the first LSN of every dirty page") {
    pool_type pool{{.frames = 8, .durable = [](std::uint64_t) { return ~std::uint64_t{0}; },
                    .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    auto other = pool.open("g", open_mode::open_or_create);
    append_numbers(file, 3);
    append_numbers(other, 1);
    pool.flush();
    {
        auto page = file.write(1);
        page.logged(40);
        page.logged(45);
    }
    write_number(file, 2, 1);
    file.write(0).release();  // never lent: not dirty
    {
        auto page = other.write(0);
        page.logged(7);
    }
    auto const dirty_of = [](auto const& what) {
        std::map<page_id, std::uint64_t> found;
        what.for_each_dirty([&](page_id id, std::uint64_t lsn) { found[id] = lsn; });
        return found;
    };
    CHECK(dirty_of(file) == std::map<page_id, std::uint64_t>{{page_id{file.number(), 1}, 40},
                                                             {page_id{file.number(), 2}, 0}});
    CHECK(dirty_of(pool).size() == 3);
    CHECK(dirty_of(pool).at(page_id{other.number(), 0}) == 7);
    file.flush();
    CHECK(dirty_of(file).empty());
    {
        auto page = file.write(1);
        page.logged(50);
    }
    CHECK(dirty_of(file).at(page_id{file.number(), 1}) == 50);
}

TEST_CASE("engine: a forked child makes, forgets, cuts and writes nothing") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2, 10);
    CHECK(failure_of([&]() -> std::string {
              if (refusal([&] { file.format(0).release(); }) != errc::forked) { return "format"; }
              if (refusal([&] { file.discard(0); }) != errc::forked) { return "discard"; }
              if (refusal([&] { file.truncate(0); }) != errc::forked) { return "truncate"; }
              if (refusal([&] { file.write_back(); }) != errc::forked) { return "write_back"; }
              if (refusal([&] { static_cast<void>(file.pin(0)); }) != errc::forked) {
                  return "pin";
              }
              return {};
          }).empty());
    CHECK(number_on(file, 1) == 11);
}

// versions, downgrade

TEST_CASE("engine: a reader becomes a writer if nobody wrote in between") {
    setting s;
    auto pool = s.make(2);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 4, 10);
    auto const version_of = [&](std::uint64_t no) {
        auto page = file.read(no);
        return page.version();
    };
    auto seen = version_of(3);
    CHECK(version_of(3) == seen);
    {
        auto slot = file.write_unchanged(3, seen);
        REQUIRE(slot.has_value());
        slot->bytes().store<std::uint64_t>(number_at, 1);
    }
    CHECK_FALSE(file.write_unchanged(3, seen).has_value());
    CHECK_FALSE(version_of(3) == seen);
    seen = version_of(3);
    file.write(3).release();  // lent nothing: not changed
    CHECK(version_of(3) == seen);
    file.flush();
    CHECK(version_of(3) == seen);
    CHECK_FALSE(quire::page_version{} == seen);
}

TEST_CASE("engine: a page that was away is not taken for unchanged, in whatever frame") {
    setting s;
    auto pool = s.make(1);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2, 10);
    file.flush();
    auto const seen = [&] {
        auto page = file.read(0);
        return page.version();
    }();
    static_cast<void>(number_on(file, 1));  // takes the one frame
    {
        auto page = file.read(0);
        CHECK_FALSE(page.version() == seen);
    }
    CHECK_FALSE(file.write_unchanged(0, seen).has_value());
}

TEST_CASE("engine: downgrade lets readers in and keeps writers out, and the change counts") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1, 10);
    file.flush();
    auto writer = file.write(0);
    writer->bytes().store<std::uint64_t>(number_at, 77);
    auto reader = writer.downgrade();
    CHECK(reader.id() == page_id{file.number(), 0});
    CHECK(reader->bytes().load<std::uint64_t>(number_at) == 77);
    std::thread{[&] {
        CHECK(number_on(file, 0, {.wait_max = 50ms}) == 77);
        CHECK(refusal([&] { file.write(0, {.wait_max = 1ms}).release(); }) == errc::timed_out);
    }}.join();
    reader.release();
    CHECK_THAT(violation_of([&] { writer.release(); }), ContainsSubstring("release or transfer"));
    auto const writes = file.stats().write_backs;
    file.flush();
    CHECK(file.stats().write_backs == writes + 1);
}

TEST_CASE("engine: what was seen before a store and a downgrade is not the page any more") {
    setting s;
    auto pool = s.make();
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1, 10);
    auto writer = file.write(0);
    writer->bytes().store<std::uint64_t>(number_at, 11);
    auto const seen = writer.version();
    writer->bytes().store<std::uint64_t>(number_at, 12);
    auto reader = writer.downgrade();
    reader.release();
    CHECK_FALSE(file.write_unchanged(0, seen).has_value());
}

TEST_CASE("engine: pages whose changes were discarded are not counted as dirty") {
    setting s;
    auto pool = s.make(8);
    auto file = pool.open("f", open_mode::open_or_create, {.dirty_pages_max = 2});
    append_numbers(file, 2, 10);
    file.flush();
    auto const writes = file.stats().write_backs;
    for (int i = 0; i < 10; ++i) {
        write_number(file, 0, 20);
        file.discard(0);
    }
    write_number(file, 1, 21);  // the only dirty page: no reason to write back
    CHECK(file.stats().write_backs == writes);
}

TEST_CASE("engine: resident pages are sorted, whatever their frames") {
    setting s;
    auto pool = s.make(8);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 4, 10);
    file.flush();
    for (std::uint64_t no = 0; no < 4; ++no) { file.discard(no); }
    for (std::uint64_t no : {3U, 0U, 2U, 1U}) { CHECK(number_on(file, no) == 10 + no); }
    CHECK(file.resident_pages() == pages({0, 1, 2, 3}));
}

namespace {

/// hybrid_latch whose tries fail two times in three, as page_latch allows.
class reluctant_latch : public quire::hybrid_latch {
public:
    bool try_lock() { return tries_++ % 3 == 2 && hybrid_latch::try_lock(); }
    bool try_lock_unpinned() { return tries_++ % 3 == 2 && hybrid_latch::try_lock_unpinned(); }

private:
    std::atomic<unsigned> tries_{0};
};
static_assert(quire::pinning<reluctant_latch>);

}  // namespace

TEST_CASE("engine: a latch whose tries fail now and then serves a pool to its end") {
    quire::buffer_pool<512, quire::clock, reluctant_latch, quire::memory_backend> pool{
        {.frames = 4}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 20, 10);
    for (std::uint64_t no = 0; no < 20; ++no) { CHECK(number_on(file, no) == 10 + no); }
}

template <class Guard>
concept can_downgrade = requires(Guard& guard) { guard.downgrade(); };
static_assert(can_downgrade<pool_type::write_guard<heap_page>>);
static_assert(!can_downgrade<quire::buffer_pool<512, quire::clock, std::shared_mutex,
                                                quire::memory_backend>::write_guard<heap_page>>);

// pins

TEST_CASE("engine: a pinned page stays in its frame, and excludes nobody") {
    setting s;
    auto pool = s.make(2);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 5, 10);
    {
        auto pin = file.pin(0);
        CHECK(pin.id() == page_id{file.number(), 0});
        for (std::uint64_t no = 1; no < 5; ++no) { CHECK(number_on(file, no) == 10 + no); }
        auto const misses = file.stats().misses;
        write_number(file, 0, 60);
        CHECK(file.stats().misses == misses);
        file.flush();
        std::thread{[moved = std::move(pin)] {}}.join();  // ends where it likes
    }
    for (std::uint64_t no = 1; no < 5; ++no) { CHECK(number_on(file, no) == 10 + no); }
    auto const misses = file.stats().misses;
    CHECK(number_on(file, 0) == 60);
    CHECK(file.stats().misses == misses + 1);
}

TEST_CASE("engine: pins of all frames leave none, and a pin is moved, not copied") {
    setting s;
    auto pool = s.make(2);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 3);
    std::vector<decltype(file.pin(0))> pins;
    pins.push_back(file.pin(0));
    pins.push_back(file.pin(1));
    CHECK(refusal([&] { file.read(2).release(); }) == errc::no_free_frame);
    CHECK(refusal([&] { file.discard(1); }) == errc::in_use);
    pins[0] = std::move(pins[1]);  // the first goes on in the other, which ends below
    pins.pop_back();
    CHECK(number_on(file, 2) == 2);
    CHECK(pins[0].id().page() == page_no{1});
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<decltype(file.pin(0))>);
}

TEST_CASE("engine: no pin outlives its pool") {
    CHECK_THAT(violation_of([] {
                   setting s;
                   std::optional<decltype(std::declval<pool_type::file&>().pin(0))> pin;
                   auto pool = s.make();
                   auto file = pool.open("f", open_mode::open_or_create);
                   append_numbers(file, 1);
                   pin.emplace(file.pin(0));
               }),
               ContainsSubstring("no pin outlives its pool"));
}

// limits, observer, adopt

// Pages of other files that such a search passed over counted as used, and outlived those in use.
TEMPLATE_TEST_CASE("engine: a search for a file's own page leaves the others' order alone", "",
                   quire::lru, quire::s3_fifo) {
    setting s;
    quire::buffer_pool<512, TestType, quire::hybrid_latch, quire::memory_backend> pool{
        {.frames = 10, .backend = {s.store}}};
    auto other = pool.open("other", open_mode::open_or_create);
    auto shared = pool.open("shared", open_mode::open_or_create, {.frames_max = 2});
    append_numbers(other, 20);
    append_numbers(shared, 3);
    pool.flush();
    for (std::uint64_t no = 0; no < 8; ++no) { number_on(other, no); }
    for (std::uint64_t no = 2; no < 8; ++no) { number_on(other, no); }
    for (std::uint64_t no = 2; no < 8; ++no) { number_on(other, no); }  // 0 and 1 are cold
    for (std::uint64_t round = 0; round < 20; ++round) { number_on(shared, round % 3); }
    auto const misses = other.stats().misses;
    number_on(other, 10);
    number_on(other, 11);
    for (std::uint64_t no = 2; no < 8; ++no) { number_on(other, no); }
    CHECK(other.stats().misses == misses + 2);
}

TEST_CASE("engine: a file with a share of the frames takes its own pages' places") {
    setting s;
    auto pool = s.make(8);
    auto scanned = pool.open("s", open_mode::open_or_create, {.frames_max = 3});
    auto hot = pool.open("h", open_mode::open_or_create);
    append_numbers(hot, 5, 10);
    append_numbers(scanned, 20, 30);
    pool.flush();
    for (std::uint64_t no = 0; no < 5; ++no) { static_cast<void>(number_on(hot, no)); }
    auto const misses = hot.stats().misses;
    for (std::uint64_t no = 0; no < 20; ++no) { CHECK(number_on(scanned, no) == 30 + no); }
    CHECK(scanned.resident_pages().size() == 3);
    for (std::uint64_t no = 0; no < 5; ++no) { CHECK(number_on(hot, no) == 10 + no); }
    CHECK(hot.stats().misses == misses);
    {
        std::deque<pool_type::read_guard<quire::raw_page>> held;
        for (std::uint64_t no = 17; no < 20; ++no) { held.emplace_back(scanned, no); }
        CHECK_THAT([&]() -> std::string {
            try {
                scanned.read(0).release();
            } catch (quire::error const& e) {
                return e.kind() == errc::no_free_frame ? e.what() : "another error";
            }
            return "none";
        }(), ContainsSubstring("for a page of s (its frames_max is 3): no free frame"));
        auto budget = pool.reserve(1);  // a way past the limit
        CHECK(number_on(scanned, 0, {.budget = &budget}) == 30);
        CHECK(number_on(hot, 0) == 10);
    }
    CHECK(number_on(scanned, 0) == 30);
    scanned.close();
    scanned = pool.open("s");  // without a share
    for (std::uint64_t no = 0; no < 20; ++no) { static_cast<void>(number_on(scanned, no)); }
    CHECK(scanned.resident_pages().size() > 3);
}

TEST_CASE("engine: an observer is told of misses, evictions and failed writes") {
    auto const script = std::make_shared<io_script>();
    std::vector<page_id> misses;
    std::vector<page_id> evictions;
    std::vector<std::pair<page_id, int>> failures;
    gated_pool pool{{.frames = 2,
                     .observer = {.on_miss = [&](page_id id) { misses.push_back(id); },
                                  .on_evict = [&](page_id id) { evictions.push_back(id); },
                                  .on_write_error = [&](page_id id, int system) {
                                      failures.emplace_back(id, system);
                                  }},
                     .backend = {.script = script}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 3, 10);
    page_id const zero{file.number(), 0};
    CHECK(evictions == std::vector{zero});
    CHECK(misses.empty());
    CHECK(number_on(file, 0) == 10);
    CHECK(misses == std::vector{zero});
    CHECK(evictions.size() == 2);
    write_number(file, 0, 5);
    script->fail(io_verb::write, 0, EIO, 100);
    CHECK(refusal([&] { file.flush(); }) == errc::write_failed);
    CHECK(std::count(failures.begin(), failures.end(), std::pair{zero, EIO}) == 1);
    script->fail(io_verb::write, 0, 0, 0);
    file.flush();
}

TEST_CASE("engine: a descriptor of the caller's becomes a file of the pool") {
    temp_dir const dir;
    auto const path = (dir / "f").string();
    quire::buffer_pool<> pool{{.frames = 4, .files_max = 1}};
    {
        auto file = pool.open(path, open_mode::open_or_create);
        append_numbers(file, 2, 10);
        file.close();
    }
    int const fd = ::open(path.c_str(), O_RDWR);
    REQUIRE(fd >= 0);
    {
        auto file = pool.adopt(fd, "mine");
        CHECK(file.mode() == quire::io_mode::direct);
        CHECK(number_on(file, 1) == 11);
        write_number(file, 1, 12);
        int const second = ::open(path.c_str(), O_RDWR);
        CHECK(refusal([&] { static_cast<void>(pool.adopt(second, "again")); }) ==
              errc::file_locked);
        CHECK(::close(second) == -1);  // it was closed, refused or not
        int const third = ::open("/dev/null", O_RDONLY);
        CHECK(refusal([&] { static_cast<void>(pool.adopt(third, "")); }).has_value());
        CHECK(::close(third) == -1);
        file.close();
    }
    CHECK(::close(fd) == -1);
    int const reading = ::open(path.c_str(), O_RDONLY);
    auto file = pool.adopt(reading, "for reading");
    CHECK(number_on(file, 1) == 12);
    CHECK(refusal([&] { file.write(1).release(); }) == errc::read_only);
    int const one_more = ::dup(reading);
    CHECK(refusal([&] { static_cast<void>(pool.adopt(one_more, "no slot")); }) ==
          errc::too_many_files);
    CHECK(::close(one_more) == -1);
    CHECK(number_on(file, 0) == 10);
}

// The assignment swapped the two: the old page was pinned until the other one ended.
TEST_CASE("engine: a pin that is assigned to holds the other's page, and its own no more") {
    setting s;
    auto pool = s.make(8);
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 3, 10);
    file.flush();
    auto pin = file.pin(0);
    pin = file.pin(1);
    CHECK(pin.id().page() == page_no{1});
    file.discard(0);
    CHECK(refusal([&] { file.discard(1); }) == errc::in_use);
    auto other = file.pin(2);
    pin = std::move(other);
    CHECK(pin.id().page() == page_no{2});
    file.discard(1);
    CHECK(refusal([&] { file.discard(2); }) == errc::in_use);
    auto& itself = pin;
    pin = std::move(itself);
    CHECK(refusal([&] { file.discard(2); }) == errc::in_use);
}

TEST_CASE("engine: a repair tool reads pages whose seal is broken, and seals what it writes") {
    setting s;
    {
        auto pool = s.make();
        auto file = pool.open("f", open_mode::open_or_create);
        append_numbers(file, 2, 10);
    }
    s.flip("f", 512 + 300);
    auto pool = s.make();
    auto file = pool.open("f", open_mode::read_write,
                          {.seal = {quire::no_seal.check, quire::crc_seal.seal}});
    CHECK(number_on(file, 1) == 11);
    write_number(file, 1, 21);
    file.close();
    file = pool.open("f");
    CHECK(number_on(file, 1) == 21);
}

TEST_CASE("engine: a block device is a file whose pages are all there, and blank") {
    temp_dir const dir;
    loop_device const device{dir / "image", 16 * 4096 + 512};
    if (!device.works()) { return skip("this process must not make a loop device"); }
    {
        quire::buffer_pool<> pool{{.frames = 4}};
        auto file = pool.open(device.path());
        CHECK(file.mode() == quire::io_mode::direct);
        REQUIRE(file.pages() == 16);
        CHECK(refusal([&] { file.read<heap_page>(0).release(); }) == errc::blank_page);
        for (std::uint64_t no = 0; no < 16; ++no) {
            auto page = file.format<heap_page>(no);
            page->insert(std::array<std::byte, 1>{static_cast<std::byte>(no)}).value();
        }
        CHECK(refusal([&] { file.append<heap_page>().release(); }) == errc::grow_failed);
        CHECK(refusal([&] { file.reserve(17); }) == errc::grow_failed);
        CHECK(refusal([&] { file.truncate(15); }) == errc::grow_failed);
        CHECK(file.pages() == 16);
        file.close();
    }
    quire::buffer_pool<> pool{{.frames = 4}};
    auto file = pool.open(device.path());
    for (std::uint64_t no = 0; no < 16; ++no) {
        auto page = file.read<heap_page>(no);
        REQUIRE(page->size() == 1);
        CHECK(page->tuple(quire::slot_id{0})[0] == static_cast<std::byte>(no));
    }
}
