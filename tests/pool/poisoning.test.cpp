// SPDX-License-Identifier: BSL-1.0

/// Under the address sanitizer a frame without a guard is poisoned, and only then.

#include <quire/pool/buffer_pool.hpp>

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/no_latch.hpp>
#include <quire/page/heap_page.hpp>

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <shared_mutex>

#if defined(QUIRE_ASAN)

namespace {

template <class Latch>
using small_pool = quire::buffer_pool<512, quire::clock, Latch, quire::memory_backend>;

bool poisoned(std::byte const* at) { return __asan_address_is_poisoned(at) != 0; }

/// The bytes of frame `f`, without entering it.
template <class Pool>
std::byte const* frame_of(Pool const& pool, std::uint32_t f) {
    return pool.memory().frame(static_cast<quire::frame_no>(f)).data();
}

}  // namespace

TEMPLATE_TEST_CASE("poisoning: a frame is open exactly while a guard is on it", "",
                   quire::hybrid_latch, quire::no_latch, std::shared_mutex) {
    small_pool<TestType> pool{{.frames = 2, .backend = {}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    CHECK(poisoned(frame_of(pool, 0)));  // free
    {
        auto page = file.append();
        CHECK_FALSE(poisoned(frame_of(pool, 0)));
        CHECK_FALSE(poisoned(frame_of(pool, 0) + 511));
        CHECK(poisoned(frame_of(pool, 1)));
        page->bytes().template store<int>(64, 7);
    }
    CHECK(poisoned(frame_of(pool, 0)));
    {
        auto one = file.read(0);
        std::async(std::launch::async, [&] {  // checked builds refuse a thread a second one
            auto two = file.read(0);
            CHECK_FALSE(poisoned(frame_of(pool, 0)));
        }).get();
        CHECK_FALSE(poisoned(frame_of(pool, 0)));  // one is still there
        CHECK(one->bytes().template load<int>(64) == 7);
    }
    CHECK(poisoned(frame_of(pool, 0)));
    {
        auto page = file.write(0);
        CHECK_FALSE(poisoned(frame_of(pool, 0)));
        page.release();
        CHECK(poisoned(frame_of(pool, 0)));
    }
    file.flush();  // seals under its own latch
    CHECK(poisoned(frame_of(pool, 0)));
    file.close();
    CHECK(poisoned(frame_of(pool, 0)));
}

TEST_CASE("poisoning: a frame that failed to load is closed again") {
    small_pool<quire::hybrid_latch> pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    file.reserve(1);
    static_cast<void>(file.append());
    file.close(quire::unwritten::discard);
    file = pool.open("f");
    CHECK_THROWS_AS(file.read(0), quire::error);
    CHECK(poisoned(frame_of(pool, 0)));
}

TEST_CASE("poisoning: after a downgrade the whole frame is open, and shut when that is over") {
    small_pool<quire::hybrid_latch> pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    auto writer = file.append<quire::heap_page>();
    CHECK(writer->insert(std::array<std::byte, 8>{}));
    auto const* const frame = frame_of(pool, 0);
    CHECK(poisoned(frame + 256));  // the free gap
    CHECK_FALSE(poisoned(frame + 511));
    auto reader = writer.downgrade();
    CHECK(std::none_of(frame, frame + 512, [](auto const& at) { return poisoned(&at); }));
    CHECK(reader->size() == 1);
    reader.release();
    CHECK(std::all_of(frame, frame + 512, [](auto const& at) { return poisoned(&at); }));
}

#endif
