// SPDX-License-Identifier: BSL-1.0
#include <quire/table/table.hpp>

// One damage, and what `check` says of it, word for word. A line is "page: finding". All that is
// found is compared, so that a damage is not told twice; of one with many consequences only the
// line that names it. What catalog::check says of pages, bits and roots alone: catalog.test.cpp.

#include "catch.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

using quire::page_no;
using quire::record_form;
using quire::record_id;
using quire_test::item;

namespace {

using world = quire_test::tree_world<512>;
using items = quire_test::item_table<world>;

/// A table of `rows` rows, in a file without a log, and its pages.
struct damaged_table {
    world w{false};
    items table{*w.db, "items"};
    std::vector<record_id> ids;
    page_no directory;
    page_no numbers;  ///< the root of the unique index
    page_no groups;   ///< of the other one

    explicit damaged_table(std::uint32_t rows) {
        for (std::uint32_t i = 0; i < rows; ++i) {
            ids.push_back(table.insert({i, "g", "small"}));
        }
        for (auto const& root : w.db->roots()) {
            if (root.name == "items") { directory = root.page; }
            if (root.name == "items.number") { numbers = root.page; }
            if (root.name == "items.group") { groups = root.page; }
        }
        REQUIRE(found() == "");
    }
    [[nodiscard]] std::string found() const { return w.wrong(table); }

    /// `fn(page)` with a mutable view of page `no`.
    template <template <class, std::size_t> class View, class Fn>
    void damage(page_no no, Fn fn) {
        auto page = w.file->write<View>(no);
        fn(*page.operator->());
    }
    void store(page_no no, std::size_t at, auto value) {
        auto page = w.file->write(no);
        page->bytes().store(at, value);
    }
    /// A row that outgrows its page, and where it is then.
    record_id move(record_id id) {
        REQUIRE(table.update(id, [](item& row) { row.text.assign(400, 'x'); }));
        auto const page = w.file->read<quire::record_page>(id.page);
        auto const found = page->find(id.slot);
        REQUIRE(found);
        REQUIRE(found->form == record_form::moved_away);
        return found->other;
    }
    /// The children of an inner node.
    [[nodiscard]] std::vector<page_no> children(page_no no) const {
        auto const page = w.file->read<quire::btree_page>(no);
        REQUIRE(page->level() == 1);
        std::vector<page_no> all(page->count());
        for (std::size_t i = 0; i < all.size(); ++i) { all[i] = page->child(i); }
        return all;
    }
    void set_child(page_no no, std::size_t position, page_no child) {
        damage<quire::btree_page>(no, [&](auto const& page) {
            auto const value = page.value(position);
            quire::store_le(value.data(), static_cast<std::uint32_t>(child.value()));
        });
    }
};

std::string line(page_no no, std::string const& text) {
    return std::to_string(no.value()) + ": " + text + '\n';
}
std::string slot(record_id id, std::string const& text) {
    return line(id.page, "slot " + std::to_string(id.slot.value()) + ": " + text);
}
std::string corrupt(page_no no, std::string const& what) {
    return line(no, what + " of page " + std::to_string(no.value()) + ": page is corrupt");
}
constexpr char const* leads_nowhere = "an entry of an index leads here, and not to its row";

}  // namespace

TEST_CASE("damage: of a heap file", "[table][check]") {
    damaged_table t{12};
    SECTION("a page that is listed twice") {
        t.damage<quire::heap_directory_page>(t.directory, [&](auto const& page) {
            page.add({t.ids[0].page, 0});
        });
        CHECK(t.found() == line(t.ids[0].page, "reached twice"));
    }
    SECTION("a list of pages that goes round") {
        t.damage<quire::heap_directory_page>(
            t.directory, [&](auto const& page) { page.set_next(t.directory); });
        CHECK(t.found() == line(t.directory, "reached twice"));
    }
    SECTION("a page of another heap file") {
        t.store(t.ids[0].page, 32, std::uint32_t{77});
        std::string entries;
        for (auto const id : t.ids) { entries += slot(id, leads_nowhere); }
        CHECK(t.found() == corrupt(t.ids[0].page, "heap file") + entries +
                               line(t.numbers, "an index of 12 entries for 0 rows") + entries +
                               line(t.groups, "an index of 12 entries for 0 rows"));
    }
    SECTION("a row with another id's address") {
        auto const there = t.move(t.ids[3]);
        t.damage<quire::record_page>(
            t.ids[5].page, [&](auto const& page) { page.put_address(t.ids[5].slot, there); });
        CHECK(t.found().starts_with(slot(t.ids[5], "its address is another row's, too")));
    }
    SECTION("an address of nothing") {
        t.move(t.ids[3]);
        record_id const nowhere{t.ids[3].page, quire::slot_id{50}};
        t.damage<quire::record_page>(
            t.ids[3].page, [&](auto const& page) { page.put_address(t.ids[3].slot, nowhere); });
        CHECK(t.found().find(slot(t.ids[3], "its row is not where its address says")) == 0);
    }
    SECTION("a row that moved, and whose id is gone") {
        auto const there = t.move(t.ids[3]);
        t.damage<quire::record_page>(t.ids[3].page,
                                     [&](auto const& page) { page.erase(t.ids[3].slot); });
        CHECK(t.found() ==
              slot(there, "a row that moved here, and whose id does not say so") +
                  slot(t.ids[3], leads_nowhere) + slot(t.ids[3], leads_nowhere));
    }
}

TEST_CASE("damage: of indexes", "[table][check]") {
    damaged_table t{12};
    SECTION("an entry is missing") {
        t.damage<quire::btree_page>(t.numbers, [&](auto const& page) { page.erase(4); });
        CHECK(t.found() == line(t.numbers, "an index of 11 entries for 12 rows"));
    }
    SECTION("a row is missing") {
        t.damage<quire::record_page>(t.ids[4].page,
                                     [&](auto const& page) { page.erase(t.ids[4].slot); });
        CHECK(t.found() == slot(t.ids[4], leads_nowhere) +
                               line(t.numbers, "an index of 12 entries for 11 rows") +
                               slot(t.ids[4], leads_nowhere) +
                               line(t.groups, "an index of 12 entries for 11 rows"));
    }
    SECTION("a row has another key than its entry") {
        using rows = quire::value_codec<item>;
        item const other{40, "g", "small"};
        t.damage<quire::record_page>(t.ids[4].page, [&](auto const& page) {
            REQUIRE(page.put(t.ids[4].slot, record_form::row, {}, rows::size(other),
                             [&](std::span<std::byte> out) { rows::encode(other, out); }));
        });
        CHECK(t.found() == slot(t.ids[4], leads_nowhere));
    }
    SECTION("a root of another kind") {
        { auto const page = t.w.file->format<quire::record_page>(t.numbers); }
        CHECK(t.found().starts_with(line(t.numbers, "read of page " +
                                                        std::to_string(t.numbers.value()) +
                                                        " of f: page is of another kind")));
    }
}

TEST_CASE("damage: of trees", "[table][check]") {
    damaged_table t{90};
    auto const leaves = t.children(t.numbers);
    REQUIRE(leaves.size() >= 3);
    // What a reader of the index is told, too.
    auto const walk_ends_at = [&](page_no root, page_no leaf) {
        return line(root, "tree, level or fences of page " + std::to_string(leaf.value()) +
                              ": page is corrupt");
    };
    auto const walk_ends = [&](page_no leaf) { return walk_ends_at(t.numbers, leaf); };
    auto const walk_of_groups_ends = [&](page_no leaf) { return walk_ends_at(t.groups, leaf); };
    SECTION("a child twice") {
        t.set_child(t.numbers, 1, leaves[0]);
        auto const found = t.found();
        CHECK(found.starts_with(line(leaves[0], "reached twice")));
        CHECK(found.ends_with(line(leaves[1], "marked as used, and part of nothing")));
    }
    SECTION("a leaf that says it holds everything, and its parent leads back to it") {
        // A scan goes on at a leaf's high fence. It would find the same leaf for ever.
        t.set_child(t.numbers, 1, leaves[0]);
        t.store(leaves[0], 44, std::uint32_t{0});
        t.store(leaves[0], 52, ~std::uint32_t{0});
        CHECK(t.found().starts_with(corrupt(leaves[0], "head of a fence")));
        auto const all = [&] { t.table.scan<&item::number>([](auto const&) {}); };
        CHECK_THROWS_WITH(all(), Catch::Matchers::Contains("high fence of page " +
                                                           std::to_string(leaves[0].value())));
    }
    SECTION("a block of other sizes") {
        // What an insertion finds out too late would leave a row without its entries.
        auto const rows = [&] {
            std::size_t count = 0;
            t.table.scan([&](auto const&) { ++count; });
            return count;
        };
        auto const before = rows();
        auto const last = leaves.back();
        SECTION("8 and 4 in place of 4 and 8") {
            t.store(last, 62, std::uint16_t{0x0408});
        }
        SECTION("values of 4") {
            t.store(last, 63, std::uint8_t{4});
        }
        CHECK_THROWS_WITH(t.table.insert({1000, "h", "small"}),
                          Catch::Matchers::Contains("sizes of the block of page " +
                                                    std::to_string(last.value())));
        CHECK(rows() == before);
    }
    SECTION("children in another order") {
        t.set_child(t.numbers, 1, leaves[2]);
        t.set_child(t.numbers, 2, leaves[1]);
        auto const found = t.found();
        CHECK(found.starts_with(corrupt(leaves[2], "low fence")));
        CHECK(found.find(corrupt(leaves[1], "low fence")) != found.npos);
    }
    SECTION("a leaf of another tree") {
        t.store(leaves[1], 32, std::uint32_t{77});
        CHECK(t.found() == corrupt(leaves[1], "tree") + walk_ends(leaves[1]));
    }
    SECTION("a leaf that says it is an inner node") {
        auto const leaf = t.children(t.groups).at(1);
        t.store(leaf, 36, std::uint8_t{3});
        CHECK(t.found() == corrupt(leaf, "child") + walk_of_groups_ends(leaf));
    }
    SECTION("a leaf with a block of entries that says it is an inner node") {
        t.store(leaves[1], 36, std::uint8_t{3});
        CHECK(t.found() == corrupt(leaves[1], "block of entries") + walk_ends(leaves[1]));
    }
    SECTION("an empty leaf of another level") {
        auto const leaf = t.children(t.groups).at(1);
        t.damage<quire::btree_page>(leaf, [&](auto const& page) {
            while (page.count() > 0) { page.erase(0); }
        });
        t.store(leaf, 36, std::uint8_t{3});
        CHECK(t.found() == corrupt(leaf, "inner node without children") +
                               walk_of_groups_ends(leaf));
    }
    SECTION("a child that is no page") {
        t.set_child(t.numbers, 1, 4000);
        CHECK(t.found().starts_with("4000: read of page 4000 of f: no such page"));
    }
}

TEST_CASE("damage: of what catalog and trees say of each other", "[table][check]") {
    damaged_table t{12};
    SECTION("a page that nothing has") {
        page_no lost;
        t.w.db->in_one_change([&](auto& pages) {
            lost = t.w.db->template allocate<quire::record_page>(pages).page_no();
        });
        CHECK(t.found() == line(lost, "marked as used, and part of nothing"));
    }
    SECTION("a page in use that is marked as free") {
        t.damage<quire::allocation_page>(
            1, [&](auto& map) { map.set_free(map.bit_of(t.ids[0].page)); });
        CHECK(t.found() == line(t.ids[0].page, "part of something, and marked as free") +
                               line(t.ids[0].page, "marked as free, and not formatted so"));
    }
    SECTION("an allocation page of another place") {
        using map = quire::allocation_page<std::byte const, world::pool_type::page_size>;
        t.store(1, 4, std::uint64_t{1 + map::bit_count});
        CHECK(t.found() == line(1, "its own number is another"));
    }
}
