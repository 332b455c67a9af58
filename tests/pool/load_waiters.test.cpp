// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/load_waiters.hpp>

#include "catch.hpp"

#include <deque>

using quire::errc;
using quire::detail::load_waiters;

namespace {

constexpr quire::page_id page{quire::file_no{0}, 1};
constexpr quire::page_id other{quire::file_no{0}, 2};
auto const still_loading = [] { return true; };

}  // namespace

TEST_CASE("load_waiters: a thread for whose page no load runs does not get into the list") {
    load_waiters list;
    load_waiters::waiter self{page};
    CHECK_FALSE(list.add(self, [] { return false; }));
    CHECK_FALSE(list.release(page, [] {}));
    CHECK_FALSE(self.announced());
}

TEST_CASE("load_waiters: one that gives up leaves nothing behind") {
    load_waiters list;
    for (int i = 0; i < 3; ++i) {
        load_waiters::waiter first{page};
        load_waiters::waiter second{page};
        load_waiters::waiter third{page};
        for (auto* one : {&first, &second, &third}) { REQUIRE(list.add(*one, still_loading)); }
        for (auto* one : {&second, &third, &first}) { list.remove(*one); }
    }
    bool changed = false;
    CHECK_FALSE(list.release(page, [&] { changed = true; }, {errc::read_failed, 5}));
    CHECK(changed);
}

TEST_CASE("load_waiters: an announcement reaches those that wait for that page, and no other") {
    load_waiters list;
    load_waiters::waiter a{page};
    load_waiters::waiter b{page};
    load_waiters::waiter c{other};
    for (auto* one : {&a, &c, &b}) { REQUIRE(list.add(*one, still_loading)); }
    CHECK(list.release(page, [] {}, {errc::corrupt_page}));
    CHECK(a.announced());
    CHECK(b.announced());
    CHECK(a.failure().code == errc::corrupt_page);
    CHECK_FALSE(c.announced());
    CHECK(list.release(other, [] {}));
    CHECK(c.announced());
    CHECK_FALSE(c.failure().happened());
    list.remove(a);  // announced meanwhile: nothing to take out
}

TEST_CASE("load_waiters: the entry changes before any waiter of the next load is in the list") {
    // While the entry changes, another thread may claim it again, and a third wait for that one:
    // it does not get the error of the last load.
    load_waiters list;
    bool loading = true;
    load_waiters::waiter early{page};
    REQUIRE(list.add(early, [&] { return loading; }));
    CHECK(list.release(page, [&] { loading = false; }, {errc::read_failed, 5}));
    loading = true;  // claimed again
    load_waiters::waiter late{page};
    REQUIRE(list.add(late, [&] { return loading; }));
    CHECK(early.failure().code == errc::read_failed);
    CHECK_FALSE(late.announced());
    CHECK(list.release(page, [&] { loading = false; }));
    CHECK_FALSE(late.failure().happened());
}

TEST_CASE("load_waiters: pages that share a shard are announced each for itself") {
    load_waiters list;
    std::deque<load_waiters::waiter> all;
    for (std::uint64_t no = 0; no < 100; ++no) {  // there are fewer shards
        all.emplace_back(quire::page_id{quire::file_no{0}, no});
        REQUIRE(list.add(all.back(), still_loading));
    }
    for (std::uint64_t no = 100; no-- > 0;) {
        CHECK(list.release({quire::file_no{0}, no}, [] {}));
        CHECK(all[no].announced());
        CHECK((no == 0 || !all[no - 1].announced()));
    }
}
