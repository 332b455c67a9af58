// SPDX-License-Identifier: BSL-1.0
#include <quire/io/direct_backend.hpp>

#include <quire/testing/check_backend.hpp>

#include "../death.hpp"
#include "../loop_device.hpp"
#include "../syscall_fault.hpp"
#include "../temp_dir.hpp"
#include "bench.hpp"
#include "catch.hpp"
#include "random.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using quire::direct_backend;
using quire::errc;
using quire::io_mode;
using quire::io_verb;
using quire::open_mode;
using quire::open_request;
using quire::testing::check_backend;
using quire_test::error_of;
using quire_test::page_bytes;
using bench = quire_test::bench<direct_backend>;

namespace {

/// Whether the test's folder has direct I/O, the reason of a skip if not.
bool has_direct_io() {
    static bool const has = [] {
        temp_dir const dir;
        bench b{{}, 1};
        try {
            auto file = b.backend.open({dir / "probe", open_mode::open_or_create});
            return b.backend.close(file) == 0;
        } catch (quire::error const&) { return false; }
    }();
    return has;
}
constexpr char const* no_direct = "the file system of the test's folder has no direct I/O";

io_mode best() { return has_direct_io() ? io_mode::direct : io_mode::buffered; }

/// Whether system calls can be made to fail. Learns first what `best` is, by calls that do not.
bool can_refuse() {
    static_cast<void>(best());
    return quire_test::can_refuse();
}

open_request request(fs::path const& path, open_mode mode, io_mode io = best()) {
    return {path.string(), mode, io, page_bytes, false};
}

struct ::stat about(int fd) {
    struct ::stat s{};
    REQUIRE(::fstat(fd, &s) == 0);
    return s;
}

std::size_t open_descriptors() {
    std::size_t open = 0;
    for (int fd = 0; fd < 1024; ++fd) { open += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U; }
    return open;
}

void write_text(fs::path const& path, std::string const& text) {
    std::ofstream{path, std::ios::binary} << text;
}

/// What a child found, as text: the first of the conditions that does not hold.
#define MUST(condition) \
    do { \
        if (!(condition)) { return std::string{#condition}; } \
    } while (false)

}  // namespace

TEST_CASE("direct_backend: conforms with direct I/O") {
    if (!has_direct_io()) { return skip(no_direct); }
    temp_dir const dir;
    CHECK(check_backend<direct_backend>({.path = dir / "file"}).text() == "");
}

TEST_CASE("direct_backend: conforms with buffered I/O") {
    temp_dir const dir;
    auto const found =
        check_backend<direct_backend>({.path = dir / "file", .io = io_mode::buffered});
    CHECK(found.text() == "");
}

// ---- opening --------------------------------------------------------------------------------

TEST_CASE("direct_backend: a fresh file is private and closed on exec") {
    temp_dir const dir;
    bench b;
    auto const old = ::umask(022);
    auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
    ::umask(old);
    CHECK((about(file.native_handle()).st_mode & 07777U) == 0600U);
    CHECK((::fcntl(file.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(file.native_handle(), F_GETFL) & (O_NONBLOCK | O_APPEND)) == 0);
    CHECK_FALSE(file.block_device());
    CHECK(b.backend.close(file) == 0);
}

// A program that has closed its standard streams gets their numbers for what it opens next, and
// what is then printed to a stream lands in that file.
TEST_CASE("direct_backend: no file gets the descriptor of a standard stream") {
    temp_dir const dir;
    auto const without_streams = [&](auto check) {
        return failure_of([&]() -> std::string {
            int const errors = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
            for (int each : {0, 1, 2}) { ::close(each); }
            bench b;
            auto const found = check(b);
            for (int each : {0, 1, 2}) {
                char byte = 'x';
                if (::write(each, &byte, 1) != -1 || errno != EBADF) { return "can be written"; }
                if (::read(each, &byte, 1) != -1 || errno != EBADF) { return "can be read"; }
                int const flags = ::fcntl(each, F_GETFD);
                if (flags >= 0 && (flags & FD_CLOEXEC) == 0) { return "inherited"; }
            }
            ::dup2(errors, STDERR_FILENO);
            return found;
        });
    };
    for (auto mode : {open_mode::open_or_create, open_mode::read_write, open_mode::read_only}) {
        CHECK(without_streams([&](bench& b) -> std::string {
                  auto file = b.backend.open(request(dir / "a", mode));
                  MUST(file.native_handle() >= 3);
                  return {};
              }) == "");
    }
    write_text(dir / "b", std::string(page_bytes, 'x'));
    for (int number : {0, 1, 2, 3}) {
        CHECK(without_streams([&](bench& b) -> std::string {
                  int const fd = ::open((dir / "b").c_str(), O_RDWR);
                  MUST(fd == 0);
                  MUST(number == 0 || (::dup2(fd, number) == number && ::close(fd) == 0));
                  auto file = b.backend.adopt(number, request("b", open_mode::read_write));
                  MUST(file.native_handle() >= 3);
                  MUST((::fcntl(file.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
                  return b.content(file, 0)[7] == std::byte{'x'} ? "" : "other bytes";
              }) == "");
    }
}

#if defined(__x86_64__)
namespace {

bool opens_a_file(quire_test::call_arguments const& c) {
    return std::strcmp(reinterpret_cast<char const*>(c.a[1]), "/") != 0;
}

/// Only the folder "/" may have the number of a standard stream, not even for a moment.
long open_and_look(quire_test::call_arguments const& c) {
    long const fd = quire_test::pass_on(c);
    if (opens_a_file(c) && fd >= 0 && fd < 3) { ::_exit(9); }
    return fd;
}

std::atomic<int> first_is{0};   // 1: about to open its file; 2: done
std::atomic<int> second_is{0};  // likewise

void wait_until(std::atomic<int> const& one, int is) {
    while (one.load() < is) { ::sched_yield(); }
}

/// The second opener's file is opened when the first is done, whose numbers are filled before.
long open_one_by_one(quire_test::call_arguments const& c) {
    if (opens_a_file(c)) {
        bool const second = std::strstr(reinterpret_cast<char const*>(c.a[1]), "second") != nullptr;
        (second ? second_is : first_is).store(1);
        second ? wait_until(first_is, 2) : wait_until(second_is, 1);
    }
    return open_and_look(c);
}

/// A close that says it was interrupted: the descriptor is closed all the same.
long close_and_say_interrupted(quire_test::call_arguments const& c) {
    static_cast<void>(quire_test::pass_on(c));
    return -EINTR;
}

}  // namespace
#endif

TEST_CASE("direct_backend: not even for a moment has a file the descriptor of a stream") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              ::close(1);
              MUST(quire_test::intercept(SYS_openat, open_and_look));
              auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
              return b.backend.close(file) == 0 ? "" : "not closed";
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

// A thread that emptied the numbers again after its own open let the file of another have one.
TEST_CASE("direct_backend: not even for a moment, with several openers") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              for (int each : {0, 1}) { ::close(each); }
              MUST(quire_test::intercept(SYS_openat, open_one_by_one));
              auto const open = [&](char const* name) {
                  bench b;
                  auto file = b.backend.open(request(dir / name, open_mode::create_new));
                  return b.backend.close(file) == 0;
              };
              std::thread first{[&] {
                  static_cast<void>(open("first"));
                  first_is.store(2);
              }};
              wait_until(first_is, 1);
              bool const opened = open("second");
              first.join();
              return opened ? "" : "not closed";
          }) == "");
    CHECK(failure_of([&]() -> std::string {  // the first one adopts
              for (int each : {0, 1}) { ::close(each); }
              int const fd = ::open((dir / "first").c_str(), O_RDWR);
              MUST(fd == 0);
              MUST(quire_test::intercept(SYS_openat, open_one_by_one));
              bool opened = false;
              std::thread second{[&] {
                  bench b;
                  auto file = b.backend.open(request(dir / "second", open_mode::read_write));
                  opened = b.backend.close(file) == 0;
              }};
              wait_until(second_is, 1);
              bench b;
              auto file = b.backend.adopt(fd, request("first", open_mode::read_write));
              first_is.store(2);
              second.join();
              return opened && b.backend.close(file) == 0 ? "" : "not closed";
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

TEST_CASE("direct_backend: an interrupted close hides no reason of a failed open") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              MUST(quire_test::intercept(SYS_close, close_and_say_interrupted));
              for (auto mode : {open_mode::open_or_create, open_mode::create_or_replace,
                                open_mode::create_new}) {
                  auto const path = dir / std::to_string(static_cast<int>(mode));
                  auto file = b.backend.open(request(path, mode));
                  MUST(b.backend.close(file) == 0);
              }
              auto const e = error_of([&] {
                  static_cast<void>(b.backend.open(request(dir / "none", open_mode::read_only)));
              });
              MUST(e.system_errno() == ENOENT);
              for (int each : {0, 1}) { ::close(each); }
              auto file = b.backend.open(request(dir / "another", open_mode::open_or_create));
              return b.backend.close(file) == 0 ? "" : "not closed";
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

TEST_CASE("direct_backend: the mode in effect is the descriptor's") {
    temp_dir const dir;
    bench b;
    for (auto io : {io_mode::direct, io_mode::direct_or_buffered, io_mode::buffered}) {
        if (io == io_mode::direct && !has_direct_io()) { continue; }
        auto file = b.backend.open(request(dir / "a", open_mode::open_or_create, io));
        bool const flag = (::fcntl(file.native_handle(), F_GETFL) & O_DIRECT) != 0;
        CHECK(flag == (file.mode() == io_mode::direct));
        CHECK(file.mode() ==
              (io != io_mode::buffered && has_direct_io() ? io_mode::direct : io_mode::buffered));
        CHECK(file.alignment() >= 1);
        CHECK((file.alignment() == 1) == !flag);
        CHECK(page_bytes % file.alignment() == 0);
        CHECK(b.backend.close(file) == 0);
    }
    if (!has_direct_io()) { skip(no_direct); }
}

TEST_CASE("direct_backend: the lock is on whatever the mode and readers need no write access") {
    temp_dir const dir;
    bench b;
    write_text(dir / "a", std::string(page_bytes, 'x'));
    ::chmod((dir / "a").c_str(), 0400);
    auto file = b.backend.open(request(dir / "a", open_mode::read_only));
    CHECK_FALSE(file.writable());
    CHECK((::fcntl(file.native_handle(), F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK(b.content(file, 0)[0] == std::byte{'x'});
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("direct_backend: a symbolic link is followed on request only") {
    temp_dir const dir;
    bench b;
    write_text(dir / "target", std::string(page_bytes, 'x'));
    fs::create_symlink("target", dir / "link");
    fs::create_symlink("nowhere", dir / "dangling");
    for (auto mode : {open_mode::read_only, open_mode::read_write, open_mode::open_or_create}) {
        for (auto const* name : {"link", "dangling"}) {
            auto const e =
                error_of([&] { static_cast<void>(b.backend.open(request(dir / name, mode))); });
            CHECK(e.code() == errc::open_failed);
            CHECK_THAT(e.what(), ContainsSubstring("symbolic link"));
            CHECK_THAT(e.what(), ContainsSubstring("follow_symlink"));
            CHECK_THAT(e.what(), !ContainsSubstring("Too many levels"));
        }
        auto wanted = request(dir / "link", mode);
        wanted.follow_symlink = true;
        auto file = b.backend.open(wanted);
        CHECK(file.size() == page_bytes);
        CHECK(b.backend.close(file) == 0);
    }
    auto const e = error_of([&] {
        static_cast<void>(b.backend.open(request(dir / "dangling", open_mode::create_new)));
    });
    CHECK(e.system_errno() == EEXIST);
    CHECK_FALSE(fs::exists(dir / "nowhere"));
}

// Data on another disk: the link is there before the file is.
TEST_CASE("direct_backend: a link to nothing that is followed makes the file where it points") {
    temp_dir const dir;
    bench b;
    fs::create_directories(dir / "disk");
    auto const there = dir / "disk" / "file";
    fs::create_symlink("disk/second", dir / "first");
    fs::create_symlink("file", dir / "disk" / "second");  // from its own folder
    for (auto mode :
         {open_mode::open_or_create, open_mode::create_or_replace, open_mode::create_new}) {
        auto wanted = request(dir / "first", mode);
        wanted.follow_symlink = true;
        if (has_direct_io()) {
            wanted.page_size = 256;
            CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).kind() ==
                  errc::misaligned_page_size);
            CHECK_FALSE(fs::exists(there));  // made, refused and removed: I4
            CHECK(fs::is_symlink(dir / "first"));
            wanted.page_size = page_bytes;
        }
        auto file = b.backend.open(wanted);
        CHECK(file.size() == 0);
        CHECK(fs::is_regular_file(fs::symlink_status(there)));
        CHECK(b.backend.close(file) == 0);
        auto const again = [&] { static_cast<void>(b.backend.open(wanted)); };
        if (mode == open_mode::create_new) { CHECK(error_of(again).system_errno() == EEXIST); }
        fs::remove(there);
    }
    auto wanted = request(dir / "first", open_mode::read_write);
    wanted.follow_symlink = true;
    CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).system_errno() == ENOENT);

    fs::create_symlink("circle", dir / "circle");
    wanted = request(dir / "circle", open_mode::open_or_create);
    wanted.follow_symlink = true;
    CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).system_errno() == ELOOP);
    wanted.mode = open_mode::create_new;
    CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).system_errno() == EEXIST);
}

TEST_CASE("direct_backend: what is neither file nor block device is refused") {
    temp_dir const dir;
    bench b;
    fs::create_directory(dir / "folder");
    auto const refusal = [&](fs::path const& path, open_mode mode) {
        return error_of([&] { static_cast<void>(b.backend.open(request(path, mode))); });
    };
    CHECK(refusal(dir / "folder", open_mode::read_only).code() == errc::open_failed);
    CHECK_THAT(refusal(dir / "folder", open_mode::read_only).what(),
               ContainsSubstring("neither a regular file nor a block device"));
    CHECK(refusal(dir / "folder", open_mode::read_write).system_errno() == EISDIR);
    CHECK(refusal(dir / "folder", open_mode::open_or_create).system_errno() == EISDIR);
    CHECK(fs::is_directory(dir / "folder"));
    if (fs::is_character_file("/dev/null")) {  // and not a plain file, as in a root without mounts
        CHECK(refusal("/dev/null", open_mode::read_write).code() == errc::open_failed);
        CHECK(fs::exists("/dev/null"));
    }
    CHECK(refusal(dir / "none" / "a", open_mode::open_or_create).system_errno() == ENOENT);
    CHECK(refusal("", open_mode::open_or_create).system_errno() == ENOENT);
}

// Opening a pipe for reading waits for somebody who writes to it, unless it is told not to.
TEST_CASE("direct_backend: a pipe is refused without waiting for its other end") {
    temp_dir const dir;
    REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
    bench b;
    CHECK(failure_of([&]() -> std::string {
              ::alarm(5);
              for (auto mode : {open_mode::read_only, open_mode::read_write}) {
                  auto const e = error_of(
                      [&] { static_cast<void>(b.backend.open(request(dir / "pipe", mode))); });
                  MUST(e.code() == errc::open_failed);
              }
              return {};
          }) == "");
}

TEST_CASE("direct_backend: a page size off the device's alignment is refused with both numbers") {
    if (!has_direct_io()) { return skip(no_direct); }
    temp_dir const dir;
    bench b;
    auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
    auto const alignment = file.alignment();
    REQUIRE(b.backend.close(file) == 0);
    REQUIRE(alignment > 256);
    for (std::size_t size : {std::size_t{256}, alignment + 1, alignment * 3 / 2}) {
        auto wanted = request(dir / "a", open_mode::read_write);
        wanted.page_size = size;
        auto const e = error_of([&] { static_cast<void>(b.backend.open(wanted)); });
        CHECK(e.code() == errc::misaligned_page_size);
        CHECK_THAT(e.what(), ContainsSubstring(std::to_string(size)));
        CHECK_THAT(e.what(), ContainsSubstring(std::to_string(alignment)));
        wanted.io = io_mode::direct_or_buffered;
        auto allowed = b.backend.open(wanted);
        CHECK(allowed.mode() == io_mode::buffered);
        CHECK(b.backend.close(allowed) == 0);
    }
    CHECK(fs::exists(dir / "a"));
}

TEST_CASE("direct_backend: an arena off the device's alignment is refused") {
    if (!has_direct_io()) { return skip(no_direct); }
    temp_dir const dir;
    bench const b;
    direct_backend const crooked{b.frame(0).subspan(1), {}};
    auto const e = error_of(
        [&] { static_cast<void>(crooked.open(request(dir / "a", open_mode::create_new))); });
    CHECK(e.code() == errc::misaligned_page_size);
    CHECK_THAT(e.what(), ContainsSubstring("arena"));
    CHECK_FALSE(fs::exists(dir / "a"));
}

TEST_CASE("direct_backend: a file that was made and refused is removed again - I4") {
    if (!has_direct_io()) { return skip(no_direct); }
    temp_dir const dir;
    bench b;
    for (auto mode : {open_mode::open_or_create, open_mode::create_new}) {
        auto wanted = request(dir / "a", mode);
        wanted.page_size = 256;
        auto const before = open_descriptors();
        CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).kind() ==
              errc::misaligned_page_size);
        CHECK_FALSE(fs::exists(dir / "a"));
        CHECK(open_descriptors() == before);
    }
    for (auto const lock : {quire::file_lock::none, quire::file_lock{0, 100}}) {
        auto wanted = request(dir / "b", open_mode::open_or_create);
        wanted.page_size = 256;
        wanted.lock = lock;
        CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).kind() ==
              errc::misaligned_page_size);
        CHECK(fs::exists(dir / "b"));  // another opener may have it
    }
    write_text(dir / "a", "mine");
    auto wanted = request(dir / "a", open_mode::open_or_create);
    wanted.page_size = 256;
    CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).kind() ==
          errc::misaligned_page_size);
    CHECK(fs::file_size(dir / "a") == 4);  // was there before, and stays as it was
}

TEST_CASE("direct_backend: create_or_replace empties a file that it may open, and no other") {
    temp_dir const dir;
    bench b;
    auto const content = std::string(2 * page_bytes, 'x');
    write_text(dir / "a", content);
    fs::create_hard_link(dir / "a", dir / "also");
    fs::create_symlink("a", dir / "link");
    auto const refusal = [&](open_request const& wanted) {
        auto const e = error_of([&] { static_cast<void>(b.backend.open(wanted)); });
        std::ifstream in{dir / "a", std::ios::binary};
        CHECK(std::string{std::istreambuf_iterator<char>{in}, {}} == content);
        return e.kind();
    };
    auto const replace = request(dir / "a", open_mode::create_or_replace);
    if (has_direct_io()) {
        auto odd = replace;
        odd.page_size = 256;
        CHECK(refusal(odd) == errc::misaligned_page_size);
    }
    CHECK(refusal(request(dir / "link", open_mode::create_or_replace)) == errc::open_failed);
    {
        auto reader = b.backend.open(request(dir / "also", open_mode::read_only));
        CHECK(refusal(replace) == errc::file_locked);
        CHECK(b.backend.close(reader) == 0);
    }
    auto file = b.backend.open(replace);
    CHECK(file.size() == 0);
    CHECK(file.writable());
    CHECK(file.mode() == best());
    CHECK(fs::file_size(dir / "also") == 0);  // emptied, not another file in its place
    CHECK(b.backend.close(file) == 0);

    fs::create_directory(dir / "folder");
    auto const e = error_of([&] {
        static_cast<void>(b.backend.open(request(dir / "folder", open_mode::create_or_replace)));
    });
    CHECK(e.system_errno() == EISDIR);
}

TEST_CASE("direct_backend: a file that cannot be emptied is refused with the errno") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    write_text(dir / "a", std::string(page_bytes, 'x'));
    CHECK(failure_of([&]() -> std::string {
              bench b;
              MUST(quire_test::refuse(SYS_ftruncate, EIO));
              auto const e = error_of([&] {
                  static_cast<void>(
                      b.backend.open(request(dir / "a", open_mode::create_or_replace)));
              });
              MUST(e.code() == errc::open_failed);
              MUST(e.system_errno() == EIO);
              auto fresh = b.backend.open(request(dir / "b", open_mode::create_or_replace));
              MUST(fresh.size() == 0);
              return {};
          }) == "");
    CHECK(fs::file_size(dir / "a") == page_bytes);
}

// Between making a file and locking it another opener may come, or somebody who removes it; and so
// between refusing a file and removing it. Who is told that the file is open must have the file
// that stands in the folder.
TEST_CASE("direct_backend: a refused file is not removed under another opener") {
    if (!has_direct_io()) { return skip(no_direct); }
    temp_dir const dir;
    bench b;
    std::atomic<bool> done{false};
    std::atomic<int> refused{0};
    std::vector<std::thread> others;
    for (int i = 0; i < 2; ++i) {
        others.emplace_back([&] {
            auto wanted = request(dir / "a", open_mode::open_or_create);
            wanted.page_size = 256;
            while (!done) {
                try {
                    static_cast<void>(b.backend.open(wanted));
                } catch (quire::error const&) { ++refused; }
            }
        });
    }
    int opened = 0;
    int lost = 0;
    auto const end = std::chrono::steady_clock::now() + std::chrono::milliseconds{700};
    while (std::chrono::steady_clock::now() < end) {
        try {
            auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
            ++opened;
            std::this_thread::sleep_for(std::chrono::microseconds{300});
            struct ::stat named{};
            bool const there = ::stat((dir / "a").c_str(), &named) == 0;
            lost += there && named.st_ino == about(file.native_handle()).st_ino ? 0 : 1;
            static_cast<void>(::unlink((dir / "a").c_str()));
            CHECK(b.backend.close(file) == 0);
        } catch (quire::error const& e) {
            CAPTURE(e.what());
            CHECK((e.kind() == errc::file_locked || e.kind() == errc::open_failed));
        }
    }
    done = true;
    for (auto& other : others) { other.join(); }
    CAPTURE(opened, refused.load());
    CHECK(lost == 0);
    CHECK(opened > 0);
}

#if defined(__x86_64__)
namespace {

constinit char const* contested = nullptr;  ///< the path of the file in question
constinit int calls = 0;

/// Somebody else locks the file just before this process does.
long lock_first(quire_test::call_arguments const& c) {
    if (c.a[1] == F_OFD_SETLK && calls++ == 0) {
        auto other = c;
        other.a[0] = ::open(contested, O_RDWR);
        static_cast<void>(quire_test::pass_on(other));
    }
    return quire_test::pass_on(c);
}

/// A file system (some of FUSE) that counts no names.
long no_links(quire_test::call_arguments const& c) {
    long const result = quire_test::pass_on(c);
    if (result == 0) { reinterpret_cast<struct ::stat*>(c.a[2])->st_nlink = 0; }
    return result;
}

/// Whoever made the file removes it just before this process locks it.
long remove_first(quire_test::call_arguments const& c) {
    if (c.a[1] == F_OFD_SETLK && calls++ == 0) { static_cast<void>(::unlink(contested)); }
    return quire_test::pass_on(c);
}

}  // namespace
#endif

TEST_CASE("direct_backend: who loses the race for the lock of a file it made leaves the file") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    auto const path = (dir / "a").string();
    CHECK(failure_of([&]() -> std::string {
              bench b;
              contested = path.c_str();
              MUST(quire_test::intercept(SYS_fcntl, lock_first));
              auto const e = error_of(
                  [&] { static_cast<void>(b.backend.open(request(path,
                      open_mode::open_or_create))); });
              MUST(e.code() == errc::file_locked);
              MUST(fs::exists(path));
              return {};
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

TEST_CASE("direct_backend: who locks a file that was removed meanwhile starts over") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    auto const path = (dir / "a").string();
    write_text(path, "");
    CHECK(failure_of([&]() -> std::string {
              bench b;
              contested = path.c_str();
              MUST(quire_test::intercept(SYS_fcntl, remove_first));
              auto file = b.backend.open(request(path, open_mode::open_or_create));
              struct ::stat named{};
              MUST(::stat(path.c_str(), &named) == 0);
              MUST(named.st_ino == about(file.native_handle()).st_ino);
              return {};
          }) == "");
    write_text(path, "");
    CHECK(failure_of([&]() -> std::string {
              bench b;
              contested = path.c_str();
              MUST(quire_test::intercept(SYS_fcntl, remove_first));
              auto const e = error_of(
                  [&] { static_cast<void>(b.backend.open(request(path, open_mode::read_write))); });
              MUST(e.code() == errc::open_failed);
              MUST(e.system_errno() == ENOENT);
              return {};
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

TEST_CASE("direct_backend: a file opens where the file system reports no number of links") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    for (auto mode : {open_mode::open_or_create, open_mode::read_write, open_mode::read_only,
                      open_mode::create_or_replace}) {
        CHECK(failure_of([&]() -> std::string {
                  bench b;
                  MUST(quire_test::intercept(SYS_newfstatat, no_links));
                  auto file = b.backend.open(request(dir / "a", mode));
                  MUST(file.size() == 0);
                  return {};
              }) == "");
    }
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

TEST_CASE("direct_backend: where there is no direct I/O opening says so or goes without") {
    constexpr char const* no_direct_here = "/proc/version";
    if (!fs::exists(no_direct_here)) { return skip("no /proc here: its files refuse O_DIRECT"); }
    bench b;
    auto const e = error_of([&] {
        static_cast<void>(
            b.backend.open(request(no_direct_here, open_mode::read_only, io_mode::direct)));
    });
    CHECK(e.code() == errc::direct_io_refused);
    CHECK_THAT(e.what(), ContainsSubstring(no_direct_here));
    CHECK_THAT(e.what(), ContainsSubstring("io_mode::direct_or_buffered"));
    auto file =
        b.backend.open(request(no_direct_here, open_mode::read_only, io_mode::direct_or_buffered));
    CHECK(file.mode() == io_mode::buffered);
    CHECK(file.alignment() == 1);
    CHECK(b.backend.close(file) == 0);
}

namespace {

/// How many pages of a file the page cache has.
std::size_t cached_pages(fs::path const& path) {
    auto const bytes = fs::file_size(path);
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    void* const at = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
    std::vector<unsigned char> resident(bytes / 4096 + 1);
    if (at == MAP_FAILED || ::mincore(at, bytes, resident.data()) != 0) { return ~std::size_t{0}; }
    ::munmap(at, bytes);
    ::close(fd);
    return static_cast<std::size_t>(
        std::ranges::count_if(resident, [](unsigned char one) { return (one & 1U) != 0; }));
}

/// What a direct file does not do, in `dir`: leave pages in the page cache.
std::string leaves_no_pages(fs::path const& dir, std::size_t page_size,
                            std::size_t written_max = 0) {
    bench b;
    auto wanted = request(dir / "a", open_mode::create_or_replace, io_mode::direct);
    wanted.page_size = page_size;
    auto file = b.backend.open(wanted);
    MUST(file.mode() == io_mode::direct);
    MUST(page_size % file.alignment() == 0);
    MUST(b.backend.resize(file, 64 * page_bytes) == 0);
    for (std::size_t p = 0; p < 64; ++p) { MUST(b.write(file, p, p) == 0); }
    MUST(b.backend.sync(file) == 0);
    auto const written = cached_pages(dir / "a");
    if (written > written_max) { return std::to_string(written) + " pages after writes"; }
    for (std::size_t p = 0; p < 64; ++p) { MUST(b.read(file, p, p) == 0); }
    if (auto const left = cached_pages(dir / "a"); left > written) {
        return std::to_string(left) + " pages after reads";
    }
    return {};
}

}  // namespace

// A tmpfs takes O_DIRECT since Linux 6.6, and has every page in the page cache: that is its disk.
TEST_CASE("direct_backend: a file system in memory has no direct I/O") {
    struct ::statfs about {};
    if (::statfs("/dev/shm", &about) != 0 || about.f_type != 0x01021994) {
        return skip("/dev/shm is no tmpfs");
    }
    auto name = std::string{"/dev/shm/quire-XXXXXX"};
    int const made = ::mkstemp(name.data());
    if (made < 0) { return skip("no file can be made in /dev/shm"); }
    ::close(made);
    bench b;
    auto const e = error_of([&] {
        static_cast<void>(b.backend.open(request(name, open_mode::read_write, io_mode::direct)));
    });
    CHECK(e.code() == errc::direct_io_refused);
    auto file =
        b.backend.open(request(name, open_mode::read_write, io_mode::direct_or_buffered));
    CHECK(file.mode() == io_mode::buffered);
    CHECK(b.backend.close(file) == 0);
    fs::remove(name);
}

namespace {

/// What `look(folder)` says of a file system that `mount_it` mounts there, in a child that alone
/// sees it; nothing when it cannot be mounted.
template <class Mount, class Look>
std::optional<std::string> in_mounted(fs::path const& folder, Mount mount_it, Look look) {
    auto const failure = failure_of([&]() -> std::string {
        bool const works = ::unshare(CLONE_NEWNS) == 0 &&
                           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           mount_it();
        return works ? look(folder) : "cannot mount";
    });
    if (failure.ends_with("cannot mount")) { return std::nullopt; }
    return failure;
}
/// Of a new file in `folder`, which takes direct I/O.
std::string mode_in(fs::path const& folder) {
    bench b;
    auto file = b.backend.open(request(folder / "a", open_mode::open_or_create, io_mode::direct));
    auto const mode = file.mode();
    static_cast<void>(b.backend.close(file));
    return mode == io_mode::direct ? "direct" : mode == io_mode::buffered ? "buffered" : "unknown";
}

}  // namespace

TEST_CASE("direct_backend: on xfs it is direct") {
    temp_dir const dir;
    quire_test::loop_device const device{dir / "image", std::uint64_t{400} << 20};
    if (!device.works()) { return skip("this process must not make a loop device"); }
    if (std::system(("mkfs.xfs -q " + device.path() + " >/dev/null 2>&1").c_str()) != 0) {
        return skip("there is no mkfs.xfs here");
    }
    auto const mounted = dir / "mounted";
    fs::create_directory(mounted);
    auto const found = in_mounted(
        mounted,
        [&] { return ::mount(device.path().c_str(), mounted.c_str(), "xfs", 0, nullptr) == 0; },
        [](fs::path const& folder) { return "it is " + mode_in(folder); });
    if (!found) { return skip("this process must not mount an xfs"); }
    CHECK(found->ends_with("it is direct"));
}

// An overlay takes O_DIRECT for what is below it. That can be a file system in memory, and cannot
// be asked, unless it tells its alignment, as ext4 and xfs do.
TEST_CASE("direct_backend: on an overlay it is direct, or unknown") {
    temp_dir const dir;
    auto const overlay = [&](fs::path const& below) {
        for (auto const* const name : {"lower", "upper", "work"}) {
            fs::create_directory(below / name);
        }
        fs::create_directories(dir / "seen");
        auto const options = "lowerdir=" + (below / "lower").string() +
                             ",upperdir=" + (below / "upper").string() +
                             ",workdir=" + (below / "work").string();
        return ::mount("overlay", (dir / "seen").c_str(), "overlay", 0, options.c_str()) == 0;
    };
    auto const memory = dir / "memory";
    fs::create_directory(memory);
    auto const found = in_mounted(
        dir / "seen",
        [&] {
            return ::mount("none", memory.c_str(), "tmpfs", 0, "size=1m") == 0 && overlay(memory);
        },
        [](fs::path const& folder) { return "it is " + mode_in(folder); });
    if (!found) { return skip("this process must not mount an overlay"); }
    CHECK(found->ends_with("it is unknown"));
}

// btrfs takes O_DIRECT for any offset, and moves what is no multiple of its block through the page
// cache, where it stays.
TEST_CASE("direct_backend: on btrfs direct pages are multiples of its block") {
    temp_dir const dir;
    quire_test::loop_device const device{dir / "image", std::uint64_t{256} << 20};
    if (!device.works()) { return skip("this process must not make a loop device"); }
    if (std::system(("mkfs.btrfs -q " + device.path() + " >/dev/null 2>&1").c_str()) != 0) {
        return skip("there is no mkfs.btrfs here");
    }
    fs::create_directory(dir / "mounted");
    auto const mounted = dir / "mounted";
    auto const failure = failure_of([&]() -> std::string {
        bool const works =
            ::unshare(CLONE_NEWNS) == 0 &&
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
            ::mount(device.path().c_str(), mounted.c_str(), "btrfs", 0, nullptr) == 0;
        if (!works) { return "cannot mount"; }
        bench b;
        for (std::size_t size : {std::size_t{512}, std::size_t{2048}}) {
            auto wanted = request(mounted / "b", open_mode::open_or_create, io_mode::direct);
            wanted.page_size = size;
            auto const e = error_of([&] { static_cast<void>(b.backend.open(wanted)); });
            MUST(e.code() == errc::misaligned_page_size);
            MUST(std::string{e.what()}.find("4096") != std::string::npos);
            wanted.io = io_mode::direct_or_buffered;
            auto file = b.backend.open(wanted);
            MUST(file.mode() == io_mode::buffered);
        }
        // Now and then the system does not drop a page that it has just written.
        auto const left = leaves_no_pages(mounted, page_bytes, 4);
        return left.empty() ? leaves_no_pages(mounted, 4 * page_bytes, 4) : left;
    });
    if (failure.ends_with("cannot mount")) { return skip("this process must not mount btrfs"); }
    CHECK(failure == "");
}

TEST_CASE("direct_backend: direct transfers leave no page in the page cache") {
    if (!has_direct_io()) { return skip(no_direct); }
    temp_dir const dir;
    CHECK(leaves_no_pages(dir.path(), page_bytes) == "");
}

// ---- locks ----------------------------------------------------------------------------------

TEST_CASE("direct_backend: locks hold between processes and go with the file - I1") {
    temp_dir const dir;
    bench b;
    auto const in_other_process = [&](open_mode mode) {
        return failure_of([&]() -> std::string {
            bench other{{}, 1};
            auto file = other.backend.open(request(dir / "a", mode));
            return other.backend.close(file) == 0 ? "" : "not closed";
        });
    };
    auto writer = b.backend.open(request(dir / "a", open_mode::open_or_create));
    CHECK_THAT(in_other_process(open_mode::read_write), ContainsSubstring("locked by another"));
    CHECK_THAT(in_other_process(open_mode::read_only), ContainsSubstring("locked by another"));
    CHECK(b.backend.close(writer) == 0);
    CHECK(in_other_process(open_mode::read_write) == "");

    auto reader = b.backend.open(request(dir / "a", open_mode::read_only));
    CHECK(in_other_process(open_mode::read_only) == "");
    CHECK_THAT(in_other_process(open_mode::read_write), ContainsSubstring("locked by another"));
    CHECK(b.backend.close(reader) == 0);
    CHECK(in_other_process(open_mode::read_write) == "");
}

TEST_CASE("direct_backend: another descriptor of the file can be closed without losing the lock") {
    temp_dir const dir;
    bench b;
    auto writer = b.backend.open(request(dir / "a", open_mode::open_or_create));
    { std::ifstream const other{dir / "a"}; }
    CHECK(error_of([&] {
              static_cast<void>(b.backend.open(request(dir / "a", open_mode::read_only)));
          }).code() == errc::file_locked);
    CHECK(b.backend.close(writer) == 0);
}

// A forked child inherits the descriptor, and with it a share of the lock.
TEST_CASE("direct_backend: close gives the lock back although a forked child lives on") {
    temp_dir const dir;
    bench b;
    auto writer = b.backend.open(request(dir / "a", open_mode::open_or_create));
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(30);
        ::close(ends[1]);
        char byte = 0;
        ::_exit(::read(ends[0], &byte, 1) == 0 ? 0 : 1);  // until the parent lets go
    }
    ::close(ends[0]);
    CHECK(b.backend.close(writer) == 0);
    try {
        auto again = b.backend.open(request(dir / "a", open_mode::read_write));
        CHECK(b.backend.close(again) == 0);
    } catch (quire::error const& e) { FAIL_CHECK(e.what()); }
    ::close(ends[1]);
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
}

TEST_CASE("direct_backend: a file that goes without close gives lock and descriptor back") {
    temp_dir const dir;
    bench b;
    auto const before = open_descriptors();
    { auto const dropped = b.backend.open(request(dir / "a", open_mode::open_or_create)); }
    CHECK(open_descriptors() == before);
    auto again = b.backend.open(request(dir / "a", open_mode::read_write));
    CHECK(b.backend.close(again) == 0);
    CHECK(open_descriptors() == before);
}

// ---- adopt ----------------------------------------------------------------------------------

TEST_CASE("direct_backend: adopt takes a descriptor with the access that it has") {
    temp_dir const dir;
    bench b;
    write_text(dir / "a", std::string(2 * page_bytes, 'x'));
    auto const adopt = [&](int flags, io_mode io = best()) {
        return b.backend.adopt(::open((dir / "a").c_str(), flags),
                               request(dir / "a", open_mode::create_new, io));
    };
    {
        auto file = adopt(O_RDWR);
        CHECK(file.writable());
        CHECK(file.mode() == best());
        CHECK((::fcntl(file.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK(b.content(file, 1)[5] == std::byte{'x'});
        std::ranges::fill(b.frame(1), std::byte{'y'});
        CHECK(b.write(file, 1, 1) == 0);
        CHECK(error_of([&] {
                  static_cast<void>(b.backend.open(request(dir / "a", open_mode::read_only)));
              }).code() == errc::file_locked);
        CHECK(b.backend.close(file) == 0);
    }
    {
        auto file = adopt(O_RDONLY);
        CHECK_FALSE(file.writable());
        CHECK(b.content(file, 1)[5] == std::byte{'y'});
        CHECK(b.write(file, 1, 1) > 0);
        auto also = b.backend.open(request(dir / "a", open_mode::read_only));
        CHECK(b.backend.close(also) == 0);
        CHECK(b.backend.close(file) == 0);
    }
    {
        auto const unlinked = ::open((dir / "b").c_str(), O_RDWR | O_CREAT, 0600);
        fs::remove(dir / "b");
        auto file = b.backend.adopt(unlinked, request("unnamed", open_mode::read_write));
        CHECK(b.backend.resize(file, page_bytes) == 0);
        CHECK(b.write(file, 0, 1) == 0);
        CHECK(b.backend.close(file) == 0);
    }
}

TEST_CASE("direct_backend: adopt closes what it refuses") {
    temp_dir const dir;
    bench b;
    write_text(dir / "a", std::string(page_bytes, 'x'));
    auto const before = open_descriptors();
    auto const refusal = [&](int fd, std::size_t page_size = page_bytes) {
        auto wanted = request("given", open_mode::read_write);
        wanted.page_size = page_size;
        return error_of([&] { static_cast<void>(b.backend.adopt(fd, wanted)); });
    };
    CHECK(refusal(-1).system_errno() == EBADF);
    CHECK(refusal(::open(dir.path().c_str(), O_RDONLY | O_CLOEXEC)).code() == errc::open_failed);
    CHECK_THAT(refusal(::open("/dev/null", O_RDWR | O_CLOEXEC)).what(), ContainsSubstring("given"));
    if (has_direct_io()) {
        CHECK(refusal(::open((dir / "a").c_str(), O_RDWR | O_CLOEXEC), 256).code() ==
              errc::misaligned_page_size);
    }
    for (int access : {O_WRONLY, O_PATH}) {
        auto const e = refusal(::open((dir / "a").c_str(), access | O_CLOEXEC));
        CHECK(e.code() == errc::open_failed);
        CHECK_THAT(e.what(), ContainsSubstring("O_RDWR"));
    }
    CHECK(open_descriptors() == before);
    CHECK(fs::file_size(dir / "a") == page_bytes);
}

// With O_APPEND the system ignores the offset of a write: every page would go to the end.
TEST_CASE("direct_backend: adopt does not write to the end of a file opened for appending") {
    temp_dir const dir;
    bench b;
    write_text(dir / "a", std::string(3 * page_bytes, 'x'));
    auto file = b.backend.adopt(::open((dir / "a").c_str(), O_RDWR | O_APPEND | O_CLOEXEC),
                                request(dir / "a", open_mode::read_write));
    std::ranges::fill(b.frame(1), std::byte{'y'});
    CHECK(b.write(file, 1, 1) == 0);
    CHECK(file.size() == 3 * page_bytes);
    CHECK(b.content(file, 1)[0] == std::byte{'y'});
    CHECK(b.content(file, 2)[0] == std::byte{'x'});
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("direct_backend: adopt in buffered mode is buffered whatever the descriptor was") {
    if (!has_direct_io()) { return skip(no_direct); }
    temp_dir const dir;
    bench b;
    write_text(dir / "a", std::string(page_bytes, 'x'));
    auto file = b.backend.adopt(::open((dir / "a").c_str(), O_RDWR | O_DIRECT | O_CLOEXEC),
                                request(dir / "a", open_mode::read_write, io_mode::buffered));
    CHECK(file.mode() == io_mode::buffered);
    CHECK((::fcntl(file.native_handle(), F_GETFL) & O_DIRECT) == 0);
    CHECK(b.backend.close(file) == 0);
}

// ---- transfers that the system refuses, cuts or interrupts -----------------------------------

TEST_CASE("direct_backend: a write that stops half-way fails for its page and those behind it") {
    temp_dir const dir;
    for (auto io : {io_mode::buffered, best()}) {
        CHECK(failure_of([&]() -> std::string {
                  std::signal(SIGXFSZ, SIG_IGN);
                  bench b;
                  auto file = b.backend.open(request(dir / "a", open_mode::open_or_create, io));
                  MUST(b.backend.resize(file, 4 * page_bytes) == 0);
                  ::rlimit const limit{2 * page_bytes + 2048, 2 * page_bytes + 2048};
                  MUST(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
                  std::vector<bench::op> ops;
                  for (std::size_t p = 0; p < 4; ++p) {
                      std::ranges::fill(b.frame(p), std::byte{7});
                      ops.push_back(b.page_op(io_verb::write, file, p, p));
                  }
                  MUST(b.run(ops) == (std::vector<int>{0, 0, EFBIG, EFBIG}));
                  MUST(b.content(file, 1).back() == std::byte{7});
                  MUST(quire_test::is_zero(b.content(file, 3)));
                  return {};
              }) == "");
        fs::remove(dir / "a");
    }
}

TEST_CASE("direct_backend: a file that must not grow keeps its size") {
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              std::signal(SIGXFSZ, SIG_IGN);
              bench b;
              auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
              MUST(b.backend.resize(file, 2 * page_bytes) == 0);
              ::rlimit const limit{3 * page_bytes, 3 * page_bytes};
              MUST(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
              MUST(b.backend.resize(file, 4 * page_bytes) == EFBIG);
              MUST(file.size() == 2 * page_bytes);
              MUST(b.backend.resize(file, 3 * page_bytes) == 0);
              MUST(file.size() == 3 * page_bytes);
              return {};
          }) == "");
}

TEST_CASE("direct_backend: growing allocates so that writing needs no more room") {
    temp_dir const dir;
    bench b;
    auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
    CHECK(b.backend.resize(file, 100 * page_bytes) == 0);
    CHECK(static_cast<std::size_t>(about(file.native_handle()).st_blocks) * 512 >=
          100 * page_bytes);
    CHECK(b.backend.close(file) == 0);
}

TEST_CASE("direct_backend: a full disk refuses to grow a file and leaves it as it was") {
    temp_dir const dir;
    auto const failure = failure_of([&]() -> std::string {
        auto const mounted = ::unshare(CLONE_NEWNS) == 0 &&
                             ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                             ::mount("none", dir.path().c_str(), "tmpfs", 0, "size=64k") == 0;
        if (!mounted) { return "cannot mount"; }
        bench b;
        auto file = b.backend.open(request(dir / "a", open_mode::open_or_create,
            io_mode::buffered));
        MUST(b.backend.resize(file, 4 * page_bytes) == 0);
        std::ranges::fill(b.frame(1), std::byte{7});
        MUST(b.write(file, 3, 1) == 0);
        MUST(b.backend.resize(file, 64 * page_bytes) == ENOSPC);
        MUST(file.size() == 4 * page_bytes);
        MUST(b.content(file, 3)[0] == std::byte{7});
        MUST(b.backend.resize(file, 8 * page_bytes) == 0);  // what was tried is free again
        MUST(quire_test::is_zero(b.content(file, 7)));

        // Nothing left: a new file can be made, and cannot grow.
        MUST(b.backend.resize(file, 15 * page_bytes) == 0);
        auto other = b.backend.open(request(dir / "b", open_mode::open_or_create,
            io_mode::buffered));
        MUST(b.backend.resize(other, 4 * page_bytes) == ENOSPC);
        MUST(other.size() == 0);
        return {};
    });
    if (failure.ends_with("cannot mount")) {
        return skip("this process must not mount a small disk");
    }
    CHECK(failure == "");
}

TEST_CASE("direct_backend: where space cannot be allocated a file grows all the same") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    for (int not_offered : {EOPNOTSUPP, ENOSYS, EPERM}) {
        CAPTURE(not_offered);
        CHECK(failure_of([&]() -> std::string {
                  bench b;
                  auto file = b.backend.open(request(dir / "a", open_mode::create_or_replace));
                  MUST(quire_test::refuse(SYS_fallocate, not_offered));
                  MUST(b.backend.resize(file, 4 * page_bytes) == 0);
                  MUST(file.size() == 4 * page_bytes);
                  MUST(quire_test::is_zero(b.content(file, 3)));
                  return {};
              }) == "");
    }
}

// A seccomp filter says EPERM of a call that it does not let through, and the system says it of a
// file that must not change: then it says so of the other way to grow, too.
TEST_CASE("direct_backend: a file that must not grow is not grown without allocating") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    for (int refusal : {EPERM, EIO, EDQUOT, ENOSPC, EINVAL}) {
        CAPTURE(refusal);
        CHECK(failure_of([&]() -> std::string {
                  bench b;
                  auto file = b.backend.open(request(dir / "a", open_mode::create_or_replace));
                  MUST(quire_test::refuse(SYS_fallocate, refusal));
                  if (refusal == EPERM) { MUST(quire_test::refuse(SYS_ftruncate, EPERM)); }
                  MUST(b.backend.resize(file, 4 * page_bytes) == refusal);
                  MUST(file.size() == 0);
                  return {};
              }) == "");
    }
}

TEST_CASE("direct_backend: what the system answers to sync and transfers is the result") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
              MUST(b.backend.resize(file, 4 * page_bytes) == 0);
              MUST(quire_test::refuse(SYS_fdatasync, EIO));
              MUST(b.backend.sync(file) == EIO);
              MUST(quire_test::refuse(SYS_preadv, EIO));
              MUST(b.read(file, 0, 0) == EIO);
              MUST(quire_test::refuse(SYS_pwritev, EDQUOT));
              MUST(b.write(file, 0, 0) == EDQUOT);
              MUST(quire_test::refuse(SYS_fallocate, EDQUOT));
              MUST(b.backend.resize(file, 5 * page_bytes) == EDQUOT);
              MUST(file.size() == 4 * page_bytes);
              return {};
          }) == "");
}

TEST_CASE("direct_backend: a transfer that never gets anywhere ends") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    for (int error : {EINTR, EAGAIN, 0}) {
        CAPTURE(error);
        CHECK(failure_of([&]() -> std::string {
                  bench b;
                  auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
                  MUST(b.backend.resize(file, 4 * page_bytes) == 0);
                  MUST(quire_test::refuse(SYS_pwritev, error));
                  MUST(quire_test::refuse(SYS_preadv, error));
                  MUST(b.write(file, 0, 0) == (error != 0 ? error : EIO));
                  MUST(b.read(file, 0, 0) == (error != 0 ? error : quire::io_ended));
                  return {};
              }) == "");
    }
}

TEST_CASE("direct_backend: a new file whose folder cannot be synced is refused and removed") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              MUST(quire_test::refuse(SYS_fsync, EIO));
              auto const e = error_of([&] {
                  static_cast<void>(b.backend.open(request(dir / "a", open_mode::open_or_create)));
              });
              MUST(e.code() == errc::open_failed);
              MUST(e.system_errno() == EIO);
              return {};
          }) == "");
    CHECK_FALSE(fs::exists(dir / "a"));
}

TEST_CASE("direct_backend: a file system that syncs no folders has files made all the same") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    for (int not_offered : {EINVAL, EOPNOTSUPP, ENOSYS}) {
        CHECK(failure_of([&]() -> std::string {
                  bench b;
                  MUST(quire_test::refuse(SYS_fsync, not_offered));
                  auto file = b.backend.open(request(dir / "a", open_mode::create_new));
                  MUST(b.backend.close(file) == 0);
                  return {};
              }) == "");
        fs::remove(dir / "a");
    }
}

TEST_CASE("direct_backend: a file system without locks or direct I/O refuses with its errno") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    write_text(dir / "a", std::string(page_bytes, 'x'));
    CHECK(failure_of([&]() -> std::string {
              bench b;
              MUST(quire_test::refuse_when(SYS_fcntl, 1, F_OFD_SETLK, ENOLCK));
              auto const e = error_of([&] {
                  static_cast<void>(b.backend.open(request(dir / "a", open_mode::read_write)));
              });
              MUST(e.code() == errc::open_failed);
              MUST(e.system_errno() == ENOLCK);
              MUST(std::string{e.what()}.find("file_lock::none") != std::string::npos);
              auto wanted = request(dir / "a", open_mode::read_write);
              wanted.lock = quire::file_lock::none;
              auto file = b.backend.open(wanted);
              MUST(b.backend.close(file) == 0);
              return {};
          }) == "");
    CHECK(failure_of([&]() -> std::string {
              bench b;
              auto wanted = request(dir / "a", open_mode::read_write, io_mode::buffered);
              auto plain = b.backend.open(wanted);
              auto const flags = ::fcntl(plain.native_handle(), F_GETFL) | O_DIRECT;
              MUST(b.backend.close(plain) == 0);
              MUST(quire_test::refuse_when(SYS_fcntl, 2, static_cast<unsigned>(flags), EINVAL));
              wanted.io = io_mode::direct;
              auto const e = error_of([&] { static_cast<void>(b.backend.open(wanted)); });
              MUST(e.code() == errc::direct_io_refused);
              MUST(e.system_errno() == EINVAL);
              wanted.io = io_mode::direct_or_buffered;
              auto file = b.backend.open(wanted);
              MUST(file.mode() == io_mode::buffered);
              MUST(b.content(file, 0)[0] == std::byte{'x'});
              return {};
          }) == "");
    CHECK(failure_of([&]() -> std::string {  // a kernel that does not tell the alignment
              bench b;
              MUST(quire_test::refuse(SYS_statx, ENOSYS));
              auto wanted = request(dir / "a", open_mode::read_write);
              auto file = b.backend.open(wanted);
              MUST(file.mode() == best());
              MUST(best() == io_mode::buffered || file.alignment() == 512);
              MUST(b.content(file, 0)[0] == std::byte{'x'});
              return {};
          }) == "");
}

// ---- interrupted calls ----------------------------------------------------------------------

#if defined(__x86_64__)
namespace {

constinit int interruptions = 0;  ///< how many are left
constinit int asked = 0;          ///< calls

long interrupted_at_first(quire_test::call_arguments const& c) {
    ++asked;
    return interruptions-- > 0 ? -EINTR : quire_test::pass_on(c);
}
/// As Linux does it: the descriptor is closed all the same.
long closed_and_interrupted(quire_test::call_arguments const& c) {
    ++asked;
    static_cast<void>(quire_test::pass_on(c));
    return -EINTR;
}

/// Every call that the backend makes, except transfers.
std::string whole_life(bench& b, fs::path const& path) {
    auto file = b.backend.open(request(path, open_mode::open_or_create));
    MUST(b.backend.resize(file, 4 * page_bytes) == 0);
    MUST(b.backend.sync(file) == 0);
    MUST(b.backend.resize(file, 2 * page_bytes) == 0);
    MUST(file.size() == 2 * page_bytes);
    MUST(b.backend.close(file) == 0);
    file = b.backend.open(request(path, open_mode::create_or_replace));
    MUST(file.size() == 0);
    MUST(b.backend.close(file) == 0);
    return {};
}

}  // namespace
#endif

// An interrupted call has reported no error: nothing has failed, and another try hides nothing. On
// a local disk a sync is not interrupted; over a network, and in FUSE, it is.
TEST_CASE("direct_backend: calls that signals interrupt are made again, even a sync") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    for (long number : {SYS_openat, SYS_newfstatat, SYS_statx, SYS_fcntl, SYS_fsync, SYS_fdatasync,
                        SYS_fallocate, SYS_ftruncate, SYS_lseek}) {
        for (int times : {1, 7, 500}) {
            CAPTURE(number, times);
            CHECK(failure_of([&] {
                      bench b;
                      asked = 0;
                      interruptions = times;
                      if (!quire_test::intercept(number, interrupted_at_first)) {
                          return std::string{"no filter"};
                      }
                      auto const failure = whole_life(b, dir / "a");
                      return asked > times ? failure : "not asked: " + failure;
                  }) == "");
            fs::remove(dir / "a");
        }
    }
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

TEST_CASE("direct_backend: a call that is interrupted without end fails with EINTR") {
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
              MUST(quire_test::refuse(SYS_fdatasync, EINTR));
              MUST(b.backend.sync(file) == EINTR);
              MUST(quire_test::refuse(SYS_fallocate, EINTR));
              MUST(b.backend.resize(file, page_bytes) == EINTR);
              MUST(quire_test::refuse(SYS_openat, EINTR));
              auto const e = error_of([&] {
                  static_cast<void>(b.backend.open(request(dir / "b", open_mode::open_or_create)));
              });
              MUST(e.code() == errc::open_failed);
              MUST(e.system_errno() == EINTR);
              return {};
          }) == "");
}

// The second call would close whatever another thread has opened meanwhile under that number.
TEST_CASE("direct_backend: an interrupted close is not made again") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
              asked = 0;
              MUST(quire_test::intercept(SYS_close, closed_and_interrupted));
              MUST(b.backend.close(file) == 0);
              MUST(asked == 1);
              MUST(b.backend.close(file) == 0);
              MUST(asked == 1);
              return {};
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

// ---- short and interrupted transfers, continued ----------------------------------------------

namespace {

#if defined(__x86_64__)

constinit int trouble = 0;  // counts the calls

/// Each second call is interrupted; the others move the first part only, and of it at most 1536
/// bytes: three sectors, so that every page takes several calls.
long by_bits(quire_test::call_arguments const& c) {
    if (trouble++ % 2 == 0) { return trouble % 4 == 1 ? -EINTR : -EAGAIN; }
    ::iovec first{};
    std::memcpy(&first, reinterpret_cast<void const*>(c.a[1]), sizeof first);
    first.iov_len = std::min<std::size_t>(first.iov_len, 1536);
    auto part = c;
    part.a[1] = reinterpret_cast<long>(&first);
    part.a[2] = 1;
    return quire_test::pass_on(part);
}

/// Each second call misses the last 100 bytes: no multiple of what direct I/O can go on from.
long all_but_a_bit(quire_test::call_arguments const& c) {
    long const moved = quire_test::pass_on(c);
    return trouble++ % 2 == 0 && moved > 100 ? moved - 100 : moved;
}

std::string moves_all_pages(fs::path const& path, io_mode io, long number,
                            quire_test::call_handler handler) {
    bench b;
    generator random{1};
    auto file = b.backend.open(request(path, open_mode::open_or_create, io));
    MUST(b.backend.resize(file, 10 * page_bytes) == 0);
    std::vector<bench::op> writes;
    std::vector<bench::op> reads;
    for (std::size_t p = 0; p < 10; ++p) {
        random.fill(b.frame(1 + p));
        writes.push_back(b.page_op(io_verb::write, file, p, 1 + p));
        reads.push_back(b.page_op(io_verb::read, file, p, 101 + p));
    }
    bool const reading = number == SYS_preadv;
    if (!reading) { MUST(quire_test::intercept(number, handler)); }
    MUST(b.run(writes) == std::vector<int>(10, 0));
    if (reading) { MUST(quire_test::intercept(number, handler)); }
    MUST(b.run(reads) == std::vector<int>(10, 0));
    for (std::size_t p = 0; p < 10; ++p) {
        MUST(std::ranges::equal(b.frame(101 + p), b.frame(1 + p)));
    }
    return {};
}

#endif

}  // namespace

TEST_CASE("direct_backend: short and interrupted transfers are continued to the end") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    for (auto io : {best(), io_mode::buffered}) {
        for (long number : {SYS_preadv, SYS_pwritev}) {
            CAPTURE(number);
            CHECK(failure_of([&] { return moves_all_pages(dir / "a", io, number, by_bits); }) ==
                  "");
            CHECK(failure_of(
                      [&] { return moves_all_pages(dir / "a", io, number, all_but_a_bit); }) == "");
        }
    }
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

TEST_CASE("direct_backend: a run of neighbours travels in one call - I3") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
              MUST(b.backend.resize(file, 30 * page_bytes) == 0);
              MUST(quire_test::intercept(SYS_preadv, [](quire_test::call_arguments const& c) {
                  ++trouble;
                  return quire_test::pass_on(c);
              }));
              std::vector<bench::op> ops;
              for (std::size_t p = 0; p < 20; ++p) {
                  ops.push_back(b.page_op(io_verb::read, file, p < 12 ? p : p + 5, p));
              }
              MUST(b.run(ops) == std::vector<int>(20, 0));
              MUST(trouble == 2);  // 0 to 11, and 17 to 24
              return {};
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

// Some file systems allocate and grow up to where the room ends, and only then say so.
TEST_CASE("direct_backend: a file that grew half-way is cut back to its size") {
#if defined(__x86_64__)
    if (!can_refuse()) { return skip("this process must not filter system calls"); }
    temp_dir const dir;
    CHECK(failure_of([&]() -> std::string {
              bench b;
              auto file = b.backend.open(request(dir / "a", open_mode::open_or_create));
              MUST(b.backend.resize(file, 2 * page_bytes) == 0);
              auto const half_way = [](quire_test::call_arguments const& c) -> long {
                  return ::ftruncate(static_cast<int>(c.a[0]), c.a[2] + 100) == 0 ? -ENOSPC : -EIO;
              };
              MUST(quire_test::intercept(SYS_fallocate, half_way));
              MUST(b.backend.resize(file, 8 * page_bytes) == ENOSPC);
              MUST(file.size() == 2 * page_bytes);
              return {};
          }) == "");
#else
    skip("system calls can be stood in for on x86-64 only");
#endif
}

// ---- block devices --------------------------------------------------------------------------

TEST_CASE("direct_backend: a block device is a file of fixed size") {
    temp_dir const dir;
    quire_test::loop_device const device{dir / "image", 16 * page_bytes};
    if (!device.works()) { return skip("this process must not make a loop device"); }
    bench b;
    auto file = b.backend.open(request(device.path(), open_mode::read_write, io_mode::direct));
    CHECK(file.block_device());
    CHECK(file.mode() == io_mode::direct);
    CHECK(file.alignment() >= 512);
    CHECK(file.size() == 16 * page_bytes);
    CHECK(error_of([&] {
              static_cast<void>(b.backend.open(request(device.path(), open_mode::read_only)));
          }).code() == errc::file_locked);

    test_random random;
    random.fill(b.frame(1));
    CHECK(b.write(file, 15, 1) == 0);
    CHECK(std::ranges::equal(b.content(file, 15), b.frame(1)));
    CHECK(b.read(file, 16, 0) == quire::io_ended);
    CHECK(b.write(file, 16, 1) > 0);
    CHECK(b.backend.sync(file) == 0);

    CHECK(b.backend.resize(file, 16 * page_bytes) == 0);
    CHECK(b.backend.resize(file, 3 * page_bytes) == EINVAL);
    CHECK(b.backend.resize(file, 17 * page_bytes) == ENOSPC);
    CHECK(file.size() == 16 * page_bytes);
    CHECK(b.backend.close(file) == 0);

    auto const replaced = error_of([&] {
        static_cast<void>(b.backend.open(request(device.path(), open_mode::create_or_replace)));
    });
    CHECK(replaced.code() == errc::open_failed);
    CHECK_THAT(replaced.what(), ContainsSubstring("a block device cannot be emptied"));
    auto kept = b.backend.open(request(device.path(), open_mode::open_or_create, io_mode::direct));
    CHECK(std::ranges::equal(b.content(kept, 15), b.frame(1)));
    CHECK(b.backend.close(kept) == 0);

    auto wanted = request(device.path(), open_mode::read_write, io_mode::direct);
    wanted.page_size = 256;
    CHECK(error_of([&] { static_cast<void>(b.backend.open(wanted)); }).kind() ==
          errc::misaligned_page_size);
    CHECK(fs::exists(device.path()));
}

// A device that is mounted is in use by the system: whoever writes to it destroys the file system
// under its users. A mount, a RAID and mkfs open a device exclusively, as this test does.
TEST_CASE("direct_backend: a block device in use is not opened for writing") {
    temp_dir const dir;
    quire_test::loop_device const device{dir / "image", 16 * page_bytes};
    if (!device.works()) { return skip("this process must not make a loop device"); }
    bench b;
    auto const refusal = [&](fs::path const& path, open_mode mode) {
        return error_of([&] { static_cast<void>(b.backend.open(request(path, mode))); });
    };
    int const user = ::open(device.path().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC);
    REQUIRE(user >= 0);
    for (auto mode :
         {open_mode::read_write, open_mode::open_or_create, open_mode::create_or_replace}) {
        auto const e = refusal(device.path(), mode);
        CHECK(e.code() == errc::file_locked);
        CHECK(e.system_errno() == EBUSY);
        CHECK_THAT(e.what(), ContainsSubstring(device.path()));
        CHECK_THAT(e.what(), ContainsSubstring("mounted?"));
    }
    auto reader = b.backend.open(request(device.path(), open_mode::read_only));
    CHECK(reader.size() == 16 * page_bytes);
    CHECK(b.backend.close(reader) == 0);
    auto unlocked = request(device.path(), open_mode::read_write);
    unlocked.lock = quire::file_lock::none;
    auto careless = b.backend.open(unlocked);
    CHECK(b.backend.close(careless) == 0);
    ::close(user);

    auto writer = b.backend.open(request(device.path(), open_mode::read_write));
    auto const also = dir / "also";
    if (::mknod(also.c_str(), S_IFBLK | 0600, about(writer.native_handle()).st_rdev) == 0) {
        int const opens = ::open(also.c_str(), O_RDONLY | O_CLOEXEC);  // not on a nodev mount
        if (opens >= 0) { CHECK(refusal(also, open_mode::read_write).kind() == errc::file_locked); }
        ::close(opens);
    }
    CHECK(b.backend.close(writer) == 0);
}

TEST_CASE("direct_backend: of a block device the odd end is left over") {
    temp_dir const dir;
    constexpr std::size_t odd = 3 * 512;
    quire_test::loop_device const device{dir / "image", 16 * page_bytes + odd};
    if (!device.works()) { return skip("this process must not make a loop device"); }
    bench b;
    auto file = b.backend.open(request(device.path(), open_mode::read_write));
    CHECK(file.size() == 16 * page_bytes);
    CHECK(b.backend.resize(file, file.size()) == 0);
    CHECK(b.backend.resize(file, 16 * page_bytes + odd) == ENOSPC);
    CHECK(b.backend.resize(file, 17 * page_bytes) == ENOSPC);
    CHECK(b.backend.resize(file, 15 * page_bytes) == EINVAL);
    CHECK(b.write(file, 15, 1) == 0);
    CHECK(b.backend.close(file) == 0);
    auto wanted = request(device.path(), open_mode::read_only);
    wanted.page_size = 16384;
    file = b.backend.open(wanted);
    CHECK(file.size() == 4 * 16384);
    CHECK(b.backend.close(file) == 0);
    wanted.page_size = 512;
    file = b.backend.open(wanted);
    CHECK(file.size() == 16 * page_bytes + odd);
    CHECK(b.backend.close(file) == 0);
}
