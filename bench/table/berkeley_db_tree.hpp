// SPDX-License-Identifier: BSL-1.0
#pragma once

/// berkeley_db_tree: DB_BTREE of Berkeley DB 5.3, pages of 4 KiB, a private environment without
/// transactions, log and locks, whose cache holds everything. Keys are bytes, highest first. A
/// value is copied into the caller's buffer. The handle may be read by several threads; writers
/// take turns of a batch under a mutex of ours, since without locks it allows only one.

#include "store.hpp"

#include <db.h>

#include <mutex>

namespace quire_bench {

template <std::size_t Size>
class berkeley_db_tree final : public ordered_store {
public:
    static constexpr char const* name = "Berkeley DB";

    berkeley_db_tree(std::filesystem::path const& folder, store_size size) {
        check(::db_env_create(&env_, 0), "db_env_create");
        auto const bytes = room_for(size.keys, Size) / 2 * 3;
        check(env_->set_cachesize(env_, static_cast<std::uint32_t>(bytes >> 30),
                                  static_cast<std::uint32_t>(bytes & ((1U << 30) - 1)), 1),
              "set_cachesize");
        check(env_->open(env_, folder.c_str(),
                         DB_CREATE | DB_INIT_MPOOL | DB_PRIVATE | DB_THREAD, 0),
              "env open");
        check(::db_create(&table_, env_, 0), "db_create");
        check(table_->set_pagesize(table_, page_size), "set_pagesize");
        check(table_->open(table_, nullptr, "berkeley", nullptr, DB_BTREE, DB_CREATE | DB_THREAD,
                           0644),
              "db open");
    }
    ~berkeley_db_tree() override {
        table_->close(table_, DB_NOSYNC);
        env_->close(env_, 0);
    }

    /// Writes everything to its file.
    void save() { check(table_->sync(table_, 0), "sync"); }

    void insert(key_list keys) override {
        value_bytes<Size> bytes;
        in_batches(keys, [&](key_list batch) {
            std::lock_guard const alone{writing_};
            for (auto const key : batch) {
                big_endian_key encoded{key};
                DBT key_part = part(encoded.data(), encoded.size());
                DBT value = part(bytes.of(key), Size);
                check(table_->put(table_, nullptr, &key_part, &value, DB_NOOVERWRITE), "put");
            }
        });
    }
    [[nodiscard]] std::uint64_t get(unsigned, key_list keys) override {
        std::array<std::byte, Size> copy;
        std::uint64_t sum = 0;
        for (auto const key : keys) {
            big_endian_key encoded{key};
            DBT key_part = part(encoded.data(), encoded.size());
            DBT value = part(copy.data(), Size);
            check(table_->get(table_, nullptr, &key_part, &value, 0), "get");
            sum += number_at(copy.data());
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t scan(key_list from, std::size_t length) override {
        DBC* cursor = nullptr;
        check(table_->cursor(table_, nullptr, &cursor, 0), "cursor");
        std::array<std::byte, Size> copy;
        std::uint64_t sum = 0;
        for (auto const key : from) {
            big_endian_key encoded{key};
            DBT key_part = part(encoded.data(), encoded.size());
            DBT value = part(copy.data(), Size);
            auto result = cursor->get(cursor, &key_part, &value, DB_SET_RANGE);
            for (auto left = length; result == 0;) {
                sum += number_at(copy.data());
                if (--left == 0) { break; }
                result = cursor->get(cursor, &key_part, &value, DB_NEXT);
            }
            if (result != DB_NOTFOUND) { check(result, "cursor get"); }
        }
        check(cursor->close(cursor), "cursor close");
        return sum;
    }

private:
    /// Bytes of ours: a key or a value to be given, or the room for one.
    [[nodiscard]] static DBT part(void* at, std::size_t size) {
        DBT one{};
        one.data = at;
        one.size = one.ulen = static_cast<std::uint32_t>(size);
        one.flags = DB_DBT_USERMEM;
        return one;
    }
    static void check(int failed, char const* what) {
        if (failed != 0) { fail(std::string{what} + ": " + ::db_strerror(failed)); }
    }

    DB_ENV* env_ = nullptr;
    DB* table_ = nullptr;
    std::mutex writing_;
};

}  // namespace quire_bench
