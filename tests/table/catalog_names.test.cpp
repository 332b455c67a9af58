// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

// More names than fit into page 0. What breaks when a rule is left out (each a test here):
//
//   a new page is linked before its root is in it   a failed root leaves a page that is free
//   a name is only looked for in page 0             it is made a second time
//   a schema is read in another page than its name  another root's, or none
//   a chain is followed as long as it leads on      a cycle is followed for ever
//   the chain's pages are part of nothing           each check complains of them

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "table/world.hpp"

#include <future>
#include <set>
#include <vector>

using quire::catalog_page;
using quire::errc;
using quire::heap_page;
using quire::names_page;
using quire::page_no;
using quire::root_kind;

namespace {

using names_world = table_world<512>;
using names_catalog = quire::catalog<names_world::pool_type>;

constexpr auto make_top = [](names_catalog& db) {
    return [&db](auto& pages, page_no page, std::uint32_t) {
        auto const made = pages.template format<heap_page>(db.file(), page);
    };
};
std::string text_of_findings(quire::findings const& all) {
    std::string text;
    for (auto const& f : all) { text += std::to_string(f.page.value()) + ": " + f.text + "\n"; }
    return text;
}
/// The pages of the chain of a file without damage.
std::vector<std::uint64_t> chain_of(names_world& w) {
    std::vector<std::uint64_t> pages;
    auto const first = w.file().read<catalog_page>(0);
    for (page_no no = first->next(); no.value() != 0;) {
        pages.push_back(no.value());
        auto const names = w.file().read<names_page>(no);
        no = names->next();
    }
    return pages;
}
std::string name_of_root(int i) { return "root" + std::to_string(1000 + i); }
std::string schema_of_root(int i) { return "schema of " + std::to_string(i); }
quire::root_entry make_root(names_catalog& db, int i) {
    auto const kind = i % 2 == 0 ? root_kind::btree : root_kind::heap_file;
    return db.root(name_of_root(i), kind, schema_of_root(i), make_top(db));
}
/// 456 bytes of texts fill a page of the chain: then there are pages 2 (root 1, in page 0 with its
/// 330 bytes), 3 and 4 (root 2 and its page of names), 5 and 6 (root 3 and its page of names).
void make_chain_of_two(names_catalog& db) {
    db.root("a", root_kind::btree, std::string(300, 'a'), make_top(db));
    db.root("b", root_kind::btree, std::string(455, 'b'), make_top(db));
    db.root("c", root_kind::btree, std::string(455, 'c'), make_top(db));
}
errc kind_of_find(names_catalog& db) {
    return errc_of([&] { static_cast<void>(db.find("none", root_kind::btree, "")); });
}

}  // namespace

TEST_CASE("catalog: hundreds of names are found again") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        names_world w{logged};
        constexpr int count = 300;
        std::vector<quire::root_entry> made;
        {
            quire::catalog db{*w.pool, w.file()};
            for (int i = 0; i < count; ++i) { made.push_back(make_root(db, i)); }
            CHECK(text_of_findings(db.check()) == "");
            db.close();
        }
        w.start_again();
        quire::catalog db{*w.pool, w.file()};
        auto const chain = chain_of(w);
        CHECK(chain.size() == 24);  // 11 roots are in page 0, then 13, from root 102 on 12
        std::set<page_no> pages;
        for (int i = 0; i < count; ++i) {
            INFO(i);
            auto const& one = made[static_cast<std::size_t>(i)];
            CHECK(one.number == static_cast<std::uint32_t>(i + 1));
            CHECK(db.find(name_of_root(i), one.kind, schema_of_root(i)) == one);
            CHECK(make_root(db, i) == one);
            CHECK(pages.insert(one.page).second);
        }
        CHECK(db.find(name_of_root(count), root_kind::btree, "") == std::nullopt);
        auto const all = db.roots();
        REQUIRE(all.size() == count);
        for (std::size_t i = 0; i < count; ++i) {
            CHECK(all[i] == quire::root_info{name_of_root(int(i)), schema_of_root(int(i)),
                                             std::uint32_t(i + 1), made[i].kind, made[i].page});
        }
        CHECK(text_of_findings(db.check()) == "");
        CHECK(text_of_findings(db.check(pages)) == "");
    }
}

TEST_CASE("catalog: a kind or schema that differs is told of a name in the chain, too") {
    names_world w;
    quire::catalog db{*w.pool, w.file()};
    for (int i = 0; i < 40; ++i) { make_root(db, i); }
    auto const says = [&](root_kind kind, std::string const& schema) {
        try {
            db.root(name_of_root(38), kind, schema, make_top(db));
            return std::string{"nothing was thrown"};
        } catch (quire::error const& e) { return std::string{e.what()}; }
    };
    CHECK(says(root_kind::heap_file, "schema of 38").find("root root1038 is a tree, not a heap") !=
          std::string::npos);
    CHECK(says(root_kind::btree, "x").find("\"schema of 38\", not \"x\"") != std::string::npos);
}

TEST_CASE("catalog: a new name goes to the first page that has room") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        names_world w{logged};
        quire::catalog db{*w.pool, w.file()};
        make_chain_of_two(db);
        CHECK(chain_of(w) == std::vector<std::uint64_t>{4, 6});
        db.root("d", root_kind::btree, "small", make_top(db));
        db.root("e", root_kind::btree, std::string(200, 'e'), make_top(db));
        db.root("f", root_kind::btree, std::string(100, 'f'), make_top(db));
        CHECK(chain_of(w) == std::vector<std::uint64_t>{4, 6, 9});
        auto const names_in = [&](auto const& names) {
            std::string all;
            for (std::size_t i = 0; i < names.slot_count(); ++i) {
                all += std::string{names.name(quire::slot_id{i})};
            }
            return all;
        };
        auto const first = w.file().read<catalog_page>(0);
        CHECK(names_in(*first.operator->()) == "ad");
        auto const last = w.file().read<names_page>(9);
        CHECK(names_in(*last.operator->()) == "ef");
        CHECK(first->next_number() == 7);
    }
}

TEST_CASE("catalog: a root that fails when the chain would grow leaves everything as it was") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        names_world w{logged};
        quire::catalog db{*w.pool, w.file()};
        make_chain_of_two(db);
        auto const before = db.roots();
        auto const number = [&] {
            auto const first = w.file().read<catalog_page>(0);
            return first->next_number();
        };
        auto const large = std::string(455, 'd');
        int made = 0;
        CHECK(errc_of([&] {
                  db.root("d", root_kind::btree, large, [&](auto&, page_no, std::uint32_t) {
                      ++made;
                      throw quire::error{errc::bad_option, "stop"};
                  });
              }) == errc::bad_option);
        CHECK(made == 1);
        CHECK(db.roots() == before);
        CHECK(number() == 4);
        CHECK(chain_of(w) == std::vector<std::uint64_t>{4, 6});
        CHECK(text_of_findings(db.check({2, 3, 5})) == "");

        // The page of the root can be allocated, that of its name cannot.
        std::uint64_t spare = 0;
        db.in_one_change([&](auto& pages) {
            auto const page = db.allocate<heap_page>(pages);
            spare = page.page_no().value();
        });
        CHECK(spare == 7);
        w.file().flush();
        std::uint64_t wrong = 0;
        db.in_one_change([&](auto& pages) {
            auto const page = db.allocate<heap_page>(pages);
            wrong = page.page_no().value();
        });
        CHECK(wrong == 8);
        db.in_one_change([&](auto& pages) { db.free(pages, spare); });
        db.in_one_change([&](auto& pages) {
            auto map = pages.template write<quire::allocation_page>(w.file(), 1);
            map->set_free(wrong - 1);
        });
        made = 0;
        CHECK(errc_of([&] {
                  db.root("d", root_kind::btree, large,
                          [&](auto&, page_no, std::uint32_t) { ++made; });
              }) == errc::corrupt_page);
        CHECK(made == 0);
        CHECK(db.roots() == before);
        CHECK(number() == 4);
        CHECK(chain_of(w) == std::vector<std::uint64_t>{4, 6});
        db.in_one_change([&](auto& pages) {
            auto map = pages.template write<quire::allocation_page>(w.file(), 1);
            map->set_used(wrong - 1);
        });
        CHECK(text_of_findings(db.check({2, 3, 5, wrong})) == "");
        CHECK(db.root("d", root_kind::btree, large, make_top(db)).number == 4);
    }
}

TEST_CASE("catalog: threads that make the same names get the same roots") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        names_world w{logged};
        quire::catalog db{*w.pool, w.file()};
        constexpr int count = 80;
        std::vector<std::future<std::vector<quire::root_entry>>> all;
        for (int t = 0; t < 3; ++t) {
            all.push_back(std::async(std::launch::async, [&] {
                std::vector<quire::root_entry> mine;
                for (int i = 0; i < count; ++i) { mine.push_back(make_root(db, i)); }
                return mine;
            }));
        }
        auto const first = all[0].get();
        CHECK(all[1].get() == first);
        CHECK(all[2].get() == first);
        CHECK(db.roots().size() == count);
        CHECK(chain_of(w).size() > 4);
        CHECK(text_of_findings(db.check()) == "");
    }
}

TEST_CASE("catalog: a damaged chain of names is corrupt, and no walk is endless") {
    names_world w{quire::file_options{.seal = quire::no_seal}};
    quire::catalog db{*w.pool, w.file()};
    make_chain_of_two(db);
    REQUIRE_FALSE(db.find("none", root_kind::btree, ""));
    std::set<page_no> const reached{2, 3, 5};
    auto const link = [&](page_no to) {
        auto names = w.file().write<names_page>(6);
        names->set_next(to);
    };
    auto const ends = [&](std::string const& finding) {
        CHECK(kind_of_find(db) == errc::corrupt_page);
        CHECK(errc_of([&] { static_cast<void>(db.roots()); }) == errc::corrupt_page);
        CHECK(errc_of([&] { db.root("none", root_kind::btree, "", make_top(db)); }) ==
              errc::corrupt_page);
        CHECK(db.find("c", root_kind::btree, std::string(455, 'c')));  // before the damage
        auto const found = text_of_findings(db.check(reached));
        INFO(found);
        CHECK(found.find(finding) != std::string::npos);
    };
    SECTION("a cycle of one page") {
        link(6);
        ends("page 6 of f (the chain of names comes back to it)");
    }
    SECTION("a cycle of two") {
        link(4);
        ends("page 4 of f (the chain of names comes back to it)");
    }
    SECTION("a page of another kind") {
        link(2);
        ends("page 2 of f (the chain of names leads to it, and it is none of them)");
    }
    SECTION("an allocation page") {
        link(1);
        ends("page 1 of f (the chain of names leads to it, and it is none of them)");
    }
    SECTION("a page behind the file's end") {
        link(7);
        ends("page 7 of f (the chain of names leads to it, and it is none of them)");
    }
    SECTION("no page number") {
        {
            auto page = w.file().write(6);
            page->bytes().store(38, std::uint8_t{1});
        }
        ends("next page of names");
    }
    SECTION("an early end") {
        {
            auto names = w.file().write<names_page>(4);
            names->set_next(0);
        }
        CHECK(db.find("c", root_kind::btree, std::string(455, 'c')) == std::nullopt);
        CHECK(text_of_findings(db.check(reached)) == "6: marked as used, and part of nothing\n");
    }
    SECTION("a page without its own number") {
        {
            auto page = w.file().write(6);
            page->bytes().store(4, std::uint8_t{5});
        }
        CHECK(text_of_findings(db.check(reached)) == "6: its own number is another\n");
    }
}

TEST_CASE("catalog: a blank page in the chain of names is corrupt") {
    names_world w{quire::file_options{.seal = quire::no_seal}};
    {
        quire::catalog db{*w.pool, w.file()};
        make_chain_of_two(db);
        db.close();
    }
    auto bytes = w.disk.store->bytes("f");
    REQUIRE(bytes.size() == 7 * 512);
    bytes.resize(6 * 512);
    bytes.resize(7 * 512);  // with zeros
    w.disk.store->assign("f", bytes);
    w.start_again();
    quire::catalog db{*w.pool, w.file()};
    CHECK(kind_of_find(db) == errc::corrupt_page);
    CHECK(text_of_findings(db.check({2, 3, 5})).find("leads to it, and it is none of them") !=
          std::string::npos);
}

TEST_CASE("catalog: check compares the pages of the chain of names") {
    names_world w;
    quire::catalog db{*w.pool, w.file()};
    make_chain_of_two(db);
    db.root("d", root_kind::btree, std::string(200, 'd'), make_top(db));  // page 7, names in 8
    std::set<page_no> const reached{2, 3, 5, 7};
    REQUIRE(text_of_findings(db.check(reached)) == "");
    auto const add = [&](quire::root_entry const& root, std::string const& name) {
        auto names = w.file().write<names_page>(8);
        REQUIRE(names->add(root, name, ""));
    };
    SECTION("one name in two pages") {
        db.root("x", root_kind::btree, std::string(200, 'x'), make_top(db));
        REQUIRE(text_of_findings(db.check({2, 3, 5, 7, 9})) == "");
        {
            auto first = w.file().write<catalog_page>(0);
            REQUIRE(first->add(root_kind::btree, 9, "x", ""));
        }
        CHECK(text_of_findings(db.check({2, 3, 5, 7, 9})) ==
              "8: the name of root 5 is in page 0, too\n");
    }
    SECTION("one number in two pages") {
        add({{}, 3, root_kind::btree, 2}, "x");
        CHECK(text_of_findings(db.check(reached)) == "8: root 3 is in page 6, too\n");
    }
    SECTION("a number that page 0 has not given") {
        add({{}, 5, root_kind::btree, 2}, "x");
        CHECK(text_of_findings(db.check(reached)) ==
              "8: root 5 has a number that was not given yet\n");
    }
    SECTION("a root out of range") {
        {
            auto first = w.file().write<catalog_page>(0);
            first->set_number_given();
        }
        add({{}, 5, root_kind::btree, 90}, "x");
        CHECK(text_of_findings(db.check(reached)) ==
              "8: root 5 is at page 90, which is none\n");
    }
    SECTION("a root whose page is one of names") {
        {
            auto first = w.file().write<catalog_page>(0);
            first->set_number_given();
        }
        add({{}, 5, root_kind::btree, 6}, "x");
        CHECK(text_of_findings(db.check(reached)) ==
              "6: the page of a root has names, too\n");
    }
    SECTION("a page of names in a tree") {
        CHECK(text_of_findings(db.check({2, 3, 4, 5, 7})) ==
              "4: a page of names, and part of something else\n");
    }
    SECTION("a page of names that is marked as free") {
        {
            auto map = w.file().write<quire::allocation_page>(1);
            map->set_free(3);
        }
        auto const found = text_of_findings(db.check());
        CHECK(found.find("4: a page of names is marked as free\n") != std::string::npos);
    }
    SECTION("a page of names with two roots of one name") {
        add({{}, 4, root_kind::btree, 2}, "d");
        CHECK(text_of_findings(db.check(reached)).find("8: ") != std::string::npos);
    }
}
