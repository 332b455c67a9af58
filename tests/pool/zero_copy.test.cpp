// SPDX-License-Identifier: BSL-1.0

/// The proof of zero-copy, on a real disk: a column's address lies in the frame arena, the page
/// cache stays empty, and the process reads exactly one page per miss, and nothing per hit.

#include <quire/quire.hpp>

#include "catch.hpp"
#include "temp_dir.hpp"

#include <algorithm>
#include <fstream>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace {

struct row_type {
    std::uint64_t number;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(row_type, (), (number, text))

constexpr std::uint64_t pages = 64;
constexpr std::size_t frames = 16;

/// What the process has had read from devices so far, in bytes. -1: the system does not say.
std::int64_t device_bytes_read() {
    std::ifstream io{"/proc/self/io"};
    for (std::string name; io >> name;) {
        std::int64_t value = 0;
        io >> value;
        if (name == "read_bytes:") { return value; }
    }
    return -1;
}

std::size_t cached_pages(std::string const& path) {
    int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    auto const size = static_cast<std::size_t>(::lseek(fd, 0, SEEK_END));
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    REQUIRE(at != MAP_FAILED);
    std::vector<unsigned char> resident((size + 4095) / 4096);
    REQUIRE(::mincore(at, size, resident.data()) == 0);
    ::munmap(at, size);
    return static_cast<std::size_t>(
        std::count_if(resident.begin(), resident.end(), [](auto r) { return (r & 1) != 0; }));
}

/// Why this place can prove nothing; empty when it can.
std::string obstacle(std::filesystem::path const& folder, quire::io_mode mode) {
    struct ::statfs about {};
    if (::statfs(folder.c_str(), &about) != 0) { return "statfs fails"; }
    if (about.f_type == TMPFS_MAGIC) { return "tmpfs serves direct reads from the page cache"; }
    if (mode != quire::io_mode::direct) { return "direct I/O is not in effect here"; }
    if (device_bytes_read() < 0) { return "/proc/self/io does not tell read_bytes"; }
    return {};
}

/// Reads the column of page `no`; true when it is right and lies in the arena.
template <class Pool>
bool reads_in_place(Pool const& pool, typename Pool::file const& file, std::uint64_t no) {
    auto page = file.template read<quire::heap_page>(no);
    auto row = page->template row<row_type>(quire::slot_id{0});
    auto const text = row.template get<&row_type::text>();
    std::string_view const view = text.unguarded_view();
    return row.template get<&row_type::number>() == no && text.size() == 100 &&
           text.front() == 'x' && pool.memory().contains(view.data()) &&
           pool.memory().contains(view.data() + view.size() - 1);
}

}  // namespace

TEST_CASE("zero-copy: a column lies in the arena, the page cache is empty, a miss reads a page") {
    temp_dir const dir;
    auto const path = (dir / "proof.db").string();
    {
        quire::buffer_pool<> pool{{.frames = frames}};
        auto file = pool.open(path, quire::open_mode::create_new,
                              {.io = quire::io_mode::direct_or_buffered});
        for (std::uint64_t no = 0; no < pages; ++no) {
            auto page = file.append<quire::heap_page>();
            REQUIRE(page->insert(row_type{no, std::string(100, 'x')}));
        }
        file.close();
    }
    quire::buffer_pool<> pool{{.frames = frames}};
    auto file = pool.open(path, quire::open_mode::read_only,
                          {.io = quire::io_mode::direct_or_buffered});
    if (auto const why = obstacle(dir.path(), file.mode()); !why.empty()) { return skip(why); }

    auto const scan = [&](std::uint64_t first, std::uint64_t last) {
        bool right = true;
        for (auto no = first; no < last; ++no) { right = reads_in_place(pool, file, no) && right; }
        return right;
    };
    // Twice: the first time may also bring this program's own code in from a device.
    for (int round = 0; round < 2; ++round) {
        auto const misses = file.stats().misses;
        auto const before = device_bytes_read();
        bool const right = scan(0, pages);
        auto const after = device_bytes_read();
        CHECK(right);
        auto const missed = file.stats().misses - misses;
        CHECK(missed == pages);  // the pool is smaller than the scan: nothing survives a round
        if (round > 0) { CHECK(after - before == static_cast<std::int64_t>(missed * 4096)); }
    }
    CHECK(cached_pages(path) == 0);

    // The last pages are resident now: hits read nothing.
    auto const hits = file.stats().hits;
    auto const before = device_bytes_read();
    CHECK(scan(pages - frames / 2, pages));
    CHECK(device_bytes_read() == before);
    CHECK(file.stats().hits - hits == frames / 2);
    CHECK(cached_pages(path) == 0);
}

TEST_CASE("zero-copy: writing leaves nothing in the page cache either") {
    temp_dir const dir;
    auto const path = (dir / "proof.db").string();
    quire::buffer_pool<> pool{{.frames = frames}};
    auto file = pool.open(path, quire::open_mode::create_new,
                          {.io = quire::io_mode::direct_or_buffered});
    if (auto const why = obstacle(dir.path(), file.mode()); !why.empty()) { return skip(why); }
    for (std::uint64_t no = 0; no < pages; ++no) {
        auto page = file.append<quire::heap_page>();
        REQUIRE(page->insert(row_type{no, std::string(100, 'y')}));
    }
    file.flush();
    CHECK(file.stats().write_backs >= pages);
    CHECK(cached_pages(path) == 0);
}

TEST_CASE("buffered I/O, when it was asked for, does fill the page cache") {
    // The counter-test: the probe above can tell the difference.
    temp_dir const dir;
    auto const path = (dir / "proof.db").string();
    quire::buffer_pool<> pool{{.frames = frames}};
    auto file =
        pool.open(path, quire::open_mode::create_new, {.io = quire::io_mode::buffered});
    for (std::uint64_t no = 0; no < pages; ++no) { static_cast<void>(file.append()); }
    file.flush();
    CHECK(file.mode() == quire::io_mode::buffered);
    CHECK(cached_pages(path) == pages);
}
