// SPDX-License-Identifier: BSL-1.0
#include <quire/borrow/loan.hpp>
#include <quire/borrow/raw_page.hpp>

#include "catch.hpp"
#include "death.hpp"

#include <quire/borrow/byte_view.hpp>

#include <array>
#include <thread>
#include <type_traits>
#include <vector>

using quire::borrow;
using quire::lender;
using quire::lending;

namespace {

/// A view as a user writes one: two functions that lend, one that changes.
class word_page : public lender {
public:
    [[nodiscard]] borrow word() const { return borrow{*this, lending::shared}; }
    [[nodiscard]] borrow bytes() const { return borrow{*this, lending::alone}; }
    void change() const { expect_unlent(); }
};

}  // namespace

#if !QUIRE_CHECKED && !defined(QUIRE_ASAN)
static_assert(std::is_empty_v<lender> && std::is_empty_v<borrow>);
static_assert(sizeof(quire::byte_view<std::byte>) == sizeof(std::span<std::byte>));
static_assert(sizeof(quire::raw_page<std::byte, 512>) == sizeof(void*));
#endif
static_assert(!std::is_copy_constructible_v<lender> && !std::is_move_constructible_v<lender> &&
              !std::is_copy_assignable_v<lender> && std::is_copy_assignable_v<borrow>);

TEST_CASE("loan: parts that have ended do not keep a page from changing") {
    word_page page;
    {
        [[maybe_unused]] auto one = page.word();
        auto two = page.word();
        [[maybe_unused]] borrow const again = two;
    }
    page.change();
    { [[maybe_unused]] auto all = page.bytes(); }
    [[maybe_unused]] auto all = page.bytes();
    CHECK(true);  // a broken count has stopped the program before
}

TEST_CASE("loan: a borrow may be moved and assigned, and ends once") {
    word_page page;
    {
        auto one = page.word();
        borrow two = std::move(one);
        borrow three;
        three = two;
        two = borrow{};
    }
    page.change();
    {
        auto bytes = page.bytes();
        [[maybe_unused]] borrow const all = std::move(bytes);
    }
    page.change();
    CHECK(true);  // a broken count has stopped the program before
}

#if QUIRE_CHECKED

TEST_CASE("loan: what was assigned or moved is still lent") {
    CHECK(violation_of([] {
              word_page page;
              borrow kept;
              {
                  auto one = page.word();
                  kept = one;
              }
              page.change();
          }).find("a page is changed only while") != std::string::npos);
    CHECK(violation_of([] {
              word_page page;
              auto one = page.bytes();
              borrow const two = std::move(one);
              page.change();
          }).find("a page is changed only while") != std::string::npos);
}

TEST_CASE("loan: a const view made from a mutable one is the same lender") {
    CHECK(violation_of([] {
              std::array<std::byte, 512> bytes{};
              quire::raw_page<std::byte, 512> page{std::span{bytes}};
              quire::raw_page<std::byte const, 512> look{page};
              auto part = look.bytes();
              page.expect_unlent();
              static_cast<void>(part[0]);
          }).find("used only until the page is next changed") != std::string::npos);
}

TEST_CASE("loan: a page does not change while a part of it is lent, shared or alone") {
    CHECK(violation_of([] {
              word_page page;
              auto word = page.word();
              page.change();
          }).find("a page is changed only while") != std::string::npos);
    CHECK(violation_of([] {
              word_page page;
              auto bytes = page.bytes();
              page.change();
          }).find("a page is changed only while") != std::string::npos);
    CHECK(violation_of([] {  // one of two has ended
              word_page page;
              auto one = page.word();
              { auto two = page.word(); }
              page.change();
          }).find("a page is changed only while") != std::string::npos);
    CHECK(violation_of([] {  // the copy goes on
              word_page page;
              auto* one = new borrow{page.word()};
              borrow const copy = *one;
              delete one;
              page.change();
          }).find("a page is changed only while") != std::string::npos);
}

TEST_CASE("loan: mutable bytes are lent alone, in either order and twice") {
    auto const rule = "mutable bytes of a page are lent alone";
    CHECK(violation_of([] {
              word_page page;
              auto word = page.word();
              auto bytes = page.bytes();
          }).find(rule) != std::string::npos);
    CHECK(violation_of([] {
              word_page page;
              auto bytes = page.bytes();
              auto word = page.word();
          }).find(rule) != std::string::npos);
    CHECK(violation_of([] {
              word_page page;
              auto one = page.bytes();
              auto two = page.bytes();
          }).find(rule) != std::string::npos);
}

TEST_CASE("loan: a part that a change may end is not used after it, and may be there") {
    auto const rule = "used only until the page is next changed, or lent for changes";
    auto const until_change = [](borrow& one) -> borrow& {
        one.until_change();
        return one;
    };
    {
        word_page page;
        auto word = page.word();
        until_change(word).expect_current();
        borrow const copy = word;
        page.change();
        auto bytes = page.bytes();  // word and copy have ended
        until_change(bytes).expect_current();
        auto other = page.word();  // and so have they
        other.expect_current();
    }
    CHECK(violation_of([&] {
              word_page page;
              auto word = page.word();
              until_change(word);
              borrow const copy = word;
              page.change();
              copy.expect_current();
          }).find(rule) != std::string::npos);
    CHECK(violation_of([&] {  // lent for changes
              word_page page;
              auto word = page.word();
              until_change(word);
              auto bytes = page.bytes();
              word.expect_current();
          }).find(rule) != std::string::npos);
    CHECK(violation_of([&] {  // twice
              word_page page;
              auto bytes = page.bytes();
              until_change(bytes);
              auto again = page.bytes();
              bytes.expect_current();
          }).find(rule) != std::string::npos);
    CHECK(violation_of([&] {  // lent for changes, then for reading
              word_page page;
              auto bytes = page.bytes();
              until_change(bytes);
              auto word = page.word();
              bytes.expect_current();
          }).find(rule) != std::string::npos);
    CHECK(violation_of([&] {
              word_page page;
              auto word = page.word();
              until_change(word);
              page.change();
              word.keep();
          }).find(rule) != std::string::npos);
}

TEST_CASE("loan: a part that is kept again keeps its page from changing") {
    CHECK(violation_of([] {
              word_page page;
              auto word = page.word();
              word.until_change();
              word.keep();
              word.keep();  // once counts
              page.change();
          }).find("a page is changed only while") != std::string::npos);
    CHECK(violation_of([] {
              word_page page;
              auto bytes = page.bytes();
              bytes.until_change();
              bytes.keep();
              auto word = page.word();
          }).find("mutable bytes of a page are lent alone") != std::string::npos);
    word_page page;
    {
        auto word = page.word();
        word.until_change();
        word.keep();
        word.keep();
    }
    page.change();
    auto bytes = page.bytes();
    bytes.until_change();
    bytes.keep();
    bytes.until_change();
    page.change();
}

TEST_CASE("loan: a guard does not end while a part is there, even one that a change has ended") {
    CHECK(violation_of([] {
              word_page page;
              auto word = page.word();
              word.until_change();
              page.change();
              page.expect_all_ended("the guard ends");
          }).find("the guard ends") != std::string::npos);
}

TEST_CASE("loan: a view ends after its parts") {
    CHECK(violation_of([] {
              auto* volatile page = new word_page;  // volatile: g++ sees it by itself
              auto word = page->word();
              delete page;
          }).find("end before its view does") != std::string::npos);
}

// `const_view const look{*guard}` once looked into the account of a page that had ended already.
TEST_CASE("loan: a view made from another view of the page ends before that") {
    CHECK(violation_of([] {
              std::array<std::byte, 512> bytes{};
              using page_type = quire::raw_page<std::byte, 512>;
              auto* volatile page = new page_type{std::span{bytes}};
              quire::raw_page<std::byte const, 512> look{*page};
              delete page;
          }).find("ends before that") != std::string::npos);
    std::array<std::byte, 512> bytes{};
    quire::raw_page<std::byte, 512> page{std::span{bytes}};
    { quire::raw_page<std::byte const, 512> look{page}; }
    { quire::raw_page<std::byte const, 512> look{page}; }
    quire::raw_page<std::byte const, 512> last{page};
    CHECK(last.bytes().size() == 512);
}

TEST_CASE("loan: two views of one page count together") {
    CHECK(violation_of([] {
              word_page page;
              word_page same;
              same.join(page);
              auto word = same.word();
              page.change();
          }).find("a page is changed only while") != std::string::npos);
}

TEST_CASE("loan: several threads may read one view") {
    word_page page;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&page] {
            for (int n = 0; n < 10'000; ++n) { auto word = page.word(); }
        });
    }
    for (auto& thread : threads) { thread.join(); }
    page.change();
    CHECK(true);  // a lost count has stopped the program before
}

#endif
