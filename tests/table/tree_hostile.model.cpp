// SPDX-License-Identifier: BSL-1.0

/// Trees of any bytes: nodes with a few things wrong, and files of them. An operation answers,
/// or throws what is said of the content; it never does anything else, and a node that validates
/// stays one that does.

#include <quire/table/btree.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "table/exercise_node.hpp"
#include "table/tree_world.hpp"

#include <iostream>

using quire::errc;
using quire_test::choices;
using quire_test::outcome;

TEST_CASE("btree_page: any bytes are a legal node", "[table]") {
    quire_test::test_random random;
    outcome out;
    auto const rounds = 20'000 / quire_test::error_cost;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        choices choose{random.bits()};
        auto buffer = quire_test::good_node(choose);
        auto const times = choose.between(1, 4);
        for (std::size_t j = 0; j < times; ++j) {
            quire_test::damage_node(buffer.span(), choose);
        }
        quire_test::exercise_node(buffer.span(), choose, out);
    }
    std::cout << "nodes of any bytes: " << out.answers << " answers, " << out.errors << " errors\n";
    CHECK(out.answers > rounds);
    CHECK(out.errors > rounds);
}

namespace {

/// Values of 9 bytes and other sizes, in overflow pages, too; or of 8.
template <class Value>
Value some_value(std::size_t size) {
    if constexpr (std::same_as<Value, std::string>) {
        return std::string(size, 'v');
    } else {
        return size;
    }
}

}  // namespace

TEMPLATE_TEST_CASE("btree: damaged pages give answers or errors, and check finds the damage",
                   "[table]", std::string, std::uint64_t) {
    quire_test::test_random random;
    using world = quire_test::tree_world<512>;
    std::uint64_t errors = 0;
    std::uint64_t found = 0;
    auto const rounds = 200 / quire_test::error_cost + 20;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        world w{false};
        world::tree<std::uint32_t, TestType> tree{*w.db, "t"};
        for (std::uint32_t i = 0; i < 400; ++i) {
            tree.put(i * 7919 % 1000, some_value<TestType>(i % 64 == 0 ? 1000 : 9));
        }
        auto const times = 1 + random.below(3);
        for (std::uint64_t i = 0; i < times; ++i) {
            auto page = w.file->write(2 + random.below(w.file->pages() - 2));
            auto bytes = page->bytes();
            auto const at = random.below(3) == 0 ? 12 + random.below(500) : 24 + random.below(100);
            auto const small = random.below(2) == 0 ? 256U : 12U;  // such as sizes and counts
            bytes.store(at, static_cast<std::uint8_t>(random.below(small)));
        }
        auto const answer = [&](auto act) {
            try {
                act();
            } catch (quire::error const& why) {
                auto const code = why.kind();
                REQUIRE((code == errc::corrupt_page || code == errc::wrong_page_kind ||
                         code == errc::page_out_of_range || code == errc::held_here ||
                         code == errc::blank_page || code == errc::bad_key));  // of append_sorted
                ++errors;
            }
        };
        std::set<quire::page_no> reached;
        found += tree.check(reached).size() + w.db->check(reached).size() > 0 ? 1U : 0U;
        for (int i = 0; i < 60; ++i) {
            auto const key = static_cast<std::uint32_t>(random.below(1000));
            answer([&] { static_cast<void>(tree.find(key)); });
            auto const size = random.below(8) == 0 ? random.below(3000) : random.below(60);
            answer([&] { tree.put(key, some_value<TestType>(size)); });
            answer([&] { static_cast<void>(tree.erase(key)); });
        }
        answer([&] { tree.scan([](std::uint32_t, auto const&) {}); });
        answer([&] {
            std::vector<std::pair<std::uint32_t, TestType>> more;
            for (std::uint32_t i = 0; i < 60; ++i) {
                more.emplace_back(2000 + i, some_value<TestType>(9));
            }
            tree.append_sorted(more);
        });
        answer([&] {
            int steps = 0;
            for (auto at = tree.last(); at && steps < 2000; at.previous()) { ++steps; }
        });
        static_cast<void>(tree.check());
    }
    std::cout << "files of damaged pages: " << found << " of " << rounds << " found, " << errors
              << " errors\n";
    CHECK(errors > 0);
    CHECK(found > rounds / 2);
}
