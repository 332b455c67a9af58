// SPDX-License-Identifier: BSL-1.0

/// hit: reads eight bytes of a page that is in memory, through quire, its peers, and nothing.
///
/// Random pages of 64 MiB and of 2 GiB, and one page again and again; one thread and two. The task
/// of each system is in systems/; a peer is included if its library was found.
///
/// Usage: hit [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "contest.hpp"
#include "report.hpp"
#include "systems/limits.hpp"
#include "systems/plain_file.hpp"
#include "systems/pool.hpp"

#if defined(QUIRE_BENCH_BERKELEY_DB)
#include "systems/berkeley_db.hpp"
#endif
#if defined(QUIRE_BENCH_LMDB)
#include "systems/lmdb.hpp"
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
#include "systems/rocksdb.hpp"
#endif
#if defined(QUIRE_BENCH_SQLITE)
#include "systems/sqlite.hpp"

#include <vector>
#endif

namespace {

using namespace quire_bench;
using results = std::vector<contest::result>;

figures const& of(results const& all, std::string const& system) {
    for (auto const& one : all) {
        if (one.system == system) { return one.nanoseconds; }
    }
    fail("no " + system);
}

/// The targets of a set of pages, relative to `pair`.
struct limits {
    double shared;
    double optimistic;
};

void compare(report& to, results const& all, std::string const& set, unsigned threads,
             std::optional<limits> limit) {
    for (auto const& one : all) { to.add("hit", set, threads, one.system, one.nanoseconds); }
    auto const name =
        set + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    auto const ratio = [&](char const* a, char const* b) {
        return median(ratios(of(all, a), of(all, b)));
    };
    if (threads == 1 && limit) {
        to.at_most("hit, shared guard / pair, " + name, ratio("quire", "pair"), limit->shared);
        to.at_most("hit, write / shared guard, " + name, ratio("quire write", "quire"), 1.3);
        to.at_most("hit, optimistic / pair, " + name, ratio("quire optimistic", "pair"),
                   limit->optimistic);
    }
    for (char const* peer : {"Berkeley DB", "LMDB", "RocksDB cache", "SQLite", "pread"}) {
        for (auto const& one : all) {
            if (one.system != peer) { continue; }
            to.at_most("hit, quire / " + one.system + ", " + name, ratio("quire", peer), 1.0);
        }
    }
}

void run(report& to, std::filesystem::path const& scratch, std::uint32_t mebibytes, bool quick) {
    auto const pages = static_cast<std::uint32_t>((std::uint64_t{mebibytes} << 20) / page_size);
    contest all{scratch, pages};
    all.add<bare>();
    all.add<pair>();
    all.add<plain>();
    all.add<quire_read>();
#if defined(QUIRE_BENCH_BERKELEY_DB)
    all.add<berkeley_db>();
#endif
#if defined(QUIRE_BENCH_LMDB)
    all.add<lmdb>();
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
    all.add<rocksdb_cache>();
#endif
#if defined(QUIRE_BENCH_SQLITE)
    if (mebibytes <= 64) { all.add<sqlite>(); }  // a cache of all pages for each connection
#endif
    all.add<quire_write>();  // not next to quire_read, whose pages are its own
    all.add<mapped_file>();
    all.add<read_file>();
    all.add<quire_optimistic>();

    std::size_t const draws = quick ? 50'000 : 1'000'000;
    int const rounds = quick ? 3 : 9;
    std::mt19937 random{1};
    std::uniform_int_distribution<std::uint32_t> any{0, pages - 1};
    auto const set = mebibytes < 1024 ? std::to_string(mebibytes) + " MiB"
                                      : std::to_string(mebibytes / 1024) + " GiB";
    for (unsigned threads : {1U, 2U}) {
        auto const found = all.run(draws, rounds, threads, [&] { return any(random); });
        compare(to, found, set, threads, mebibytes < 1024 ? limits{1.5, 0.9} : limits{1.7, 1.2});
    }
    if (mebibytes > 64) { return; }
    std::array<double, 2> one_page{};
    for (unsigned threads : {1U, 2U}) {
        auto const found = all.run(draws, rounds, threads, [&] { return 7U; });
        compare(to, found, "one page", threads, {});
        one_page[threads - 1] = median(of(found, "quire optimistic"));
    }
    to.at_most("hit, optimistic, one page, 2 threads / 1", one_page[1] / one_page[0], 1.2);
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("hit", argc, argv);
    report found;
    auto const sizes =
        given.quick ? std::vector<std::uint32_t>{4} : std::vector<std::uint32_t>{64, 2048};
    for (auto const mebibytes : sizes) {
        run(found, given.scratch, mebibytes, given.quick);
        std::filesystem::remove_all(given.scratch);
    }
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "hit: %s\n", e.what());
    return 1;
}
