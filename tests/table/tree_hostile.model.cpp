// SPDX-License-Identifier: BSL-1.0

/// Trees of any bytes: nodes with a few things wrong, and files of them. An operation answers,
/// or throws what is said of the content; it never does anything else, and a node that validates
/// stays one that does.

#include <quire/table/btree.hpp>

#include "catch.hpp"
#include "page/choices.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"
#include "table/tree_world.hpp"

#include <iostream>

using quire::errc;
using quire_test::choices;
using quire_test::outcome;
using quire_test::page_buffer;

namespace {

constexpr std::size_t size = 512;
using node = quire::btree_page<std::byte, size>;
using const_node = quire::btree_page<std::byte const, size>;
using racy_node = quire::btree_page<quire::racy_byte const, size>;

[[nodiscard]] std::string some_key(choices& choose) {
    return choose.text(choose.below(choose.chance(1, 4) ? node::key_size_max + 1 : 8));
}
[[nodiscard]] page_buffer<size> good_node(choices& choose) {
    page_buffer<size> buffer;
    node::format(buffer.span(), 7);
    node const page{buffer.span()};
    std::size_t const level = choose.below(3);
    std::string const low = choose.chance(1, 2) ? "c" : "";
    page.reset(5, level, bytes_of(low), bytes_of("x"), choose.chance(1, 2));
    if (level > 0) { static_cast<void>(page.insert_child(0, bytes_of(low), 9)); }
    for (int i = 0; i < 12; ++i) {
        auto const key = some_key(choose);
        auto const where = page.find(bytes_of(key));
        if (!page.holds(bytes_of(key)) || where.found) { continue; }
        auto const zeros = [](std::span<std::byte> out) { std::ranges::fill(out, std::byte{0}); };
        static_cast<void>(page.insert(where.position, bytes_of(key),
                                      level > 0 ? node::child_size : choose.below(20), zeros));
    }
    page.validate();
    return buffer;
}
void damage(std::span<std::byte, size> bytes, choices& choose) {
    switch (choose.below(4)) {
        case 0: bytes[choose.below(size)] ^= static_cast<std::byte>(1U << choose.below(8)); break;
        case 1:  // header and the first slots
            bytes[24 + choose.below(64)] ^= static_cast<std::byte>(1U << choose.below(8));
            break;
        case 2:
            quire::store_le(&bytes[40 + 8 * choose.below(10)],
                            quire::line_pointer::live(choose.between(128, size - 1),
                                                      choose.below(128)).bits());
            break;
        default: quire::store_le(&bytes[38], static_cast<std::uint16_t>(choose.below(16))); break;
    }
}

template <class Node>
void read(Node const& page, choices& choose, outcome& out) {
    auto const key = some_key(choose);
    out.ask([&] { return page.count(); });
    out.ask([&] { return page.holds(bytes_of(key)); });
    out.ask([&] { return page.holds_before(bytes_of(key)); });
    out.ask([&] { return page.find(bytes_of(key)).position; });
    out.ask([&] { return page.low().size() + page.high().size(); });
    out.ask([&] { return page.child(page.child_for(bytes_of(key))).value(); });
    out.ask([&] { return page.child(page.child_before(bytes_of(key))).value(); });
    auto const at = choose.below(16);
    std::array<std::byte, node::key_size_max> room;
    out.ask([&] { return page.copy_key(at, room) + page.value(at).size() + page.size_at(at); });
    out.ask([&] { return page.child(at).value() + page.head(at) + page.size_of(9, 9); });
}
[[nodiscard]] bool validates(const_node const& page) {
    try {
        page.validate();
        return true;
    } catch (quire::error const&) { return false; }
}
void write(node const& page, choices& choose, outcome& out) {
    bool const was_valid = validates(page);
    auto const key = some_key(choose);
    auto const zeros = [](std::span<std::byte> bytes) { std::ranges::fill(bytes, std::byte{0}); };
    bool const is_leaf = page.level() == 0;
    switch (choose.below(3)) {
        case 0:
            out.ask([&] {
                auto const where = page.find(bytes_of(key));
                if (where.found || !page.holds(bytes_of(key)) || !is_leaf) { return false; }
                return page.insert(where.position, bytes_of(key), choose.below(40), zeros);
            });
            break;
        case 1:
            out.ask([&] {
                auto const at = choose.below(16);
                if (at >= page.count() || (!is_leaf && at == 0)) { return false; }
                page.erase(at);
                return true;
            });
            break;
        default:
            out.ask([&] {
                return is_leaf && page.replace(choose.below(16), choose.below(40), zeros);
            });
    }
    quire_test::require(!was_valid || validates(page), "a node that validates stays one");
}
void divide(node const& page, choices& choose, outcome& out) {
    page_buffer<size> other;
    node::format(other.span(), 8);
    auto const key = some_key(choose);
    out.ask([&] {
        if (page.count() < 2) { return std::size_t{0}; }
        quire::detail::node_split<size> const split{page, bytes_of(key)};
        node const right{other.span()};
        split.apply(page, right);
        quire_test::require(validates(page) && validates(right), "halves validate");
        return split.position();
    });
}

}  // namespace

TEST_CASE("btree_page: any bytes are a legal node", "[table]") {
    quire_test::test_random random;
    outcome out;
    auto const rounds = 20'000 / quire_test::error_cost;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        choices choose{random.bits()};
        auto buffer = good_node(choose);
        auto const times = choose.between(1, 4);
        for (std::size_t j = 0; j < times; ++j) { damage(buffer.span(), choose); }
        node const page{buffer.span()};
        read(const_node{page}, choose, out);
        read(racy_node{quire::as_racy(std::span<std::byte const, size>{buffer.span()})}, choose,
             out);
        for (int j = 0; j < 3; ++j) { write(page, choose, out); }
        if (choose.chance(1, 4)) { divide(page, choose, out); }
    }
    std::cout << "nodes of any bytes: " << out.answers << " answers, " << out.errors << " errors\n";
    CHECK(out.answers > rounds);
    CHECK(out.errors > rounds);
}

TEST_CASE("btree: a file of damaged pages gives answers or errors, and check finds the damage",
          "[table]") {
    quire_test::test_random random;
    using world = quire_test::tree_world<size>;
    std::uint64_t errors = 0;
    std::uint64_t found = 0;
    auto const rounds = 200 / quire_test::error_cost + 20;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        world w{false};
        world::tree<std::uint32_t, std::string> tree{*w.db, "t"};
        for (std::uint32_t i = 0; i < 400; ++i) { tree.put(i * 7919 % 1000, std::string(9, 'v')); }
        auto const times = 1 + random.below(3);
        for (std::uint64_t i = 0; i < times; ++i) {
            auto page = w.file->write(2 + random.below(w.file->pages() - 2));
            auto bytes = page->bytes();
            auto const at = random.below(3) == 0 ? 12 + random.below(500) : 24 + random.below(100);
            bytes.store(at, static_cast<std::uint8_t>(random.below(256)));
        }
        auto const answer = [&](auto act) {
            try {
                act();
            } catch (quire::error const& why) {
                auto const code = why.kind();
                REQUIRE((code == errc::corrupt_page || code == errc::wrong_page_kind ||
                         code == errc::page_out_of_range || code == errc::held_here ||
                         code == errc::blank_page));
                ++errors;
            }
        };
        std::set<quire::page_no> reached;
        found += tree.check(reached).size() + w.db->check(reached).size() > 0 ? 1U : 0U;
        for (int i = 0; i < 60; ++i) {
            auto const key = static_cast<std::uint32_t>(random.below(1000));
            answer([&] { static_cast<void>(tree.find(key)); });
            answer([&] { tree.put(key, std::string(random.below(60), 'w')); });
            answer([&] { static_cast<void>(tree.erase(key)); });
        }
        answer([&] { tree.scan([](std::uint32_t, auto const&) {}); });
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
