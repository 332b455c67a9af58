// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/page_request.hpp>

#include "calls.hpp"
#include "death.hpp"
#include "queued_backend.hpp"

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <pthread.h>

#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

// Requests, interleaving by interleaving, on a backend whose gate the test opens.
//
//   left out                                        what happens
//   the function runs with no mutex held            it starts a request's owner, which hangs
//   a request is touched no more after `joined`     it may be gone: its function ended it
//   cancel takes it out of those to be told         its function runs on memory that is gone
//   cancel waits for a function that runs           likewise
//   ... not for its own thread's                    a function that ends its request hangs
//   cancel gives the pin back                       the page stays for ever
//   a load without a frame is joined by nobody      a function is told of nothing, over and over
//   a load that found no frame tells its waiters    a request that is pending for ever

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;
using quire::page_no;
using quire::started;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

/// A file of 64 pages, none resident, of a pool over one queue.
struct setting {
    using pool_type =
        quire::buffer_pool<size, quire::s3_fifo, quire::hybrid_latch, queued_backend<>>;
    using file_type = pool_type::file;

    explicit setting(std::size_t frames = 32) {
        {
            pool_type maker{{.frames = 64, .backend = {inner, nullptr}}};
            auto made = maker.open("f", quire::open_mode::open_or_create);
            append_numbers(made, 64);
            made.close();
        }
        pool.emplace(pool_type::options_type{
            .frames = frames, .wait_max = 5s, .backend = {inner, script}});
        file.emplace(pool->open("f", quire::open_mode::read_write, {.dirty_pages_max = 64}));
    }
    ~setting() {
        script->open_gate();
        CHECK(script->overlapping_reaps() == 0);
    }
    /// Every frame can be had: no pin is left.
    void expect_no_pins() {
        file->flush();
        CHECK_NOTHROW(pool->reserve(pool->frames()));
        CHECK(file->slot().uses == 0);
    }

    quire::memory_backend::options inner{quire::memory_store_ptr::make()};
    std::shared_ptr<queue_script> script = std::make_shared<queue_script>();
    std::optional<pool_type> pool;
    std::optional<file_type> file;
};

using request_type = setting::file_type::page_request;

/// A request that counts how often it was told.
struct counted : request_type {
    explicit counted(page_no no)
        : request_type{no, [](request_type& self) noexcept {
                           ++static_cast<counted&>(self).told;
                       }} {}
    std::atomic<int> told{0};
};

}  // namespace

TEST_CASE("page_request: a resident page is ready at once, and stays until the pin ends") {
    setting s{4};
    CHECK(number_on(*s.file, 7) == 7);
    counted request{7};
    REQUIRE(s.file->start(request) == started::ready);
    {
        auto const pin = request.take();
        REQUIRE(pin.has_value());
        CHECK(pin->id().page() == page_no{7});
        for (std::uint64_t no = 10; no < 30; ++no) { CHECK(number_on(*s.file, no) == no); }
        CHECK(s.file->resident_pages().front() == page_no{7});
    }
    CHECK(request.told == 0);
    s.expect_no_pins();
}

TEST_CASE("page_request: a page that is read tells once, and is pinned before anybody sees it") {
    setting s{4};
    s.script->close_gate();
    counted request{7};
    REQUIRE(s.file->start(request) == started::pending);
    CHECK(s.script->in_flight() == 1);
    CHECK(request.told == 0);
    s.script->open_gate();
    s.pool->poll();
    CHECK(request.told == 1);
    for (std::uint64_t no = 10; no < 30; ++no) { CHECK(number_on(*s.file, no) == no); }
    auto const pin = request.take();
    REQUIRE(pin.has_value());
    auto const misses = s.file->stats().misses;
    CHECK(number_on(*s.file, 7) == 7);
    CHECK(s.file->stats().misses == misses);
    CHECK(request.told == 1);
}

TEST_CASE("page_request: may be started again when it was taken") {
    setting s;
    counted request{3};
    for (int i = 0; i < 3; ++i) {
        auto const how = s.file->start(request);
        CHECK(how == (i == 0 ? started::pending : started::ready));
        s.pool->poll();
        CHECK(request.take()->id().page() == page_no{3});
    }
    CHECK(request.told == 1);
    s.expect_no_pins();
}

TEST_CASE("page_request: two of one page, and a thread, share one read") {
    setting s;
    s.script->close_gate();
    counted one{5};
    counted two{5};
    REQUIRE(s.file->start(one) == started::pending);
    REQUIRE(s.file->start(two) == started::pending);
    auto other = std::async(std::launch::async, [&] { return number_on(*s.file, 5); });
    CHECK(s.script->in_flight() == 1);
    s.script->open_gate();
    CHECK(other.get() == 5);
    s.pool->poll();
    CHECK(one.told == 1);
    CHECK(two.told == 1);
    CHECK(one.take().has_value());
    CHECK(two.take().has_value());
    CHECK(s.file->stats().misses == 1);
    s.expect_no_pins();
}

TEST_CASE("page_request: the error of the read is thrown by take, with page and file") {
    setting s;
    auto bytes = s.inner.store->bytes("f");
    bytes[9 * size + 100] ^= std::byte{1};
    s.inner.store->assign("f", bytes);
    counted request{9};
    REQUIRE(s.file->start(request) == started::pending);
    s.pool->poll();
    CHECK(request.told == 1);
    auto const why = error_of([&] { static_cast<void>(request.take()); });
    CHECK(why.kind() == errc::corrupt_page);
    CHECK(why.page().page() == page_no{9});
    CHECK(s.file->start(request) == started::pending);  // it was taken
    s.pool->poll();
    CHECK(refusal([&] { static_cast<void>(request.take()); }) == errc::corrupt_page);
    s.expect_no_pins();
}

TEST_CASE("page_request: starts nothing where nothing can be started") {
    setting s{4};
    SECTION("no such page") {
        counted request{64};
        CHECK(s.file->start(request) == started::not_now);
        CHECK(s.file->start(request) == started::not_now);
        CHECK(request.told == 0);
    }
    SECTION("no frame") {
        std::vector<quire::page_pin<std::remove_reference_t<decltype(s.file->core())>>> pins;
        for (std::uint64_t no = 0; no < 4; ++no) { pins.push_back(s.file->pin(no)); }
        counted request{9};
        CHECK(s.file->start(request) == started::not_now);
        CHECK(request.told == 0);
        pins.pop_back();
        CHECK(s.file->start(request) == started::pending);
        s.pool->poll();
        CHECK(request.told == 1);
    }
    SECTION("a thread has the page exclusively") {
        counted request{2};
        {
            auto const page = s.file->write(2);
            CHECK(s.file->start(request) == started::not_now);
        }
        CHECK(s.file->start(request) == started::ready);
    }
    SECTION("frames hold dirty pages only") {
        for (std::uint64_t no = 0; no < 4; ++no) { write_number(*s.file, no, no); }
        counted request{9};
        CHECK(s.file->start(request) == started::not_now);
        s.file->write_back();
        CHECK(s.file->start(request) == started::pending);
        s.pool->poll();
    }
}

TEST_CASE("page_request: over a backend without transfers in flight nothing is pending") {
    auto const store = quire::memory_store_ptr::make();
    quire::buffer_pool<size, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend> pool{
        {.frames = 8, .backend = {store}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    append_numbers(file, 32);
    file.flush();
    using its_request = decltype(file)::page_request;
    its_request request{0, [](its_request&) noexcept { FAIL("it is told"); }};
    CHECK(file.start(request) == started::not_now);
    CHECK(number_on(file, 0) == 0);
    CHECK(file.start(request) == started::ready);
}

TEST_CASE("page_request: cancelled before its page arrives, it is not told, and leaves no pin") {
    setting s;
    s.script->close_gate();
    {
        counted request{7};
        REQUIRE(s.file->start(request) == started::pending);
        s.file->cancel(request);
        s.script->open_gate();
        s.pool->poll();
        CHECK(request.told == 0);
        CHECK(s.file->stats().misses == 1);  // the read went on
        CHECK(s.file->start(request) == started::ready);
        s.script->close_gate();
        s.file->cancel(request);
    }
    {
        counted ends_while_pending{8};
        REQUIRE(s.file->start(ends_while_pending) == started::pending);
    }
    s.script->open_gate();
    s.expect_no_pins();
}

TEST_CASE("page_request: cancelled after its page has arrived, it gives the pin back") {
    setting s;
    counted request{7};
    REQUIRE(s.file->start(request) == started::pending);
    s.pool->poll();
    CHECK(request.told == 1);
    s.file->cancel(request);
    s.expect_no_pins();
}

TEST_CASE("page_request: cancel waits for the function that runs, and keeps the next one back") {
    struct gated : request_type {
        explicit gated(page_no no)
            : request_type{no, [](request_type& self) noexcept {
                               auto& me = static_cast<gated&>(self);
                               ++me.told;
                               me.entered.set_value();
                               me.goes_on.get_future().wait();
                               ++me.left;
                           }} {}
        std::atomic<int> told{0};
        std::atomic<int> left{0};
        std::promise<void> entered;
        std::promise<void> goes_on;
    };
    setting s;
    s.script->close_gate();
    counted told_later{5};
    gated one{5};
    // Of one page, the one that joined last is told first, or the other way round: both are tried.
    bool const gated_first = GENERATE(false, true);
    if (gated_first) { REQUIRE(s.file->start(one) == started::pending); }
    REQUIRE(s.file->start(told_later) == started::pending);
    if (!gated_first) { REQUIRE(s.file->start(one) == started::pending); }
    s.script->open_gate();
    auto other = std::async(std::launch::async, [&] { s.pool->poll(); });
    one.entered.get_future().wait();

    int const told_before = told_later.told;
    s.file->cancel(told_later);
    auto cancelling = std::async(std::launch::async, [&] { s.file->cancel(one); });
    CHECK(cancelling.wait_for(20ms) == std::future_status::timeout);
    one.goes_on.set_value();
    cancelling.get();
    CHECK(one.left == 1);
    other.get();
    CHECK(told_later.told == told_before);
    CHECK(one.told == 1);
    s.expect_no_pins();
}

TEST_CASE("page_request: a thread that is in the function is not cancelled there") {
    struct looks : request_type {
        explicit looks(page_no no)
            : request_type{no, [](request_type& self) noexcept {
                               int before = PTHREAD_CANCEL_ENABLE;
                               ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
                               static_cast<looks&>(self).state = before;
                               ::pthread_setcancelstate(before, nullptr);
                           }} {}
        std::atomic<int> state{PTHREAD_CANCEL_ENABLE};
    };
    setting s{4};
    std::vector<setting::file_type::page_pin> pins;
    for (std::uint64_t no = 0; no < 4; ++no) { pins.push_back(s.file->pin(no)); }
    auto other = std::async(std::launch::async, [&] {
        return refusal([&] { static_cast<void>(s.file->read(9)); });
    });
    while (s.file->slot().pages->load(page_no{9}) != quire::page_table::entry::loading()) {
        std::this_thread::yield();
    }
    looks request{9};
    REQUIRE(s.file->start(request) == started::pending);
    CHECK(other.get() == errc::no_free_frame);  // which told, outside of any call of the backend
    CHECK(request.state == PTHREAD_CANCEL_DISABLE);
}

TEST_CASE("page_request: its function may end it, and another thread takes the page") {
    struct ends : request_type {
        ends(page_no no, std::atomic<int>& count)
            : request_type{no,
                           [](request_type& self) noexcept {
                               auto& me = static_cast<ends&>(self);
                               ++me.ended;
                               delete &me;
                           }},
              ended{count} {}
        std::atomic<int>& ended;
    };
    setting s;
    std::atomic<int> ended{0};
    s.script->close_gate();
    for (std::uint64_t no = 0; no < 4; ++no) {
        REQUIRE(s.file->start(*new ends{no, ended}) == started::pending);
    }
    s.script->open_gate();
    s.pool->poll();
    CHECK(ended == 4);
    s.expect_no_pins();
}

TEST_CASE("page_request: one that joined a load which found no frame is told, and gets nothing") {
    setting s{4};
    std::vector<quire::page_pin<std::remove_reference_t<decltype(s.file->core())>>> pins;
    for (std::uint64_t no = 0; no < 4; ++no) { pins.push_back(s.file->pin(no)); }
    auto other = std::async(std::launch::async, [&] {
        return refusal([&] { static_cast<void>(s.file->read(9)); });
    });
    auto const entry = [&] { return s.file->slot().pages->load(page_no{9}); };
    while (entry() != quire::page_table::entry::loading()) { std::this_thread::yield(); }
    counted request{9};
    REQUIRE(s.file->start(request) == started::pending);
    CHECK(other.get() == errc::no_free_frame);
    CHECK(request.told == 1);
    CHECK_FALSE(request.take().has_value());
    pins.clear();
    CHECK(s.file->start(request) == started::pending);
    s.pool->poll();
    CHECK(request.take().has_value());
}

TEST_CASE("page_request: misuse is named") {
    auto const violation = [](auto act) {
        return violation_of([&] {
            setting s;
            s.script->close_gate();
            counted request{7};
            act(*s.file, request);
        });
    };
    CHECK_THAT(violation([](auto&, auto& request) { static_cast<void>(request.take()); }),
               ContainsSubstring("a page_request is taken when it is over"));
    CHECK_THAT(violation([](auto& file, auto& request) {
                   static_cast<void>(file.start(request));
                   static_cast<void>(request.take());
               }),
               ContainsSubstring("a page that is waited for is taken when it is over"));
    CHECK_THAT(violation([](auto& file, auto& request) {
                   static_cast<void>(file.start(request));
                   static_cast<void>(file.start(request));
               }),
               ContainsSubstring("a page_request is started again when it was taken"));
}

TEST_CASE("page_request: in a forked child none is started, and it may end") {
    setting s;
    s.script->close_gate();
    counted pending{7};
    REQUIRE(s.file->start(pending) == started::pending);
    CHECK(failure_of([&]() -> std::string {
              counted request{8};
              auto const code = refusal([&] { static_cast<void>(s.file->start(request)); });
              s.file->cancel(pending);
              return code == errc::forked ? "" : "a forked child starts a read";
          }) == "");
}
