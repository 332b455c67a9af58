// SPDX-License-Identifier: BSL-1.0
#pragma once

/// lmdb: a value of nearly a page under each number, read in one read transaction per thread.

#include "system.hpp"

#include <lmdb.h>

#include <vector>

namespace quire_bench {

struct lmdb {
    static constexpr char const* name = "LMDB";

    lmdb(std::filesystem::path const& scratch, std::uint32_t pages) : count{pages} {
        check(::mdb_env_create(&env), "mdb_env_create");
        check(::mdb_env_set_mapsize(env, std::size_t{pages} * page_size * 2 + (1U << 24)),
              "mapsize");
        check(::mdb_env_open(env, (scratch / "lmdb").c_str(),
                             MDB_NOSUBDIR | MDB_NOSYNC | MDB_WRITEMAP | MDB_NOTLS, 0644),
              "mdb_env_open");
        MDB_txn* filling = nullptr;
        check(::mdb_txn_begin(env, nullptr, 0, &filling), "mdb_txn_begin");
        check(::mdb_dbi_open(filling, nullptr, MDB_INTEGERKEY, &table), "mdb_dbi_open");
        std::vector<std::byte> bytes(page_size - 16, std::byte{1});  // one page of LMDB's
        for (std::uint32_t no = 0; no < pages; ++no) {
            MDB_val key{sizeof no, &no};
            MDB_val value{bytes.size(), bytes.data()};
            check(::mdb_put(filling, table, &key, &value, MDB_APPEND), "mdb_put");
        }
        check(::mdb_txn_commit(filling), "mdb_txn_commit");
    }
    lmdb(lmdb const&) = delete;
    lmdb& operator=(lmdb const&) = delete;
    ~lmdb() {
        if (env != nullptr) { ::mdb_env_close(env); }
    }
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }

    struct reader {
        explicit reader(lmdb& of) : table_{of.table} {
            check(::mdb_txn_begin(of.env, nullptr, MDB_RDONLY, &held_), "mdb_txn_begin");
        }
        reader(reader const&) = delete;
        reader& operator=(reader const&) = delete;
        ~reader() { ::mdb_txn_abort(held_); }
        std::uint64_t read(std::uint32_t no) {
            MDB_val key{sizeof no, &no};
            MDB_val value{};
            check(::mdb_get(held_, table_, &key, &value), "mdb_get");
            return value_in(value.mv_data);
        }

    private:
        MDB_dbi table_;
        MDB_txn* held_ = nullptr;
    };

    static void check(int failed, char const* what) {
        if (failed != 0) { fail(std::string{what} + ": " + ::mdb_strerror(failed)); }
    }

    std::uint32_t count;
    MDB_env* env = nullptr;
    MDB_dbi table = 0;
};

}  // namespace quire_bench
