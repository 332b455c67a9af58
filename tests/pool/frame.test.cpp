// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/frame.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/latch/hybrid_latch.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"

namespace {

using frame_type = quire::frame_header<quire::hybrid_latch, quire::clock::frame_state>;

// One cache line with the default latch and policy, and never two frames in one line.
static_assert(sizeof(frame_type) == 64 && alignof(frame_type) == 64);
static_assert(alignof(quire::frame_header<quire::no_latch, quire::clock::frame_state>) == 64);
template <class Policy>
constexpr bool one_line =
    sizeof(quire::frame_header<quire::hybrid_latch, typename Policy::frame_state>) == 64;
static_assert(one_line<quire::clock> && one_line<quire::sieve>);
static_assert(one_line<quire::s3_fifo>);
static_assert(!one_line<quire::lru>);  // as its note says
static_assert(sizeof(quire::frame_header<std::shared_mutex, quire::clock::frame_state>) % 64 == 0);

}  // namespace

TEST_CASE("frame: at first it holds no page and is clean") {
    frame_type frame;
    CHECK(frame.holds(quire::page_id::none()));
    CHECK_FALSE(frame.holds({quire::file_no{0}, 0}));
    CHECK_FALSE(frame.dirty());
}

TEST_CASE("frame: it is dirty from its first change until that version is written") {
    frame_type frame;
    CHECK(frame.modified());  // was clean
    CHECK(frame.dirty());
    CHECK_FALSE(frame.modified());
    CHECK(frame.version == 2);
    CHECK_FALSE(frame.written_back(1));  // an older one
    CHECK(frame.dirty());
    CHECK(frame.written_back(2));
    CHECK_FALSE(frame.dirty());
    CHECK_FALSE(frame.written_back(2));  // only one of two writers made it clean
    CHECK_FALSE(frame.written_back(1));  // never goes back
    CHECK(frame.written == 2);
    CHECK(frame.modified());
}

TEST_CASE("frame: reset makes it clean, and its version moves on") {
    frame_type frame;
    for (int i = 0; i < 5; ++i) { static_cast<void>(frame.modified()); }
    frame.lsn = 9;
    frame.first_lsn = 4;
    frame.reset();
    CHECK_FALSE(frame.dirty());
    CHECK(frame.version == 6);
    CHECK(frame.written == 6);
    CHECK(frame.lsn == 0);
    CHECK(frame.first_lsn == 0);
}

TEST_CASE("frame: the first log position since clean goes when the page is clean") {
    frame_type frame;
    static_cast<void>(frame.modified());
    frame.first_lsn = 4;
    frame.lsn = 6;
    static_cast<void>(frame.modified());
    static_cast<void>(frame.written_back(1));
    CHECK(frame.first_lsn == 4);
    static_cast<void>(frame.written_back(2));
    CHECK(frame.first_lsn == 0);
    CHECK(frame.lsn == 6);
}
