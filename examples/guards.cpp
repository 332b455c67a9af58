// SPDX-License-Identifier: BSL-1.0

/// guards: three ways to hold pages. A descent with lock coupling, ten pages at once, and an update
/// of two pages.

#include <quire/quire.hpp>

#include <deque>
#include <iostream>

struct entry {
    std::int64_t key;
    std::uint64_t value;  // in the root the number of a page, in a leaf an amount
};
BOOST_DESCRIBE_STRUCT(entry, (), (key, value))

using quire::heap_page;
using tree_file = quire::buffer_pool<>::file;
using leaf_guard = tree_file::read_guard<heap_page>;

/// A root and ten leaves of ten entries: keys 0 to 99, each worth 5.
void build(tree_file const& to) {
    auto root = to.append<heap_page>();
    for (std::int64_t first = 0; first < 100; first += 10) {
        auto leaf = to.append<heap_page>();
        root->insert(entry{first, leaf.page_no().value()}).value();
        for (auto key = first; key < first + 10; ++key) { leaf->insert(entry{key, 5}).value(); }
    }
}

/// The value of the last entry that is not above `key`. It returns a number, which borrows nothing.
std::uint64_t value_at(leaf_guard::view_type const& page, std::int64_t key) {
    std::uint64_t found = 0;
    for (auto row : page.rows<entry>()) {
        if (row.get<&entry::key>() <= key) { found = row.get<&entry::value>(); }
    }
    return found;
}

//! [descent]
/// The leaf of `key`: the child is latched before the root is released.
leaf_guard leaf_of(tree_file const& tree, std::int64_t key) {
    auto page = tree.read<heap_page>(0);
    auto const leaf = value_at(*page, key);  // *page is lent for this line
    page.advance(tree, leaf);
    return page.transfer();
}
//! [descent]

//! [two]
/// Moves an amount. Both leaves are latched in the order of their numbers, so two threads that move
/// amounts never wait for each other in a circle.
void move_amount(tree_file const& tree, std::uint64_t low_page, std::uint64_t high_page,
                 std::uint64_t amount) {
    auto low = tree.write<heap_page>(low_page);
    auto high = tree.write<heap_page>(high_page);
    auto from = low->row<entry>(quire::slot_id{0});
    auto to = high->row<entry>(quire::slot_id{0});
    from.set<&entry::value>(from.get<&entry::value>() - amount);
    to.set<&entry::value>(to.get<&entry::value>() + amount);
}
//! [two]

int main() try {
    quire::buffer_pool<> pool{{.frames = 64}};
    auto tree = pool.open("guards.db", quire::open_mode::create_or_replace);
    build(tree);
    move_amount(tree, 4, 8, 3);

    {
        auto leaf = leaf_of(tree, 42);
        std::cout << "key 42 is worth " << value_at(*leaf, 42) << '\n';
    }

    //! [ten]
    std::deque<leaf_guard> leaves;  // guards do not move, and a deque's elements stay in place
    for (std::uint64_t no = 1; no <= 10; ++no) { leaves.emplace_back(tree, no); }
    std::uint64_t sum = 0;
    for (auto const& leaf : leaves) {
        for (auto row : leaf->rows<entry>()) { sum += row.get<&entry::value>(); }
    }
    //! [ten]
    std::cout << "worth " << sum << " together\n";
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
