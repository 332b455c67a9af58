// SPDX-License-Identifier: BSL-1.0
#include <quire/table/unlogged_change.hpp>

// What breaks when a rule is left out (each a test here):
//   a page is let go before the commit            others see half of an operation
//   a page is latched a second time               a thread waits for itself
//   a page that was only read becomes modified    reads are written back
//   a page that was the wrong one stays held      two operations wait for each other

#include <quire/io/memory_backend.hpp>
#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "pool/calls.hpp"

#include <future>

using namespace std::chrono_literals;
using quire::errc;
using quire_test::append_numbers;
using quire_test::number_on;
using quire_test::refusal;

namespace {

using pool_type =
    quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend>;
using pages_type = quire::unlogged_change<pool_type>;
constexpr std::size_t number_at = quire_test::number_at;

struct scene {
    pool_type pool{{.frames = 16, .backend = {quire::memory_store_ptr::make()}}};
    pool_type::file file = pool.open("f", quire::open_mode::open_or_create);

    explicit scene(std::uint64_t pages) { append_numbers(file, pages); }
    [[nodiscard]] bool another_reads(std::uint64_t no) const {
        return std::async(std::launch::async, [&] {
                   return refusal([&] { number_on(file, no, {.wait_max = 1ms}); }) !=
                          errc::timed_out;
               }).get();
    }
    [[nodiscard]] std::size_t dirty() const {
        std::size_t sum = 0;
        file.for_each_dirty([&](quire::page_id, std::uint64_t) { ++sum; });
        return sum;
    }
};
template <class Page>
void set_number(Page& page, std::uint64_t number) {
    page->bytes().template store<std::uint64_t>(number_at, number);
}
template <class Page>
std::uint64_t number_in(Page const& page) {
    return page.view().bytes().template load<std::uint64_t>(number_at);
}

}  // namespace

TEST_CASE("unlogged_change: every page is held until the commit, and given again meanwhile") {
    scene s{4};
    pages_type pages;
    CHECK_FALSE(pages.holds(s.file, 0));
    {
        auto one = pages.write<quire::raw_page>(s.file, 0);
        set_number(one, 10);
        auto const two = pages.read<quire::raw_page>(s.file, 1);
        CHECK(number_in(two) == 1);
        auto const three = pages.format<quire::heap_page>(s.file, 2);
        CHECK(three.view().size() == 0);
        auto const four = pages.append<quire::heap_page>(s.file);
        CHECK(four.page_no() == quire::page_no{4});
    }
    for (std::uint64_t const no : {0U, 1U, 2U, 4U}) {
        CHECK(pages.holds(s.file, no));
        CHECK_FALSE(s.another_reads(no));
    }
    CHECK(s.another_reads(3));
    {
        auto const again = pages.read<quire::raw_page>(s.file, 0);
        CHECK(number_in(again) == 10);
        auto fresh = pages.format<quire::heap_page>(s.file, 0);
        CHECK(fresh->insert(bytes_of("a")) == quire::slot_id{0});
    }
    pages.commit();
    for (std::uint64_t no = 0; no < 5; ++no) { CHECK(s.another_reads(no)); }
    auto const page = s.file.read<quire::heap_page>(0);
    CHECK(page->size() == 1);
}

TEST_CASE("unlogged_change: a page that was only latched or read stays clean") {
    scene s{3};
    s.file.flush();
    {
        pages_type pages;
        auto const one = pages.read<quire::raw_page>(s.file, 0);
        CHECK(number_in(one) == 0);
        auto const two = pages.write<quire::raw_page>(s.file, 1);
        CHECK(number_in(two) == 1);
    }
    CHECK(s.dirty() == 0);
    {
        pages_type pages;
        auto three = pages.write<quire::raw_page>(s.file, 2);
        set_number(three, 7);
    }
    CHECK(s.dirty() == 1);
    CHECK(number_on(s.file, 2) == 7);
}

TEST_CASE("unlogged_change: the wrong page is let go, and the others stay") {
    scene s{4};
    pages_type pages;
    for (std::uint64_t no = 0; no < 3; ++no) {
        static_cast<void>(pages.read<quire::raw_page>(s.file, no));
    }
    pages.let_go(s.file, 0);
    CHECK(s.another_reads(0));
    CHECK_FALSE(pages.holds(s.file, 0));
    CHECK_FALSE(s.another_reads(1));
    CHECK_FALSE(s.another_reads(2));
    CHECK(refusal([&] { static_cast<void>(pages.read<quire::heap_page>(s.file, 3)); }) ==
          errc::wrong_page_kind);
    CHECK(s.another_reads(3));
    pages.let_go(s.file, 2);
    CHECK(s.another_reads(2));
    CHECK_FALSE(s.another_reads(1));
}

TEST_CASE("in_one_change: a logged file gets a change of its pool, and may run again") {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    quire::redo_log<quire::memory_backend> log{"log", {.bytes = 1 << 20, .backend = disk}};
    pool_type pool{{.frames = 16, .backend = disk}, log};
    auto const logged = pool.open("a", quire::open_mode::open_or_create, {.logged = true});
    auto const plain = pool.open("b", quire::open_mode::open_or_create);
    CHECK(logged.is_logged());
    CHECK_FALSE(plain.is_logged());
    for (auto const& file : {logged, plain}) {
        in_one_change(pool, file, [&](auto& changes) {
            auto page = changes.template append<quire::raw_page>(file);
            set_number(page, 1);
        });
        CHECK(number_on(file, 0) == 1);
        struct no {};
        CHECK_THROWS_AS(in_one_change(pool, file,
                                      [&](auto& changes) {
                                          auto page =
                                              changes.template write<quire::raw_page>(file, 0);
                                          set_number(page, 2);
                                          throw no{};
                                      }),
                        no);
    }
    CHECK(number_on(logged, 0) == 1);  // undone
    CHECK(number_on(plain, 0) == 2);   // there is no undo
}
