// SPDX-License-Identifier: BSL-1.0

/// table: ordered maps in memory: quire::btree, its peers, and their operations.
///
/// Random 63-bit keys, 2 million of them (--keys), and values of 8 and of 120 bytes; and a 256th of
/// them with values of 16 KiB, which are larger than a page of any of the systems. The peers'
/// files are in a file system in memory, if there is one with room. Every round makes all stores
/// anew; each operation is done in turns (table/match.hpp):
///
///     bulk      all keys, ascending, into an empty store, by what a system has for that (quire:
///               append_sorted, LMDB: MDB_APPEND), or by insertions as any others
///     insert    half of the keys, in random order, into a store that has got the other half in
///               random order; pieces of one thread and of two threads take turns
///     get       random keys that are there, by one thread and by two
///     scan      100 entries in order from a random key on
///
/// quire     a pool with a frame for each page, the file unlogged; `logged` is the file with a log
///           that is not synced, in bulk and insert only
/// LMDB, Berkeley DB, SQLite, RocksDB: table/*_tree.hpp says how each is used
///
/// With more than 4 million keys only quire without a log and LMDB play: a cache for everything of
/// each of the others is more than most machines have.
///
/// Usage: table [--quick] [--json FILE] [--scratch DIRECTORY] [--keys N]

#include "arguments.hpp"
#include "report.hpp"
#include "table/match.hpp"
#include "table/quire_tree.hpp"

#if defined(QUIRE_BENCH_LMDB)
#include "table/lmdb_tree.hpp"
#endif
#if defined(QUIRE_BENCH_BERKELEY_DB)
#include "table/berkeley_db_tree.hpp"
#endif
#if defined(QUIRE_BENCH_SQLITE)
#include "table/sqlite_tree.hpp"
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
#include "table/rocksdb_tree.hpp"
#endif

#include <algorithm>
#include <random>

namespace {

using namespace quire_bench;

constexpr std::size_t turns = 8;
constexpr std::size_t scan_length = 100;
constexpr unsigned threads_max = 2;

/// Whether all systems play.
[[nodiscard]] bool all_play(std::uint64_t keys) { return keys <= 4'000'000; }

struct effort {
    std::uint64_t keys;
    std::size_t gets;   ///< of a round, by one thread
    std::size_t scans;  ///< likewise
    int rounds;
};

/// Ascending, all different.
std::vector<std::uint64_t> drawn_keys(std::uint64_t count, std::mt19937_64& random) {
    std::vector<std::uint64_t> keys;
    while (keys.size() < count) {
        while (keys.size() < count) { keys.push_back(random() >> 1); }
        std::sort(keys.begin(), keys.end());
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    }
    return keys;
}

/// `count` of them at random.
std::vector<std::uint64_t> some_of(key_list keys, std::size_t count, std::mt19937_64& random) {
    std::vector<std::uint64_t> some(count);
    for (auto& key : some) { key = keys[random() % keys.size()]; }
    return some;
}

/// A folder for files that shall stay in memory: where shared memory is, if it has room.
std::filesystem::path memory_folder(arguments const& given, effort const& size) {
    std::filesystem::path const shared{"/dev/shm"};
    std::error_code none;
    auto const space = std::filesystem::space(shared, none);
    auto const wanted = (all_play(size.keys) ? 12 : 4) * room_for(size.keys, 120);
    if (none || space.available < wanted) { return given.scratch; }
    return shared / ("quire_bench_table." + std::to_string(::getpid()));
}

template <class Store>
void enter(std::vector<entrant>& all, store_size size, bool writes_only = false) {
    auto const make = [size](std::filesystem::path const& folder) {
        return std::make_unique<Store>(folder, size);
    };
    all.push_back({Store::name, make, writes_only});
}

template <std::size_t Size>
std::vector<entrant> entrants(std::uint64_t keys) {
    std::vector<entrant> all;
    store_size const size{keys, threads_max};
    enter<quire_tree<Size, logging::off>>(all, size);
#if defined(QUIRE_BENCH_LMDB)
    enter<lmdb_tree<Size>>(all, size);
#endif
    if (!all_play(keys)) { return all; }
#if defined(QUIRE_BENCH_BERKELEY_DB)
    enter<berkeley_db_tree<Size>>(all, size);
#endif
#if defined(QUIRE_BENCH_SQLITE)
    enter<sqlite_tree<Size>>(all, size);
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
    enter<rocksdb_tree<Size>>(all, size);
#endif
    enter<quire_tree<Size, logging::on>>(all, size, true);
    return all;
}

std::uint64_t insert(ordered_store& to, unsigned, key_list keys) {
    to.insert(keys);
    return 0;
}
std::uint64_t append(ordered_store& to, unsigned, key_list keys) {
    to.append(keys);
    return 0;
}

/// The stores of all, for as long as it lives.
class made_stores {
public:
    made_stores(std::vector<entrant>& all, std::filesystem::path const& folder)
        : all_{all}, folder_{folder} {
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto const own = folder / std::to_string(i);
            std::filesystem::create_directories(own);
            all[i].store = all[i].make(own);
        }
    }
    made_stores(made_stores const&) = delete;
    made_stores& operator=(made_stores const&) = delete;
    ~made_stores() {
        for (auto& one : all_) { one.store.reset(); }
        std::filesystem::remove_all(folder_);
    }
    void settle() const {
        for (auto& one : all_) { one.store->settle(); }
    }

private:
    std::vector<entrant>& all_;
    std::filesystem::path folder_;
};

void play_bulk(std::vector<entrant>& all, std::filesystem::path const& folder, key_list keys) {
    made_stores const stores{all, folder};
    match bulk{all, true};
    auto const each = keys.size() / turns;
    for (std::size_t i = 0; i < turns; ++i) { bulk.play(append, keys.subspan(i * each, each), 1); }
    bulk.end("bulk");
}

/// Insertions into a store of half of the keys. Then it has all of them.
void play_insert(std::vector<entrant>& all, key_list keys) {
    match inserting{all, true};
    auto const half = keys.size() / 2;
    inserting.play(insert, keys.first(half), 1, false);
    auto const each = half / turns / 2 * 2;
    for (std::size_t i = 0; i < turns; ++i) {
        unsigned const threads = i % 4 == 0 || i % 4 == 3 ? 1 : 2;
        inserting.play(insert, keys.subspan(half + i * each, each), threads);
    }
    inserting.end("insert");
}

void play_reads(std::vector<entrant>& all, key_list keys, effort const& size,
                std::mt19937_64& random) {
    match getting{all, false};
    piece_of_work const get = [](ordered_store& from, unsigned thread, key_list some) {
        return from.get(thread, some);
    };
    for (unsigned threads = 1; threads <= threads_max; ++threads) {
        getting.play_all(get, some_of(keys, size.gets * threads, random), threads, turns);
    }
    getting.end("get");

    match scanning{all, false};
    piece_of_work const scan = [](ordered_store& from, unsigned, key_list some) {
        return from.scan(some, scan_length);
    };
    scanning.play_all(scan, some_of(keys, size.scans, random), 1, turns);
    scanning.end("scan");
}

void play_round(std::vector<entrant>& all, std::filesystem::path const& folder, effort const& size,
                std::mt19937_64& random) {
    auto keys = drawn_keys(size.keys, random);
    play_bulk(all, folder, keys);
    std::shuffle(keys.begin(), keys.end(), random);
    made_stores const stores{all, folder};
    play_insert(all, keys);
    stores.settle();
    auto const inserted = keys.size() / 2 + keys.size() / 2 / turns / 2 * 2 * turns;
    play_reads(all, key_list{keys}.first(inserted), size, random);
}

figures const* rates_of(std::vector<entrant> const& all, std::string_view name,
                        std::string const& what) {
    for (auto const& one : all) {
        auto const at = one.rates.find(what);
        if (one.name == name && at != one.rates.end()) { return &at->second; }
    }
    return nullptr;
}

void add_line(report& to, std::string const& what, std::string const& set, unsigned threads,
              std::string const& system, figures rates) {
    bool const is_scan = what == "scan";
    for (auto& rate : rates) { rate /= is_scan ? 1e3 : 1e6; }
    to.add(what, set, threads, system, rates, is_scan ? "thousand/s" : "million/s");
}

void report_lines(report& to, std::vector<entrant> const& all, std::string const& set) {
    for (char const* what : {"get", "insert", "scan", "bulk"}) {
        for (unsigned threads = 1; threads <= threads_max; ++threads) {
            for (auto const& one : all) {
                auto const* const rates = rates_of(all, one.name, rate_name(what, threads));
                if (rates != nullptr) { add_line(to, what, set, threads, one.name, *rates); }
            }
        }
    }
}

void report_targets(report& to, std::vector<entrant> const& all, std::string const& set,
                    bool has_bulk_target) {
    auto const ratio = [&](std::string const& what, double least) {
        auto const name = rate_name(what, 1);
        auto const* const peer = rates_of(all, "LMDB", name);
        if (peer == nullptr) { return; }
        to.at_least(what + ", " + set + ", quire / LMDB",
                    median(ratios(*rates_of(all, "quire", name), *peer)), least);
    };
    ratio("get", 1.3);
    ratio("insert", 2.0);
    ratio("scan", 2.5);
    for (char const* what : {"get", "insert"}) {
        auto const& one = *rates_of(all, "quire", rate_name(what, 1));
        auto const& two = *rates_of(all, "quire", rate_name(what, 2));
        to.at_least(std::string{what} + ", " + set + ", 2 threads / 1", median(ratios(two, one)),
                    1.8);
    }
    if (has_bulk_target) {
        to.at_least("bulk, " + set + ", million rows/s",
                    median(*rates_of(all, "quire", rate_name("bulk", 1))) / 1e6, 10.0);
    }
}

constexpr std::size_t large_value = 16384;

template <std::size_t Size>
void run(report& to, std::filesystem::path const& folder, effort const& size) {
    auto all = entrants<Size>(size.keys);
    std::mt19937_64 random{1};
    for (int round = -1; round < size.rounds; ++round) {
        play_round(all, folder / std::to_string(Size), size, random);
        if (round >= 0) { continue; }
        for (auto& one : all) { one.rates.clear(); }  // it warmed up
    }
    auto const set = std::to_string(Size) + " bytes";
    report_lines(to, all, set);
    if (Size < large_value) { report_targets(to, all, set, Size == 8); }
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("table", argc, argv, arguments::sized::by_keys);
    effort size{2'000'000, 400'000, 20'000, 5};
    if (given.quick) { size = {8'000, 16'000, 1'600, 2}; }
    if (given.keys != 0) { size.keys = std::max<std::uint64_t>(given.keys, 100); }
    report found;
    scratch_folder const scratch{memory_folder(given, size)};
    run<8>(found, scratch.path(), size);
    run<120>(found, scratch.path(), size);
    effort const of_large{std::clamp<std::uint64_t>(size.keys / 256, 100, 8000), size.gets / 64,
                          size.scans / 100, size.rounds};
    run<large_value>(found, scratch.path(), of_large);
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "table: %s\n", e.what());
    return 1;
}
