// SPDX-License-Identifier: BSL-1.0
#include <quire/table/detail/kept_pages.hpp>

#include "catch.hpp"

#include <map>
#include <utility>

using quire::page_no;
using quire::detail::kept_pages;

namespace {

/// Two threads with the same place.
std::pair<std::uintptr_t, std::uintptr_t> neighbours() {
    constexpr std::uintptr_t one = 0x7F0000001000;
    for (std::uintptr_t other = one + 0x1000;; other += 0x1000) {
        kept_pages all;
        all.keep(one, {1});
        if (all.keep(other, {2})) { return {one, other}; }
    }
}

}  // namespace

TEST_CASE("kept_pages: a thread takes what it kept, once") {
    kept_pages all;
    auto const me = kept_pages::this_thread();
    CHECK_FALSE(all.take(me));
    CHECK_FALSE(all.keep(me, {0}));
    CHECK(all.take(me) == kept_pages::page{0});
    CHECK_FALSE(all.take(me));
    CHECK_FALSE(all.keep(me, {page_no::max - 1, true}));
    CHECK(all.keep(me, {7}) == kept_pages::page{page_no::max - 1, true});
    CHECK(all.take(me) == kept_pages::page{7});
}

TEST_CASE("kept_pages: another's page is not taken, and is told of when it is put out") {
    auto const [one, other] = neighbours();
    kept_pages all;
    CHECK_FALSE(all.keep(one, {4, true}));
    CHECK_FALSE(all.take(other));
    CHECK(all.keep(other, {5}) == kept_pages::page{4, true});
    CHECK_FALSE(all.take(one));
    CHECK(all.take(other) == kept_pages::page{5});
}

TEST_CASE("kept_pages: all are taken at the end") {
    kept_pages all;
    std::map<std::uint64_t, bool> kept;
    for (std::uintptr_t thread = 1; thread < 200; ++thread) {
        bool const may_be_undone = thread % 3 == 0;
        if (auto const other = all.keep(thread * 0x801000, {thread, may_be_undone})) {
            CHECK(kept.erase(other->no.value()) == 1);
        }
        kept[thread] = may_be_undone;
    }
    CHECK(kept.size() > 30);
    all.take_all([&](kept_pages::page const& one) {
        auto const found = kept.find(one.no.value());
        REQUIRE(found != kept.end());
        CHECK(found->second == one.may_be_undone);
        kept.erase(found);
    });
    CHECK(kept.empty());
    CHECK_FALSE(all.take(0x801000));
}
