// SPDX-License-Identifier: BSL-1.0
#pragma once

/// lmdb_tree: LMDB without durability: MDB_WRITEMAP, MDB_NOSYNC, MDB_NOMETASYNC; integer keys;
/// a write transaction for each batch of insertions, a read transaction for each call.

#include "store.hpp"

#include <lmdb.h>

namespace quire_bench {

template <std::size_t Size>
class lmdb_tree final : public ordered_store {
public:
    static constexpr char const* name = "LMDB";

    lmdb_tree(std::filesystem::path const& folder, store_size size) {
        check(::mdb_env_create(&env_), "mdb_env_create");
        check(::mdb_env_set_mapsize(env_, 2 * room_for(size.keys, Size)), "mdb_env_set_mapsize");
        check(::mdb_env_open(env_, (folder / "lmdb").c_str(),
                             MDB_NOSUBDIR | MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS,
                             0644),
              "mdb_env_open");
        transaction const making{env_, 0};
        check(::mdb_dbi_open(making.at, nullptr, MDB_INTEGERKEY, &table_), "mdb_dbi_open");
        check(::mdb_txn_commit(making.release()), "mdb_txn_commit");
    }
    ~lmdb_tree() override { ::mdb_env_close(env_); }

    void insert(key_list keys) override { put(keys, MDB_NOOVERWRITE); }
    void append(key_list keys) override { put(keys, MDB_APPEND); }
    [[nodiscard]] std::uint64_t get(unsigned, key_list keys) override {
        transaction const reading{env_, MDB_RDONLY};
        std::uint64_t sum = 0;
        for (auto key : keys) {
            MDB_val encoded{sizeof key, &key};
            MDB_val value{};
            check(::mdb_get(reading.at, table_, &encoded, &value), "mdb_get");
            sum += number_at(value.mv_data);
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t scan(key_list from, std::size_t length) override {
        transaction const reading{env_, MDB_RDONLY};
        MDB_cursor* cursor = nullptr;
        check(::mdb_cursor_open(reading.at, table_, &cursor), "mdb_cursor_open");
        std::uint64_t sum = 0;
        for (auto key : from) {
            MDB_val encoded{sizeof key, &key};
            MDB_val value{};
            auto result = ::mdb_cursor_get(cursor, &encoded, &value, MDB_SET_RANGE);
            for (auto left = length; result == 0;) {
                sum += number_at(value.mv_data);
                if (--left == 0) { break; }
                result = ::mdb_cursor_get(cursor, &encoded, &value, MDB_NEXT);
            }
            if (result != MDB_NOTFOUND) { check(result, "mdb_cursor_get"); }
        }
        ::mdb_cursor_close(cursor);
        return sum;
    }

private:
    void put(key_list keys, unsigned flags) {
        value_bytes<Size> bytes;
        in_batches(keys, [&](key_list batch) {
            transaction const writing{env_, 0};
            for (auto key : batch) {
                MDB_val encoded{sizeof key, &key};
                MDB_val value{Size, bytes.of(key)};
                check(::mdb_put(writing.at, table_, &encoded, &value, flags), "mdb_put");
            }
            check(::mdb_txn_commit(writing.release()), "mdb_txn_commit");
        });
    }
    struct transaction {
        transaction(MDB_env* env, unsigned flags) {
            check(::mdb_txn_begin(env, nullptr, flags, &at), "mdb_txn_begin");
        }
        transaction(transaction const&) = delete;
        transaction& operator=(transaction const&) = delete;
        ~transaction() {
            if (at != nullptr) { ::mdb_txn_abort(at); }
        }
        [[nodiscard]] MDB_txn* release() const noexcept { return std::exchange(at, nullptr); }
        mutable MDB_txn* at = nullptr;
    };
    static void check(int failed, char const* what) {
        if (failed != 0) { fail(std::string{what} + ": " + ::mdb_strerror(failed)); }
    }

    MDB_env* env_ = nullptr;
    MDB_dbi table_ = 0;
};

}  // namespace quire_bench
