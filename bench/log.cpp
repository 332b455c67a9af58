// SPDX-License-Identifier: BSL-1.0

/// log: changes of one row, whole or not at all, and their recovery.
///
/// 10,000 rows of 100 bytes under a number each. A commit adds one to eight bytes of a row, drawn
/// at random; everything fits into memory.
///
///     not synced      in one thread: what a commit costs that nobody waits for. Beside it the same
///                     addition under a write guard, without a log
///     durable         by 1 and by 8 threads, each commit waited for:
///         quire       change and sync
///         pwrite      a block of 4 KiB behind the last one, in a file of zeros, directly, and
///                     fdatasync: one thread, and nothing but that
///         LMDB        a transaction, synced
///         SQLite      an UPDATE; WAL, synchronous = FULL; a connection for each thread
///         RocksDB     a Put with sync
///     recovery        a log of commits to every page of a large file: opening it, and the replay
///                     into the file, beside a plain read of the log
///
/// At the end of each turn the rows are read, and must have as many additions as were made.
///
/// Usage: log [--quick] [--json FILE] [--scratch DIRECTORY]

#include "arguments.hpp"
#include "device/peers.hpp"
#include "device/slices.hpp"
#include "report.hpp"

#include <quire/page/heap_page.hpp>
#include <quire/pool/change.hpp>

#if defined(QUIRE_BENCH_SQLITE)
#include <sqlite3.h>
#endif

#include <array>
#include <atomic>
#include <optional>
#include <vector>

namespace {

using namespace quire_bench;
using draws = std::span<std::uint32_t const>;
using quire::heap_page;

constexpr std::uint32_t rows = 10'000;
constexpr std::size_t row_size = 100;
constexpr std::uint32_t rows_on_page = 32;

void add_one(void* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    ++value;
    std::memcpy(at, &value, sizeof value);
}

std::uint64_t sum_of(quire::buffer_pool<>::file const& file) {
    std::uint64_t all = 0;
    for (std::uint32_t row = 0; row < rows; ++row) {
        auto const page = file.read<heap_page>(row / rows_on_page);
        all += page->tuple(quire::slot_id{row % rows_on_page}).load<std::uint64_t>(0);
    }
    return all;
}

/// A store of rows. `commit` by any threads.
class rows_store {
public:
    rows_store() = default;
    rows_store(rows_store const&) = delete;
    rows_store& operator=(rows_store const&) = delete;
    virtual ~rows_store() = default;
    virtual void commit(unsigned thread, std::uint32_t row) = 0;
    /// Of all rows' values.
    [[nodiscard]] virtual std::uint64_t sum() = 0;
};

class by_quire final : public rows_store {
public:
    by_quire(std::filesystem::path const& folder, bool durable)
        : durable_{durable},
          log_{folder / "log", {.bytes = 256 << 20}},
          pool_{{.frames = 1024}, log_},
          file_{pool_.open(folder / "rows", quire::open_mode::open_or_create, {.logged = true})} {
        std::array<std::byte, row_size> const row{};
        for (std::uint32_t no = 0; no < rows; no += rows_on_page) {
            pool_.change([&](quire::change<>& c) {
                auto page = c.append<heap_page>(file_);
                for (std::uint32_t i = 0; i < rows_on_page; ++i) { page->insert(row).value(); }
            });
        }
        pool_.checkpoint();
    }
    void commit(unsigned, std::uint32_t row) override {
        auto const at = pool_.change([&](quire::change<>& c) {
            auto page = c.write<heap_page>(file_, row / rows_on_page);
            auto const bytes = page->tuple(quire::slot_id{row % rows_on_page});
            add_one(bytes.unguarded_span().data());
        });
        if (durable_) { log_.sync(at); }
    }
    [[nodiscard]] std::uint64_t sum() override {
        return sum_of(file_);
    }

private:
    bool durable_;
    quire::redo_log<> log_;
    quire::buffer_pool<> pool_;
    quire::buffer_pool<>::file file_;
};

/// The same pages without a log.
class by_guards final : public rows_store {
public:
    explicit by_guards(std::filesystem::path const& folder)
        : pool_{{.frames = 1024}},
          file_{pool_.open(folder / "rows", quire::open_mode::open_or_create)} {
        std::array<std::byte, row_size> const row{};
        for (std::uint32_t no = 0; no < rows; no += rows_on_page) {
            auto page = file_.append<heap_page>();
            for (std::uint32_t i = 0; i < rows_on_page; ++i) { page->insert(row).value(); }
        }
        file_.flush();
    }
    void commit(unsigned, std::uint32_t row) override {
        auto page = file_.write<heap_page>(row / rows_on_page);
        auto const bytes = page->tuple(quire::slot_id{row % rows_on_page});
        add_one(bytes.unguarded_span().data());
    }
    [[nodiscard]] std::uint64_t sum() override {
        return sum_of(file_);
    }

private:
    quire::buffer_pool<> pool_;
    quire::buffer_pool<>::file file_;
};

/// What a commit costs at least: it keeps nothing but a count.
class by_pwrite final : public rows_store {
public:
    explicit by_pwrite(std::filesystem::path const& folder)
        : file_{folder / "blocks", O_RDWR | O_CREAT | O_DIRECT} {
        page_buffer const zeros{blocks};
        std::memset(zeros.page(), 0, zeros.size());
        write_pages(file_.get(), zeros.page(), 0, blocks);
        if (::fsync(file_.get()) != 0) { fail("fsync"); }
    }
    void commit(unsigned, std::uint32_t row) override {
        set_value(page_.page(), row);
        write_pages(file_.get(), page_.page(), commits_++ % blocks);
        sync_data(file_.get());
    }
    [[nodiscard]] std::uint64_t sum() override { return commits_; }

private:
    static constexpr std::uint64_t blocks = 8192;
    raw_file file_;
    page_buffer page_;
    std::uint64_t commits_ = 0;
};

#if defined(QUIRE_BENCH_LMDB)
class by_lmdb final : public rows_store {
public:
    explicit by_lmdb(std::filesystem::path const& folder) : file_{folder / "lmdb", 4096, 0} {
        std::array<std::byte, row_size> row{};
        in_transaction([&](MDB_txn* txn) {
            for (std::uint32_t no = 0; no < rows; ++no) { put(txn, no, row.data()); }
        });
    }
    void commit(unsigned, std::uint32_t row) override {
        in_transaction([&](MDB_txn* txn) {
            std::array<std::byte, row_size> bytes;
            std::memcpy(bytes.data(), get(txn, row), row_size);
            add_one(bytes.data());
            put(txn, row, bytes.data());
        });
    }
    [[nodiscard]] std::uint64_t sum() override {
        std::uint64_t all = 0;
        in_transaction([&](MDB_txn* txn) {
            for (std::uint32_t row = 0; row < rows; ++row) {
                std::uint64_t value = 0;
                std::memcpy(&value, get(txn, row), sizeof value);
                all += value;
            }
        });
        return all;
    }

private:
    template <class Act>
    void in_transaction(Act act) {
        MDB_txn* txn = nullptr;
        check_lmdb(::mdb_txn_begin(file_.env(), nullptr, 0, &txn), "mdb_txn_begin");
        act(txn);
        check_lmdb(::mdb_txn_commit(txn), "mdb_txn_commit");
    }
    void put(MDB_txn* txn, std::uint32_t row, void* bytes) {
        MDB_val key{sizeof row, &row};
        MDB_val value{row_size, bytes};
        check_lmdb(::mdb_put(txn, file_.table(), &key, &value, 0), "mdb_put");
    }
    [[nodiscard]] void const* get(MDB_txn* txn, std::uint32_t row) {
        MDB_val key{sizeof row, &row};
        MDB_val value{};
        check_lmdb(::mdb_get(txn, file_.table(), &key, &value), "mdb_get");
        return value.mv_data;
    }
    lmdb_file file_;
};
#endif

#if defined(QUIRE_BENCH_SQLITE)
class by_sqlite final : public rows_store {
public:
    explicit by_sqlite(std::filesystem::path const& folder) {
        for (auto& one : connections_) { one.open(folder / "sqlite"); }
        auto& first = connections_[0];
        first.run("CREATE TABLE r(id INTEGER PRIMARY KEY, n INTEGER, rest BLOB)");
        first.run("WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 9999) "
                  "INSERT INTO r SELECT i, 0, zeroblob(92) FROM c");
        for (auto& one : connections_) { one.prepare("UPDATE r SET n = n + 1 WHERE id = ?"); }
    }
    void commit(unsigned thread, std::uint32_t row) override { connections_[thread].step(row); }
    [[nodiscard]] std::uint64_t sum() override { return connections_[0].sum(); }

private:
    struct connection {
        ::sqlite3* db = nullptr;
        ::sqlite3_stmt* update = nullptr;

        connection() = default;
        connection(connection const&) = delete;
        connection& operator=(connection const&) = delete;
        ~connection() {
            ::sqlite3_finalize(update);
            ::sqlite3_close(db);
        }
        void open(std::filesystem::path const& path) {
            if (::sqlite3_open(path.c_str(), &db) != SQLITE_OK) { fail("sqlite3_open"); }
            ::sqlite3_busy_timeout(db, 60'000);
            run("PRAGMA journal_mode = WAL");
            run("PRAGMA synchronous = FULL");
        }
        void run(char const* sql) {
            if (::sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) { fail(sql); }
        }
        void prepare(char const* sql) {
            if (::sqlite3_prepare_v2(db, sql, -1, &update, nullptr) != SQLITE_OK) { fail(sql); }
        }
        void step(std::uint32_t row) {
            ::sqlite3_bind_int(update, 1, static_cast<int>(row));
            if (::sqlite3_step(update) != SQLITE_DONE) { fail("sqlite3_step"); }
            ::sqlite3_reset(update);
        }
        [[nodiscard]] std::uint64_t sum() {
            ::sqlite3_stmt* all = nullptr;
            if (::sqlite3_prepare_v2(db, "SELECT sum(n) FROM r", -1, &all, nullptr) != SQLITE_OK ||
                ::sqlite3_step(all) != SQLITE_ROW) {
                fail("sqlite3 sum");
            }
            auto const value = static_cast<std::uint64_t>(::sqlite3_column_int64(all, 0));
            ::sqlite3_finalize(all);
            return value;
        }
    };
    std::array<connection, 8> connections_;
};
#endif

#if defined(QUIRE_BENCH_ROCKSDB)
class by_rocksdb final : public rows_store {
public:
    explicit by_rocksdb(std::filesystem::path const& folder) {
        rocksdb::Options options;
        options.create_if_missing = true;
        rocksdb::DB* made = nullptr;
        check(rocksdb::DB::Open(options, (folder / "rocksdb").string(), &made));
        db_.reset(made);
        std::string const row(row_size, '\0');
        for (std::uint32_t no = 0; no < rows; ++no) { check(db_->Put({}, key(no), row)); }
    }
    /// A row belongs to the threads that draw it: two additions to one row at once may be one.
    void commit(unsigned, std::uint32_t row) override {
        std::string value;
        check(db_->Get({}, key(row), &value));
        add_one(value.data());
        rocksdb::WriteOptions durably;
        durably.sync = true;
        check(db_->Put(durably, key(row), value));
    }
    [[nodiscard]] std::uint64_t sum() override {
        std::uint64_t all = 0;
        for (std::uint32_t row = 0; row < rows; ++row) {
            std::string text;
            check(db_->Get({}, key(row), &text));
            std::uint64_t value = 0;
            std::memcpy(&value, text.data(), sizeof value);
            all += value;
        }
        return all;
    }

private:
    static void check(rocksdb::Status const& status) {
        if (!status.ok()) { fail("rocksdb: " + status.ToString()); }
    }
    [[nodiscard]] static std::string key(std::uint32_t row) {
        return {reinterpret_cast<char const*>(&row), sizeof row};
    }
    std::unique_ptr<rocksdb::DB> db_;
};
#endif

struct turn {
    std::string name;
    unsigned threads;
    rows_store* by;
    std::uint64_t expected = 0;
    figures rate{};
    figures nanoseconds{};
};

/// Commits until `seconds` are over, of rows that no other thread draws.
void take(turn& one, draws some, double seconds) {
    auto const begin = slice_clock::now();
    auto const did = do_together(one.threads, [&](unsigned thread) {
        std::uint64_t count = 0;
        while (std::chrono::duration<double>(slice_clock::now() - begin).count() < seconds) {
            for (int i = 0; i < (seconds < 0.1 ? 100 : 1); ++i, ++count) {
                auto const drawn = some[(count + thread * 1000) % some.size()];
                one.by->commit(thread, drawn / one.threads * one.threads % (rows - 8) + thread);
            }
        }
        return count;
    });
    one.expected += static_cast<std::uint64_t>(did.operations);
    if (one.by->sum() != one.expected) { fail(one.name + " lost an addition"); }
    one.rate.push_back(did.operations / did.seconds);
    one.nanoseconds.push_back(1e9 * did.seconds / did.operations);
}

[[nodiscard]] figures const& rate_of(std::vector<turn> const& turns, std::string_view name,
                                     unsigned threads) {
    return std::find_if(turns.begin(), turns.end(), [&](turn const& one) {
               return one.name == name && one.threads == threads;
           })->rate;
}

void run_commits(report& to, std::filesystem::path const& at, int rounds, double seconds) {
    auto const folder = [&](char const* name) {
        std::filesystem::create_directories(at / name);
        return at / name;
    };
    std::vector<std::uint32_t> all(100'000);
    std::mt19937 random{1};
    for (auto& row : all) { row = std::uniform_int_distribution<std::uint32_t>{0, rows}(random); }

    by_quire in_memory{folder("in_memory"), false};
    by_guards guards{folder("guards")};
    std::vector<turn> quick{{"quire", 1, &in_memory}, {"quire, no log", 1, &guards}};
    for (int round = -1; round < rounds; ++round) {
        for (auto& one : quick) { take(one, all, seconds / 20); }
    }
    for (auto const& one : quick) {
        to.add("commit", "not synced", 1, one.name, one.nanoseconds);
    }
    to.at_most("commit, one row, not synced, in us", median(quick[0].nanoseconds) / 1000, 0.5);

    by_quire durable{folder("durable"), true};
    by_pwrite limit{folder("limit")};
    std::vector<turn> turns{{"quire", 1, &durable}, {"pwrite", 1, &limit}};
#if defined(QUIRE_BENCH_LMDB)
    by_lmdb lmdb{folder("lmdb")};
    turns.push_back({"LMDB", 1, &lmdb});
#endif
#if defined(QUIRE_BENCH_SQLITE)
    by_sqlite sqlite{folder("sqlite")};
    turns.push_back({"SQLite", 1, &sqlite});
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
    by_rocksdb rocks{folder("rocksdb")};
    turns.push_back({"RocksDB", 1, &rocks});
#endif
    by_quire together{folder("together"), true};
    turns.push_back({"quire", 8, &together});
#if defined(QUIRE_BENCH_LMDB)
    by_lmdb lmdb_together{folder("lmdb together")};
    turns.push_back({"LMDB", 8, &lmdb_together});
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
    by_rocksdb rocks_together{folder("rocksdb together")};
    turns.push_back({"RocksDB", 8, &rocks_together});
#endif
    for (int round = 0; round < rounds; ++round) {
        for (auto& one : turns) { take(one, all, seconds); }
    }
    for (auto const& one : turns) {
        to.add("commit", "durable", one.threads, one.name, one.rate, "commits/s");
    }
    auto const ratio = [&](std::string_view name, unsigned threads, std::string_view other,
                           unsigned of) {
        return median(ratios(rate_of(turns, name, threads), rate_of(turns, other, of)));
    };
    to.at_least("commit, durable, quire / pwrite", ratio("quire", 1, "pwrite", 1), 0.9);
    to.at_least("commit, durable, 8 threads / one", ratio("quire", 8, "quire", 1), 4);
    for (auto const& one : turns) {
        if (one.name == "quire" || one.name == "pwrite" || one.threads != 1) { continue; }
        to.at_least("commit, durable, quire / " + one.name, ratio("quire", 1, one.name, 1), 1);
    }
}

/// A log with a commit to each of `pages` pages, and three more to each of a tenth.
void run_recovery(report& to, std::filesystem::path const& at, std::uint32_t pages, int rounds) {
    std::filesystem::create_directories(at / "recovery");
    auto const path = at / "recovery" / "log";
    quire::redo_log_options<quire::direct_backend> const log_options{
        .bytes = std::uint64_t{pages} * page_size * 5 / 3 + (1 << 20)};
    figures opening;
    figures replay;
    figures plain;
    for (int round = 0; round < rounds; ++round) {
        std::filesystem::remove(at / "recovery" / "log");
        std::filesystem::remove(at / "recovery" / "rows");
        std::uint64_t used = 0;
        {
            quire::redo_log<> log{path, log_options};
            quire::buffer_pool<> pool{{.frames = pages + 64}, log};
            auto const file = pool.open(at / "recovery" / "rows",
                                        quire::open_mode::open_or_create, {.logged = true});
            auto const add = [&](quire::change<>& c, std::uint32_t no) {
                auto page = c.write(file, no);
                auto const bytes = page->bytes();
                bytes.store<std::uint64_t>(1000, bytes.load<std::uint64_t>(1000) + 1);
            };
            for (std::uint32_t no = 0; no < pages; ++no) {
                pool.change([&](quire::change<>& c) { auto const page = c.append(file); });
            }
            for (std::uint32_t i = 0; i < 3 * pages / 10; ++i) {
                pool.change([&](quire::change<>& c) { add(c, i % (pages / 10)); });
            }
            log.sync(log.end());
            used = log.end();
            file.close(quire::unwritten::discard);
        }
        auto const seconds = [](auto act) {
            auto const begin = slice_clock::now();
            act();
            return std::chrono::duration<double>(slice_clock::now() - begin).count();
        };
        auto const megabytes = static_cast<double>(used) / 1e6;
        plain.push_back(megabytes / seconds([&] {
            raw_file const file{path, O_RDONLY | O_DIRECT};
            page_buffer const chunk{64};
            for (std::uint64_t no = 0; no * page_size < used; no += 64) {
                read_pages(file.get(), chunk.page(), no, 64);
            }
        }));
        std::optional<quire::redo_log<>> log;
        opening.push_back(megabytes / seconds([&] { log.emplace(path, log_options); }));
        quire::buffer_pool<> pool{{.frames = pages + 64}, *log};
        std::optional<quire::buffer_pool<>::file> file;
        replay.push_back(megabytes / seconds([&] {
            file.emplace(pool.open(at / "recovery" / "rows", quire::open_mode::open_or_create,
                                   {.logged = true}));
        }));
        {
            auto const first = file->read(0);
            if (file->pages() != pages || first->bytes().load<std::uint64_t>(1000) != 3) {
                fail("recovery lost a change");
            }
        }
        file->close(quire::unwritten::discard);
    }
    to.add("recovery", "read", 1, "plain", plain, "MB/s");
    to.add("recovery", "opening", 1, "quire", opening, "MB/s");
    to.add("recovery", "replay", 1, "quire", replay, "MB/s");
    to.at_least("recovery, opening / plain read", median(ratios(opening, plain)), 0.5);
    to.at_least("recovery, replay / plain read", median(ratios(replay, plain)), 0.5);
}

}  // namespace

int main(int argc, char** argv) try {
    auto const given = arguments("log", argc, argv);
    report found;
    scratch_folder const scratch{given.scratch};
    int const rounds = given.quick ? 3 : 5;
    run_commits(found, scratch.path(), rounds, given.quick ? 0.1 : 2);
    run_recovery(found, scratch.path(), given.quick ? 1000 : 30'000, rounds);
    if (!given.json.empty()) { found.write(given.json); }
    found.print_targets();
} catch (std::exception const& e) {
    std::fprintf(stderr, "log: %s\n", e.what());
    return 1;
}
