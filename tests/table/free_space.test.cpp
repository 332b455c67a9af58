// SPDX-License-Identifier: BSL-1.0
#include <quire/table/detail/free_space.hpp>

#include "catch.hpp"
#include "random.hpp"

#include <map>

using quire::detail::free_space;

TEST_CASE("free_space: room is in 256ths of a page, rounded down") {
    CHECK(free_space::room_of(0, 4096) == 0);
    CHECK(free_space::room_of(15, 4096) == 0);
    CHECK(free_space::room_of(16, 4096) == 1);
    CHECK(free_space::room_of(4095, 4096) == 255);
    CHECK(free_space::room_of(4096, 4096) == 255);
    CHECK(free_space::room_of(511, 512) == 255);
    CHECK(free_space::room_of(3, 512) == 1);
}

TEST_CASE("free_space: it has what was noted, and gives each page away once") {
    quire_test::test_random random;
    for (int round = 0; round < 20; ++round) {
        constexpr unsigned room_of_all = 200;
        free_space all{room_of_all};
        std::map<std::uint64_t, unsigned> rooms;
        for (int i = 0; i < 400; ++i) {
            // Groups of neighbours, in any order.
            auto const no = random.below(40) * 50 + static_cast<std::uint64_t>(i) % 20;
            auto const room = static_cast<std::uint8_t>(random.below(256));
            auto const wanted = static_cast<std::uint8_t>(1 + random.below(255));
            switch (random.below(4)) {
                case 0:
                    all.set(no, room);
                    if (rooms.contains(no)) { rooms[no] = room; }
                    break;
                case 1: {
                    auto const best = std::ranges::max_element(
                        rooms, {}, [](auto const& one) { return one.second; });
                    bool const has = best != rooms.end() && best->second >= wanted;
                    REQUIRE(all.has(wanted) == has);
                    auto const taken = all.take(wanted);
                    REQUIRE(taken.has_value() == has);
                    if (!taken) { break; }
                    REQUIRE(rooms.at(taken->value()) >= wanted);
                    rooms[taken->value()] = 0;
                    break;
                }
                default:
                    all.add(no, room);
                    rooms[no] = room;
            }
            auto const asked = random.below(2000);
            auto const noted = all.room(asked);
            REQUIRE(noted.has_value() == rooms.contains(asked));
            if (noted) { REQUIRE(*noted == rooms[asked]); }
            REQUIRE(all.pages() == rooms.size());
            REQUIRE(all.empty_pages() ==
                    static_cast<std::size_t>(std::ranges::count_if(
                        rooms, [&](auto const& one) { return one.second >= room_of_all; })));
            auto const first = random.below(1900);
            std::map<std::uint64_t, unsigned> told;
            all.for_each_of(
                100, [&](std::size_t n) { return quire::page_no{first + n}; },
                [&](std::size_t n, std::uint8_t its) { told[first + n] = its; });
            REQUIRE(told == std::map(rooms.lower_bound(first), rooms.lower_bound(first + 100)));
        }
    }
}

TEST_CASE("free_space: no page has no room") {
    free_space all;
    CHECK_FALSE(all.take(1));
    all.add(7, 0);
    CHECK_FALSE(all.take(1));
    CHECK_FALSE(all.take(0));
}

TEST_CASE("free_space: a doubted page is taken once, and each has its turn") {
    free_space all;
    auto const taken = [&] {
        auto const one = all.take_doubted();
        return one ? one.key().value() : 0;
    };
    CHECK(taken() == 0);
    for (std::uint64_t const no : {7U, 3U, 9U, 3U}) { all.doubt(no); }
    CHECK(taken() == 3);
    all.doubt(3);
    CHECK(taken() == 7);
    all.doubt(7);
    CHECK(taken() == 9);
    CHECK(taken() == 3);
    all.doubt(1);
    CHECK(taken() == 7);
    CHECK(taken() == 1);
    CHECK(taken() == 0);
}

TEST_CASE("free_space: a doubted page that is given back is doubted, whoever doubts it, too") {
    free_space all;
    all.doubt(5);
    auto one = all.take_doubted();
    all.doubt(5);
    all.doubt(std::move(one));
    CHECK(all.take_doubted().key() == quire::page_no{5});
    CHECK(all.take_doubted().empty());
    all.doubt(6);
    all.doubt(all.take_doubted());
    CHECK(all.take_doubted().key() == quire::page_no{6});
}
