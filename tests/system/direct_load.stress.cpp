// SPDX-License-Identifier: BSL-1.0

/// Reads and writes of pages that really come from the device and go there: two threads, a file
/// sixteen times the size of the pool, nothing injected, every value looked at.
///
/// Expected: each page reads as it was written last; the pool's counts are those of its observer,
/// and the bytes that it says it read and wrote are those that the system did for this process
/// (/proc/self/io): nothing came from a cache in between. That is compared where the file system
/// counts direct transfers, which one page tells that no pool has to do with.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "system/pages.hpp"
#include "random.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace quire_test;
using quire::open_mode;

namespace {

constexpr std::uint64_t file_pages = 1024;
constexpr std::size_t pool_frames = 64;

struct device_bytes {
    std::uint64_t read = 0;
    std::uint64_t written = 0;
};
device_bytes device_bytes_now() {
    device_bytes now;
    std::ifstream in{"/proc/self/io"};
    std::string word;
    std::uint64_t value = 0;
    while (in >> word >> value) {
        if (word == "read_bytes:") { now.read = value; }
        if (word == "write_bytes:") { now.written = value; }
    }
    return now;
}

class load {
public:
    load(plain_file file, std::uint64_t seed) : file_{file}, newest_(file_pages), seed_{seed} {}

    void fill() {
        for (std::uint64_t no = 0; no < file_pages; ++no) {
            quire_test::append_version(file_, 1);
            newest_[no] = 1;
        }
        file_.flush();
    }

    /// Reads and writes until `transfers` more pages have gone to the device or come from there.
    void run(int threads, std::uint64_t transfers) {
        auto const until = done() + transfers;
        std::vector<std::thread> running;
        for (int t = 0; t < threads; ++t) {
            running.emplace_back([this, t, until] {
                generator random{seed_ + static_cast<std::uint64_t>(t)};
                while (done() < until) {
                    for (int i = 0; i < 64; ++i) { step(random); }
                    if (t == 0) { file_.write_back(); }  // many pages at once
                }
            });
        }
        for (auto& each : running) { each.join(); }
    }
    [[nodiscard]] std::uint64_t done() const {
        auto const s = file_.stats();
        return s.misses + s.write_backs;
    }
    [[nodiscard]] std::uint64_t wrong() const { return wrong_; }

    void go_on_with(plain_file file) { file_ = file; }
    void check_all() {
        for (std::uint64_t no = 0; no < file_pages; ++no) {
            auto const page = file_.read(no);
            wrong_ += version_in(page) == newest_[no] ? 0 : 1;
        }
    }

private:
    void step(generator& random) {
        auto const no = random.below(file_pages);
        if (random.chance(1, 2)) {
            auto const page = file_.read(no);
            wrong_ += version_in(page) == newest_[no] ? 0 : 1;
        } else {
            auto page = file_.write(no);
            wrong_ += version_in(page) == newest_[no] ? 0 : 1;
            quire_test::stamp(*page, ++newest_[no]);
        }
    }

    plain_file file_;
    std::vector<std::uint64_t> newest_;  ///< of each page, under its guard
    std::uint64_t seed_;
    std::atomic<std::uint64_t> wrong_{0};
};

/// Whether the system counts a page that is written and read directly, without any pool.
bool system_counts(std::filesystem::path const& path) {
    int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_DIRECT, 0600);
    void* const page = std::aligned_alloc(page_bytes, page_bytes);
    std::memset(page, 1, page_bytes);
    auto const full = static_cast<::ssize_t>(page_bytes);
    auto const before = device_bytes_now();
    bool moved = ::pwrite(fd, page, page_bytes, 0) == full;
    auto const written = device_bytes_now();
    moved = ::pread(fd, page, page_bytes, 0) == full && moved;
    auto const read = device_bytes_now();
    std::free(page);
    ::close(fd);
    return moved && written.written >= before.written + page_bytes &&
           read.read >= written.read + page_bytes;
}

}  // namespace

TEST_CASE("direct load: what is read and written is right, and went to the device",
          "[long][disk]") {
    auto const transfers = quire_test::amount(12'000, 1'050'000);
    quire_test::temp_dir const dir;
    quire_test::test_random random;
    std::atomic<std::uint64_t> misses{0};
    auto options = quire_test::frames(pool_frames);
    options.observer.on_miss = [&](quire::page_id) { ++misses; };
    plain_pool pool{options};
    std::optional<plain_file> file;
    if (auto const failed = quire_test::thrown_by([&] {
            file.emplace(pool.open(dir / "f", open_mode::open_or_create));
        })) {
        return skip("the file system of the test's folder has no direct I/O");
    }
    load work{*file, random.bits()};
    work.fill();
    bool const counted = system_counts(dir / "probe");
    auto const before = file->stats();
    auto const misses_before = misses.load();
    auto const system_before = device_bytes_now();
    auto const start = std::chrono::steady_clock::now();
    work.run(2, transfers);
    file->flush();
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - start;
    auto const system = device_bytes_now();
    auto const after = file->stats();

    CHECK(work.wrong() == 0);
    auto const read = after.bytes_read - before.bytes_read;
    auto const written = after.bytes_written - before.bytes_written;
    CHECK(after.misses - before.misses == misses - misses_before);
    CHECK(read == (after.misses - before.misses) * page_bytes);
    CHECK(written == (after.write_backs - before.write_backs) * page_bytes);
    CHECK(after.misses - before.misses > transfers / 4);
    CHECK(after.write_backs - before.write_backs > transfers / 8);
    if (counted) {  // the program itself may be read from a disk now and then
        CHECK(system.read - system_before.read >= read);
        CHECK(system.written - system_before.written >= written);
        CHECK(system.written - system_before.written <= written + written / 20 + (1U << 18));
    }
    work.check_all();
    CHECK(work.wrong() == 0);
    file->close();
    work.go_on_with(pool.open(dir / "f", open_mode::read_only));
    work.check_all();
    CHECK(work.wrong() == 0);
    quire_test::figure("direct reads and writes",
                       after.misses + after.write_backs - before.misses - before.write_backs);
    auto const rate = static_cast<double>((read + written) / page_bytes) / took.count();
    quire_test::figure("direct reads and writes a second", static_cast<std::uint64_t>(rate));
}
