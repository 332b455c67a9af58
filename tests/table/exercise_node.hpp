// SPDX-License-Identifier: BSL-1.0
#pragma once

/// exercise_node: everything that a node of a tree is asked and has done to it, over any bytes;
/// good nodes, and what damages them believably. For hostile tests and the fuzz target.
///
/// An operation answers, or throws what views throw; a node that validates stays one that does.

#include <quire/table/btree_page.hpp>
#include <quire/table/detail/node_split.hpp>

#include "page/choices.hpp"
#include "page/page_buffer.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace quire_test {

inline constexpr std::size_t node_bytes = 512;
using node = quire::btree_page<std::byte, node_bytes>;
using const_node = quire::btree_page<std::byte const, node_bytes>;
using racy_node = quire::btree_page<quire::racy_byte const, node_bytes>;

[[nodiscard]] inline std::string some_key(choices& choose) {
    return choose.text(choose.below(choose.chance(1, 4) ? node::key_size_max + 1 : 8));
}
/// Makes an empty node a leaf with a block of entries.
inline void fill_block(node const& page, std::string const& low, choices& choose) {
    quire::detail::entry_sizes const sizes{.key = choose.between(1, 20), .value = choose.below(13)};
    page.reset(5, 0, bytes_of(low), bytes_of("x"), choose.chance(1, 2), sizes);
    auto const count = choose.below(60);
    for (std::size_t i = 0; i < count; ++i) {
        auto const key = choose.text(sizes.key);
        auto const where = page.find(bytes_of(key));
        if (!page.holds(bytes_of(key)) || where.found) { continue; }
        auto const zeros = [](std::span<std::byte> out) { std::ranges::fill(out, std::byte{0}); };
        static_cast<void>(page.insert(where.position, bytes_of(key), sizes.value, zeros));
    }
    page.validate();
}
[[nodiscard]] inline page_buffer<node_bytes> good_node(choices& choose) {
    page_buffer<node_bytes> buffer;
    node::format(buffer.span(), 7);
    node const page{buffer.span()};
    std::size_t const level = choose.below(3);
    std::string const low = choose.chance(1, 2) ? "c" : "";
    if (level == 0 && choose.chance(1, 2)) {
        fill_block(page, low, choose);
        return buffer;
    }
    page.reset(5, level, bytes_of(low), bytes_of("x"), choose.chance(1, 2));
    if (level > 0) { static_cast<void>(page.insert_child(0, bytes_of(low), 9)); }
    for (int i = 0; i < 12; ++i) {
        auto const key = some_key(choose);
        auto const where = page.find(bytes_of(key));
        if (!page.holds(bytes_of(key)) || where.found) { continue; }
        if (level == 0 && choose.chance(1, 4)) {
            quire::detail::overflow_place const apart{9000, 5, 7};
            static_cast<void>(page.insert(
                where.position, bytes_of(key), apart.stored_size,
                [&](std::span<std::byte> out) { apart.store(out); }, true));
            continue;
        }
        auto const zeros = [](std::span<std::byte> out) { std::ranges::fill(out, std::byte{0}); };
        static_cast<void>(page.insert(where.position, bytes_of(key),
                                      level > 0 ? node::child_size : choose.below(20), zeros));
    }
    page.validate();
    return buffer;
}
inline void damage_node(std::span<std::byte, node_bytes> bytes, choices& choose) {
    switch (choose.below(4)) {
        case 0:
            bytes[choose.below(node_bytes)] ^= static_cast<std::byte>(1U << choose.below(8));
            break;
        case 1:  // header and the first slots
            bytes[24 + choose.below(64)] ^= static_cast<std::byte>(1U << choose.below(8));
            break;
        case 2:
            quire::store_le(&bytes[40 + 8 * choose.below(10)],
                            quire::line_pointer::live(choose.between(128, node_bytes - 1),
                                                      choose.below(128)).bits());
            break;
        default: quire::store_le(&bytes[38], static_cast<std::uint16_t>(choose.below(16))); break;
    }
}

template <class Node>
void read_node(Node const& page, choices& choose, outcome& out) {
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
    out.ask([&] { return page.stored(at).bytes.size() + (page.stored(at).overflows ? 1U : 0U); });
}
[[nodiscard]] inline bool validates(const_node const& page) {
    try {
        page.validate();
        return true;
    } catch (quire::error const&) { return false; }
}
/// None if the node cannot say.
[[nodiscard]] inline quire::detail::entry_sizes size_of_entries(const_node const& page) {
    try {
        return page.sizes();
    } catch (quire::error const&) { return {}; }
}
inline void change_node(node const& page, choices& choose, outcome& out) {
    bool const was_valid = validates(page);
    auto const sizes = size_of_entries(page);
    auto const key = sizes.are_fixed() ? choose.text(sizes.key) : some_key(choose);
    auto const value_size = sizes.are_fixed() ? sizes.value : choose.below(40);
    auto const zeros = [](std::span<std::byte> bytes) { std::ranges::fill(bytes, std::byte{0}); };
    bool const is_leaf = page.level() == 0;
    switch (choose.below(3)) {
        case 0:
            out.ask([&] {
                auto const where = page.find(bytes_of(key));
                if (where.found || !page.holds(bytes_of(key)) || !is_leaf) { return false; }
                return page.insert(where.position, bytes_of(key), value_size, zeros);
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
                return is_leaf && page.replace(choose.below(16), value_size, zeros);
            });
    }
    require(!was_valid || validates(page), "a node that validates stays one");
}
inline void divide_node(node const& page, choices& choose, outcome& out) {
    page_buffer<node_bytes> other;
    node::format(other.span(), 8);
    auto const key = some_key(choose);
    out.ask([&] {
        if (page.count() < 2) { return std::size_t{0}; }
        quire::detail::node_split<node_bytes> const split{page, bytes_of(key)};
        node const right{other.span()};
        split.apply(page, right);
        require(validates(page) && validates(right), "halves validate");
        return split.position();
    });
}


inline void exercise_node(std::span<std::byte, node_bytes> bytes, choices& choose, outcome& out) {
    node const page{bytes};
    std::span<std::byte const, node_bytes> const shared{bytes};
    out.ask([&] { return page.validate(), const_node::accepts(shared); });
    read_node(const_node{page}, choose, out);
    read_node(racy_node{quire::as_racy(shared)}, choose, out);
    for (int i = 0; i < 3; ++i) { change_node(page, choose, out); }
    if (choose.chance(1, 4)) { divide_node(page, choose, out); }
}

}  // namespace quire_test
