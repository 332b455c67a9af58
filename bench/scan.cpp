// SPDX-License-Identifier: BSL-1.0

/// scan: the pages of a file one after the other, from the device.
///
/// A file of 4 GiB and pools of 256 MiB, one thread. Every system begins at the first page,
/// continues in each slice where it stopped, and begins again after the last page; each page is
/// checked to be the right one. The file is dropped from the page cache before each slice. The
/// limit reads 1 MiB at a time, directly. Rounds of slices of a second; pages per second, and
/// processor time per page.
///
/// Usage: scan [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/peers.hpp"
#include "device/slices.hpp"
#include "report.hpp"

#include <chrono>
#include <memory>

namespace {

using namespace quire_bench;

constexpr std::uint32_t run_length = 256;  // pages of 1 MiB

/// `read(no)` for every page of the next run, and so on until the end.
template <class Read>
std::uint64_t scan_until(std::uint32_t pages, std::uint32_t& next, slice_end end, Read read) {
    std::uint64_t count = 0;
    while (slice_clock::now() < end) {
        for (std::uint32_t i = 0; i < run_length; ++i) { expect_value(next + i, read(next + i)); }
        count += run_length;
        next = (next + run_length) % pages;
    }
    return count;
}

template <class System>
slices::work scanning(System& system, std::uint32_t pages) {
    return [&system, pages, next = 0U](slice_end end) mutable {
        typename System::reader reader{system};
        return scan_until(pages, next, end, [&](std::uint32_t no) { return reader.read(no); });
    };
}

/// A run at a time.
slices::work scanning_runs(raw_file const& file, std::uint32_t pages) {
    auto const run = std::make_shared<page_buffer>(run_length);
    return [&file, pages, run, next = 0U](slice_end end) mutable {
        return scan_until(pages, next, end, [&](std::uint32_t no) {
            auto const i = no % run_length;
            if (i == 0) { read_pages(file.get(), run->page(), no, run_length); }
            return value_in(run->page(i));
        });
    };
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("scan", argc, argv);
    std::size_t const frames = given.quick ? 1U << 10 : 1U << 16;
    auto const pages = static_cast<std::uint32_t>(16 * frames);
    scratch_folder const scratch{given.scratch};
    expect_room(scratch.path(), pages, 2);
    auto const path = scratch.path() / "pages";
    make_page_file(path, pages);

    slices all;
    raw_file const direct{path, O_RDONLY | O_DIRECT};
    all.add("direct, 1 MiB", 1, scanning_runs(direct, pages));
    pool_reads pool{path, frames};
    all.add("quire", 1, scanning(pool, pages));
    mapped_reads mapped{path, reads::in_order};
    auto const forget = [&] { mapped.forget(); };
#if defined(QUIRE_BENCH_BERKELEY_DB)
    berkeley_db_reads berkeley{path, frames};
    all.add("Berkeley DB", 1, scanning(berkeley, pages), forget);
#endif
#if defined(QUIRE_BENCH_LMDB)
    lmdb_file::make(scratch.path() / "lmdb", pages);
    lmdb_reads lmdb{scratch.path() / "lmdb", pages, reads::in_order};
    all.add(
        "LMDB", 1,
        [&, next = 0U](slice_end end) mutable {
            lmdb_reads::reader reader{lmdb};
            return scan_until(pages, next, end,
                              [&](std::uint32_t no) { return reader.read_next(no); });
        },
        [&] { lmdb.forget(); });
#endif
    all.add("mmap", 1, scanning(mapped, pages), forget);
    raw_file const buffered{path, O_RDONLY};
    static_cast<void>(::posix_fadvise(buffered.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
    all.add("buffered, 1 MiB", 1, scanning_runs(buffered, pages), forget);

    auto const found = all.run(given.quick ? 3 : 5, 1,
                               std::chrono::milliseconds{given.quick ? 20 : 1000});
    expect_from_device(found);
    auto const stats = pool.file().stats();
    if (stats.hits * 100 > stats.misses) { fail("reads that should have missed were hits"); }
    report to;
    for (auto const& one : found) { to.add("scan", "4 KiB", 1, one.system, one.rate, "pages/s"); }
    for (auto const& one : found) {
        to.add("scan", "4 KiB", 1, one.system + ", CPU", one.processor);
    }
    to.at_least("scan, quire / direct reads of 1 MiB",
                median(ratios(of(found, "quire", 1).rate, of(found, "direct, 1 MiB", 1).rate)),
                0.9);
    if (!given.json.empty()) { to.write(given.json); }
    to.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "scan: %s\n", e.what());
    return 1;
}
