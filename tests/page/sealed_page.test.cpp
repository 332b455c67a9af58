// SPDX-License-Identifier: BSL-1.0
#include <quire/base/page_seal.hpp>

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "page/hostile.hpp"

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"

#include <memory>

// Under crc_seal no page with a flipped bit gets as far as a view: the seal refuses it, and so does
// a pool, which then keeps nothing of it.

using quire::crc_seal;
using quire::errc;
using quire::heap_page;
using quire::page_state;
using quire_test::figure;
using quire_test::good_page;
using quire_test::page_make;

namespace {

constexpr quire::page_id home{quire::file_no{1}, 7};

template <std::size_t N>
page_buffer<N> sealed_page(page_make make, generator& random, quire::page_id id) {
    choices choose{random.bits()};
    auto buffer = good_page<N>(make, choose);
    crc_seal.seal(buffer.span(), id, 0);
    return buffer;
}

void flip(std::vector<std::byte>& bytes, std::size_t bit) {
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
}

template <std::size_t N>
void refuse_every_flip(page_make make) {
    test_random random;
    auto buffer = sealed_page<N>(make, random, home);
    for (std::size_t bit = 0; bit < N * 8; ++bit) {
        flip(buffer.bytes(), bit);
        REQUIRE(crc_seal.check(buffer.span(), home, 0) == page_state::corrupt);
        flip(buffer.bytes(), bit);
    }
    CHECK(crc_seal.check(buffer.span(), home, 0) == page_state::good);
    CHECK(crc_seal.check(buffer.span(), {home.file(), 8}, 0) == page_state::corrupt);
    figure("bit flips refused by the seal", N * 8);
}

template <std::size_t N>
using pool_of = quire::buffer_pool<N, quire::clock, quire::hybrid_latch, quire::memory_backend>;

/// The page is read in a way that depends on the bit.
template <class File>
errc read_somehow(File& file, std::size_t bit) {
    return errc_of([&] {
        switch (bit % 4) {
            case 0: file.template read<heap_page>(0).release(); break;
            case 1: file.template write<heap_page>(0).release(); break;
            case 2: file.read(0).release(); break;
            default: file.template with_read<heap_page>(0, [](auto const& p) { p.validate(); });
        }
    });
}

template <std::size_t N>
void refuse_every_flip_in_a_pool(page_make make) {
    test_random random;
    auto store = std::make_shared<quire::memory_store>();
    auto const good = sealed_page<N>(make, random, {quire::file_no{1}, 0});
    store->assign("f", good.bytes());
    pool_of<N> pool{{.frames = 4, .backend = {store}}};
    auto file = pool.open("f", quire::open_mode::read_write);
    auto bytes = good.bytes();
    for (std::size_t bit = 0; bit < N * 8; ++bit) {
        flip(bytes, bit);
        store->assign("f", bytes);
        REQUIRE(read_somehow(file, bit) == errc::corrupt_page);
        REQUIRE(file.resident_pages().empty());
        flip(bytes, bit);
    }
    CHECK(file.stats().misses == N * 8);
    store->assign("f", bytes);
    file.template with_read<heap_page>(0, [](auto const& page) { page.validate(); });
    CHECK(file.resident_pages().size() == 1);
    figure("bit flips refused by a pool", N * 8);
}

}  // namespace

TEST_CASE("sealed page: every flipped bit is refused by the seal") {
    auto const make = GENERATE(page_make::empty, page_make::full, page_make::slots);
    refuse_every_flip<512>(make);
    refuse_every_flip<4096>(make);
}

TEST_CASE("sealed page: every flipped bit is refused by a pool, which keeps nothing of it") {
    SECTION("small pages") { refuse_every_flip_in_a_pool<512>(page_make::slots); }
    SECTION("usual pages") { refuse_every_flip_in_a_pool<4096>(page_make::full); }
    SECTION("usual pages without tuples") { refuse_every_flip_in_a_pool<4096>(page_make::empty); }
}
