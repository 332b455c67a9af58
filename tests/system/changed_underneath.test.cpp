// SPDX-License-Identifier: BSL-1.0

/// Somebody who does not ask for the lock cuts, removes or replaces a file that a pool has open.
///
/// Expected. Cut: a page that is no longer there, or only in part, is errc::short_read, never
/// zeros; resident pages are as they were; a flush writes dirty ones where they belong, which makes
/// the file longer again, and what lies between is blank (errc::blank_page), and the page that was
/// cut in the middle corrupt (errc::corrupt_page); `append` and `reserve` go on at the end that the
/// pool knows. Removed or replaced: the pool's file is the one that it has open, whatever has the
/// name.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "system/pages.hpp"

namespace fs = std::filesystem;
using namespace quire_test;
using quire::errc;
using quire::open_mode;

namespace {

/// A file of ten pages of version 1, all written, of which none is resident.
class ten_pages {
public:
    ten_pages() {
        for (int i = 0; i < 10; ++i) { append_version(file, 1); }
        file.flush();
        for (std::uint64_t no = 0; no < 10; ++no) { file.discard(no); }
    }
    [[nodiscard]] bool read_is(std::uint64_t no, errc kind) const {
        return refused([&] { static_cast<void>(version_on(file, no)); }, kind);
    }
    [[nodiscard]] fs::path path() const { return dir / "f"; }

    quire_test::temp_dir dir;
    plain_pool pool{quire_test::frames(32)};
    plain_file file = pool.open(path(), open_mode::open_or_create, as_offered);
};

}  // namespace

TEST_CASE("changed underneath: what was cut off is a short read, never zeros") {
    ten_pages f;
    CHECK(version_on(f.file, 8) == 1);  // resident from now on
    fs::resize_file(f.path(), 3 * page_bytes + page_bytes / 2);
    CHECK(all_have(f.file, 0, 3, 1));
    for (std::uint64_t no : {3U, 4U, 9U}) {
        CAPTURE(no);
        CHECK(f.read_is(no, errc::short_read));
        CHECK(f.read_is(no, errc::short_read));  // nothing was cached
        CHECK(refused([&] { put_version(f.file, no, 2); }, errc::short_read));
    }
    CHECK(version_on(f.file, 8) == 1);
    CHECK(f.file.pages() == 10);
    f.file.flush();
    CHECK(fs::file_size(f.path()) == 3 * page_bytes + page_bytes / 2);  // nothing was dirty
}

TEST_CASE("changed underneath: dirty pages go where they belong, and what is lost is told") {
    ten_pages f;
    put_version(f.file, 1, 2);
    put_version(f.file, 7, 2);
    fs::resize_file(f.path(), 3 * page_bytes + page_bytes / 2);
    f.file.flush();
    CHECK(fs::file_size(f.path()) == 8 * page_bytes);
    for (std::uint64_t no = 0; no < 10; ++no) { f.file.discard(no); }
    CHECK(version_on(f.file, 1) == 2);
    CHECK(version_on(f.file, 7) == 2);
    CHECK(f.read_is(3, errc::corrupt_page));
    CHECK(f.read_is(5, errc::blank_page));
    CHECK(f.read_is(8, errc::short_read));
    {
        auto page = f.file.format(9);  // nothing is read: the way back
        quire_test::stamp(*page, 3);
    }
    f.file.flush();
    CHECK(fs::file_size(f.path()) == 10 * page_bytes);
    CHECK(f.read_is(8, errc::blank_page));
    f.file.close();
    f.file = f.pool.open(f.path(), open_mode::read_only, as_offered);
    CHECK(f.file.pages() == 10);
    CHECK(version_on(f.file, 9) == 3);
}

TEST_CASE("changed underneath: appends go on at the end that the pool knows") {
    for (bool ahead : {false, true}) {
        CAPTURE(ahead);
        ten_pages f;
        fs::resize_file(f.path(), 3 * page_bytes + page_bytes / 2);
        if (ahead) { f.file.reserve(4); }
        append_version(f.file, 5);
        append_version(f.file, 5);
        CHECK(f.file.pages() == 12);
        f.file.flush();
        for (std::uint64_t no = 0; no < 12; ++no) { f.file.discard(no); }
        CHECK(all_have(f.file, 0, 3, 1));
        CHECK(f.read_is(3, errc::corrupt_page));
        CHECK(f.read_is(4, errc::blank_page));
        CHECK(all_have(f.file, 10, 12, 5));
        f.file.close();
        CHECK(fs::file_size(f.path()) == 12 * page_bytes);
        f.file = f.pool.open(f.path(), open_mode::read_only, as_offered);
        CHECK(all_have(f.file, 10, 12, 5));
    }
}

// The room was reserved when there still was a file around it.
TEST_CASE("changed underneath: appends into room that was cut off are written all the same") {
    ten_pages f;
    f.file.reserve(4);
    fs::resize_file(f.path(), 2 * page_bytes);
    append_version(f.file, 5);
    f.file.flush();
    CHECK(fs::file_size(f.path()) == 11 * page_bytes);
    f.file.discard(10);
    CHECK(version_on(f.file, 10) == 5);
    f.file.truncate(2);
    append_version(f.file, 6);
    f.file.close();
    CHECK(fs::file_size(f.path()) == 3 * page_bytes);
    f.file = f.pool.open(f.path(), open_mode::read_only, as_offered);
    CHECK(all_have(f.file, 0, 2, 1));
    CHECK(version_on(f.file, 2) == 6);
}

TEST_CASE("changed underneath: a removed file is there as long as the pool has it open") {
    ten_pages f;
    fs::remove(f.path());
    put_version(f.file, 4, 2);
    append_version(f.file, 2);
    f.file.flush();
    for (std::uint64_t no = 0; no < 11; ++no) { f.file.discard(no); }
    CHECK(all_have(f.file, 0, 4, 1));
    CHECK(version_on(f.file, 4) == 2);
    CHECK(version_on(f.file, 10) == 2);
    CHECK_FALSE(fs::exists(f.path()));
    CHECK(refused([&] { static_cast<void>(f.pool.open(f.path())); }, errc::open_failed, ENOENT));

    auto const other = f.pool.open(f.path(), open_mode::create_new, as_offered);
    CHECK(other.pages() == 0);
    f.file.close();
    CHECK(fs::file_size(f.path()) == 0);
}

TEST_CASE("changed underneath: a replaced file is not written by who has the old one") {
    ten_pages f;
    {
        auto made = f.pool.open(f.dir / "new", open_mode::open_or_create, as_offered);
        for (int i = 0; i < 3; ++i) { append_version(made, 7); }
        made.close();
    }
    put_version(f.file, 1, 2);
    fs::rename(f.dir / "new", f.path());
    append_version(f.file, 2);
    f.file.flush();
    for (std::uint64_t no = 0; no < 11; ++no) { f.file.discard(no); }
    CHECK(version_on(f.file, 0) == 1);
    CHECK(version_on(f.file, 1) == 2);

    auto const other = f.pool.open(f.path(), open_mode::read_write, as_offered);
    CHECK(other.pages() == 3);
    CHECK(all_have(other, 0, 3, 7));
    put_version(other, 1, 8);
    f.file.close();
    CHECK(version_on(other, 1) == 8);
    CHECK(fs::file_size(f.path()) == 3 * page_bytes);
}
