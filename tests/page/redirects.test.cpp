// SPDX-License-Identifier: BSL-1.0
#include <quire/page/redirects.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

using quire::errc;
using quire::line_pointer;
using quire::slot_id;

namespace {

using layout = quire::slotted<std::byte, 512>;

slot_id slot(int number) { return slot_id{number}; }

/// A page with tuples "0", "1", ... in slots 0, 1, ...
page_buffer<512> make_page(int tuples) {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    for (int i = 0; i < tuples; ++i) { page.insert(bytes_of(std::to_string(i))).value(); }
    return buffer;
}

}  // namespace

TEST_CASE("redirects: a slot gives the tuple of the slot it names") {
    auto buffer = make_page(3);
    quire::heap_page page{buffer.span()};
    REQUIRE(page.redirect(slot(0), slot(2)));
    page.validate();
    CHECK(text_in(page, slot(0)) == "2");
    CHECK(page.contains(slot(0)));
    CHECK(page.size() == 2);
    REQUIRE(page.update(slot(0), bytes_of("changed")));
    CHECK(text_in(page, slot(2)) == "changed");
}

TEST_CASE("redirects: a circle is refused") {
    auto buffer = make_page(4);
    quire::heap_page page{buffer.span()};
    CHECK_FALSE(page.redirect(slot(1), slot(1)));
    REQUIRE(page.redirect(slot(0), slot(1)));
    REQUIRE(page.redirect(slot(1), slot(2)));
    auto const before = buffer.bytes();
    CHECK_FALSE(page.redirect(slot(2), slot(0)));
    CHECK_FALSE(page.redirect(slot(2), slot(1)));
    CHECK_FALSE(page.redirect(slot(1), slot(0)));
    CHECK(buffer.bytes() == before);
    CHECK(page.redirect(slot(0), slot(2)));
    page.validate();
}

TEST_CASE("redirects: a chain that gets too long is refused at either end") {
    auto buffer = make_page(8);
    quire::heap_page page{buffer.span()};
    static_assert(quire::heap_page<std::byte, 512>::redirects_max == 4);
    for (int i = 0; i < 4; ++i) { REQUIRE(page.redirect(slot(i), slot(i + 1))); }
    page.validate();
    CHECK(text_in(page, slot(0)) == "4");
    CHECK_FALSE(page.redirect(slot(4), slot(5)));
    CHECK_FALSE(page.redirect(slot(5), slot(0)));
    CHECK(page.redirect(slot(5), slot(1)));
    CHECK_FALSE(page.redirect(slot(6), slot(5)));
    CHECK(text_in(page, slot(5)) == "4");
    page.validate();
}

TEST_CASE("redirects: a slot that is named becomes dead and is not given to a stranger") {
    auto buffer = make_page(2);
    quire::heap_page page{buffer.span()};
    REQUIRE(page.redirect(slot(0), slot(1)));
    CHECK(page.erase(slot(1)));
    page.validate();
    CHECK_FALSE(page.contains(slot(0)));
    CHECK(errc_of([&] { (void)page.tuple(slot(0)).size(); }) == errc::no_such_tuple);
    CHECK(page.insert(bytes_of("stranger")) == slot(2));
    CHECK_FALSE(page.reclaim(slot(1)));
    CHECK(page.erase(slot(0)));
    CHECK(page.reclaim(slot(1)));
    page.validate();
    CHECK(page.insert(bytes_of("a")) == slot(0));
    CHECK(page.insert(bytes_of("b")) == slot(1));
}

TEST_CASE("redirects: erase of a redirect leaves the tuple") {
    auto buffer = make_page(2);
    quire::heap_page page{buffer.span()};
    REQUIRE(page.redirect(slot(0), slot(1)));
    CHECK(page.erase(slot(0)));
    CHECK_FALSE(page.contains(slot(0)));
    CHECK(text_in(page, slot(1)) == "1");
    page.validate();
}

TEST_CASE("redirects: nothing is redirected to where no tuple is or from where no slot is") {
    auto buffer = make_page(3);
    quire::heap_page page{buffer.span()};
    REQUIRE(page.kill(slot(2)));
    CHECK(errc_of([&] { (void)page.redirect(slot(0), slot(2)); }) == errc::no_such_tuple);
    CHECK(errc_of([&] { (void)page.redirect(slot(0), slot(9)); }) == errc::no_such_tuple);
    CHECK_FALSE(page.redirect(slot(9), slot(0)));
    CHECK(page.redirect(slot(2), slot(0)));
    page.validate();
}

TEST_CASE("redirects: a circle in foreign bytes is an error wherever it is met") {
    auto buffer = make_page(3);
    quire::heap_page page{buffer.span()};
    layout const raw{buffer.span()};
    int const length = GENERATE(1, 2);
    raw.put_pointer(0, line_pointer::redirect(length == 1 ? 0 : 1));
    if (length == 2) { raw.put_pointer(1, line_pointer::redirect(0)); }
    auto const corrupt = errc::corrupt_page;
    CHECK(errc_of([&] { (void)page.contains(slot(0)); }) == corrupt);
    CHECK(errc_of([&] { (void)page.tuple(slot(0)).size(); }) == corrupt);
    CHECK(errc_of([&] { (void)page.update(slot(0), bytes_of("x")); }) == corrupt);
    CHECK(errc_of([&] { (void)page.redirect(slot(2), slot(0)); }) == corrupt);
    CHECK(errc_of([&] { page.validate(); }) == corrupt);
    CHECK(text_in(page, slot(2)) == "2");
}

TEST_CASE("redirects: a redirect to a free slot is found by validate") {
    auto buffer = make_page(2);
    quire::heap_page page{buffer.span()};
    CHECK(page.erase(slot(1)));
    layout{buffer.span()}.put_pointer(0, line_pointer::redirect(1));
    CHECK(errc_of([&] { page.validate(); }) == errc::corrupt_page);
}
