// SPDX-License-Identifier: BSL-1.0
#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "page/page_buffer.hpp"

#include <algorithm>
#include <type_traits>

using quire::errc;
using quire::heap_page;
using quire::slot_id;

namespace {

using exclusive = heap_page<std::byte, 4096>;
using shared = heap_page<std::byte const, 4096>;

// A view is made in place and stays there.
template <class P>
concept is_pinned = !std::is_copy_constructible_v<P> && !std::is_move_constructible_v<P> &&
                    !std::is_copy_assignable_v<P> && !std::is_move_assignable_v<P> &&
                    !std::is_default_constructible_v<P>;
static_assert(is_pinned<exclusive> && is_pinned<shared>);
static_assert(sizeof(shared) == sizeof(void*) || quire::checked_build || quire::poisoning,
              "a view holds the span and nothing else");
static_assert(std::is_constructible_v<shared, exclusive&>);
static_assert(!std::is_constructible_v<exclusive, shared&>);
static_assert(std::is_convertible_v<exclusive&, shared>);
static_assert(!std::is_constructible_v<shared, exclusive>);  // it would end before the const view
static_assert(!std::is_constructible_v<exclusive, std::span<std::byte const, 4096>>);
static_assert(!std::is_constructible_v<exclusive, std::span<std::byte, 512>>);

// Mutators exist on exclusive views alone, and not through a reference to const.
template <class P>
concept inserts = requires(P& p, std::span<std::byte const> b) { p.insert(b); };
template <class P>
concept updates = requires(P& p, std::span<std::byte const> b) { p.update(slot_id{}, b); };
template <class P>
concept erases = requires(P& p) { p.erase(slot_id{}); };
template <class P>
concept kills = requires(P& p) { p.kill(slot_id{}); };
template <class P>
concept reclaims = requires(P& p) { p.reclaim(slot_id{}); };
template <class P>
concept moves = requires(P& p) { p.move(slot_id{}, slot_id{}); };
template <class P>
concept redirects = requires(P& p) { p.redirect(slot_id{}, slot_id{}); };
template <class P>
concept compacts = requires(P& p) { p.compact(); };
template <class P>
concept sets_lsn = requires(P& p) { p.set_lsn(1); };
template <class P>
concept mutates_at_all = inserts<P> || updates<P> || erases<P> || kills<P> || reclaims<P> ||
                         moves<P> || redirects<P> || compacts<P> || sets_lsn<P>;
template <class P>
concept mutates_in_full = inserts<P> && updates<P> && erases<P> && kills<P> && reclaims<P> &&
                          moves<P> && redirects<P> && compacts<P> && sets_lsn<P>;
static_assert(mutates_in_full<exclusive>);
static_assert(!mutates_at_all<shared> && !mutates_at_all<exclusive const>);

// Nothing is lent from a temporary; what is lent is mutable only on exclusive pages.
template <class P>
concept lends_tuple = requires(P&& p) { static_cast<P&&>(p).tuple(slot_id{}); };
template <class P>
concept lends_slots = requires(P&& p) { static_cast<P&&>(p).slots(); };
static_assert(lends_tuple<shared&> && lends_tuple<shared const&> && !lends_tuple<shared>);
static_assert(lends_slots<shared&> && lends_slots<shared const&> && !lends_slots<shared>);
template <class T>
concept gives_address = requires(T& lent) { &lent; };
static_assert(!gives_address<decltype(std::declval<shared&>().slots())>);
static_assert(std::same_as<decltype(std::declval<shared&>().tuple(slot_id{})),
                           quire::byte_view<std::byte const>>);
static_assert(std::same_as<decltype(std::declval<exclusive&>().tuple(slot_id{})),
                           quire::byte_view<std::byte>>);

template <class T>
std::vector<unsigned> numbers(T const& bytes) {
    std::vector<unsigned> out;
    for (auto b : bytes) { out.push_back(std::to_integer<unsigned>(b)); }
    return out;
}

}  // namespace

TEST_CASE("heap_page: format and operations write the bytes of the map") {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    heap_page<std::byte, 512>::format(buffer.span(), 0x0102030405);
    heap_page page{buffer.span()};
    REQUIRE(page.insert(bytes_of("alpha")) == slot_id{0});
    REQUIRE(page.insert(bytes_of("be")) == slot_id{1});
    REQUIRE(page.insert(bytes_of("gamma")) == slot_id{2});
    REQUIRE(page.insert(bytes_of("")) == slot_id{3});
    REQUIRE(page.kill(slot_id{1}));
    REQUIRE(page.insert(bytes_of("d")) == slot_id{4});
    REQUIRE(page.redirect(slot_id{0}, slot_id{2}));
    REQUIRE(page.insert(bytes_of("e")) == slot_id{5});
    REQUIRE(page.erase(slot_id{4}));
    page.set_lsn(0x0A0B);

    std::vector<unsigned> const head{
        0,    0,    0,    0,              // checksum: the seal's
        5,    4,    3,    2, 1, 0, 0, 0,  // own number
        1,    0,                          // kind: heap
        1,                                // version
        0,                                // flags
        0x0B, 0x0A, 0,    0, 0, 0, 0, 0,  // log sequence number
        6,    0,                          // slot_count
        0xF2, 0x01,                       // free_upper: 498
        1,    0,                          // free_slots
        0,    0,                          // zero
        0x0B, 0,    0,    0,              // 0: redirect to 2
        0x02, 0,    0,    0,              // 1: dead
        0xD1, 0x07, 0x0A, 0,              // 2: live, 5 bytes at 500
        0x01, 0,    0,    0,              // 3: live, no bytes
        0,    0,    0,    0,              // 4: free
        0xC9, 0x07, 0x02, 0,              // 5: live, 1 byte at 498
        0,    0,    0,    0,              // the gap, as format left it
    };
    CHECK(numbers(buffer.span().first(head.size())) == head);
    CHECK(text_of(buffer.span().last(14)) == "edgammabealpha");
    page.validate();

    page.compact();
    CHECK(text_of(buffer.span().last(6)) == "egamma");
    CHECK(page.free_space() == 512 - 32 - 6 * 4 - 6);
    page.validate();
}

TEST_CASE("heap_page: both parameters are deduced from the span") {
    page_buffer<1024> buffer;
    heap_page<std::byte, 1024>::format(buffer.span(), 1);
    heap_page page{buffer.span()};
    static_assert(std::same_as<decltype(page), heap_page<std::byte, 1024>>);
    heap_page reader{std::as_const(buffer).span()};
    static_assert(std::same_as<decltype(reader), heap_page<std::byte const, 1024>>);
    page.insert(bytes_of("seen")).value();
    CHECK(text_in(reader, slot_id{0}) == "seen");
    heap_page<std::byte const, 1024> converted = page;
    CHECK(converted.size() == 1);
}

TEMPLATE_TEST_CASE_SIG("heap_page: an empty page of each size takes one tuple of all its space", "",
                       ((std::size_t N), N), 512, 1024, 2048, 4096, 8192, 16384, 32768) {
    auto buffer = make_heap_page<N>();
    heap_page page{buffer.span()};
    CHECK(page.number() == 7);
    CHECK(page.lsn() == 0);
    CHECK(page.slot_count() == 0);
    CHECK(page.size() == 0);
    CHECK(page.free_space() == N - 36);
    CHECK(page.tuple_size_max == N - 36);
    CHECK(heap_page<std::byte, N>::accepts(buffer.span()));
    page.validate();

    std::vector<std::byte> const all(N - 36, std::byte{0x5A});
    CHECK(errc_of([&] { (void)page.insert(std::vector(N - 35, std::byte{0})); }) ==
          errc::tuple_too_large);
    auto const slot = page.insert(all).value();
    page.validate();
    CHECK(std::ranges::equal(page.tuple(slot), all));
    CHECK(page.free_space() == 0);
    CHECK_FALSE(page.insert(bytes_of("")));
    CHECK(errc_of([&] { (void)page.update(slot, std::vector(N - 35, std::byte{0})); }) ==
          errc::tuple_too_large);
    REQUIRE(page.update(slot, bytes_of("small")));
    CHECK(page.free_space() == N - 40 - 5);
    REQUIRE(page.erase(slot));
    CHECK(page.free_space() == N - 36);
    CHECK(page.insert(all) == slot);
    page.validate();
}

TEST_CASE("heap_page: a page takes as many empty tuples as line pointers fit") {
    auto buffer = make_heap_page<32768>();
    heap_page page{buffer.span()};
    while (page.insert(bytes_of(""))) {}
    CHECK(page.size() == (32768 - 32) / 4);
    page.validate();
    REQUIRE(page.erase(slot_id{8000}));
    CHECK(page.insert(bytes_of("")) == slot_id{8000});
}

TEST_CASE("heap_page: accepts looks at kind and version") {
    auto buffer = make_heap_page<512>();
    CHECK(shared::accepts(make_heap_page<4096>().span()));
    SECTION("kind") { buffer.bytes()[12] = std::byte{2}; }
    SECTION("second byte of kind") { buffer.bytes()[13] = std::byte{1}; }
    SECTION("version") { buffer.bytes()[14] = std::byte{2}; }
    CHECK_FALSE(heap_page<std::byte, 512>::accepts(buffer.span()));
    CHECK(errc_of([&] { heap_page{buffer.span()}.validate(); }) == errc::corrupt_page);
}

TEST_CASE("heap_page: a page of zeros is another kind and every question to it an error") {
    page_buffer<512> buffer;
    heap_page page{buffer.span()};
    CHECK_FALSE(page.accepts(buffer.span()));
    CHECK(errc_of([&] { (void)page.size(); }) == errc::corrupt_page);
    CHECK(errc_of([&] { (void)page.insert(bytes_of("x")); }) == errc::corrupt_page);
    CHECK(errc_of([&] { page.compact(); }) == errc::corrupt_page);
    CHECK(buffer.bytes() == std::vector<std::byte>(512));
}

TEST_CASE("heap_page: slots keep their numbers across erase and compaction") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    std::vector<slot_id> slots;
    for (char c = 'a'; c <= 'h'; ++c) {
        slots.push_back(page.insert(bytes_of(std::string(50, c))).value());
    }
    CHECK_FALSE(page.insert(bytes_of(std::string(50, 'x'))));
    for (std::size_t i : {0U, 2U, 4U}) { CHECK(page.erase(slots[i])); }
    CHECK_FALSE(page.erase(slots[0]));
    CHECK_FALSE(page.erase(slot_id{100}));
    auto const big = page.insert(bytes_of(std::string(150, 'B'))).value();
    page.validate();
    CHECK(big == slots[0]);
    CHECK(text_in(page, big) == std::string(150, 'B'));
    for (std::size_t i : {1U, 3U, 5U, 6U, 7U}) {
        CHECK(text_in(page, slots[i]) == std::string(50, static_cast<char>('a' + i)));
    }
}

TEST_CASE("heap_page: an update that does not fit where it is moves within the page") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const a = page.insert(bytes_of(std::string(100, 'a'))).value();
    auto const b = page.insert(bytes_of(std::string(100, 'b'))).value();
    REQUIRE(page.update(a, bytes_of(std::string(101, 'A'))));
    CHECK(text_in(page, a) == std::string(101, 'A'));
    page.validate();
    REQUIRE(page.update(b, bytes_of(std::string(300, 'B'))));
    CHECK(text_in(page, a) == std::string(101, 'A'));
    CHECK(text_in(page, b) == std::string(300, 'B'));
    page.validate();
    auto const before = buffer.bytes();
    CHECK_FALSE(page.update(b, bytes_of(std::string(400, 'B'))));
    CHECK_FALSE(page.update(a, bytes_of(std::string(300, 'A'))));
    CHECK(buffer.bytes() == before);
    CHECK(errc_of([&] { (void)page.update(slot_id{9}, bytes_of("x")); }) == errc::no_such_tuple);
}

TEST_CASE("heap_page: an update that does not grow stays where it is") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const slot = page.insert(bytes_of("12345678")).value();
    for (auto const* text : {"87654321", "short", ""}) {
        auto const tail = text_of(buffer.span().last(8)).substr(std::string_view{text}.size());
        REQUIRE(page.update(slot, bytes_of(text)));
        CHECK(text_in(page, slot) == text);
        CHECK(text_of(buffer.span().last(8)) == text + tail);
        CHECK(page.free_space() == 512 - 32 - 8 - std::string_view{text}.size());
        page.validate();
    }
}

TEST_CASE("heap_page: an update may need the line pointers of free slots at the end") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const kept = page.insert(bytes_of("k")).value();
    while (page.insert(bytes_of("x"))) {}
    for (std::size_t i = page.slot_count() - 1; i > 0; --i) { page.erase(slot_id{i}); }
    CHECK(page.slot_count() > 90);
    CHECK(page.free_space() == 512 - 32 - 8 - 1);
    REQUIRE(page.update(kept, bytes_of(std::string(476, 'K'))));
    CHECK(page.slot_count() == 1);
    CHECK(text_in(page, kept) == std::string(476, 'K'));
    page.validate();
}

TEST_CASE("heap_page: a dead slot gives its storage back but not its number") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const a = page.insert(bytes_of(std::string(200, 'a'))).value();
    auto const b = page.insert(bytes_of(std::string(200, 'b'))).value();
    CHECK(page.kill(a));
    CHECK_FALSE(page.kill(a));
    CHECK_FALSE(page.erase(a));
    CHECK_FALSE(page.contains(a));
    CHECK(page.insert(bytes_of(std::string(210, 'c'))) == slot_id{2});
    CHECK(text_in(page, b) == std::string(200, 'b'));
    CHECK(page.reclaim(a));
    CHECK_FALSE(page.reclaim(a));
    CHECK_FALSE(page.reclaim(b));
    CHECK(page.insert(bytes_of("d")) == a);
    page.validate();
}

TEST_CASE("heap_page: move gives a tuple another number") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const a = page.insert(bytes_of("a")).value();
    auto const b = page.insert(bytes_of("b")).value();
    CHECK_FALSE(page.move(a, b));
    CHECK_FALSE(page.move(a, a));
    CHECK(errc_of([&] { (void)page.move(slot_id{5}, slot_id{6}); }) == errc::no_such_tuple);
    REQUIRE(page.move(a, slot_id{4}));
    page.validate();
    CHECK(page.slot_count() == 5);
    CHECK_FALSE(page.contains(a));
    CHECK(text_in(page, slot_id{4}) == "a");
    CHECK(page.insert(bytes_of("c")) == a);
    CHECK(page.insert(bytes_of("d")) == slot_id{2});
    CHECK_FALSE(page.move(a, slot_id{120}));
    CHECK_FALSE(page.move(a, slot_id{65535}));
    CHECK(page.move(a, slot_id{118}));
    CHECK(page.free_space() == 0);
    page.validate();
}

TEST_CASE("heap_page: move compacts when line pointers need the room") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const a = page.insert(bytes_of(std::string(200, 'a'))).value();
    auto const b = page.insert(bytes_of(std::string(240, 'b'))).value();
    CHECK(page.erase(a));
    REQUIRE(page.move(b, slot_id{50}));
    page.validate();
    CHECK(text_in(page, slot_id{50}) == std::string(240, 'b'));
    CHECK(page.slot_count() == 51);
}

TEST_CASE("heap_page: a moved tuple whose old number is redirected leaves a dead slot") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    page.insert(bytes_of("a")).value();
    page.insert(bytes_of("b")).value();
    REQUIRE(page.redirect(slot_id{0}, slot_id{1}));
    REQUIRE(page.move(slot_id{1}, slot_id{2}));
    page.validate();
    CHECK_FALSE(page.contains(slot_id{0}));
    REQUIRE(page.redirect(slot_id{1}, slot_id{2}));
    CHECK(text_in(page, slot_id{0}) == "b");
}

TEST_CASE("heap_page: a tuple may be inserted from the page itself") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const source = page.insert(bytes_of(std::string(100, 's') + "end")).value();
    auto const copy = page.insert(bytes_in(page, source).subspan(50)).value();
    CHECK(text_in(page, copy) == std::string(50, 's') + "end");
    CHECK(text_in(page, source) == std::string(100, 's') + "end");
    page.validate();
}

TEST_CASE("heap_page: an insert from the page itself survives the compaction that it causes") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    std::string text;
    for (int i = 0; i < 100; ++i) { text += static_cast<char>('!' + i % 90); }
    auto const dropped = page.insert(bytes_of(std::string(150, 'd'))).value();
    auto const source = page.insert(bytes_of(text)).value();
    auto const other = page.insert(bytes_of(std::string(150, 'o'))).value();
    page.erase(dropped);
    auto const copy = page.insert(bytes_in(page, source)).value();
    CHECK(text_in(page, copy) == text);
    CHECK(text_in(page, source) == text);
    CHECK(text_in(page, other) == std::string(150, 'o'));
    page.validate();
}

TEST_CASE("heap_page: a tuple may be updated from bytes of itself") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    std::string text = "0123456789abcdefghijklmnopqrstuvwxyz";
    auto const slot = page.insert(bytes_of(text)).value();
    REQUIRE(page.update(slot, bytes_in(page, slot).subspan(3, 30)));
    CHECK(text_in(page, slot) == text.substr(3, 30));
    page.insert(bytes_of(std::string(300, 'x'))).value();
    auto const big = page.insert(bytes_of(std::string(90, 'y'))).value();
    REQUIRE(page.update(big, bytes_of("")));
    // From the end of one tuple into the beginning of another: 40 bytes that span both.
    std::span<std::byte const> const wide{bytes_in(page, slot).data() - 10, 40};
    std::string const expected = text_of(wide);
    REQUIRE(page.update(slot, wide));
    CHECK(text_in(page, slot) == expected);
    page.validate();
}

TEST_CASE("heap_page: tuples of exclusive pages are written in place") {
    auto buffer = make_heap_page<512>();
    heap_page page{buffer.span()};
    auto const slot = page.insert(bytes_of("12345678")).value();
    {
        auto const tuple = page.tuple(slot);
        tuple.store<std::uint32_t>(2, 0x41424344);
        CHECK(tuple.unguarded_span().data() == buffer.bytes().data() + 504);
    }
    CHECK(text_in(page, slot) == "12DCBA78");
}

TEST_CASE("heap_page: errors name the page and the slot, and no file") {
    auto buffer = make_heap_page<512>(99);
    heap_page page{buffer.span()};
    try {
        (void)page.tuple(slot_id{0}).size();
        FAIL("no error");
    } catch (quire::error const& e) {
        CHECK(e.kind() == errc::no_such_tuple);
        CHECK(e.page() == quire::page_id{quire::file_no::unknown, 99});
        CHECK(std::string{e.what()} == "tuple in slot 0 of page 99: no tuple in this slot");
    }
    auto const what = [](auto act) {
        try {
            act();
        } catch (quire::error const& e) { return std::string{e.what()}; }
        return std::string{"no error"};
    };
    constexpr char const* too_large = "tuple is larger than a page or its limits allow";
    std::string const past_a_page(600, 'x');
    auto const slot = page.insert(bytes_of("a")).value();
    CHECK(what([&] { static_cast<void>(page.insert(bytes_of(past_a_page))); }) ==
          std::string{"tuple of page 99: "} + too_large);
    CHECK(what([&] { static_cast<void>(page.update(slot, bytes_of(past_a_page))); }) ==
          std::string{"tuple in slot 0 of page 99: "} + too_large);
    CHECK(what([&] { static_cast<void>(page.update(slot_id{7}, bytes_of("a"))); }) ==
          "tuple in slot 7 of page 99: no tuple in this slot");
    CHECK(what([&] { static_cast<void>(page.move(slot_id{65535}, slot)); }) ==
          "tuple in slot 65535 of page 99: no tuple in this slot");
    CHECK(what([&] { static_cast<void>(page.redirect(slot, slot_id{3})); }) ==
          "tuple in slot 3 of page 99: no tuple in this slot");
    quire::store_le(buffer.bytes().data() + 4, ~std::uint64_t{0});
    CHECK(errc_of([&] { (void)page.number(); }) == errc::corrupt_page);
    CHECK(errc_of([&] { page.validate(); }) == errc::corrupt_page);
}

TEST_CASE("heap_page: a tuple of another page is inserted, and replaces one, as it is lent") {
    auto from_buffer = make_heap_page<512>();
    auto to_buffer = make_heap_page<512>();
    heap_page from{from_buffer.span()};
    heap_page to{to_buffer.span()};
    auto const first = from.insert(bytes_of("a tuple")).value();
    auto const second = from.insert(bytes_of("another")).value();
    auto const empty = from.insert(bytes_of("")).value();
    heap_page<std::byte const, 512> const seen{from};
    auto const slot = to.insert(seen.tuple(first)).value();
    CHECK(text_in(to, slot) == "a tuple");
    CHECK(to.update(slot, from.tuple(second)));  // mutable bytes, too
    CHECK(text_in(to, slot) == "another");
    CHECK(to.tuple(to.insert(seen.tuple(empty)).value()).empty());
    auto const long_one = from.insert(bytes_of(std::string(400, 'x'))).value();
    CHECK(to.insert(from.tuple(long_one)).has_value());
    CHECK_FALSE(to.insert(from.tuple(long_one)).has_value());  // it is full
    from.erase(first);                                         // nothing keeps what was copied
    if (!quire::checked_build) { return; }
    CHECK(violation_of([&] {
              auto const tuple = to.tuple(slot);
              (void)to.insert(tuple);  // of the same page, where it may move
          }).find("used only until the page is next changed") != std::string::npos);
}
