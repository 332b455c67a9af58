// SPDX-License-Identifier: BSL-1.0

/// The system has no room: a limit on file sizes (RLIMIT_FSIZE), which also makes genuine short
/// writes, and a full file system (a small tmpfs). Both without anything standing in for anything.
///
/// Expected: who appends is told errc::grow_failed, who flushes errc::write_failed, each with the
/// system's errno; the file is as long as it was; what could not be written stays dirty, resident
/// and readable; other pages can be written and flushed; and once there is room everything goes on
/// as if nothing had happened.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "system/pages.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace fs = std::filesystem;
using namespace quire_test;
using quire::errc;
using quire::open_mode;

namespace {

bool limit_file_size(::rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) != 0) { return false; }
    limit.rlim_cur = bytes;
    return ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
}
bool lift_the_limit() { return limit_file_size(RLIM_INFINITY); }

std::size_t dirty_pages(plain_file const& file) {
    std::size_t count = 0;
    file.for_each_dirty([&](quire::page_id, std::uint64_t) { ++count; });
    return count;
}

quire::file_options no_dirty_limit() {
    auto options = as_offered;
    options.dirty_pages_max = 1000;
    return options;
}

}  // namespace

TEST_CASE("no room: a file at its size limit does not grow, and everything else goes on") {
    quire_test::temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              plain_pool pool{quire_test::frames(8)};
              auto file = pool.open(dir / "f", open_mode::open_or_create, as_offered);
              for (int i = 0; i < 4; ++i) { append_version(file, 1); }
              file.flush();
              MUST(limit_file_size(6 * page_bytes + page_bytes / 2));
              append_version(file, 2);
              append_version(file, 2);
              auto const grow = [&] { append_version(file, 3); };
              MUST(refused(grow, errc::grow_failed, EFBIG));
              MUST(file.pages() == 6);
              MUST(fs::file_size(dir / "f") == 6 * page_bytes);
              MUST(refused([&] { file.reserve(3); }, errc::grow_failed, EFBIG));
              MUST(refused(grow, errc::grow_failed, EFBIG));
              MUST(fs::file_size(dir / "f") == 6 * page_bytes);
              MUST(refused([&] { static_cast<void>(file.read(6)); }, errc::page_out_of_range));
              put_version(file, 0, 4);
              file.flush();
              MUST(all_have(file, 1, 4, 1) && all_have(file, 4, 6, 2));

              MUST(lift_the_limit());
              append_version(file, 5);
              file.reserve(3);
              append_version(file, 5);
              file.close();
              MUST(fs::file_size(dir / "f") == 8 * page_bytes);
              file = pool.open(dir / "f", open_mode::read_only, as_offered);
              MUST(version_on(file, 0) == 4 && all_have(file, 1, 4, 1));
              MUST(all_have(file, 4, 6, 2) && all_have(file, 6, 8, 5));
              return {};
          }) == "");
}

// The pages travel in one call, of which the system does a part that ends inside a page.
TEST_CASE("no room: a write that is cut short inside a page leaves what is not written dirty") {
    quire_test::temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              plain_pool pool{quire_test::frames(8)};
              auto file = pool.open(dir / "f", open_mode::open_or_create, no_dirty_limit());
              for (int i = 0; i < 8; ++i) { append_version(file, 1); }
              file.flush();
              for (std::uint64_t no = 0; no < 8; ++no) { put_version(file, no, 2); }
              MUST(limit_file_size(4 * page_bytes + page_bytes / 2));
              for (int tries = 0; tries < 2; ++tries) {
                  auto const failed = thrown_by([&] { file.flush(); });
                  MUST(failed);
                  MUST(failed->kind() == errc::write_failed);
                  MUST(failed->system_errno() == EFBIG);
                  MUST(failed->page().page() == 4U);
                  MUST(dirty_pages(file) == 4);
                  MUST(all_have(file, 0, 8, 2));
              }
              put_version(file, 1, 3);  // others can still be written
              MUST(refused([&] { file.flush(); }, errc::write_failed, EFBIG));
              MUST(dirty_pages(file) == 4);
              MUST(refused([&] { file.close(); }, errc::write_failed, EFBIG));
              MUST(file.is_open());

              MUST(lift_the_limit());
              file.flush();
              MUST(dirty_pages(file) == 0);
              file.close();
              file = pool.open(dir / "f", open_mode::read_only, as_offered);
              MUST(version_on(file, 0) == 2 && version_on(file, 1) == 3);
              MUST(all_have(file, 2, 8, 2));
              return {};
          }) == "");
}

// What is given up then is old, or new, or known to be torn.
TEST_CASE("no room: a page that was cut short and given up is seen to be torn") {
    quire_test::temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              plain_pool pool{quire_test::frames(8)};
              auto file = pool.open(dir / "f", open_mode::open_or_create, no_dirty_limit());
              for (int i = 0; i < 8; ++i) { append_version(file, 1); }
              file.flush();
              for (std::uint64_t no = 0; no < 8; ++no) { put_version(file, no, 2); }
              MUST(limit_file_size(4 * page_bytes + page_bytes / 2));
              MUST(refused([&] { file.flush(); }, errc::write_failed, EFBIG));
              file.close(quire::unwritten::discard);
              file = pool.open(dir / "f", open_mode::read_write, as_offered);
              MUST(all_have(file, 0, 4, 2));
              MUST(refused([&] { static_cast<void>(version_on(file, 4)); }, errc::corrupt_page));
              MUST(all_have(file, 5, 8, 1));
              return {};
          }) == "");
}

// ---- a full file system ---------------------------------------------------------------------

namespace {

constexpr char const* cannot_mount = "cannot mount";

/// A tmpfs of 64 pages over `path`, seen by this process only and gone with it.
bool mount_small_disk(fs::path const& path) {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("none", path.c_str(), "tmpfs", 0, "size=256k,huge=never") == 0;
}

/// Takes all the room that is left.
void fill_up(fs::path const& path) {
    std::ofstream out{path, std::ios::binary};
    std::string const block(page_bytes, 'x');
    while (out.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {}
}

template <class Check>
void on_a_small_disk(Check check) {
    quire_test::temp_dir const dir;
    auto const failure = failure_of([&]() -> std::string {
        if (!mount_small_disk(dir.path())) { return cannot_mount; }
        return check(dir.path());
    });
    if (failure.ends_with(cannot_mount)) {
        return skip("this process must not mount a small disk");
    }
    CHECK(failure == "");
}

}  // namespace

TEST_CASE("no room: a file on a full disk does not grow, and everything else goes on") {
    on_a_small_disk([](fs::path const& dir) -> std::string {
        plain_pool pool{quire_test::frames(8)};
        auto file = pool.open(dir / "f", open_mode::open_or_create, as_offered);
        for (int i = 0; i < 10; ++i) { append_version(file, 1); }
        fill_up(dir / "ballast");
        auto const grow = [&] { append_version(file, 2); };
        MUST(refused(grow, errc::grow_failed, ENOSPC));
        MUST(file.pages() == 10);
        MUST(fs::file_size(dir / "f") == 10 * page_bytes);
        MUST(refused([&] { file.reserve(100); }, errc::grow_failed, ENOSPC));
        MUST(refused(grow, errc::grow_failed, ENOSPC));
        MUST(fs::file_size(dir / "f") == 10 * page_bytes);
        for (std::uint64_t no = 0; no < 10; ++no) { put_version(file, no, 3); }
        file.flush();
        MUST(all_have(file, 0, 10, 3));

        fs::remove(dir / "ballast");
        for (int i = 0; i < 5; ++i) { append_version(file, 4); }
        file.close();
        file = pool.open(dir / "f", open_mode::read_write, as_offered);
        MUST(file.pages() == 15);
        MUST(all_have(file, 0, 10, 3) && all_have(file, 10, 15, 4));
        return {};
    });
}

// A file that others made has holes, which take room when they are written.
TEST_CASE("no room: pages in a hole that finds no room stay dirty until there is some") {
    on_a_small_disk([](fs::path const& dir) -> std::string {
        { std::ofstream const made{dir / "f"}; }
        fs::resize_file(dir / "f", 12 * page_bytes);
        plain_pool pool{quire_test::frames(16)};
        auto file = pool.open(dir / "f", open_mode::read_write, no_dirty_limit());
        for (std::uint64_t no = 0; no < 2; ++no) {
            auto page = file.format(no);
            quire_test::stamp(*page, 1);
        }
        file.flush();
        fill_up(dir / "ballast");
        for (std::uint64_t no = 2; no < 12; ++no) {
            auto page = file.format(no);
            quire_test::stamp(*page, 2);
        }
        put_version(file, 1, 3);
        for (int tries = 0; tries < 2; ++tries) {
            auto const failed = thrown_by([&] { file.flush(); });
            MUST(failed);
            MUST(failed->kind() == errc::write_failed && failed->system_errno() == ENOSPC);
            MUST(failed->page().page() >= 2U);
            MUST(dirty_pages(file) == 10);  // page 1 had its place
            MUST(version_on(file, 1) == 3 && all_have(file, 2, 12, 2));
        }
        MUST(fs::file_size(dir / "f") == 12 * page_bytes);

        fs::remove(dir / "ballast");
        file.flush();
        MUST(dirty_pages(file) == 0);
        file.close();
        file = pool.open(dir / "f", open_mode::read_write, as_offered);
        MUST(version_on(file, 0) == 1 && version_on(file, 1) == 3 && all_have(file, 2, 12, 2));
        return {};
    });
}
