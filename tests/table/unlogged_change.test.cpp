// SPDX-License-Identifier: BSL-1.0
#include <quire/table/unlogged_change.hpp>

// What breaks when a rule is left out (each a test here):
//
//   a page is let go before the commit            others see half of an operation
//   a page is latched a second time               a thread waits for itself
//   a page that was only read becomes modified    reads are written back
//   what is to be taken back is forgotten         pages of a failed operation are lost
//   it waits with pages that it has not changed   two operations wait for each other, to the end
//   it begins again after a change                that is made twice

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "death.hpp"
#include "page/page_buffer.hpp"
#include "pool/calls.hpp"
#include "table/world.hpp"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using quire::errc;
using quire::heap_page;
using quire_test::append_numbers;
using quire_test::number_at;
using quire_test::number_on;

namespace {

using world = table_world<512>;
using pages_type = quire::unlogged_change<world::pool_type>;

quire::access_options const at_once{.wait_max = 1ms};

/// Whether another thread gets page `no` now, to read it.
bool another_reads(world& w, std::uint64_t no) {
    return std::async(std::launch::async, [&] {
               try {
                   auto const page = w.file().read(no, at_once);
                   return true;
               } catch (quire::error const& e) {
                   REQUIRE(e.kind() == errc::timed_out);
                   return false;
               }
           }).get();
}
void validate(world& w, std::uint64_t no) {
    auto const page = w.file().read<heap_page>(no);
    page->validate();
}
/// Asks the const view of a page that a change has.
std::uint64_t number_in(auto const& page) {
    return page->bytes().template load<std::uint64_t>(number_at);
}
std::size_t dirty_pages(world& w) {
    std::size_t dirty = 0;
    w.file().for_each_dirty([&](quire::page_id, std::uint64_t) { ++dirty; });
    return dirty;
}
/// What code that is a template over its changes does: it moves a number.
template <class Changes>
void move_number(Changes& pages, world::file_type const& file) {
    auto from = pages.template write<quire::raw_page>(file, 0);
    auto to = pages.template write<quire::raw_page>(file, 1);
    auto const number = number_in(from);
    to->bytes().template store<std::uint64_t>(number_at, number);
    from->bytes().template store<std::uint64_t>(number_at, std::uint64_t{0});
}

}  // namespace

TEST_CASE("unlogged_change: every page is held until the commit, also one that is only read") {
    world w;
    append_numbers(w.file(), 4);
    pages_type pages{*w.pool};
    {
        auto one = pages.write(w.file(), 0);
        one->bytes().store<std::uint64_t>(number_at, 10);
        auto const two = pages.read(w.file(), 1);
        CHECK(number_in(two) == 1);
        auto three = pages.format<heap_page>(w.file(), 2);
        auto four = pages.append<heap_page>(w.file());
        CHECK(four.page_no() == 4);
        CHECK(four.id().page() == 4);
    }
    for (std::uint64_t const no : {0U, 1U, 2U, 4U}) { CHECK_FALSE(another_reads(w, no)); }
    CHECK(another_reads(w, 3));
    CHECK(pages.commit() == 0);
    for (std::uint64_t const no : {0U, 1U, 2U, 3U, 4U}) { CHECK(another_reads(w, no)); }
    CHECK(number_on(w.file(), 0) == 10);
    validate(w, 2);
    validate(w, 4);
}

TEST_CASE("unlogged_change: it takes a page that nobody has, and goes on without others") {
    world w;
    append_numbers(w.file(), 4);
    pages_type pages{*w.pool};
    {
        auto const held = w.file().read(2);
        CHECK(pages.try_hold(w.file(), 0));
        CHECK_FALSE(std::async(std::launch::async, [&] {
                        pages_type others{*w.pool};
                        return others.try_hold(w.file(), 2) || others.try_hold(w.file(), 0);
                    }).get());
    }
    CHECK(pages.try_hold(w.file(), 0));
    CHECK(pages.holds(w.file(), 0));
    CHECK_FALSE(another_reads(w, 0));
    CHECK(another_reads(w, 2));
    pages.let_go(w.file(), 0);
    CHECK(another_reads(w, 0));
    CHECK(pages.try_hold(w.file(), 1));
    {
        auto page = pages.write(w.file(), 1);
        page->bytes().store<std::uint64_t>(number_at, 7);
    }
    pages.commit();
    CHECK(number_on(w.file(), 1) == 7);
    CHECK(dirty_pages(w) > 0);
}

TEST_CASE("unlogged_change: a page that it holds is not latched again, and shows its changes") {
    world w;
    append_numbers(w.file(), 2);
    pages_type pages{*w.pool};
    CHECK_FALSE(pages.holds(w.file(), 0));
    {
        auto page = pages.write(w.file(), 0);
        page->bytes().store<std::uint64_t>(number_at, 7);
    }
    CHECK(pages.holds(w.file(), 0));
    CHECK_FALSE(pages.holds(w.file(), 1));
    {
        auto const again = pages.read(w.file(), 0);
        CHECK(number_in(again) == 7);
        auto page = pages.write(w.file(), 0);
        CHECK(number_in(page) == 7);
    }
    {
        auto fresh = pages.format<heap_page>(w.file(), 0);
        CHECK(fresh->insert(bytes_of("a")) == quire::slot_id{0});
    }
    {
        auto const tuples = pages.read<heap_page>(w.file(), 0);
        CHECK(tuples->size() == 1);
    }
    pages.commit();
    validate(w, 0);
}

TEST_CASE("unlogged_change: a page that is latched or read, and not lent, stays clean") {
    world w;
    append_numbers(w.file(), 3);
    w.file().flush();
    REQUIRE(dirty_pages(w) == 0);
    {
        pages_type pages{*w.pool};
        auto const read = pages.read(w.file(), 0);
        CHECK(read->bytes().size() == 512);
        auto latched = pages.write(w.file(), 1);
        CHECK(number_in(latched) == 1);
    }
    CHECK(dirty_pages(w) == 0);
    pages_type pages{*w.pool};
    {
        auto page = pages.write(w.file(), 2);
        page->bytes().store<std::uint64_t>(number_at, 1);
    }
    pages.commit();
    CHECK(dirty_pages(w) == 1);
}

TEST_CASE("unlogged_change: a page that was the wrong one is let go, and the others stay") {
    world w;
    append_numbers(w.file(), 5);
    pages_type pages{*w.pool};
    for (std::uint64_t no = 0; no < 3; ++no) { static_cast<void>(pages.read(w.file(), no)); }
    {
        auto changed = pages.write(w.file(), 3);
        changed->bytes().store<std::uint64_t>(number_at, 30);
    }
    pages.let_go(w.file(), 0);
    pages.let_go(w.file(), 3);  // it was changed
    pages.let_go(w.file(), 4);  // it is not here
    CHECK_FALSE(pages.holds(w.file(), 0));
    CHECK(another_reads(w, 0));
    for (std::uint64_t const no : {1U, 2U, 3U}) {
        CHECK(pages.holds(w.file(), no));
        CHECK_FALSE(another_reads(w, no));
    }
    {
        auto const again = pages.read(w.file(), 4);  // in its place
        CHECK(number_in(again) == 4);
    }
    CHECK_FALSE(another_reads(w, 4));
    pages.commit();
    for (std::uint64_t no = 0; no < 5; ++no) { CHECK(another_reads(w, no)); }
    CHECK(number_on(w.file(), 3) == 30);
}

TEST_CASE("unlogged_change: there is no undo, and an appended page remains") {
    world w;
    append_numbers(w.file(), 1);
    try {
        pages_type pages{*w.pool};
        {
            auto page = pages.write(w.file(), 0);
            page->bytes().store<std::uint64_t>(number_at, 9);
            auto const made = pages.append<heap_page>(w.file());
        }
        throw std::runtime_error{"in the middle"};
    } catch (std::runtime_error const&) {}
    CHECK(number_on(w.file(), 0) == 9);
    CHECK(w.file().pages() == 2);
    validate(w, 1);
}

TEST_CASE("unlogged_change: a page of another kind is refused, and is not held") {
    world w;
    append_numbers(w.file(), 1);
    pages_type pages{*w.pool};
    CHECK(errc_of([&] { auto p = pages.write<heap_page>(w.file(), 0); }) ==
          errc::wrong_page_kind);
    CHECK_FALSE(pages.holds(w.file(), 0));
    CHECK(another_reads(w, 0));
    { auto const raw = pages.read(w.file(), 0); }
    CHECK(errc_of([&] { auto p = pages.read<heap_page>(w.file(), 0); }) ==
          errc::wrong_page_kind);
    CHECK(pages.holds(w.file(), 0));
    CHECK(errc_of([&] { auto p = pages.write(w.file(), 1); }) == errc::page_out_of_range);
}

TEST_CASE("unlogged_change: more pages than it has room for at first") {
    world w;
    append_numbers(w.file(), 30);
    {
        pages_type pages{*w.pool};
        for (int round = 0; round < 2; ++round) {
            for (std::uint64_t no = 0; no < 30; ++no) {
                auto page = pages.write(w.file(), no);
                auto const before = number_in(page);
                page->bytes().store<std::uint64_t>(number_at, before + 100);
            }
        }
        CHECK_FALSE(another_reads(w, 29));
        pages.commit();
    }
    for (std::uint64_t no = 0; no < 30; ++no) { CHECK(number_on(w.file(), no) == no + 200); }
}

TEST_CASE("unlogged_change: what was not committed is taken back, with the pages still held") {
    world w;
    append_numbers(w.file(), 3);
    struct taker {
        std::vector<std::uint64_t> taken;
        bool held = true;
        world* w;
    } seen{{}, true, &w};
    auto const note = [](void const* of, pages_type& pages, quire::page_no no) {
        auto& to = *const_cast<taker*>(static_cast<taker const*>(of));
        to.taken.push_back(no.value());
        to.held = to.held && pages.holds(to.w->file(), 2);
    };
    for (bool const commits : {true, false}) {
        pages_type pages{*w.pool};
        for (std::uint64_t const no : {0U, 1U, 2U}) { auto const page = pages.read(w.file(), no); }
        pages.take_back_unless_committed(w.file(), 0, &seen, note);
        pages.take_back_unless_committed(w.file(), 1, &seen, note);
        if (commits) { pages.commit(); }
    }
    CHECK(seen.taken == std::vector<std::uint64_t>{0, 1});
    CHECK(seen.held);
}

TEST_CASE("in_one_change: code for both sorts of files, with and without a log") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        CHECK(w.file().is_logged() == logged);
        quire::in_one_change(*w.pool, w.file(), [&](auto& pages) {
            for (std::uint64_t no = 0; no < 2; ++no) {
                auto page = pages.template append<quire::raw_page>(w.file());
                page->bytes().template store<std::uint64_t>(number_at, 5 + no);
            }
        });
        auto const at = quire::in_one_change(*w.pool, w.file(), [&](auto& pages) {
            CHECK_FALSE(pages.holds(w.file(), 0));
            move_number(pages, w.file());
            CHECK(pages.holds(w.file(), 0));
            CHECK(pages.holds(w.file(), 1));
            CHECK_FALSE(pages.holds(w.file(), 2));
        });
        CHECK(at == (logged ? w.log->end() : 0));
        CHECK(number_on(w.file(), 0) == 0);
        CHECK(number_on(w.file(), 1) == 5);
    }
}

TEST_CASE("in_one_change: an error leaves a logged file as before, and ends the hold of any") {
    for (bool const logged : {false, true}) {
        INFO(logged);
        world w{logged};
        quire::in_one_change(*w.pool, w.file(), [&](auto& pages) {
            auto page = pages.template append<quire::raw_page>(w.file());
            page->bytes().template store<std::uint64_t>(number_at, std::uint64_t{5});
        });
        CHECK(errc_of([&] {
                  quire::in_one_change(*w.pool, w.file(), [&](auto& pages) {
                      auto page = pages.template write<quire::raw_page>(w.file(), 0);
                      page->bytes().template store<std::uint64_t>(number_at, std::uint64_t{6});
                      throw quire::error{errc::bad_option, "stop"};
                  });
              }) == errc::bad_option);
        CHECK(number_on(w.file(), 0) == (logged ? 5U : 6U));
        CHECK(another_reads(w, 0));
    }
}

TEST_CASE("unlogged_change: pages of a logged file are refused") {
    world w{true};
    pages_type pages{*w.pool};
    CHECK(errc_of([&] { auto p = pages.append(w.file()); }) == errc::needs_change);
    CHECK(errc_of([&] { auto p = pages.write(w.file(), 0); }) == errc::needs_change);
}

TEST_CASE("unlogged_change: operations of a catalog take their pages in any order") {
    world w;
    append_numbers(w.file(), 2);
    auto const before = number_on(w.file(), 0) + number_on(w.file(), 1);
    std::mutex only_one_waits;
    std::atomic<int> have_one = 0;
    std::atomic<int> runs = 0;
    auto const add = [&](std::uint64_t one, std::uint64_t other) {
        bool is_first = true;
        auto fn = [&](pages_type& pages) {
            ++runs;
            auto here = pages.write(w.file(), one);
            if (is_first) {
                is_first = false;
                ++have_one;
                while (have_one < 2) { std::this_thread::yield(); }
            }
            auto there = pages.write(w.file(), other);
            for (auto* const page : {&here, &there}) {
                auto const now = number_in(std::as_const(*page));
                (*page)->bytes().store<std::uint64_t>(number_at, now + 1);
            }
        };
        pages_type::run(*w.pool, only_one_waits, fn);
    };
    auto upward = std::async(std::launch::async, [&] { add(0, 1); });
    add(1, 0);
    upward.get();
    CHECK(number_on(w.file(), 0) + number_on(w.file(), 1) == before + 4);
    CHECK(runs > 2);
}

TEST_CASE("unlogged_change: one that has changed something waits, and does not begin again") {
    world w;
    append_numbers(w.file(), 2);
    std::promise<void> held;
    std::promise<void> over;
    std::future<void> other;
    auto const hold_page_1 = [&](std::chrono::milliseconds at_most) {
        other = std::async(std::launch::async, [&, at_most] {
            auto const page = w.file().write(1);
            held.set_value();
            static_cast<void>(over.get_future().wait_for(at_most));
        });
        held.get_future().wait();
    };
    pages_type pages{*w.pool, false};
    auto const has_conflict = [&](std::uint64_t no) {
        try {
            auto const page = pages.read(w.file(), no);
        } catch (quire::error const& why) { return why.kind() == errc::conflict; }
        return false;
    };
    SECTION("changed") {
        {
            auto page = pages.write(w.file(), 0);
            page->bytes().store<std::uint64_t>(number_at, std::uint64_t{77});
        }
        hold_page_1(20ms);
        CHECK_FALSE(has_conflict(1));
    }
    SECTION("only read") {
        { auto const page = pages.read(w.file(), 0); }
        hold_page_1(60s);
        CHECK(has_conflict(1));
        over.set_value();
        other.get();
        CHECK(has_conflict(1));  // it only ends now
    }
    SECTION("nothing in hand") {
        hold_page_1(20ms);
        CHECK_FALSE(has_conflict(1));
    }
    SECTION("nothing in hand any more") {
        { auto const page = pages.read(w.file(), 0); }
        pages.let_go(w.file(), 0);
        hold_page_1(20ms);
        CHECK_FALSE(has_conflict(1));
    }
}

#if QUIRE_CHECKED

TEST_CASE("unlogged_change: in checked builds it ends only when none of its pages has a name") {
    auto const rule =
        std::string{"an unlogged change ends only while none of its pages has a name"};
    auto const said = [](auto act) {
        return violation_of([&] {
            world w;
            append_numbers(w.file(), 2);
            act(w);
        });
    };
    CHECK(said([](world& w) {
              pages_type pages{*w.pool};
              auto page = pages.write(w.file(), 0);
              pages.commit();
          }).find(rule) != std::string::npos);
    CHECK(said([](world& w) {
              pages_type pages{*w.pool};
              auto page = pages.read(w.file(), 0);
              pages.let_go(w.file(), 0);
          }).find(rule) != std::string::npos);
    CHECK(said([](world& w) {
              pages_type pages{*w.pool};
              { auto page = pages.read(w.file(), 0); }
              pages.let_go(w.file(), 0);
              pages.commit();
          }).starts_with("did not abort"));
}

#endif
