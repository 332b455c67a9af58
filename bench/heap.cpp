// SPDX-License-Identifier: BSL-1.0

/// heap: rows of 60 bytes in a heap file, beside an array of them, and beside the device.
///
/// insert      into an empty heap file, in a file system in memory if there is one with room;
///             pieces of one thread and of two take turns. Without a log, each row by itself; with
///             a log that is not synced, 100 rows a change, and each row by itself. Every round
///             makes the files anew, and reads them at its end: each row must be there
/// scan        all rows, everything in memory, adding up an integer of each; the loop over the
///             packed array adds up the same bytes (heap/entries.hpp). 1 and 120 MiB of rows
/// cold scan   likewise from the device, directly: a file of 1 GiB that is opened anew each time,
///             with a pool of a sixteenth; opening it, which reads the directory, is a figure of
///             its own. Beside it plain direct reads of the file, by as much at once as quire
///             transfers (256 KiB), and by 1 MiB
///
/// Usage: heap [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/slices.hpp"
#include "heap/entries.hpp"
#include "report.hpp"
#include "rounds.hpp"
#if defined(QUIRE_BENCH_URING)
#include "device/ring.hpp"

#include <quire/io/uring_backend.hpp>
#endif

#include <map>
#include <memory>

namespace {

using namespace quire_bench;

constexpr std::size_t turns = 8;
constexpr unsigned threads_max = 2;
constexpr std::uint64_t rows_a_change = 100;
constexpr auto unit = "million rows/s";

struct effort {
    std::uint64_t inserts;  ///< of a turn
    std::uint64_t small;    ///< rows that are scanned
    std::uint64_t large;
    std::uint64_t cold;
    std::size_t cold_frames;
    int rounds;
};
constexpr effort full{200'000, 17'500, 2'100'000, 16'000'000, 1U << 14, 7};
constexpr effort quick{4'000, 17'500, 40'000, 250'000, 1U << 10, 3};

/// A folder for files that shall stay in memory: where shared memory is, if it has room.
std::filesystem::path memory_folder(arguments const& given, std::uint64_t wanted) {
    std::filesystem::path const shared{"/dev/shm"};
    std::error_code none;
    auto const space = std::filesystem::space(shared, none);
    if (none || space.available < wanted) { return given.scratch / "memory"; }
    return shared / ("quire_bench_heap." + std::to_string(::getpid()));
}

// Insertions

/// A way to insert, and its figures by the number of threads.
struct inserter {
    char const* name;
    std::uint64_t log_bytes_a_row;
    std::uint64_t rows_a_change;
    std::map<unsigned, figures> rates{};
};

std::unique_ptr<entry_heap<>> empty_heap(inserter const& one, std::filesystem::path const& folder,
                                         std::uint64_t rows) {
    std::filesystem::create_directories(folder);
    auto const log = one.log_bytes_a_row == 0
                         ? 0
                         : (std::uint64_t{1} << 26) + one.log_bytes_a_row * rows;
    return std::make_unique<entry_heap<>>(
        folder / "entries", heap_setting{.frames = frames_for(rows), .log_bytes = log});
}

/// A round of one of them: the rates of its turns.
void insert_round(std::vector<inserter>& all, std::filesystem::path const& folder,
                  std::uint64_t inserts, bool counts) {
    auto const rows = inserts * turns;
    std::vector<std::unique_ptr<entry_heap<>>> heaps;
    for (auto const& one : all) {
        heaps.push_back(empty_heap(one, folder / std::to_string(heaps.size()), rows));
    }
    std::vector<std::map<unsigned, deed>> did(all.size());
    for (std::size_t turn = 0; turn < turns; ++turn) {
        unsigned const threads = turn % 4 == 0 || turn % 4 == 3 ? 1 : threads_max;
        auto const each = inserts / threads;
        for (std::size_t i = 0; i < all.size(); ++i) {
            did[i][threads] += do_together(threads, [&](unsigned thread) {
                heaps[i]->insert(turn * inserts + thread * each, each, all[i].rows_a_change);
                return each;
            });
        }
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (heaps[i]->sum() != sum_of_entries(rows)) { fail("rows were lost"); }
        if (heaps[i]->stats().write_backs > 0 && all[i].log_bytes_a_row == 0) {
            fail("pages were written back while rows were inserted");
        }
        for (auto const& [threads, all_of] : did[i]) {
            if (counts) {
                all[i].rates[threads].push_back(all_of.operations / all_of.seconds / 1e6);
            }
        }
    }
    heaps.clear();
    std::filesystem::remove_all(folder);
}

void insert(report& to, std::filesystem::path const& folder, effort const& size) {
    std::vector<inserter> all{{"quire", 0, 1},
                              {"quire, logged, 100 a change", 256, rows_a_change},
                              {"quire, logged", 256, 1}};
    for (int round = -1; round < size.rounds; ++round) {  // the first one warms up
        insert_round(all, folder, size.inserts, round >= 0);
    }
    for (unsigned threads = 1; threads <= threads_max; ++threads) {
        for (auto const& one : all) {
            to.add("insert", "60 bytes", threads, one.name, one.rates.at(threads), unit);
        }
    }
    auto const& plain = all[0].rates;
    to.at_least("heap, insert, million rows/s", median(plain.at(1)), 3.0);
    to.at_least("heap, insert, logged, 100 a change, million rows/s", median(all[1].rates.at(1)),
                1.5);
    to.at_least("heap, insert, 2 threads / 1", median(ratios(plain.at(2), plain.at(1))), 1.8);
}

// Scans in memory

std::string mebibytes(std::uint64_t bytes) {
    return std::to_string((bytes + (1U << 19)) >> 20) + " MiB";
}

void scan(report& to, std::filesystem::path const& folder, std::uint64_t rows, int count) {
    std::filesystem::create_directories(folder);
    entry_heap<> heap{folder / "entries", {.frames = frames_for(rows)}};
    heap.insert(0, rows, 1);
    packed_entries const packed{rows};
    rounds both;
    both.add("array, a loop", rows, [&] { return packed.sum(); });
    both.add("quire", rows, [&] { return heap.sum(); });
    auto const set = mebibytes(rows * entry_size);
    auto const repeats = static_cast<int>(1 + 4'000'000 / rows);
    auto found = both.run(count, repeats, answers::alike);
    for (auto& one : found) {
        for (auto& figure : one.nanoseconds) { figure = 1e3 / figure; }
        to.add("scan", set, 1, one.name, one.nanoseconds, unit);
    }
    to.at_least("heap, scan, " + set + ", quire / array",
                median(ratios(found[1].nanoseconds, found[0].nanoseconds)), 0.8);
    if (heap.stats().misses > 0) { fail("a page was not in memory"); }
}

// Scans from the device

/// A way to read the whole file, and its figures.
struct cold_reader {
    std::string name;
    std::function<double()> read;  ///< seconds
    figures rates{};
};

double seconds_since(slice_clock::time_point begin) {
    return std::chrono::duration<double>(slice_clock::now() - begin).count();
}

/// Until the end, in order, `run_length` pages at once.
double read_plainly(std::filesystem::path const& path, std::size_t run_length) {
    raw_file const file{path, O_RDONLY | O_DIRECT};
    page_buffer const run{run_length};
    auto const begin = slice_clock::now();
    while (true) {
        auto const got = ::read(file.get(), run.page(), run.size());
        if (got < 0) { fail("read " + path.string()); }
        if (got == 0) { break; }
    }
    return seconds_since(begin);
}

/// Opens the file anew; milliseconds of that are added to `opening`.
template <quire::file_backend Backend>
double scan_cold(std::filesystem::path const& path, effort const& size, std::uint64_t wanted,
                 figures& opening) {
    auto begin = slice_clock::now();
    entry_heap<Backend> heap{path, {.frames = size.cold_frames, .io = quire::io_mode::direct}};
    opening.push_back(1e3 * seconds_since(begin));
    begin = slice_clock::now();
    auto const sum = heap.sum();
    auto const took = seconds_since(begin);
    if (sum != wanted) { fail("a scan read other rows"); }
    return took;
}

void cold_scan(report& to, std::filesystem::path const& folder, effort const& size) {
    auto const path = folder / "entries";
    expect_room(folder, frames_for(size.cold), 1);
    {
        entry_heap<> heap{path, {.frames = frames_for(size.cold)}};
        heap.insert(0, size.cold, 1);
        heap.close();
    }
    auto const file_size = std::filesystem::file_size(path);
    auto const bytes = static_cast<double>(file_size);
    auto const sum = sum_of_entries(size.cold);
    figures opening;
    std::vector<cold_reader> all{
        {"direct, 256 KiB", [&] { return read_plainly(path, 64); }},
        {"quire",
         [&] { return scan_cold<quire::direct_backend>(path, size, sum, opening); }},
        {"direct, 1 MiB", [&] { return read_plainly(path, 256); }}};
#if defined(QUIRE_BENCH_URING)
    figures opening_by_ring;
    if (ring::permitted()) {
        all.push_back({"quire, io_uring", [&] {
                           return scan_cold<quire::uring_backend>(path, size, sum,
                                                                  opening_by_ring);
                       }});
    }
#endif
    for (int round = -1; round < size.rounds; ++round) {  // the first one warms up
        for (auto& one : all) {
            auto const before = counted_io("read_bytes");
            auto const took = one.read();
            auto const read = counted_io("read_bytes") - before;
            if (read > 0 && read < 0.9 * bytes) { fail(one.name + ": not from the device"); }
            if (round >= 0) { one.rates.push_back(bytes / took / (1U << 20)); }
        }
    }
    auto const set = mebibytes(file_size);
    for (auto const& one : all) { to.add("cold scan", set, 1, one.name, one.rates, "MiB/s"); }
    to.add_quietly("opening", set, 1, "quire", opening, "ms");
    to.at_least("heap, cold scan, quire / direct reads of 256 KiB",
                median(ratios(all[1].rates, all[0].rates)), 0.9);
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("heap", argc, argv);
    auto const& size = given.quick ? quick : full;
    report found;
    {
        scratch_folder const memory{memory_folder(given, size.inserts * turns * 1200)};
        insert(found, memory.path() / "insert", size);
        stay_on(0);
        scan(found, memory.path() / "small", size.small, size.rounds);
        scan(found, memory.path() / "large", size.large, size.rounds);
    }
    scratch_folder const scratch{given.scratch};
    cold_scan(found, scratch.path(), size);
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "heap: %s\n", e.what());
    return 1;
}
