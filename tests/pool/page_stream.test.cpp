// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/page_stream.hpp>

#include "calls.hpp"
#include "queued_backend.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

// Reads ahead, interleaving by interleaving, on a backend with one queue for all threads whose gate
// the test opens.
//
//   left out                                            what happens
//   a page is pinned before it can be found             evicted before its stream comes: read twice
//   a stream that ends leaves the waiters' list         the load announces to memory that is gone
//   a stream that ends gives up pins that it has        the page stays for ever
//   a waiter whose time is over gives up its pin        likewise
//   a load without a frame is withdrawn                 those who joined it wait for ever
//   its waiters look for themselves                     a page that is in the file is not read
//   a joined page is asked for once                     one read more for each repetition
//   close waits for reads that no thread waits for      DMA into a frame of another file
//   a thread that joins reaps                           sleeps for ever: nobody else waits
//   a page's error is kept for its turn                 thrown early, or at the next page, or twice
//   the record is given back                            after a while nothing is read ahead

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;
using quire::page_no;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

/// A file of `pages` pages, none resident, of a pool over one queue.
template <class Policy = quire::s3_fifo, class Latch = quire::hybrid_latch>
struct setting {
    using pool_type = quire::buffer_pool<size, Policy, Latch, queued_backend<>>;

    explicit setting(std::size_t frames = 64, std::uint64_t pages = 256) {
        {
            pool_type maker{{.frames = 64, .backend = {inner, nullptr}}};
            auto made = maker.open("f", quire::open_mode::open_or_create);
            append_numbers(made, pages);
            made.close();
        }
        pool.emplace(typename pool_type::options_type{
            .frames = frames, .wait_max = 5s, .backend = {inner, script}});
        file.emplace(pool->open("f"));
    }
    ~setting() {
        script->open_gate();
        CHECK(script->overlapping_reaps() == 0);
    }

    /// A page with a byte that its seal does not expect.
    void corrupt(std::uint64_t no) {
        auto bytes = inner.store->bytes("f");
        bytes[no * size + 100] ^= std::byte{1};
        inner.store->assign("f", bytes);
    }
    /// A stream of these pages.
    auto stream(std::vector<std::uint64_t> numbers) {
        return file->read_stream([numbers, i = std::size_t{0}]() mutable
                                 -> std::optional<page_no> {
            if (i == numbers.size()) { return std::nullopt; }
            return page_no{numbers[i++]};
        });
    }
    /// Reads of the device that are under way.
    [[nodiscard]] std::size_t in_flight() const { return script->in_flight(); }
    /// No pin is left: every frame can be had.
    void expect_no_pins() {
        file->flush();
        CHECK_NOTHROW(pool->reserve(pool->frames()));
        CHECK(file->slot().uses == 0);
    }

    quire::memory_backend::options inner{quire::memory_store_ptr::make()};
    std::shared_ptr<queue_script> script = std::make_shared<queue_script>();
    std::optional<pool_type> pool;
    std::optional<typename pool_type::file> file;
};

template <class Stream>
concept gives_pages = requires(Stream stream) { static_cast<Stream&&>(stream).next(); };
using scan_type = decltype(std::declval<setting<>::pool_type::file>().scan());
static_assert(gives_pages<scan_type&> && !gives_pages<scan_type&&>);

std::vector<std::uint64_t> count_up(std::uint64_t count) {
    std::vector<std::uint64_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), std::uint64_t{0});
    return numbers;
}

template <class Guard>
std::uint64_t number_in(Guard const& page) {
    return page->bytes().template load<std::uint64_t>(number_at);
}

/// The numbers on all pages of a stream.
template <class Stream>
std::vector<std::uint64_t> all_of(Stream&& stream) {
    std::vector<std::uint64_t> found;
    for (auto& page : stream) { found.push_back(number_in(page)); }
    return found;
}

}  // namespace

TEST_CASE("page_stream: a scan gives every page once, in order, and reads each once") {
    setting s;
    CHECK(all_of(s.file->scan()) == count_up(256));
    CHECK(s.file->stats().misses == 256);
    s.expect_no_pins();
}

TEST_CASE("page_stream: a scan of a part of the file ends where it is said") {
    setting s;
    CHECK(all_of(s.file->scan(250)) == std::vector<std::uint64_t>{250, 251, 252, 253, 254, 255});
    CHECK(all_of(s.file->scan(3, 2)) == std::vector<std::uint64_t>{3, 4});
    CHECK(all_of(s.file->scan(254, 10)) == std::vector<std::uint64_t>{254, 255});
    CHECK(all_of(s.file->scan(256)).empty());
    CHECK(all_of(s.file->scan(1000)).empty());
    CHECK(all_of(s.file->scan(0, 0)).empty());
}

TEST_CASE("page_stream: reads are in flight beside each other, as many as were granted") {
    setting s{128};
    s.script->close_gate();
    auto reads = std::async(std::launch::async, [&] { return all_of(s.file->scan()); });
    while (s.in_flight() < 8) { std::this_thread::sleep_for(1ms); }
    s.script->open_gate();
    CHECK(reads.get() == count_up(256));
    CHECK(s.script->in_flight_max() == 8);  // half of an eighth of the frames
    s.expect_no_pins();
}

TEST_CASE("page_stream: a stream in any order, with repetitions, reads each page once") {
    setting s;
    CHECK(all_of(s.stream({1, 2, 1, 3, 1})) == std::vector<std::uint64_t>{1, 2, 1, 3, 1});
    CHECK(s.file->stats().misses == 3);
    s.expect_no_pins();
}

TEST_CASE("page_stream: a page of the stream that is read ahead is not evicted before its turn") {
    setting<quire::clock> s{64};
    auto stream = s.stream({0, 1, 2, 3, 4, 5});
    CHECK(number_in(*stream.next()) == 0);
    for (std::uint64_t no = 100; no < 250; ++no) { CHECK(number_on(*s.file, no) == no); }
    auto const misses = s.file->stats().misses;
    CHECK(number_in(*stream.next()) == 1);  // had been started with page 0
    CHECK(s.file->stats().misses == misses);
}

TEST_CASE("page_stream: it joins a read of another thread, and another thread joins its reads") {
    setting s;
    s.script->close_gate();
    auto other = std::async(std::launch::async, [&] { return number_on(*s.file, 1); });
    while (s.in_flight() < 1) { std::this_thread::sleep_for(1ms); }
    auto reads = std::async(std::launch::async, [&] { return all_of(s.stream({0, 1, 2})); });
    while (s.in_flight() < 3) { std::this_thread::sleep_for(1ms); }
    auto joins = std::async(std::launch::async, [&] { return number_on(*s.file, 2); });
    while (s.file->stats().waits < 1) { std::this_thread::sleep_for(1ms); }
    s.script->open_gate();
    CHECK(other.get() == 1);
    CHECK(reads.get() == count_up(3));
    CHECK(joins.get() == 2);
    CHECK(s.file->stats().misses == 3);
}

TEST_CASE("page_stream: one that ends early leaves its reads to the pool, and no pin") {
    setting s{128};
    SECTION("while they are under way") {
        s.script->close_gate();
        {
            auto scan = s.file->scan(0, 8, {.wait_max = 20ms});
            CHECK(refusal([&] { (void)scan.next(); }) == errc::timed_out);
        }
        CHECK(s.in_flight() == 8);
        s.script->open_gate();
        CHECK(number_on(*s.file, 7) == 7);
        CHECK(s.file->stats().misses == 8);
    }
    SECTION("when they have arrived") {
        auto scan = s.file->scan();
        CHECK(number_in(*scan.next()) == 0);
        CHECK(number_on(*s.file, 7) == 7);
    }
    SECTION("before it has begun") { auto const scan = s.file->scan(); }
    s.expect_no_pins();
    CHECK_NOTHROW(s.file->close());
}

TEST_CASE("page_stream: a page whose wait was too long is not pinned when it comes") {
    setting s;
    s.script->close_gate();
    auto scan = s.file->scan(0, 4, {.wait_max = 20ms});
    CHECK(refusal([&] { (void)scan.next(); }) == errc::timed_out);
    CHECK(refusal([&] { (void)scan.next(); }) == errc::timed_out);
    s.script->open_gate();
    CHECK(number_in(*scan.next()) == 2);
    CHECK(number_in(*scan.next()) == 3);
    CHECK(scan.next() == nullptr);
    s.expect_no_pins();
}

TEST_CASE("page_stream: the error of a page comes at its turn, once, and the stream goes on") {
    setting s;
    s.corrupt(2);
    auto stream = s.stream({0, 1, 2, 3, 1000, quire::page_no::max, 4});
    CHECK(number_in(*stream.next()) == 0);
    CHECK(number_in(*stream.next()) == 1);
    auto const why = error_of([&] { (void)stream.next(); });
    CHECK(why.kind() == errc::corrupt_page);
    CHECK(why.page().page() == page_no{2});
    CHECK(number_in(*stream.next()) == 3);
    CHECK(refusal([&] { (void)stream.next(); }) == errc::page_out_of_range);
    CHECK(refusal([&] { (void)stream.next(); }) == errc::page_out_of_range);  // far away
    CHECK(number_in(*stream.next()) == 4);
    CHECK(stream.next() == nullptr);
    CHECK(stream.next() == nullptr);
    s.expect_no_pins();
}

TEST_CASE("page_stream: a page of another kind is an error of its own") {
    setting s;
    auto scan = s.file->scan<quire::heap_page>(0, 2);
    CHECK(refusal([&] { (void)scan.next(); }) == errc::wrong_page_kind);
    CHECK(refusal([&] { (void)scan.next(); }) == errc::wrong_page_kind);
    CHECK(scan.next() == nullptr);
    s.expect_no_pins();
}

TEST_CASE("page_stream: what the numbers' function throws comes after the pages before it") {
    setting s;
    std::uint64_t i = 0;
    auto stream = s.file->read_stream([&]() -> std::optional<page_no> {
        if (i == 3) { throw 42; }
        return page_no{i++};
    });
    for (std::uint64_t no = 0; no < 3; ++no) { CHECK(number_in(*stream.next()) == no); }
    CHECK_THROWS_AS(stream.next(), int);
    CHECK(stream.next() == nullptr);
}

TEST_CASE("page_stream: a scan passes over blank pages, a stream reports them") {
    setting s;
    auto bytes = s.inner.store->bytes("f");
    for (std::uint64_t const no : {0U, 5U, 255U}) {
        for (std::size_t i = 0; i < size; ++i) { bytes[no * size + i] = std::byte{0}; }
    }
    s.inner.store->assign("f", bytes);
    auto expected = count_up(255);
    expected.erase(expected.begin() + 5);
    expected.erase(expected.begin());
    CHECK(all_of(s.file->scan()) == expected);
    auto one = s.stream({5});
    CHECK(refusal([&] { (void)one.next(); }) == errc::blank_page);
}

TEST_CASE("page_stream: a file is not closed, cut or discarded under pages that are read ahead") {
    setting s{128};
    {
        auto scan = s.file->scan();
        CHECK(number_in(*scan.next()) == 0);
        (void)scan.next();
        CHECK(refusal([&] { s.file->truncate(4); }) == errc::in_use);
        CHECK(refusal([&] { s.file->discard(3); }) == errc::in_use);
        auto const code = std::async(std::launch::async, [&] {
                              return refusal([&] { s.file->close(); });
                          }).get();
        CHECK(code == errc::in_use);
    }
    s.file->truncate(4);
    CHECK(all_of(s.file->scan()) == count_up(4));
    s.file->close();
}

TEST_CASE("page_stream: streams share what they may look ahead by, and all make progress") {
    setting s{16};  // two pages ahead for all of them
    auto a = s.file->scan();
    auto b = s.file->scan(50);
    auto c = s.stream({10, 20, 30});
    for (std::uint64_t no = 0; no < 3; ++no) {
        CHECK(number_in(*a.next()) == no);
        CHECK(number_in(*b.next()) == 50 + no);
        CHECK(number_in(*c.next()) == 10 * (no + 1));
    }
    CHECK(s.file->core().ahead.granted() == 2);
}

TEST_CASE("page_stream: with every frame held there is nothing ahead, and then no frame") {
    setting s{16};
    std::vector<quire::page_pin<std::remove_reference_t<decltype(s.file->core())>>> pins;
    for (std::uint64_t no = 100; no < 115; ++no) { pins.push_back(s.file->pin(no)); }
    CHECK(all_of(s.stream({0, 1, 2, 3})) == count_up(4));  // by the one that is left
    pins.push_back(s.file->pin(115));
    auto stream = s.stream({5, 6});
    CHECK(refusal([&] { (void)stream.next(); }) == errc::no_free_frame);
    pins.clear();
    CHECK(number_in(*stream.next()) == 6);
}

TEST_CASE("page_stream: dirty pages are not written for pages that are read ahead") {
    setting s{32};
    for (std::uint64_t no = 100; no < 128; ++no) { write_number(*s.file, no, no); }
    auto const writes = s.file->stats().write_backs;
    CHECK(s.file->prefetch({0, 1, 2, 3}) <= 4);
    CHECK(s.file->stats().write_backs == writes);
}

TEST_CASE("page_stream: the guard that next gave ends with the next one") {
    setting s;
    auto stream = s.stream({0, 1});
    auto* const first = stream.next();
    CHECK(first->page_no() == page_no{0});
    (void)stream.next();
    std::async(std::launch::async, [&] { write_number(*s.file, 0, 7, {.wait_max = 1s}); }).get();
    (void)stream.next();
    CHECK(number_on(*s.file, 0) == 7);
}

TEST_CASE("page_stream: a page that another thread holds is waited for, and may time out") {
    setting s;
    std::promise<void> held;
    std::promise<void> done;
    auto holder = std::async(std::launch::async, [&] {
        auto const page = s.file->write(1);
        held.set_value();
        done.get_future().wait();
    });
    held.get_future().wait();
    auto scan = s.file->scan(0, 3, {.wait_max = 30ms});
    CHECK(number_in(*scan.next()) == 0);
    CHECK(refusal([&] { (void)scan.next(); }) == errc::timed_out);
    CHECK(number_in(*scan.next()) == 2);
    done.set_value();
    holder.get();
    CHECK(scan.next() == nullptr);
    s.expect_no_pins();
}

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
TEST_CASE("page_stream: a page that its own thread holds is refused in a checked build, at once") {
    setting s;
    auto stream = s.stream({0, 1, 2});
    CHECK(number_in(*stream.next()) == 0);
    {
        auto const held = s.file->read(1);
        CHECK(refusal([&] { (void)stream.next(); }) == errc::held_here);
    }
    CHECK(number_in(*stream.next()) == 2);
    CHECK(stream.next() == nullptr);
    s.expect_no_pins();
}
#endif

TEST_CASE("page_stream: over a latch without pins every page is read at its turn") {
    setting<quire::clock, std::shared_mutex> s;
    CHECK(all_of(s.file->scan()) == count_up(256));
    CHECK(s.file->stats().misses == 256);
    CHECK(s.script->in_flight_max() == 1);
}

TEST_CASE("page_stream: over a synchronous backend runs are read by one submit, other pages none") {
    using pool_type = quire::buffer_pool<size, quire::s3_fifo, quire::hybrid_latch,
                                         quire::memory_backend>;
    pool_type pool{{.frames = 256}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    append_numbers(file, 1000);
    file.flush();
    CHECK(file.prefetch({0, 2, 4, 6}) == 0);
    CHECK(file.prefetch({0, 1, 4, 6, 7, 8, 999}) == 5);
    CHECK(file.prefetch({0, 1, 2}) == 0);
    CHECK(all_of(file.scan()) == count_up(1000));
    file.close();
}

// Ten times the pool, between reads of a hot set: how many of these were misses?
TEMPLATE_TEST_CASE("page_stream: the pages in use survive a scan, and a stream that is as long", "",
                   quire::s3_fifo, quire::sieve, quire::clock, quire::lru) {
    setting<TestType> s{64, 640};
    auto const read_hot_set = [&] {
        for (std::uint64_t no = 0; no < 40; ++no) { CHECK(number_on(*s.file, no) == no); }
    };
    for (int i = 0; i < 3; ++i) { read_hot_set(); }
    std::uint64_t read = 0;
    SECTION("a scan") {
        for (auto& page : s.file->scan(40)) { read += number_in(page) == 40 + read ? 1U : 0U; }
    }
    SECTION("a stream") {
        auto const numbers = [no = std::uint64_t{40}]() mutable {
            return no < 640 ? std::optional<page_no>{no++} : std::nullopt;
        };
        auto stream = s.file->read_stream(numbers, {}, 600);
        while (auto* const page = stream.next()) {
            read += number_in(*page) == 40 + read ? 1U : 0U;
        }
    }
    CHECK(read == 600);
    auto const before = s.file->stats().misses;
    read_hot_set();
    CHECK(s.file->stats().misses - before <= 4);
    s.expect_no_pins();
}

TEST_CASE("page_stream: without transfers in flight a stream of neighbours reads longer runs") {
    using pool_type = quire::buffer_pool<size, quire::s3_fifo, quire::hybrid_latch,
                                         quire::memory_backend>;
    pool_type pool{{.frames = 640}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    append_numbers(file, 600);
    file.flush();
    for (std::uint64_t i = 0; i < 600; ++i) { file.discard(i); }
    auto const before = file.stats().misses;
    std::uint64_t no = 0;
    auto stream = file.read_stream([&]() -> std::optional<page_no> {
        return no < 600 ? std::optional<page_no>{no++} : std::nullopt;
    });
    std::uint64_t last = 0;
    std::uint64_t longest = 0;
    while (stream.next() != nullptr) {
        auto const now = file.stats().misses - before;
        longest = std::max(longest, now - last);
        last = now;
    }
    CHECK(last == 600);
    CHECK(longest >= 32);
}

TEST_CASE("page_stream: a scan that fits leaves its pages resident") {
    setting s{256, 60};
    CHECK(all_of(s.file->scan()) == count_up(60));
    CHECK(all_of(s.file->scan()) == count_up(60));
    CHECK(s.file->stats().misses == 60);
}

TEST_CASE("stream_distance: doubles when the page had to be waited for, shrinks when none has") {
    quire::detail::stream_distance d{64, false, true};
    CHECK(d.pages() == 4);
    d.taken(true);
    d.taken(true);
    CHECK(d.pages() == 16);
    for (int i = 0; i < 10; ++i) { d.taken(true); }
    CHECK(d.pages() == 64);
    for (int i = 0; i < 256; ++i) { d.taken(false); }
    CHECK(d.pages() == 64);
    d.taken(false);
    CHECK(d.pages() == 63);
    for (int i = 0; i < 100; ++i) { d.taken(false); }
    CHECK(d.pages() == 1);
}

TEST_CASE("stream_distance: goes on in steps, larger ones in order, all at once without depth") {
    quire::detail::stream_distance in_order{192, true, true};
    CHECK(in_order.due(0));
    CHECK(in_order.due(128));
    CHECK_FALSE(in_order.due(129));
    in_order.started(false, 64);
    CHECK(in_order.due(176));
    CHECK_FALSE(in_order.due(177));
    quire::detail::stream_distance synchronous{64, true, false};
    CHECK(synchronous.due(0));
    CHECK_FALSE(synchronous.due(1));
}

TEST_CASE("stream_distance: without transfers in flight a read that was begun was waited for") {
    quire::detail::stream_distance d{64, false, false};
    d.started(true, 4);
    CHECK(d.pages() == 8);
    d.taken(false);
    d.started(true, 8);
    CHECK(d.pages() == 16);
    d.started(true, 0);  // all were resident
    CHECK(d.pages() == 16);
    quire::detail::stream_distance overlapping{64, false, true};
    overlapping.started(true, 4);
    CHECK(overlapping.pages() == 4);
}
