// SPDX-License-Identifier: BSL-1.0
#pragma once

/// peers: maps of systems with a cache of their own, made before, and opened to get values with
/// little memory. LMDB, which has none, is in trees.hpp.
///
///     open_berkeley_db  a cache of `frames` pages, to which Berkeley DB adds a quarter for itself
///     open_rocksdb      a block cache of as many bytes, which has index blocks, too; direct reads
///     open_sqlite       a connection for each thread, each with its share of the pages
///
/// Berkeley DB and SQLite read through the page cache. `empty_page_cache` takes their file out of
/// it: what is read afterwards is in memory twice, or once when they have evicted it.
///
/// Values have 120 bytes. Errors: all throw std::runtime_error with the system's message.

#include "trees.hpp"

#include <mutex>

#if defined(QUIRE_BENCH_BERKELEY_DB)
#include "../table/berkeley_db_tree.hpp"
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
#include "../table/rocksdb_tree.hpp"
#endif
#if defined(QUIRE_BENCH_SQLITE)
#include "../table/sqlite_tree.hpp"
#endif

namespace quire_bench {

#if defined(QUIRE_BENCH_BERKELEY_DB)
class open_berkeley_db {
public:
    open_berkeley_db(std::filesystem::path const& folder, key_list keys, std::size_t frames)
        : path_{folder / "berkeley"} {
        {
            berkeley_db_tree<cold_value_size> made{folder, {keys.size(), 1}};
            made.insert(keys);
            made.save();
        }
        check(::db_env_create(&env_, 0), "db_env_create");
        check(env_->set_cachesize(env_, 0, static_cast<std::uint32_t>(frames * page_size), 1),
              "set_cachesize");
        check(env_->open(env_, folder.c_str(),
                         DB_CREATE | DB_INIT_MPOOL | DB_PRIVATE | DB_THREAD, 0),
              "env open");
        check(::db_create(&table_, env_, 0), "db_create");
        check(table_->open(table_, nullptr, "berkeley", nullptr, DB_BTREE, DB_RDONLY | DB_THREAD,
                           0),
              "db open");
        empty_page_cache();
    }
    open_berkeley_db(open_berkeley_db const&) = delete;
    open_berkeley_db& operator=(open_berkeley_db const&) = delete;
    ~open_berkeley_db() {
        table_->close(table_, DB_NOSYNC);
        env_->close(env_, 0);
    }
    void empty_page_cache() const { empty_page_cache_of(path_); }

    class reader {
    public:
        explicit reader(open_berkeley_db& of) : table_{of.table_} {}
        void get(std::uint64_t key) {
            big_endian_key encoded{key};
            DBT key_part = part(encoded.data(), encoded.size());
            DBT value = part(copy_.data(), copy_.size());
            check(table_->get(table_, nullptr, &key_part, &value, 0), "get");
            expect_value_of(key, number_at(copy_.data()));
        }

    private:
        [[nodiscard]] static DBT part(void* at, std::size_t size) {
            DBT one{};
            one.data = at;
            one.size = one.ulen = static_cast<std::uint32_t>(size);
            one.flags = DB_DBT_USERMEM;
            return one;
        }
        DB* table_;
        std::array<std::byte, cold_value_size> copy_{};
    };

private:
    static void check(int failed, char const* what) {
        if (failed != 0) { fail(std::string{what} + ": " + ::db_strerror(failed)); }
    }

    std::filesystem::path path_;
    DB_ENV* env_ = nullptr;
    DB* table_ = nullptr;
};
#endif

#if defined(QUIRE_BENCH_ROCKSDB)
class open_rocksdb {
public:
    open_rocksdb(std::filesystem::path const& folder, key_list keys, std::size_t frames) {
        {
            rocksdb_tree<cold_value_size> made{folder, {keys.size(), 1}};
            made.insert(keys);
            made.settle();
        }
        ::rocksdb::BlockBasedTableOptions blocks;
        blocks.block_cache = ::rocksdb::NewLRUCache(frames * page_size);
        blocks.cache_index_and_filter_blocks = true;
        ::rocksdb::Options options;
        options.use_direct_reads = true;
        options.table_factory.reset(::rocksdb::NewBlockBasedTableFactory(blocks));
        ::rocksdb::DB* opened = nullptr;
        check(::rocksdb::DB::OpenForReadOnly(options, (folder / "rocksdb").string(), &opened));
        db_.reset(opened);
    }

    class reader {
    public:
        explicit reader(open_rocksdb& of) : db_{*of.db_} {}
        void get(std::uint64_t key) {
            big_endian_key encoded{key};
            check(db_.Get({}, db_.DefaultColumnFamily(),
                          ::rocksdb::Slice{encoded.data(), encoded.size()}, &value_));
            expect_value_of(key, number_at(value_.data()));
            value_.Reset();
        }

    private:
        ::rocksdb::DB& db_;
        ::rocksdb::PinnableSlice value_;
    };

private:
    static void check(::rocksdb::Status const& status) {
        if (!status.ok()) { fail("RocksDB: " + status.ToString()); }
    }

    std::unique_ptr<::rocksdb::DB> db_;
};
#endif

#if defined(QUIRE_BENCH_SQLITE)
inline void make_sqlite(std::filesystem::path const& folder, key_list keys) {
    {
        sqlite_tree<cold_value_size> made{folder, {keys.size(), 1}};
        made.insert(keys);
    }
    raw_file const file{folder / "sqlite", O_RDWR};
    if (::fsync(file.get()) != 0) { fail("fsync"); }
}

class open_sqlite {
    struct connection {
        connection(std::string const& path, std::size_t pages) {
            expect(::sqlite3_open_v2(path.c_str(), &db,
                                     SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr),
                   SQLITE_OK);
            run("PRAGMA cache_size = " + std::to_string(pages));
            run("PRAGMA locking_mode = EXCLUSIVE");  // or the cache is checked at each get
            expect(::sqlite3_prepare_v2(db, "SELECT bytes FROM entries WHERE id = ?", -1, &select,
                                        nullptr),
                   SQLITE_OK);
        }
        connection(connection const&) = delete;
        connection& operator=(connection const&) = delete;
        ~connection() {
            ::sqlite3_finalize(select);
            ::sqlite3_close(db);
        }
        void run(std::string const& sql) {
            expect(::sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
        }
        void expect(int result, int wanted) {
            if (result != wanted) { fail("SQLite: " + std::string{::sqlite3_errmsg(db)}); }
        }
        sqlite3* db = nullptr;
        sqlite3_stmt* select = nullptr;
    };

public:
    /// For `threads` readers at once, of the file that make_sqlite has made.
    open_sqlite(std::filesystem::path const& folder, std::size_t frames, unsigned threads)
        : path_{folder / "sqlite"}, threads_{threads} {
        for (unsigned i = 0; i < threads; ++i) {
            free_.push_back(std::make_unique<connection>(path_.string(), frames / threads));
        }
        empty_page_cache();
    }
    void empty_page_cache() const { empty_page_cache_of(path_); }
    [[nodiscard]] unsigned readers_max() const noexcept { return threads_; }

    /// Has a connection, whose cache is as the last reader has left it.
    class reader {
    public:
        explicit reader(open_sqlite& of) : of_{of} {
            {
                std::lock_guard const alone{of.mutex_};
                if (of.free_.empty()) { fail("SQLite: more readers than connections"); }
                by_ = std::move(of.free_.back());
                of.free_.pop_back();
            }
            by_->run("BEGIN");
        }
        reader(reader const&) = delete;
        reader& operator=(reader const&) = delete;
        ~reader() {
            ::sqlite3_exec(by_->db, "COMMIT", nullptr, nullptr, nullptr);
            std::lock_guard const alone{of_.mutex_};
            of_.free_.push_back(std::move(by_));
        }
        void get(std::uint64_t key) {
            ::sqlite3_bind_int64(by_->select, 1, static_cast<::sqlite3_int64>(key));
            by_->expect(::sqlite3_step(by_->select), SQLITE_ROW);
            expect_value_of(key, number_at(::sqlite3_column_blob(by_->select, 0)));
            ::sqlite3_reset(by_->select);
        }

    private:
        open_sqlite& of_;
        std::unique_ptr<connection> by_;
    };

private:
    std::filesystem::path path_;
    unsigned threads_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<connection>> free_;
};
#endif

}  // namespace quire_bench
