// SPDX-License-Identifier: BSL-1.0

/// How many pages of a file may be dirty by default: seven eighths of the frames, one at least.
///
/// Expected: the writer that would make one more writes back a batch of those that are, before it
/// goes on.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "system/pages.hpp"

using quire::open_mode;
using quire_test::append_version;
using quire_test::as_offered;
using quire_test::plain_pool;
using quire_test::put_version;

namespace {

/// How many of `pages` resident pages get dirty one after the other before a write-back.
std::uint64_t dirty_before_a_write_back(std::size_t frames, std::uint64_t pages) {
    quire_test::temp_dir const dir;
    plain_pool pool{quire_test::frames(frames)};
    auto const file = pool.open(dir / "f", open_mode::open_or_create, as_offered);
    for (std::uint64_t no = 0; no < pages; ++no) { append_version(file, 1); }
    file.flush();
    auto const before = file.stats().write_backs;
    for (std::uint64_t no = 0; no < pages; ++no) {
        put_version(file, no, 2);
        if (file.stats().write_backs != before) {
            CHECK(file.stats().write_backs == before + no);
            return no;
        }
    }
    return pages;
}

}  // namespace

TEST_CASE("dirty limit: by default seven eighths of the frames may be dirty") {
    CHECK(dirty_before_a_write_back(16, 16) == 14);
    CHECK(dirty_before_a_write_back(40, 40) == 35);
    CHECK(dirty_before_a_write_back(7, 7) == 6);
    CHECK(dirty_before_a_write_back(2, 2) == 1);
}

TEST_CASE("dirty limit: a pool of one frame may have it dirty") {
    quire_test::temp_dir const dir;
    plain_pool pool{quire_test::frames(1)};
    auto const file = pool.open(dir / "f", open_mode::open_or_create, as_offered);
    append_version(file, 1);
    CHECK(file.stats().write_backs == 0);
    put_version(file, 0, 2);  // the limit is reached, and what is dirty written
    CHECK(file.stats().write_backs == 1);
    append_version(file, 1);
    file.flush();
    CHECK(quire_test::version_on(file, 0) == 2);
}
