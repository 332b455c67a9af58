// SPDX-License-Identifier: BSL-1.0
#pragma once

/// trees: maps in files that were made before, opened to get values with little memory.
///
/// `open_tree` is quire's, read directly, with as many frames as it is given. `open_lmdb` has its
/// pages in the page cache, which neither LMDB nor a process without privileges can limit. So
/// `shrink` drops them all, `resident` counts them, and the caller decides when it is enough.
///
/// Values have 120 bytes, and the first eight are value_of(key).

#include "../device/page_file.hpp"
#include "../table/store.hpp"

#include <quire/quire.hpp>
#include <quire/table/btree.hpp>

#include <sys/mman.h>  // mincore

#include <algorithm>
#include <vector>

#if defined(QUIRE_BENCH_LMDB)
#include "../table/lmdb_tree.hpp"
#endif

namespace quire_bench {

inline constexpr std::size_t cold_value_size = 120;

/// Pages of a file that are in the page cache.
[[nodiscard]] inline std::size_t resident_pages(std::filesystem::path const& path) {
    raw_file const file{path, O_RDONLY};
    auto const bytes = std::filesystem::file_size(path);
    void* const at = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file.get(), 0);
    if (at == MAP_FAILED) { fail("mmap " + path.string()); }
    std::vector<unsigned char> pages((bytes + page_size - 1) / page_size);
    bool const done = ::mincore(at, bytes, pages.data()) == 0;
    ::munmap(at, bytes);
    if (!done) { fail("mincore " + path.string()); }
    return static_cast<std::size_t>(
        std::count_if(pages.begin(), pages.end(), [](unsigned char one) { return one & 1U; }));
}

inline void expect_value_of(std::uint64_t key, std::uint64_t value) {
    if (value != value_of(key)) { fail("a key has another key's value"); }
}

template <quire::file_backend Backend>
class open_tree {
public:
    using pool_type = quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch, Backend>;
    using tree_type = quire::btree<std::uint64_t, std::vector<std::byte>, pool_type>;

    open_tree(std::filesystem::path const& path, std::size_t frames,
              quire::open_mode mode = quire::open_mode::read_only)
        : pool_{{.frames = frames}}, db_{pool_, pool_.open(path, mode)}, tree_{db_, "entries"} {}

    void insert(key_list keys) {
        std::vector<std::byte> value(cold_value_size, std::byte{1});
        for (auto const key : keys) {
            auto const number = value_of(key);
            std::memcpy(value.data(), &number, sizeof number);
            if (!tree_.insert(key, value)) { fail("quire: a key was there already"); }
        }
    }
    void close() { db_.close(); }
    [[nodiscard]] pool_type& pool() noexcept { return pool_; }
    [[nodiscard]] tree_type const& tree() const noexcept { return tree_; }
    [[nodiscard]] quire::pool_stats stats() const { return db_.file().stats(); }

    class reader {
    public:
        explicit reader(open_tree& of) : tree_{of.tree_} {}
        void get(std::uint64_t key) {
            bool const there = tree_.get(key, [&](auto const& value) {
                expect_value_of(key, value.template load<std::uint64_t>(0));
            });
            if (!there) { fail("quire: a key is not there"); }
        }

    private:
        tree_type const& tree_;
    };

private:
    pool_type pool_;
    quire::catalog<pool_type> db_;
    tree_type tree_;
};

/// Makes a file of `keys` in their order with quire's tree. How many pages it has.
[[nodiscard]] inline std::uint64_t make_tree(std::filesystem::path const& path, key_list keys) {
    open_tree<quire::direct_backend> made{path, room_for(keys.size(), cold_value_size) / page_size,
                                          quire::open_mode::open_or_create};
    made.insert(keys);
    made.close();
    return std::filesystem::file_size(path) / page_size;
}

#if defined(QUIRE_BENCH_LMDB)
/// Likewise with LMDB.
inline void make_lmdb(std::filesystem::path const& folder, key_list keys) {
    {
        lmdb_tree<cold_value_size> made{folder, {keys.size(), 1}};
        made.insert(keys);
    }
    raw_file const file{folder / "lmdb", O_RDWR};
    if (::fsync(file.get()) != 0) { fail("fsync"); }
}

/// Without read-ahead.
class open_lmdb {
public:
    explicit open_lmdb(std::filesystem::path const& folder) : path_{folder / "lmdb"} { shrink(); }
    open_lmdb(open_lmdb const&) = delete;
    open_lmdb& operator=(open_lmdb const&) = delete;
    ~open_lmdb() { ::mdb_env_close(env_); }

    /// Opens the file again, since mapped pages stay in the page cache.
    void shrink() {
        if (env_ != nullptr) { ::mdb_env_close(env_); }
        env_ = nullptr;
        empty_page_cache_of(path_);
        check(::mdb_env_create(&env_), "mdb_env_create");
        check(::mdb_env_open(env_, path_.c_str(),
                             MDB_NOSUBDIR | MDB_NOTLS | MDB_RDONLY | MDB_NORDAHEAD, 0644),
              "mdb_env_open");
        MDB_txn* opening = nullptr;
        check(::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &opening), "mdb_txn_begin");
        check(::mdb_dbi_open(opening, nullptr, MDB_INTEGERKEY, &table_), "mdb_dbi_open");
        check(::mdb_txn_commit(opening), "mdb_txn_commit");
    }
    /// Of the file, in the page cache.
    [[nodiscard]] std::size_t resident() const { return resident_pages(path_); }
    /// Of the tree.
    [[nodiscard]] std::uint64_t pages() const {
        ::MDB_stat is{};
        MDB_txn* reading = nullptr;
        check(::mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reading), "mdb_txn_begin");
        int const failed = ::mdb_stat(reading, table_, &is);
        ::mdb_txn_abort(reading);
        check(failed, "mdb_stat");
        return is.ms_branch_pages + is.ms_leaf_pages + is.ms_overflow_pages;
    }

    /// In one transaction.
    class reader {
    public:
        explicit reader(open_lmdb& of) : table_{of.table_} {
            check(::mdb_txn_begin(of.env_, nullptr, MDB_RDONLY, &held_), "mdb_txn_begin");
        }
        reader(reader const&) = delete;
        reader& operator=(reader const&) = delete;
        ~reader() { ::mdb_txn_abort(held_); }
        void get(std::uint64_t key) {
            MDB_val encoded{sizeof key, &key};
            MDB_val value{};
            check(::mdb_get(held_, table_, &encoded, &value), "mdb_get");
            expect_value_of(key, number_at(value.mv_data));
        }

    private:
        MDB_dbi table_;
        MDB_txn* held_ = nullptr;
    };

private:
    static void check(int failed, char const* what) {
        if (failed != 0) { fail(std::string{what} + ": " + ::mdb_strerror(failed)); }
    }

    std::filesystem::path path_;
    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
};
#endif

}  // namespace quire_bench
