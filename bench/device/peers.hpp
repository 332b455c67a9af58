// SPDX-License-Identifier: BSL-1.0
#pragma once

/// peers: buffer pools of other projects over a file on a device, as `readers`.
///
/// Berkeley DB's mpool reads the page_file itself, with a cache of the pool's size, through the
/// page cache: we cannot know whether its package was built with direct I/O. LMDB has a file of its
/// own, mapped, with each page's value under its number. RocksDB has such values in tables that it
/// reads directly, uncompressed, with a block cache of the pool's size and its index in it.

#include "readers.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#if defined(QUIRE_BENCH_BERKELEY_DB)
#include <db.h>
#endif
#if defined(QUIRE_BENCH_LMDB)
#include <lmdb.h>
#endif
#if defined(QUIRE_BENCH_ROCKSDB)
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#endif

namespace quire_bench {

#if defined(QUIRE_BENCH_BERKELEY_DB)
class berkeley_db_reads {
public:
    berkeley_db_reads(std::filesystem::path const& path, std::size_t frames) {
        auto const bytes = frames * page_size;
        check(::db_env_create(&env_, 0), "db_env_create");
        check(env_->set_cachesize(env_, static_cast<std::uint32_t>(bytes >> 30),
                                  static_cast<std::uint32_t>(bytes & ((1U << 30) - 1)), 1),
              "set_cachesize");
        check(env_->open(env_, path.parent_path().c_str(),
                         DB_CREATE | DB_INIT_MPOOL | DB_PRIVATE | DB_THREAD, 0),
              "env open");
        check(env_->memp_fcreate(env_, &file_, 0), "memp_fcreate");
        check(file_->open(file_, std::filesystem::absolute(path).c_str(), DB_RDONLY | DB_NOMMAP, 0,
                          page_size),
              "memp open");
    }
    berkeley_db_reads(berkeley_db_reads const&) = delete;
    berkeley_db_reads& operator=(berkeley_db_reads const&) = delete;
    ~berkeley_db_reads() {
        if (file_ != nullptr) { file_->close(file_, 0); }
        if (env_ != nullptr) { env_->close(env_, 0); }
    }
    class reader {
    public:
        explicit reader(berkeley_db_reads& of) : file_{of.file_} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) {
            auto page = static_cast<db_pgno_t>(no);
            void* at = nullptr;
            check(file_->get(file_, &page, nullptr, 0, &at), "memp get");
            auto const value = value_in(at);
            check(file_->put(file_, at, DB_PRIORITY_UNCHANGED, 0), "memp put");
            return value;
        }

    private:
        DB_MPOOLFILE* file_;
    };

private:
    static void check(int failed, char const* what) {
        if (failed != 0) { fail(std::string{what} + ": " + ::db_strerror(failed)); }
    }
    DB_ENV* env_ = nullptr;
    DB_MPOOLFILE* file_ = nullptr;
};
#endif

#if defined(QUIRE_BENCH_LMDB)
inline void check_lmdb(int failed, char const* what) {
    if (failed != 0) { fail(std::string{what} + ": " + ::mdb_strerror(failed)); }
}

/// An open environment of LMDB with one table: a number, and under it a page of LMDB's.
class lmdb_file {
public:
    static constexpr std::size_t value_size = page_size - 16;

    lmdb_file(std::filesystem::path const& path, std::uint32_t pages, unsigned flags) {
        check_lmdb(::mdb_env_create(&env_), "mdb_env_create");
        check_lmdb(::mdb_env_set_mapsize(env_, std::size_t{pages} * page_size * 2 + (1U << 24)),
                   "mapsize");
        check_lmdb(::mdb_env_open(env_, path.c_str(), MDB_NOSUBDIR | MDB_NOTLS | flags, 0644),
                   "mdb_env_open");
        MDB_txn* opening = nullptr;
        check_lmdb(::mdb_txn_begin(env_, nullptr, flags & MDB_RDONLY, &opening), "mdb_txn_begin");
        check_lmdb(::mdb_dbi_open(opening, nullptr, MDB_INTEGERKEY, &table_), "mdb_dbi_open");
        check_lmdb(::mdb_txn_commit(opening), "mdb_txn_commit");
    }
    lmdb_file(lmdb_file const&) = delete;
    lmdb_file& operator=(lmdb_file const&) = delete;
    ~lmdb_file() {
        if (env_ != nullptr) { ::mdb_env_close(env_); }
    }

    static void make(std::filesystem::path const& path, std::uint32_t pages) {
        lmdb_file const made{path, pages, MDB_NOSYNC};
        page_buffer const page;
        for (std::uint32_t no = 0; no < pages;) {
            MDB_txn* filling = nullptr;
            check_lmdb(::mdb_txn_begin(made.env_, nullptr, 0, &filling), "mdb_txn_begin");
            for (auto const end = std::min(pages, no + 16'384); no < end; ++no) {
                set_value(page.page(), first_value(no));
                MDB_val key{sizeof no, &no};
                MDB_val value{value_size, page.page()};
                check_lmdb(::mdb_put(filling, made.table_, &key, &value, MDB_APPEND), "mdb_put");
            }
            check_lmdb(::mdb_txn_commit(filling), "mdb_txn_commit");
        }
        made.sync();
    }
    void sync() const { check_lmdb(::mdb_env_sync(env_, 1), "mdb_env_sync"); }
    [[nodiscard]] MDB_env* env() const noexcept { return env_; }
    [[nodiscard]] MDB_dbi table() const noexcept { return table_; }

private:
    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
};

class lmdb_reads {
public:
    lmdb_reads(std::filesystem::path path, std::uint32_t pages, reads how)
        : path_{std::move(path)},
          pages_{pages},
          flags_{MDB_RDONLY | (how == reads::random ? unsigned{MDB_NORDAHEAD} : 0U)} {
        forget();
    }
    /// Opens the file again, since mapped pages stay in the page cache.
    void forget() {
        file_.reset();
        empty_page_cache_of(path_);
        file_.emplace(path_, pages_, flags_);
    }
    /// In one transaction.
    class reader {
    public:
        explicit reader(lmdb_reads& of) : table_{of.file_->table()} {
            check_lmdb(::mdb_txn_begin(of.file_->env(), nullptr, MDB_RDONLY, &held_),
                       "mdb_txn_begin");
        }
        reader(reader const&) = delete;
        reader& operator=(reader const&) = delete;
        ~reader() {
            if (cursor_ != nullptr) { ::mdb_cursor_close(cursor_); }
            ::mdb_txn_abort(held_);
        }
        [[nodiscard]] std::uint64_t read(std::uint64_t no) {
            auto number = static_cast<std::uint32_t>(no);
            MDB_val key{sizeof number, &number};
            MDB_val value{};
            check_lmdb(::mdb_get(held_, table_, &key, &value), "mdb_get");
            return value_in(value.mv_data);
        }
        /// Reads with a cursor, for consecutive numbers.
        [[nodiscard]] std::uint64_t read_next(std::uint64_t no) {
            auto number = static_cast<std::uint32_t>(no);
            MDB_val key{sizeof number, &number};
            MDB_val value{};
            auto const how = no == next_ ? MDB_NEXT : MDB_SET_KEY;
            if (cursor_ == nullptr) {
                check_lmdb(::mdb_cursor_open(held_, table_, &cursor_), "mdb_cursor_open");
            }
            check_lmdb(::mdb_cursor_get(cursor_, &key, &value, how), "mdb_cursor_get");
            next_ = no + 1;
            return value_in(value.mv_data);
        }

    private:
        MDB_dbi table_;
        MDB_txn* held_ = nullptr;
        MDB_cursor* cursor_ = nullptr;
        std::uint64_t next_ = ~std::uint64_t{0};
    };

private:
    std::filesystem::path path_;
    std::uint32_t pages_;
    unsigned flags_;
    std::optional<lmdb_file> file_;
};
#endif

#if defined(QUIRE_BENCH_ROCKSDB)
class rocksdb_reads {
public:
    rocksdb_reads(std::filesystem::path const& folder, std::uint32_t pages, std::size_t frames) {
        ::rocksdb::BlockBasedTableOptions table;
        table.block_size = page_size;
        table.cache_index_and_filter_blocks = true;
        table.block_cache =
            ::rocksdb::HyperClockCacheOptions{frames * page_size, page_size}.MakeSharedCache();
        ::rocksdb::Options options;
        options.create_if_missing = true;
        options.compression = ::rocksdb::kNoCompression;
        options.use_direct_reads = true;
        options.use_direct_io_for_flush_and_compaction = true;
        options.disable_auto_compactions = true;
        options.info_log_level = ::rocksdb::FATAL_LEVEL;
        options.table_factory.reset(::rocksdb::NewBlockBasedTableFactory(table));
        ::rocksdb::DB* opened = nullptr;
        check(::rocksdb::DB::Open(options, folder.string(), &opened));
        db_.reset(opened);

        page_buffer const page;
        for (std::uint32_t no = 0; no < pages;) {
            auto const path = (folder / (std::to_string(no) + ".tables")).string();
            ::rocksdb::SstFileWriter writer{{}, options};
            check(writer.Open(path));
            for (auto const end = std::min(pages, no + 65'536); no < end; ++no) {
                set_value(page.page(), first_value(no));
                check(writer.Put(key{no}.slice(), {reinterpret_cast<char const*>(page.page()),
                                                   value_size}));
            }
            check(writer.Finish());
            ::rocksdb::IngestExternalFileOptions how;
            how.move_files = true;
            check(db_->IngestExternalFile({path}, how));
        }
    }
    class reader {
    public:
        explicit reader(rocksdb_reads& of) : db_{of.db_.get()} {}
        [[nodiscard]] std::uint64_t read(std::uint64_t no) {
            value_.Reset();
            check(db_->Get(how_, db_->DefaultColumnFamily(),
                           key{static_cast<std::uint32_t>(no)}.slice(), &value_));
            return value_in(value_.data());
        }

    private:
        ::rocksdb::DB* db_;
        ::rocksdb::ReadOptions how_;
        ::rocksdb::PinnableSlice value_;
    };

private:
    static constexpr std::size_t value_size = page_size - 64;  // a block with its key and trailer

    /// Numbers in order.
    class key {
    public:
        explicit key(std::uint32_t no) noexcept : bytes_{__builtin_bswap32(no)} {}
        [[nodiscard]] ::rocksdb::Slice slice() const noexcept {
            return {reinterpret_cast<char const*>(&bytes_), sizeof bytes_};
        }

    private:
        std::uint32_t bytes_;
    };
    static void check(::rocksdb::Status const& status) {
        if (!status.ok()) { fail("RocksDB: " + status.ToString()); }
    }

    std::unique_ptr<::rocksdb::DB> db_;
};
#endif

}  // namespace quire_bench
