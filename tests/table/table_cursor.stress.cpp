// SPDX-License-Identifier: BSL-1.0

/// Cursors of a table, forward and backward by each index, beside threads that insert, erase and
/// move rows. Anchors are there all the time, and keep their keys. What a cursor must never show: a
/// row twice, rows out of order, a row that is half of one and half of another; and it must never
/// leave out an anchor.
///
/// What breaks when a rule is left out:
///   a leaf that changed is not searched again   a row is shown twice, or one is left out
///   a way back ends at a fence                  anchors below an empty leaf are left out
///   a row is not asked for its key              a row that has another's id now is out of order

#include <quire/table/table.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

#include <array>
#include <atomic>
#include <iostream>
#include <map>
#include <thread>
#include <vector>

namespace table_cursor_stress {

using quire::record_id;
using quire_test::item;

constexpr std::uint32_t anchors = 48;
constexpr std::uint32_t apart = 100;  // numbers from one anchor to the next
constexpr std::uint32_t writers = 4;
constexpr std::uint32_t readers = 4;
constexpr std::uint32_t groups = 5;

[[nodiscard]] item made(std::uint32_t number, std::size_t size) {
    return {number, "group " + std::to_string(number % groups),
            std::to_string(number) + std::string(size, 'v')};
}
[[nodiscard]] bool is_whole(item const& row) {
    auto const number = std::to_string(row.number);
    return row.group == "group " + std::to_string(row.number % groups) &&
           row.text.starts_with(number) &&
           row.text.find_first_not_of('v', number.size()) == std::string::npos;
}

template <class World>
class crowd {
public:
    crowd(World& world, bool logged) : world_{world}, table_{*world.db, "t"}, logged_{logged} {
        for (std::uint32_t i = 0; i < anchors; ++i) {
            ids_[i] = table_.insert(made(i * apart, 3));
        }
    }

    void run(int operations) {
        std::vector<std::thread> threads;
        std::atomic<std::uint32_t> writing = writers;
        for (std::uint32_t w = 0; w < writers; ++w) {
            threads.emplace_back([&, w] {
                watched([&] { write(w, operations); });
                --writing;
            });
        }
        for (std::uint32_t r = 0; r < readers; ++r) {
            threads.emplace_back([&, r] {
                watched([&] {
                    auto turn = r;
                    do { walk(turn++ % 4); } while (writing > 0);
                });
            });
        }
        for (auto& thread : threads) { thread.join(); }
        REQUIRE(failure_.load() == nullptr);
        REQUIRE(world_.wrong(table_) == "");
        for (std::uint32_t how = 0; how < 4; ++how) { walk(how); }
        REQUIRE(failure_.load() == nullptr);
        for (auto const& one : walks_) { CHECK(one > 1); }
        CHECK(shown_ > walks_[0] * anchors);
        std::cout << "cursors among threads: " << walks_[0] << " and " << walks_[1]
                  << " walks by number, " << walks_[2] << " and " << walks_[3] << " by group, "
                  << shown_ << " rows\n";
    }

private:
    template <class Act>
    void watched(Act act) {
        try {
            act();
        } catch (std::exception const& why) {
            std::cout << why.what() << '\n';
            failure_ = "an exception";
        }
    }
    void expect(bool holds, char const* what) {
        if (holds) { return; }
        std::cout << what << '\n';
        failure_ = what;
    }

    /// Rows of its own, between the anchors.
    void write(std::uint32_t number, int operations) {
        quire_test::generator random{number + 23};
        std::map<std::uint32_t, record_id> rows;
        for (int i = 0; i < operations && failure_ == nullptr; ++i) {
            bool const grows = i / (operations / 6) % 2 == 0;  // in waves: leaves come and go
            auto const some = static_cast<std::uint32_t>(random.below(anchors)) * apart + 1 +
                              number + writers * static_cast<std::uint32_t>(random.below(24));
            auto const at = rows.find(some);
            if (at == rows.end() && random.below(10) < (grows ? 9U : 2U)) {
                rows.emplace(some, table_.insert(made(some, random.below(40))));
            } else if (!rows.empty() && (!grows || at != rows.end())) {
                auto const gone = at == rows.end() ? rows.begin() : at;
                bool const by_key = random.below(2) == 0;
                expect(by_key ? table_.template erase<&item::number>(gone->first)
                              : table_.erase(gone->second),
                       "what a writer erases was there");
                rows.erase(gone);
            }
            if (i % 8 == 0) { move_an_anchor(random); }
            if (logged_ && i % 32 == 0) { look_in_a_change(random); }
        }
    }
    void move_an_anchor(quire_test::generator& random) {
        auto const which = static_cast<std::uint32_t>(random.below(anchors));
        auto const size = random.below(200);
        expect(table_.update(ids_[which], [&](item& row) { row = made(which * apart, size); }),
               "an anchor is there");
    }
    /// From one anchor to the next, in a change.
    void look_in_a_change(quire_test::generator& random) {
        auto const which = static_cast<std::uint32_t>(random.below(anchors - 1));
        world_.pool->change([&](typename World::change_type& change) {
            auto at = table_.template lower_bound<&item::number>(change, which * apart);
            expect(at && at.id() == ids_[which], "a cursor of a change finds an anchor");
            std::uint32_t last = which * apart;
            for (at.next(); at && at.row().template get<&item::number>() % apart != 0; at.next()) {
                auto const now = at.row().template get<&item::number>();
                expect(now > last, "numbers ascend in a change");
                last = now;
            }
            expect(at && at.id() == ids_[which + 1], "and the next one");
        });
    }

    void walk(std::uint32_t how) {
        switch (how) {
            case 0: forward(table_.template first<&item::number>(), by_number); break;
            case 1: backward(table_.template last<&item::number>(), by_number); break;
            case 2: forward(table_.template first<&item::group>(), by_group); break;
            default: backward(table_.template last<&item::group>(), by_group); break;
        }
        ++walks_[how];
    }
    static bool by_number(item const& a, record_id, item const& b, record_id) {
        return a.number < b.number;
    }
    static bool by_group(item const& a, record_id at, item const& b, record_id bt) {
        return std::pair{a.group, at} < std::pair{b.group, bt};
    }
    template <class Cursor>
    void forward(Cursor at, auto is_before) {
        std::optional<item> last;
        record_id last_id;
        std::uint32_t seen = 0;
        for (; at; at.next()) {
            item const row = at.row().template load<item>();
            expect(is_whole(row), "a row is whole");
            expect(!last || is_before(*last, last_id, row, at.id()), "forward they ascend");
            seen += is_anchor(row, at.id());
            last = row;
            last_id = at.id();
            ++shown_;
        }
        expect(seen == anchors, "forward every anchor is shown");
    }
    template <class Cursor>
    void backward(Cursor at, auto is_before) {
        std::optional<item> last;
        record_id last_id;
        std::uint32_t seen = 0;
        for (; at; at.previous()) {
            item const row = at.row().template load<item>();
            expect(is_whole(row), "a row is whole");
            expect(!last || is_before(row, at.id(), *last, last_id), "backward they descend");
            seen += is_anchor(row, at.id());
            last = row;
            last_id = at.id();
            ++shown_;
        }
        expect(seen == anchors, "backward every anchor is shown");
    }
    [[nodiscard]] std::uint32_t is_anchor(item const& row, record_id id) {
        if (row.number % apart != 0) { return 0; }
        expect(ids_[row.number / apart] == id, "an anchor keeps its id");
        return 1;
    }

    World& world_;
    quire_test::item_table<World> table_;
    bool logged_;
    std::array<record_id, anchors> ids_{};
    std::atomic<char const*> failure_ = nullptr;
    std::array<std::atomic<std::uint64_t>, 4> walks_{};
    std::atomic<std::uint64_t> shown_ = 0;
};

TEST_CASE("table_cursor stress: cursors both ways beside threads that write", "[table]") {
    bool const logged = GENERATE(false, true);
    using world = quire_test::tree_world<512>;
    world w{logged, 160};
    crowd<world> threads{w, logged};
    threads.run(6'000);
}

}  // namespace table_cursor_stress
