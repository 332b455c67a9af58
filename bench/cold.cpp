// SPDX-License-Identifier: BSL-1.0

/// cold: values of random keys, from trees that are sixteen times as large as the memory for them.
///
/// Keys of 63 bits, inserted in random order, with values of 120 bytes; 1.4 million of them, some
/// 270 MiB. quire has a pool of a sixteenth of its file's pages. Every system gets all keys in one
/// common random order, each once before any again, and continues in each slice where it stopped;
/// each value is checked. So most inner nodes are in memory, and 15 of 16 leaves are not.
///
///     quire       by 1 and by 8 threads, each of which waits for its page
///     tasks       of one thread, 64 at a time, over io_uring: btree::async_get
///     LMDB        likewise, in a read transaction for a slice; mapped, without read-ahead
///     Berkeley DB, RocksDB, SQLite    likewise, with caches of quire's size (cold/peers.hpp)
///     pread       direct reads of quire's file, a random page for each key: the device's limit
///
/// The memory of LMDB is the page cache, which neither it nor a process without privileges can
/// limit. So before each slice its file is dropped from the page cache, and gets of other keys
/// bring in as many pages as quire has frames; and a slice ends when a quarter as many gets were
/// done. So LMDB has at least as much memory as quire, and at most about a quarter more (more than
/// half is an error). The others do as many gets before a slice, and have slices of the same
/// length; those with a file in the page cache then lose it there. Gets before a slice are by 8
/// threads, and are not timed.
///
/// Rounds of ten such slices; thousand gets per second, and processor time per get.
///
/// Usage: cold [--quick] [--json FILE] [--scratch DIRECTORY] [--keys N]

#include "arguments.hpp"
#include "cold/peers.hpp"
#include "cold/trees.hpp"
#include "device/slices.hpp"
#include "report.hpp"

#if defined(QUIRE_BENCH_URING)
#include "device/ring.hpp"

#include <quire/io/uring_backend.hpp>
#include <quire/pool/task_loop.hpp>
#endif

#include <random>

namespace {

using namespace quire_bench;
using results = std::vector<slices::result>;

constexpr std::size_t memory_part = 16;
constexpr auto many_threads = 8U;

struct effort {
    std::uint64_t keys;
    int rounds;
    std::chrono::milliseconds slice;  ///< at most; ten of these per round
};
constexpr effort full{1'400'000, 5, std::chrono::milliseconds{200}};
constexpr effort quick{200'000, 3, std::chrono::milliseconds{5}};

std::vector<std::uint64_t> drawn_keys(std::uint64_t count) {
    std::mt19937_64 random{1};
    std::vector<std::uint64_t> keys(count);
    for (auto& key : keys) { key = random() >> 1; }
    return keys;  // that two are equal is an error when they are inserted
}

/// Direct reads of a page that a key decides.
class plain_gets {
public:
    plain_gets(std::filesystem::path const& path, std::uint64_t pages)
        : file_{path, O_RDONLY | O_DIRECT}, pages_{pages} {}
    class reader {
    public:
        explicit reader(plain_gets& of) : of_{of} {}
        void get(std::uint64_t key) { read_pages(of_.file_.get(), page_.page(), key % of_.pages_); }

    private:
        plain_gets& of_;
        page_buffer page_;
    };

private:
    raw_file file_;
    std::uint64_t pages_;
};

/// A system with the memory of `frames` pages.
template <class System>
class player {
    static constexpr bool is_mapped = requires(System& s) { s.shrink(); };

public:
    player(System& of, key_list keys, std::vector<std::uint32_t> const& order, std::size_t frames)
        : of_{of}, keys_{keys}, frames_{frames}, order_{order}, filling_{order} {
        for (std::size_t i = 0; i < order.size() / 2; i += page_order::few) {
            static_cast<void>(filling_.take());  // far from the keys of the slices
        }
    }
    /// Before a slice, by gets.
    void fill() {
        if constexpr (is_mapped) {
            expect_bounded();
            of_.shrink();
            for (auto in = of_.resident(); in < frames_; in = of_.resident()) {
                fill_by(frames_ - in);
            }
        } else {
            fill_by(frames_);
        }
        if constexpr (requires { of_.empty_page_cache(); }) { of_.empty_page_cache(); }
    }
    /// As one of `threads` threads.
    std::uint64_t play(slice_end end, unsigned threads) {
        return get_until(order_, end, frames_ / 4 / threads);
    }

#if defined(QUIRE_BENCH_URING)
    /// By tasks of this thread.
    std::uint64_t play_tasks(slice_end end) {
        std::uint64_t count = 0;
        std::uint64_t begun = 0;
        quire::task_loop loop{of_.pool(), {.in_flight = 64}};
        while (begun < frames_ / 4 && slice_clock::now() < end) {
            for (auto const i : order_.take()) {
                loop.spawn(get_one(of_.tree(), keys_[i], count));
                ++begun;
            }
        }
        loop.run();
        return count;
    }
#endif

private:
#if defined(QUIRE_BENCH_URING)
    template <class Tree>
    static quire::task<> get_one(Tree const& tree, std::uint64_t key, std::uint64_t& count) {
        bool const there = co_await tree.async_get(key, [key](auto const& value) {
            expect_value_of(key, value.template load<std::uint64_t>(0));
        });
        if (!there) { fail("quire: a key is not there"); }
        ++count;
    }
#endif
    void fill_by(std::size_t count) {
        unsigned threads = many_threads;
        if constexpr (requires { of_.readers_max(); }) { threads = of_.readers_max(); }
        static_cast<void>(do_together(threads, [&](unsigned) {
            return get_until(filling_, slice_end::max(), count / threads + 1);
        }));
    }
    /// Gets until the deadline, or until this thread has done `most`.
    std::uint64_t get_until(page_order& order, slice_end end, std::uint64_t most) {
        typename System::reader reader{of_};
        std::uint64_t count = 0;
        while (slice_clock::now() < end) {
            for (auto const i : order.take()) {
                if (count == most) { return count; }
                reader.get(keys_[i]);
                ++count;
            }
        }
        return count;
    }
    void expect_bounded() const {
        if (of_.resident() > frames_ / 2 * 3) { fail("LMDB has more memory than it should"); }
    }

    System& of_;
    key_list keys_;
    std::size_t frames_;
    page_order order_;
    page_order filling_;
};

void show(report& to, std::string const& set, results const& all) {
    for (auto const& one : all) {
        auto rates = one.rate;
        for (auto& rate : rates) { rate /= 1e3; }
        to.add("cold", set, one.threads, one.system, rates, "thousand/s");
    }
    for (auto const& one : all) {
        to.add("cold", set, one.threads, one.system + ", CPU", one.processor);
    }
}

void run(report& to, std::filesystem::path const& scratch, effort const& size) {
    auto const keys = drawn_keys(size.keys);
    expect_room(scratch, room_for(size.keys, cold_value_size) / page_size, 5);
    auto const path = scratch / "tree";
    auto const pages = make_tree(path, keys);
    auto const frames = static_cast<std::size_t>(pages / memory_part);
    auto const order = shuffled_pages(static_cast<std::uint32_t>(
        size.keys / page_order::few * page_order::few));

    plain_gets direct{path, pages};
    player plain{direct, keys, order, frames};
    open_tree<quire::direct_backend> tree{path, frames};
    player quire{tree, keys, order, frames};
#if defined(QUIRE_BENCH_LMDB)
    make_lmdb(scratch, keys);
    open_lmdb mapped{scratch};
    player lmdb{mapped, keys, order, frames};
    std::printf("pages: quire %llu, LMDB %llu; in memory %zu\n",
                static_cast<unsigned long long>(pages),
                static_cast<unsigned long long>(mapped.pages()), frames);
#endif
#if defined(QUIRE_BENCH_BERKELEY_DB)
    open_berkeley_db berkeley{scratch, keys, frames};
    player berkeley_db{berkeley, keys, order, frames};
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
    open_rocksdb rocks{scratch, keys, frames};
    player rocksdb{rocks, keys, order, frames};
#endif
#if defined(QUIRE_BENCH_SQLITE)
    make_sqlite(scratch, keys);
    open_sqlite one_connection{scratch, frames, 1};
    open_sqlite connections{scratch, frames, many_threads};
    player sqlite{one_connection, keys, order, frames};
    player sqlite_many{connections, keys, order, frames};
#endif

#if defined(QUIRE_BENCH_URING)
    std::optional<open_tree<quire::uring_backend>> by_ring;
    std::optional<player<open_tree<quire::uring_backend>>> tasks;
    if (ring::permitted()) {
        by_ring.emplace(path, frames);
        tasks.emplace(*by_ring, keys, order, frames);
    }
#endif

    slices all;
    auto const add = [&](std::string const& name, auto& one, unsigned threads) {
        all.add(name, threads, [&one, threads](slice_end end) { return one.play(end, threads); },
                [&one] { one.fill(); });
    };
    for (unsigned const threads : {1U, many_threads}) {
        add("pread, direct", plain, threads);
        add("quire", quire, threads);
#if defined(QUIRE_BENCH_LMDB)
        add("LMDB", lmdb, threads);
#endif
#if defined(QUIRE_BENCH_BERKELEY_DB)
        add("Berkeley DB", berkeley_db, threads);
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
        add("RocksDB", rocksdb, threads);
#endif
#if defined(QUIRE_BENCH_SQLITE)
        add("SQLite", threads == 1 ? sqlite : sqlite_many, threads);
#endif
    }
#if defined(QUIRE_BENCH_URING)
    if (tasks) {
        all.add("quire, tasks", 1, [&](slice_end end) { return tasks->play_tasks(end); },
                [&] { tasks->fill(); });
    }
#endif
    auto const found = all.run(size.rounds, 10, size.slice);
    expect_from_device(found);
    if (tree.stats().evictions == 0) { fail("nothing was evicted"); }
    auto const set = std::to_string((pages * page_size + (1U << 19)) >> 20) + " MiB";
    show(to, set, found);
    for (std::string const peer : {"LMDB", "Berkeley DB", "RocksDB", "SQLite"}) {
        for (unsigned const threads : {1U, many_threads}) {
            if (find(found, peer, threads) == nullptr) { continue; }
            auto const at = std::to_string(threads) + (threads == 1 ? " thread" : " threads");
            to.at_least("cold, get, quire / " + peer + ", " + at,
                        median(ratios(of(found, "quire", threads).rate,
                                      of(found, peer, threads).rate)),
                        1.0);
        }
    }
#if defined(QUIRE_BENCH_URING)
    if (tasks && find(found, "LMDB", 1) != nullptr) {
        to.at_least("cold, get, tasks of quire / LMDB, 1 thread",
                    median(ratios(of(found, "quire, tasks", 1).rate, of(found, "LMDB", 1).rate)),
                    4.0);
    }
#endif
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("cold", argc, argv, arguments::sized::by_keys);
    auto size = given.quick ? quick : full;
    if (given.keys != 0) { size.keys = std::max<std::uint64_t>(given.keys, quick.keys); }
    report found;
    scratch_folder const scratch{given.scratch};
    run(found, scratch.path(), size);
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "cold: %s\n", e.what());
    return 1;
}
