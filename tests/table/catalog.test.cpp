// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "table/tree_world.hpp"

#include <set>
#include <vector>

using quire::errc;
using quire::page_no;

namespace {

using world = quire_test::tree_world<512>;
using map_page = quire::allocation_page<std::byte const, 512>;
constexpr std::uint64_t covered = map_page::pages_covered;
static_assert(covered == 480 * 8);

template <class Fn>
errc refusal(Fn fn) {
    try {
        fn();
    } catch (quire::error const& why) { return why.kind(); }
    return {};
}
page_no allocate(world& w) {
    page_no no;
    w.db->in_one_change([&](auto& changes) {
        no = w.db->template allocate<quire::heap_page>(changes).page_no();
    });
    return no;
}
void give_back(world& w, page_no no) {
    w.db->in_one_change([&](auto& changes) { w.db->free(changes, no); });
}
std::string findings_of(world& w, std::set<page_no> const& reached) {
    std::string text;
    for (auto const& one : w.db->check(reached)) {
        text += std::to_string(one.page.value()) + ": " + one.text + '\n';
    }
    return text;
}
auto make_nothing() {
    return [](auto&, std::uint32_t) {};
}

}  // namespace

TEST_CASE("catalog: the first two pages of a file are its own, with these bytes") {
    world w{false};
    REQUIRE(w.file->pages() == 2);
    CHECK(allocate(w) == page_no{2});
    static_cast<void>(w.db->find_or_make<quire::heap_page>(quire::root_kind::btree, "name",
                                                           "schema", make_nothing()));
    auto const zero = w.file->read(0);
    auto const bytes = zero->bytes();
    auto const text = text_of(bytes.span());
    CHECK(bytes.load<std::uint16_t>(12) == 3);
    CHECK(text.substr(32, 8) == "quire db");
    CHECK(bytes.load<std::uint32_t>(40) == 512);
    CHECK(bytes.load<std::uint32_t>(44) == 2);  // the next number
    CHECK(text.substr(512 - 23) ==
          std::string("\x01\0\0\0\x01\x03\0\0\0\0\0\x04\0nameschema", 23));
    auto const one = w.file->read(1);
    auto const bits = one->bytes();
    CHECK(bits.load<std::uint16_t>(12) == 4);
    CHECK(bits.load<std::uint64_t>(32) == 0b111);  // itself, and two
}

TEST_CASE("catalog: pages given back are given out first, once that is committed") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    std::set<page_no> in_use;
    for (int i = 0; i < 20; ++i) { in_use.insert(allocate(w)); }
    CHECK(in_use.size() == 20);
    CHECK(findings_of(w, in_use).empty());
    give_back(w, 7);
    give_back(w, 4);
    CHECK(refusal([&] { give_back(w, 7); }) == errc::corrupt_page);
    for (page_no const no : {page_no{0}, page_no{1}, page_no{22}, page_no{99999}}) {
        CHECK(refusal([&] { give_back(w, no); }) == errc::corrupt_page);
    }
    CHECK(allocate(w) == page_no{4});
    CHECK(allocate(w) == page_no{7});
    CHECK(allocate(w) == page_no{22});
    in_use.insert(22);
    if (logged) {
        // What is undone gives nothing back, and takes nothing.
        struct no {};
        CHECK_THROWS_AS(w.db->in_one_change([&](auto& changes) {
            w.db->free(changes, 9);
            static_cast<void>(w.db->template allocate<quire::heap_page>(changes));
            throw no{};
        }),
                        no);
        CHECK(findings_of(w, in_use).empty());
        CHECK(allocate(w) == page_no{23});
        in_use.insert(23);
    }
    CHECK(findings_of(w, in_use).empty());
}

TEST_CASE("catalog: allocation pages stand where their numbers say, and are found again") {
    bool const logged = GENERATE(false, true);
    world w{logged};
    std::set<page_no> in_use;
    while (w.file->pages() < 2 * covered + 10) { in_use.insert(allocate(w)); }
    CHECK_FALSE(in_use.contains(1 + covered));
    CHECK_FALSE(in_use.contains(1 + 2 * covered));
    CHECK(in_use.size() == w.file->pages() - 4);  // 0, and three allocation pages
    CHECK(findings_of(w, in_use).empty());
    // The hint has gone on, and comes back.
    give_back(w, covered + 5);
    give_back(w, 3);
    CHECK(allocate(w) == page_no{3});
    CHECK(allocate(w) == page_no{covered + 5});
    w.stop();
    w.start();
    CHECK(findings_of(w, in_use).empty());
    give_back(w, 100);
    CHECK(allocate(w) == page_no{100});
}

TEST_CASE("catalog: a name is made once, and found as what it is") {
    world w{true};
    int made = 0;
    auto const make = [&](auto&, std::uint32_t number) {
        ++made;
        CHECK(number == static_cast<std::uint32_t>(made));
    };
    auto const find = [&](std::string const& name, std::string const& schema) {
        return w.db->find_or_make<quire::heap_page>(quire::root_kind::btree, name, schema, make);
    };
    auto const a = find("a", "x");
    auto const b = find("b", "y");
    CHECK(made == 2);
    CHECK(a.page != b.page);
    CHECK(find("a", "x").page == a.page);
    CHECK(find("b", "y").number == b.number);
    CHECK(refusal([&] { find("a", "y"); }) == errc::catalog_mismatch);
    CHECK(refusal([&] {
              static_cast<void>(w.db->find_or_make<quire::heap_page>(
                  quire::root_kind::heap_file, "a", "x", make));
          }) == errc::catalog_mismatch);
    CHECK(made == 2);
    // No room for the name: nothing is made, and no page is lost.
    CHECK(refusal([&] { find(std::string(400, 'n'), ""); }) == errc::tuple_too_large);
    CHECK(findings_of(w, {a.page, b.page}).empty());
}

TEST_CASE("catalog: an unlogged file tells whether it was closed") {
    world w{false};
    CHECK(w.db->was_closed());
    allocate(w);
    w.stop();
    w.start();
    CHECK(w.db->was_closed());
    allocate(w);
    w.file->flush();
    w.die();
    w.start();
    CHECK_FALSE(w.db->was_closed());
    w.stop();
    w.start();
    CHECK(w.db->was_closed());
}

TEST_CASE("catalog: check names each kind of damage") {
    world w{false};
    std::set<page_no> in_use;
    for (int i = 0; i < 6; ++i) { in_use.insert(allocate(w)); }
    give_back(w, 3);
    in_use.erase(3);
    REQUIRE(findings_of(w, in_use).empty());
    auto const change = [&](page_no no, std::size_t at, std::uint8_t value) {
        auto page = w.file->write(no);
        page->bytes().store(at, value);
    };
    SECTION("a page that nobody has") {
        in_use.erase(5);
        CHECK(findings_of(w, in_use) == "5: in use, and part of nothing\n");
    }
    SECTION("a page that somebody has") {
        in_use.insert(3);
        CHECK(findings_of(w, in_use) == "3: part of something, and not in use\n");
    }
    SECTION("a bit behind the end") {
        change(1, 33, 1);
        CHECK(findings_of(w, in_use) == "9: in use, behind the file's end\n");
    }
    SECTION("a free page with something in it") {
        change(3, 100, 1);
        CHECK(findings_of(w, in_use).starts_with("3: content of a free page"));
    }
    SECTION("a free page of another kind") {
        change(3, 12, 1);
        CHECK(findings_of(w, in_use).starts_with("3: "));
    }
    SECTION("an allocation page that is none") {
        change(1, 12, 1);
        CHECK(findings_of(w, in_use).starts_with("1: "));
    }
    SECTION("an allocation page without itself") {
        change(1, 32, 0b0111'1010);
        CHECK(findings_of(w, in_use).starts_with("1: own bit"));
    }
    SECTION("page 0") {
        change(0, 49, 1);
        CHECK(findings_of(w, in_use).starts_with("0: reserved field"));
    }
}
