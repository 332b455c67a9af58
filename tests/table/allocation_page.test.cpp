// SPDX-License-Identifier: BSL-1.0
#include <quire/table/allocation_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"

#include <set>

using quire::allocation_page;
using quire::errc;
using quire::page_no;

namespace {

using small = allocation_page<std::byte, 512>;
using shared = allocation_page<std::byte const, 512>;

page_buffer<512> fresh(page_no no = 1) {
    page_buffer<512> buffer;
    std::ranges::fill(buffer.span(), std::byte{0xEE});
    small::format(buffer.span(), no);
    return buffer;
}
template <class P>
concept sets = requires(P& p) { p.set_used(1); } || requires(P& p) { p.set_free(1); };
static_assert(sets<small> && !sets<shared> && !sets<small const>);

}  // namespace

TEST_CASE("allocation_page: format and operations write the bytes of the map") {
    page_buffer<512> buffer = fresh(0x0F41);  // 1 + 3904
    small page{buffer.span()};
    page.set_used(9);
    page.set_used(15);
    page.set_used(16);
    page.set_free(15);
    page.set_used(3903);
    std::vector<std::byte> wanted(512);
    wanted[4] = std::byte{0x41};  // own number
    wanted[5] = std::byte{0x0F};
    wanted[12] = std::byte{4};  // kind
    wanted[14] = std::byte{1};  // version
    wanted[24] = std::byte{0x01};
    wanted[25] = std::byte{0x02};
    wanted[26] = std::byte{0x01};
    wanted[511] = std::byte{0x80};
    CHECK(buffer.bytes() == wanted);
    page.validate();
    CHECK(page.used() == 4);
    CHECK(page.own_number() == page_no{3905});
}

TEST_CASE("allocation_page: its places are page 1 and every bit_count pages from there") {
    static_assert(small::bit_count == 3904);
    static_assert(allocation_page<std::byte, 4096>::bit_count == 32576);
    static_assert(allocation_page<std::byte, 32768>::bit_count == 261952);
    struct place {
        std::uint64_t no;
        std::uint64_t map;
        std::size_t bit;
    };
    for (auto const& p : {place{1, 1, 0}, place{2, 1, 1}, place{3904, 1, 3903},
                          place{3905, 3905, 0}, place{3906, 3905, 1}, place{7808, 3905, 3903},
                          place{7809, 7809, 0},
                          place{page_no::max, page_no::max - (page_no::max - 1) % 3904,
                                (page_no::max - 1) % 3904}}) {
        INFO(p.no);
        CHECK(small::map_of(p.no) == page_no{p.map});
        CHECK(small::bit_of(p.no) == p.bit);
        CHECK(small::is_map(p.no) == (p.bit == 0));
    }
    CHECK_FALSE(small::is_map(0));
}

TEST_CASE("allocation_page: the first free bit is the one that a look at each would find") {
    auto buffer = fresh();
    small page{buffer.span()};
    CHECK(page.first_free(0) == 1);
    CHECK(page.first_free(0, 1) == std::nullopt);
    CHECK(page.first_free(3904) == std::nullopt);
    CHECK(page.first_free(5, 5) == std::nullopt);
    CHECK(page.first_free(3903, 100'000) == 3903);
    test_random random;
    std::size_t found = 0;
    for (int round = 0; round < 200; ++round) {
        auto const density = random.between(0, 64);
        std::set<std::size_t> clear;
        for (std::size_t bit = 0; bit < small::bit_count; ++bit) {
            if (random.chance(density * density * density, 64 * 64 * 64)) {
                clear.insert(bit);
                page.set_free(bit);
            } else {
                page.set_used(bit);
            }
        }
        CHECK(page.used() == small::bit_count - clear.size());
        for (int i = 0; i < 50; ++i) {
            auto const from = random.below(small::bit_count + 1);
            auto const end = random.below(small::bit_count + 100);
            auto const at = clear.lower_bound(from);
            auto const wanted = at == clear.end() || *at >= end ? std::nullopt : std::optional{*at};
            REQUIRE(page.first_free(from, end) == wanted);
            found += wanted ? 1U : 0U;
            if (from < small::bit_count) { REQUIRE(page.is_used(from) != clear.contains(from)); }
        }
    }
    CHECK(found > 1000);
}

TEST_CASE("allocation_page: what contradicts its map is corrupt") {
    auto const refuses = [](auto damage) {
        auto buffer = fresh();
        damage(buffer.bytes());
        return errc_of([&] { shared{buffer.span()}.validate(); });
    };
    CHECK(refuses([](auto& bytes) { bytes[12] = std::byte{1}; }) == errc::corrupt_page);
    CHECK(refuses([](auto& bytes) { bytes[14] = std::byte{2}; }) == errc::corrupt_page);
    CHECK(refuses([](auto& bytes) { bytes[15] = std::byte{1}; }) == errc::corrupt_page);
    CHECK(refuses([](auto& bytes) { bytes[4] = std::byte{2}; }) == errc::corrupt_page);
    CHECK(refuses([](auto& bytes) { bytes[4] = std::byte{0}; }) == errc::corrupt_page);
    CHECK(refuses([](auto& bytes) { bytes[11] = std::byte{1}; }) == errc::corrupt_page);
    CHECK(refuses([](auto& bytes) { bytes[24] = std::byte{2}; }) == errc::corrupt_page);
    auto const good = fresh();
    shared{good.span()}.validate();
    CHECK(shared::accepts(good.span()));
}
