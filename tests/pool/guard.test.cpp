// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/guard.hpp>

#include "calls.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "death.hpp"

#include <deque>
#include <future>
#include <list>
#include <thread>

using namespace quire_test;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using quire::errc;
using quire::open_mode;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

using pool_type = quire::buffer_pool<size, quire::clock, quire::hybrid_latch,
                                     quire::memory_backend>;
using file_type = pool_type::file;
using reading = pool_type::read_guard<quire::raw_page>;
using writing = pool_type::write_guard<quire::raw_page>;

template <class G>
constexpr bool is_pinned = !std::copy_constructible<G> && !std::move_constructible<G> &&
                           !std::assignable_from<G&, G&> && !std::assignable_from<G&, G>;
static_assert(is_pinned<reading> && is_pinned<writing>);
static_assert(is_pinned<quire::guard_slot<reading>> && is_pinned<quire::guard_slot<writing>>);
static_assert(!std::default_initializable<reading> && !std::default_initializable<writing>);

// A guard that has no name lends nothing.
template <class G>
concept lends = requires { std::declval<G>().operator->(); } || requires { *std::declval<G>(); };
template <class G>
concept lends_view = requires { std::declval<G>().view(); };
static_assert(lends<reading&> && lends<reading const&>);
static_assert(!lends<reading> && !lends<reading const>);
static_assert(lends<writing&> && lends<writing const&> && lends_view<writing&>);
static_assert(!lends<writing> && !lends<writing const>);
static_assert(!lends_view<writing> && !lends_view<writing const>);
template <class S>
concept gives_guard = requires { std::declval<S>().value(); } || requires { *std::declval<S>(); };
static_assert(gives_guard<quire::guard_slot<reading>&>);
static_assert(!gives_guard<quire::guard_slot<reading>>);

// What is lent: shared is const, exclusive is mutable, and const again through a const guard.
template <class G>
using lent = std::remove_pointer_t<decltype(std::declval<G>().operator->())>;
static_assert(std::same_as<lent<reading&>, quire::raw_page<std::byte const, size> const>);
static_assert(std::same_as<lent<writing&>, quire::raw_page<std::byte, size>>);
static_assert(std::same_as<lent<writing const&>, quire::raw_page<std::byte const, size> const>);
// By another name it is as pinned as the guard, and is that page's view.
template <class G>
using named = decltype(*std::declval<G>());
static_assert(std::derived_from<named<reading&>, quire::raw_page<std::byte const, size>>);
static_assert(std::derived_from<named<writing&>, quire::raw_page<std::byte, size>>);
static_assert(std::derived_from<named<writing const&>, quire::raw_page<std::byte const, size>>);
static_assert(is_pinned<named<reading&>> && is_pinned<named<writing&>>);

struct setting {
    explicit setting(std::uint64_t pages, std::size_t frames = 4)
        : pool{{.frames = frames, .wait_max = 1h, .frame_wait_max = 10ms, .backend = {}}},
          file{pool.open("f", open_mode::open_or_create, {.dirty_pages_max = 100})} {
        append_numbers(file, pages);
        file.flush();
    }
    auto& frame_of(std::uint64_t no) const {
        auto const entry = file.slot().pages->load(no);
        REQUIRE(entry.is_frame());
        return file.core().frames[entry.frame()];
    }
    bool free(std::uint64_t no) const {
        auto& latch = frame_of(no).latch;
        if (!latch.try_lock()) { return false; }
        latch.unlock();
        return true;
    }

    pool_type pool;
    file_type file;
};

/// The rule that `act(setting)` breaks; a pool belongs to its process, so it is made in the child.
template <class Act>
std::string broken_by(Act act) {
    return violation_of([&] {
        setting s{3};
        act(s);
    });
}
auto const used_after = ContainsSubstring("a guard is not used after release or transfer");

}  // namespace

TEST_CASE("guard: holds its page exactly as long as it lives") {
    setting s{2};
    {
        auto page = s.file.read(0);
        CHECK(page.id() == quire::page_id{s.file.number(), 0});
        CHECK_FALSE(s.free(0));
    }
    CHECK(s.free(0));
    {
        auto page = s.file.write(1);
        CHECK_FALSE(s.free(1));
        page.release();
        CHECK(s.free(1));
    }
    CHECK(s.free(1));
}

TEST_CASE("guard: readers share, a writer does not") {
    setting s{1};
    auto one = s.file.read(0);
    auto const elsewhere = [&](auto call) { return std::async(std::launch::async, call).get(); };
    CHECK(elsewhere([&] { return number_on(s.file, 0); }) == 0);
    CHECK(elsewhere([&] {
              return refusal([&] { static_cast<void>(s.file.write(0, {.wait_max = 5ms})); });
          }) == errc::timed_out);
    one.release();
    auto other = s.file.write(0);
    CHECK(elsewhere([&] {
              return refusal([&] { number_on(s.file, 0, {.wait_max = 5ms}); });
          }) == errc::timed_out);
}

TEST_CASE("guard: a write guard moves the version at its first change and at its end") {
    setting s{1};
    auto const before = s.frame_of(0).version.load();
    {
        auto page = s.file.write(0);
        CHECK(s.frame_of(0).version == before);
        CHECK(std::as_const(page)->bytes().load<std::uint64_t>(number_at) == 0);
        CHECK(s.frame_of(0).version == before);
        CHECK_FALSE(s.frame_of(0).dirty());
        page->bytes().store<std::uint64_t>(number_at, 1);
        CHECK(s.frame_of(0).version == before + 1);
        CHECK(s.frame_of(0).dirty());
        { auto named = *page; named.bytes().store<std::uint64_t>(number_at, 2); }
        CHECK(s.frame_of(0).version == before + 1);
    }
    CHECK(s.frame_of(0).version == before + 2);
    CHECK(s.file.slot().dirty == 1);
}

TEST_CASE("guard: a change by a view kept across advance counts where it is done") {
    setting s{2};
    s.file.flush();
    {
        auto page = s.file.write(0);
        auto* const view = page.operator->();
        page.advance(s.file, 1);
        view->bytes().template store<std::uint64_t>(number_at, 99);
    }
    CHECK(s.file.slot().dirty == 2);
    s.file.flush();
    s.file.discard(1);
    CHECK(number_on(s.file, 1) == 99);
}

TEST_CASE("guard: advance without having lent anything mutable leaves both pages clean") {
    setting s{2};
    s.file.flush();
    {
        auto page = s.file.write(0);
        CHECK(std::as_const(page)->bytes().load<std::uint64_t>(number_at) == 0);
        page.advance(s.file, 1);
        CHECK(std::as_const(page)->bytes().load<std::uint64_t>(number_at) == 1);
    }
    CHECK(s.file.slot().dirty == 0);
}

TEST_CASE("guard: release counts a change as the end does, once") {
    setting s{1};
    auto const before = s.frame_of(0).version.load();
    {
        auto page = s.file.write(0);
        page->bytes().store<std::uint64_t>(number_at, 1);
        page.release();
        CHECK(s.frame_of(0).version == before + 2);
    }
    CHECK(s.frame_of(0).version == before + 2);
}

TEST_CASE("guard: transfer hands the page over without letting go") {
    setting s{2};
    auto first = s.file.read(0);
    {
        auto second = first.transfer();
        CHECK(second.id().page().value() == 0);
        CHECK(second->bytes().load<std::uint64_t>(number_at) == 0);
        CHECK_FALSE(s.free(0));
    }
    CHECK(s.free(0));

    auto const before = s.frame_of(1).version.load();
    auto writer = s.file.write(1);
    writer->bytes().store<std::uint64_t>(number_at, 70);
    {
        auto next = writer.transfer();
        CHECK(s.frame_of(1).version == before + 1);
        CHECK_FALSE(s.free(1));
        CHECK(std::as_const(next)->bytes().load<std::uint64_t>(number_at) == 70);
    }
    CHECK(s.free(1));
    CHECK(s.frame_of(1).version == before + 2);  // the change came along, and ended once
    CHECK(number_on(s.file, 1) == 70);
}

TEST_CASE("guard: advance latches the next page before it lets this one go") {
    setting s{3};
    auto page = s.file.read(0);
    page.advance(s.file, 1);
    CHECK(page.id().page().value() == 1);
    CHECK(page->bytes().load<std::uint64_t>(number_at) == 1);
    CHECK(s.free(0));
    CHECK_FALSE(s.free(1));
    page.release();

    auto const before = s.frame_of(0).version.load();
    auto const next = s.frame_of(2).version.load();
    auto writer = s.file.write(0);
    writer->bytes().store<std::uint64_t>(number_at, 70);
    writer.advance(s.file, 2);
    CHECK(s.frame_of(0).version == before + 2);
    CHECK(s.free(0));
    CHECK(std::as_const(writer)->bytes().load<std::uint64_t>(number_at) == 2);
    writer.release();
    CHECK(s.frame_of(2).version == next + 2);  // lent with the view, changed or not
    CHECK(number_on(s.file, 0) == 70);
}

TEST_CASE("guard: an advance that fails keeps the page") {
    setting s{3, 2};
    auto page = s.file.read(0);
    auto writer = s.file.write(1);
    writer->bytes().store<std::uint64_t>(number_at, 70);
    CHECK(refusal([&] { page.advance(s.file, 3); }) == errc::page_out_of_range);
    CHECK(refusal([&] { writer.advance(s.file, 3); }) == errc::page_out_of_range);
    CHECK(refusal([&] { page.advance(s.file, 2); }) == errc::no_free_frame);
    CHECK(refusal([&] { writer.advance(s.file, 2); }) == errc::no_free_frame);
    CHECK(page.id().page().value() == 0);
    CHECK(page->bytes().load<std::uint64_t>(number_at) == 0);
    CHECK(writer.id().page().value() == 1);
    CHECK(writer->bytes().load<std::uint64_t>(number_at) == 70);
    CHECK_FALSE(s.free(0));
    CHECK_FALSE(s.free(1));
}

TEST_CASE("guard: advance to a page of another kind keeps the page, and holds no other") {
    setting s{1};
    auto page = s.file.append<quire::heap_page>();
    CHECK(refusal([&] { page.advance(s.file, 0); }) == errc::wrong_page_kind);
    CHECK(page.id().page().value() == 1);
    CHECK(page.view().size() == 0);
    CHECK(s.free(0));
    CHECK_FALSE(s.free(1));
}

TEST_CASE("guard: advance goes from file to file and from pool to pool") {
    setting s{2};
    setting other{1};
    auto second = s.pool.open("g", open_mode::open_or_create);
    append_numbers(second, 1, 500);
    auto page = s.file.read(1);
    page.advance(second, 0);
    CHECK(page.id() == quire::page_id{second.number(), 0});
    CHECK(page->bytes().load<std::uint64_t>(number_at) == 500);
    CHECK(s.free(1));
    page.advance(other.file, 0);
    CHECK(page->bytes().load<std::uint64_t>(number_at) == 0);
    CHECK_FALSE(other.free(0));
    page.release();
    CHECK(other.free(0));
}

TEST_CASE("guard: standard containers hold guards that are made in place") {
    setting s{4};
    std::optional<reading> maybe;
    maybe.emplace(s.file, 0U);
    CHECK((*maybe)->bytes().load<std::uint64_t>(number_at) == 0);
    std::list<reading> list;
    list.emplace_back(s.file, 1U);
    list.emplace_front(s.file, 2U);
    CHECK(list.front()->bytes().load<std::uint64_t>(number_at) == 2);
    std::deque<writing> path;
    path.emplace_back(s.file, 3U);
    path.back()->bytes().store<std::uint64_t>(number_at, 70);
    CHECK_FALSE(s.free(3));
    path.pop_front();
    CHECK(s.free(3));
    list.clear();
    maybe.reset();
    for (std::uint64_t no = 0; no < 4; ++no) { CHECK(s.free(no)); }
}

TEST_CASE("guard_slot: holds a guard that comes and goes") {
    setting s{3};
    quire::guard_slot<reading> slot;
    CHECK_FALSE(slot.has_value());
    slot.reset();
    slot.emplace(s.file, 0U);
    CHECK(slot.has_value());
    CHECK(slot->bytes().load<std::uint64_t>(number_at) == 0);
    slot.emplace(s.file, 1U);  // the first one is over
    CHECK(s.free(0));
    CHECK(slot.value()->bytes().load<std::uint64_t>(number_at) == 1);
    auto other = s.file.read(2);
    slot.fill([&] { return other.transfer(); });
    CHECK(s.free(1));
    CHECK((*slot)->bytes().load<std::uint64_t>(number_at) == 2);
    CHECK(refusal([&] { slot.emplace(s.file, 9U); }) == errc::page_out_of_range);
    CHECK_FALSE(slot.has_value());
    CHECK(s.free(2));
    {
        quire::guard_slot<writing> inner;
        inner.emplace(s.file, 0U);
        CHECK_FALSE(s.free(0));
    }
    CHECK(s.free(0));
}

TEST_CASE("guard: use after release or transfer stops the program") {
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.read(0);
                   page.release();
                   static_cast<void>(page->bytes());
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.read(0);
                   auto next = page.transfer();
                   static_cast<void>(*page);
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.write(0);
                   page.release();
                   static_cast<void>(page->bytes());
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.write(0);
                   auto next = page.transfer();
                   static_cast<void>(std::as_const(page)->bytes());
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.write(0);
                   page.release();
                   page.logged(1);
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.read(0);
                   page.release();
                   page.release();
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.read(0);
                   page.release();
                   auto next = page.transfer();
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.write(0);
                   page.release();
                   page.advance(s.file, 1);
               }),
               used_after);
    CHECK_THAT(broken_by([](setting& s) {
                   auto page = s.file.read(0);
                   page.release();
                   static_cast<void>(page.version());
               }),
               used_after);
}

TEST_CASE("guard: further rules that stop the program") {
    CHECK_THAT(broken_by([](setting& s) { s.file.write(0).logged(0); }),
               ContainsSubstring("a log sequence number lies between 1 and"));
    CHECK_THAT(broken_by([](setting&) {
                   quire::guard_slot<reading> slot;
                   static_cast<void>(slot.value());
               }),
               ContainsSubstring("a guard_slot that is asked for its guard has one"));
}

// A thread that asked for a page of its own waited for itself: 30 seconds of silence, and then a
// time-out that named no rule. (wait_max is an hour here.)
TEST_CASE("guard: a thread that would wait for its own guard is told so at once") {
    setting s{3};
    auto const says = [&](auto call) {
        auto const e = error_of(call);
        return e.kind() == errc::held_here ? std::string{e.what()} : "not held_here";
    };
    auto const rule = ContainsSubstring(
        " of page 0 of f: this thread holds a guard of the page: end that guard first");
    {
        auto const page = s.file.read(0);
        CHECK_THAT(says([&] { static_cast<void>(s.file.write(0)); }), rule);
        CHECK_THAT(says([&] { static_cast<void>(s.file.format(0)); }),
                   ContainsSubstring("format of page 0 of f: this thread holds a guard"));
        CHECK(s.file.held_here(0));
        CHECK_FALSE(s.file.held_here(1));
    }
    CHECK_FALSE(s.file.held_here(0));
    {
        auto page = s.file.write(0);
        CHECK(s.file.held_here(0));
        CHECK_THAT(says([&] { static_cast<void>(s.file.write(0)); }), rule);
        CHECK_THAT(says([&] { static_cast<void>(s.file.read(0)); }), rule);
        CHECK_THAT(says([&] {
                       static_cast<void>(s.file.optimistic_read(0, [](auto const&) { return 1; }));
                   }),
                   rule);
        CHECK_THAT(says([&] { page.advance(s.file, 0); }), rule);
        page->bytes().store<std::uint64_t>(number_at, 7);  // it is held as before
        auto const shared = page.downgrade();
        CHECK(s.file.held_here(0));
        CHECK_THAT(says([&] { static_cast<void>(s.file.write(0)); }), rule);
    }
    {
        auto page = s.file.append();
        CHECK(s.file.held_here(page.page_no()));
        CHECK_THAT(says([&] { static_cast<void>(s.file.read(3)); }),
                   ContainsSubstring("read of page 3 of f: this thread holds a guard"));
    }
    CHECK(number_on(s.file, 0) == 7);
}

TEST_CASE("guard: a pin of its page, and an advance to the same one, leave it this thread's") {
    if constexpr (!quire::checked_build) {  // which refuses both
        setting s{2};
        auto page = s.file.read(0);
        auto const pin = s.file.pin(0);
        CHECK(s.file.held_here(0));
        CHECK(refusal([&] { static_cast<void>(s.file.write(0)); }) == errc::held_here);
        page.advance(s.file, 0);
        CHECK(s.file.held_here(0));
        CHECK(refusal([&] { static_cast<void>(s.file.write(0)); }) == errc::held_here);
        page.advance(s.file, 1);
        CHECK_FALSE(s.file.held_here(0));
        CHECK(s.file.held_here(1));
    }
}

TEST_CASE("guard: another thread's guard is not this thread's") {
    setting s{1};
    std::atomic<int> step{0};
    auto page = s.file.read(0);
    std::thread other{[&] {
        CHECK_FALSE(s.file.held_here(0));
        step = 1;
        static_cast<void>(s.file.write(0));  // waits for the other thread
        step = 3;
    }};
    while (step < 1) { std::this_thread::yield(); }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    CHECK(step == 1);
    page.release();
    other.join();
    CHECK(step == 3);
}

TEST_CASE("guard: a flush under a guard of a dirty page is told so, and writes the others") {
    if constexpr (!quire::checked_build) {  // which stops at any guard
        setting s{3};
        write_number(s.file, 0, 1);
        write_number(s.file, 2, 1);
        auto page = s.file.write(1);
        page->bytes().store<std::uint64_t>(number_at, 7);
        auto const before = s.file.stats().write_backs;
        auto const e = error_of([&] { s.file.flush(); });
        CHECK(e.kind() == errc::held_here);
        CHECK_THAT(e.what(), ContainsSubstring("write of page 1 of f: this thread holds a guard"));
        CHECK(s.file.stats().write_backs == before + 2);
        page.release();
        {
            auto const reader = s.file.read(1);  // of a dirty page
            CHECK(error_of([&] { s.file.write_back(); }).kind() == errc::held_here);
        }
        s.file.flush();
        {
            auto const reader = s.file.read(1);  // of a clean one
            s.file.flush();
        }
    }
}

// What a page's bytes say must not stop a program, not even a checked one.
TEST_CASE("guard: in checked builds a second guard of a page is an error even where none waits") {
    setting s{2};
    auto one = s.file.read(0);
    if constexpr (quire::checked_build) {
        CHECK(error_of([&] { static_cast<void>(s.file.read(0)); }).kind() == errc::held_here);
        CHECK(error_of([&] { one.advance(s.file, 0); }).kind() == errc::held_here);
    } else {
        auto const two = s.file.read(0);
    }
    auto two = s.file.read(1);
    one.release();
    auto again = s.file.read(0);
    CHECK(again->bytes().load<std::uint64_t>(number_at) == 0);
}

TEST_CASE("guard: checked builds stop a flush or a close under a guard of this thread") {
    if constexpr (quire::checked_build) {
        auto const rule = ContainsSubstring("a thread that flushes or closes holds no guard");
        CHECK_THAT(broken_by([](setting& s) {
                       auto page = s.file.read(0);
                       s.file.flush();
                   }),
                   rule);
        CHECK_THAT(broken_by([](setting& s) {
                       auto page = s.file.write(0);
                       s.pool.flush();
                   }),
                   rule);
        CHECK_THAT(broken_by([](setting& s) {
                       auto page = s.file.append();
                       s.file.close();
                   }),
                   rule);
    }
    setting s{1};
    setting other{1};
    auto page = s.file.read(0);
    other.file.flush();  // another pool's
    other.file.discard(0);
    other.file.truncate(1);
    page.release();
    s.file.flush();
}

TEST_CASE("guard: checked builds stop a discard or a truncation under a guard of this thread") {
    {
        setting s{1};
        auto first = s.file.read(0);
        { auto next = s.file.append(); }
        s.file.discard(1);  // another page than the one that is held
        CHECK(s.file.pages() == 2);
        s.file.truncate(1);
        CHECK(s.file.pages() == 1);
    }
    if constexpr (quire::checked_build) {
        auto const rule = ContainsSubstring("a thread that discards or truncates holds no guard");
        CHECK_THAT(broken_by([](setting& s) {
                       auto page = s.file.read(0);
                       s.file.discard(0);
                   }),
                   rule);
        CHECK_THAT(broken_by([](setting& s) {
                       auto page = s.file.append();
                       s.file.truncate(0);
                   }),
                   rule);
    } else {
        SUCCEED("elsewhere a thread's own guard is like another's");
    }
}

TEST_CASE("guard: checked builds stop a guard that another thread ends") {
    if constexpr (quire::checked_build) {
        CHECK_THAT(broken_by([](setting& s) {
                       std::optional<reading> page;
                       page.emplace(s.file, 0U);
                       std::thread{[&] { page.reset(); }}.join();
                   }),
                   ContainsSubstring("a guard ends in the thread that made it"));
    }
    setting s{1};
    std::thread{[&] { auto page = s.file.read(0); }}.join();
    CHECK(s.free(0));
}

TEST_CASE("guard: logged gives a page kind that keeps an LSN the highest one") {
    setting s{1};
    auto page = s.file.append<quire::heap_page>();
    auto const lsn_on_page = [&] {
        auto const bytes = s.file.core().frames.bytes(
            s.file.slot().pages->load(page.page_no()).frame());
        return quire::page_header::load(bytes.first<quire::page_header::size>()).lsn;
    };
    page.logged(7);
    CHECK(lsn_on_page() == 7);
    page.logged(5);
    CHECK(lsn_on_page() == 7);
    page.logged(9);
    CHECK(lsn_on_page() == 9);
    s.file.write(0).logged(3);  // a raw page keeps none
}

TEST_CASE("guard: a page by another name shows the same bytes, and only a change makes it dirty") {
    setting s{2};
    s.file.flush();
    {
        auto page = s.file.write(1);
        {
            auto look = page.view();
            CHECK(look.bytes().load<std::uint64_t>(number_at) == 1);
            auto again = *std::as_const(page);  // for reading there may be several
            CHECK(again.bytes().load<std::uint64_t>(number_at) == 1);
        }
        CHECK_FALSE(s.frame_of(1).dirty());
        {
            auto named = *page;
            named.bytes().store<std::uint64_t>(number_at, 71);
        }
        CHECK(s.frame_of(1).dirty());
        CHECK(page->bytes().load<std::uint64_t>(number_at) == 71);
    }
    auto const page = s.file.read(1);
    auto named = *page;
    CHECK(named.bytes().load<std::uint64_t>(number_at) == 71);
}

TEST_CASE("guard: checked builds stop a guard that ends, goes on or lends under a named page") {
    if constexpr (quire::checked_build) {
        auto const ends_unlent = ContainsSubstring(quire::detail::guard_ends_unlent);
        auto const alone = ContainsSubstring("mutable bytes of a page are lent alone");
        auto const under_reader = [](auto act) {
            return broken_by([act](setting& s) {
                auto page = s.file.read(0);
                [[maybe_unused]] auto named = *page;
                act(s, page);
            });
        };
        auto const under_writer = [](auto act) {
            return broken_by([act](setting& s) {
                auto page = s.file.write(0);
                [[maybe_unused]] auto named = *page;
                act(s, page);
            });
        };
        CHECK_THAT(under_reader([](setting&, reading& page) { page.release(); }), ends_unlent);
        CHECK_THAT(under_writer([](setting&, writing& page) { page.release(); }), ends_unlent);
        CHECK_THAT(under_reader([](setting& s, reading& page) { page.advance(s.file, 1); }),
                   ends_unlent);
        CHECK_THAT(under_writer([](setting&, writing& page) {
                       auto other = page.transfer();
                       other.release();
                   }),
                   ends_unlent);
        CHECK_THAT(under_writer([](setting&, writing& page) {
                       [[maybe_unused]] auto twice = *page;
                   }),
                   alone);
        CHECK_THAT(under_writer([](setting&, writing& page) {
                       [[maybe_unused]] auto look = page.view();
                   }),
                   alone);
        CHECK_THAT(broken_by([](setting& s) {
                       auto page = s.file.write(0);
                       [[maybe_unused]] auto look = page.view();
                       [[maybe_unused]] auto named = *page;
                   }),
                   alone);
    }
}

// As in Rust. A count of what is there would refuse it.
TEST_CASE("guard: what is lent and not used again does not keep a page from changing") {
    setting s{1};
    s.file.format<quire::raw_page>(0).release();
    auto page = s.file.write(0);
    auto bytes = page->bytes();
    bytes.store<std::uint64_t>(number_at, 5);
    auto again = page->bytes();  // `bytes` has ended
    CHECK(again.load<std::uint64_t>(number_at) == 5);
    if constexpr (quire::checked_build) {
        CHECK_THAT(broken_by([](setting& other) {
                       auto guard = other.file.write(0);
                       auto one = guard->bytes();
                       auto two = guard->bytes();
                       two.store<std::uint64_t>(number_at, 6);
                       one.store<std::uint64_t>(number_at, 7);
                   }),
                   ContainsSubstring("used only until the page is next changed, or lent"));
    }
}
