// SPDX-License-Identifier: BSL-1.0
#include <quire/page/live_range.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"

#include <algorithm>
#include <optional>
#include <ranges>

using quire::slot_id;

namespace {

using page_type = quire::heap_page<std::byte, 512>;
using slots_type = decltype(std::declval<page_type&>().slots());

static_assert(std::ranges::input_range<slots_type const>);
static_assert(std::same_as<std::ranges::range_value_t<slots_type const>, slot_id>);
static_assert(!std::is_copy_constructible_v<slots_type> &&
              !std::is_move_constructible_v<slots_type>);
static_assert(!std::ranges::view<slots_type> && !std::ranges::borrowed_range<slots_type>);

std::vector<int> numbers(page_type const& page) {
    std::vector<int> out;
    for (auto slot : page.slots()) { out.push_back(slot.value()); }
    return out;
}

}  // namespace

TEST_CASE("live_range: an empty page has no slots to walk") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    CHECK(numbers(page).empty());
}

TEST_CASE("live_range: only live slots come in order") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    for (int i = 0; i < 6; ++i) { page.insert(bytes_of("t")).value(); }
    CHECK(numbers(page) == std::vector{0, 1, 2, 3, 4, 5});
    page.erase(slot_id{0});
    page.kill(slot_id{5});
    REQUIRE(page.redirect(slot_id{2}, slot_id{3}));
    CHECK(numbers(page) == std::vector{1, 3, 4});
    CHECK(std::ranges::count_if(page.slots(), [](slot_id s) { return s > slot_id{1}; }) == 2);
}

TEST_CASE("live_range: a page that changes under it gives other slots or an error") {
    if (quire::checked_build) { return; }  // which stops the program at the change
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    for (int i = 0; i < 4; ++i) { page.insert(bytes_of("t")).value(); }
    std::optional<slots_type::iterator> walk;
    {  // the loan ends, the iterator goes on
        auto const slots = page.slots();
        walk.emplace(slots.begin());
    }
    auto& at = *walk;
    page.erase(slot_id{1});
    page.erase(slot_id{2});
    ++at;
    CHECK((*at).value() == 3);
    page.erase(slot_id{3});
    page.compact();
    ++at;
    CHECK(at == std::default_sentinel);
}

TEST_CASE("live_range: a line pointer that is corrupt ends the walk with an error") {
    auto buffer = make_heap_page<512>();
    quire::heap_page page{buffer.span()};
    for (int i = 0; i < 3; ++i) { page.insert(bytes_of("tuple")).value(); }
    quire::slotted{buffer.span()}.put_pointer(1, quire::line_pointer::live(510, 3));
    CHECK(errc_of([&] { numbers(page); }) == quire::errc::corrupt_page);
}
