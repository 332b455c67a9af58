// SPDX-License-Identifier: BSL-1.0

/// scan: the pages of a file one after the other, from the device.
///
/// A file of 4 GiB and pools of 256 MiB, one thread. Every system begins at the first page,
/// continues in each slice where it stopped, and begins again after the last page; each page is
/// checked to be the right one. The file is dropped from the page cache before each slice. The
/// limits read 1 MiB at a time, directly: one after the other, and four in flight by io_uring with
/// the seals checked. Rounds of slices of a second; pages per second, and processor time per page.
///
/// Usage: scan [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/peers.hpp"
#include "device/slices.hpp"
#include "report.hpp"
#if defined(QUIRE_BENCH_URING)
#include "device/ring.hpp"

#include <quire/io/uring_backend.hpp>
#endif

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

/// By file.scan, which reads ahead.
template <class Pool>
slices::work streaming(Pool& pool, std::uint32_t pages) {
    return [&pool, pages, next = 0U](slice_end end) mutable {
        std::uint64_t count = 0;
        while (slice_clock::now() < end) {
            for (auto& page : pool.file().scan(next)) {
                expect_value(next, page->bytes().template load<std::uint64_t>(value_at));
                ++next;
                if (++count % run_length == 0 && slice_clock::now() >= end) { break; }
            }
            next %= pages;
        }
        return count;
    };
}

#if defined(QUIRE_BENCH_URING)
/// Runs in flight beside each other, with the seals checked.
slices::work scanning_by_ring(raw_file const& file, std::uint32_t pages) {
    return [&file, pages, next = 0U](slice_end end) mutable {
        ring transfers{4, run_length};
        std::array<std::uint32_t, ring::depth> in_slot{};
        std::uint64_t count = 0;
        transfers.run(
            [&](unsigned slot, ::io_uring_sqe* sqe) {
                if (slice_clock::now() >= end) { return false; }
                in_slot[slot] = std::exchange(next, (next + run_length) % pages);
                ::io_uring_prep_read(sqe, file.get(), transfers.page(slot), run_length * page_size,
                                     static_cast<std::uint64_t>(offset_of(in_slot[slot])));
                return true;
            },
            [&](unsigned slot) {
                for (std::uint32_t i = 0; i < run_length; ++i) {
                    std::span const page{transfers.page(slot) + i * page_size, page_size};
                    expect_sealed(page, in_slot[slot] + i);
                    expect_value(in_slot[slot] + i, value_in(page.data()));
                }
                count += run_length;
            });
        return count;
    };
}
#endif

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
    all.add("quire, page by page", 1, scanning(pool, pages));
    pool_reads streamed{path, frames};
    all.add("quire", 1, streaming(streamed, pages));
#if defined(QUIRE_BENCH_URING)
    bool const has_ring = ring::permitted();
    std::unique_ptr<pool_reads_over<quire::uring_backend>> by_ring;
    if (has_ring) {
        all.add("io_uring, 4 x 1 MiB, checked", 1, scanning_by_ring(direct, pages));
        by_ring = std::make_unique<pool_reads_over<quire::uring_backend>>(path, frames);
        all.add("quire, io_uring", 1, streaming(*by_ring, pages));
    }
#endif
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
                1.0);
#if defined(QUIRE_BENCH_URING)
    if (has_ring) {
        to.at_least("scan, quire over io_uring / io_uring, 4 x 1 MiB, checked",
                    median(ratios(of(found, "quire, io_uring", 1).rate,
                                  of(found, "io_uring, 4 x 1 MiB, checked", 1).rate)),
                    0.85);
    }
#endif
    if (!given.json.empty()) { to.write(given.json); }
    to.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "scan: %s\n", e.what());
    return 1;
}
