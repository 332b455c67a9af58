// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/waiting_room.hpp>

#include "calls.hpp"

#include "catch.hpp"

#include <future>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using quire::errc;
using quire::detail::deadline_after;
using quire::detail::waiting_room;

namespace {

constexpr quire::page_id page{quire::file_no{0}, 1};
constexpr quire::page_id other{quire::file_no{0}, 2};

}  // namespace

TEST_CASE("waiting_room: who comes when nothing is loading goes on at once") {
    waiting_room room;
    CHECK(room.wait(page, deadline_after(10s), [] { return false; }));
}

TEST_CASE("waiting_room: a wait ends at its deadline, and leaves nothing behind") {
    waiting_room room;
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(room.wait(page, deadline_after(5ms), [] { return true; }));
    }
    CHECK_FALSE(room.wait(page, quire::detail::deadline{}, [] { return true; }));
    bool changed = false;
    room.announce(page, [&] { changed = true; }, {errc::read_failed, 5});
    CHECK(changed);
    CHECK_FALSE(room.wait(page, deadline_after(5ms), [] { return true; }));  // not for latecomers
}

TEST_CASE("waiting_room: an announcement reaches those who wait for that page, and no other") {
    waiting_room room;
    std::atomic<int> inside{0};
    auto const wait = [&](quire::page_id id, std::chrono::nanoseconds time) {
        return std::async(std::launch::async, [&, id, time] {
            bool came = false;
            auto const refused = refusal([&] {
                came = room.wait(id, deadline_after(time), [&] {
                    ++inside;
                    return true;
                });
            });
            return std::pair{came, refused};
        });
    };
    auto a = wait(page, 30s);
    auto b = wait(page, 30s);
    auto c = wait(other, 30s);
    while (inside < 3) { std::this_thread::sleep_for(1ms); }
    room.announce(page, [] {}, {errc::corrupt_page});
    CHECK(a.get() == std::pair{false, std::optional{errc::corrupt_page}});
    CHECK(b.get() == std::pair{false, std::optional{errc::corrupt_page}});
    CHECK(c.wait_for(5ms) == std::future_status::timeout);
    room.announce(other, [] {});
    CHECK(c.get() == std::pair{true, std::optional<errc>{}});
}

TEST_CASE("waiting_room: who waits for the next load does not get the error of the last one") {
    // While the entry changes, another thread may claim it again, and a third wait for that one.
    waiting_room room;
    std::future<std::optional<errc>> next;
    room.announce(
        page,
        [&] {
            next = std::async(std::launch::async, [&] {
                return refusal([&] {
                    static_cast<void>(room.wait(page, deadline_after(60ms), [] { return true; }));
                });
            });
            std::this_thread::sleep_for(30ms);
        },
        {errc::read_failed, 5});
    CHECK(next.get() == std::nullopt);
}

TEST_CASE("waiting_room: pages that share a shard do not wake each other for good") {
    waiting_room room;
    std::atomic<int> inside{0};
    std::vector<std::future<bool>> all;
    for (std::uint64_t no = 0; no < 100; ++no) {  // there are fewer shards
        all.push_back(std::async(std::launch::async, [&, no] {
            return room.wait({quire::file_no{0}, no}, deadline_after(30s), [&] {
                ++inside;
                return true;
            });
        }));
    }
    while (inside < 100) { std::this_thread::sleep_for(1ms); }
    for (std::uint64_t no = 100; no-- > 0;) { room.announce({quire::file_no{0}, no}, [] {}); }
    for (auto& one : all) { CHECK(one.get()); }
}
