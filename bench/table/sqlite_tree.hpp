// SPDX-License-Identifier: BSL-1.0
#pragma once

/// sqlite_tree: a table of SQLite whose rowid is the key: journal_mode = OFF, synchronous = OFF,
/// prepared statements, a transaction for each batch of insertions and for each call that reads.
/// One connection for all writers, which take turns of a batch under a mutex of ours; a connection
/// for each reader, with a cache that holds everything.

#include "store.hpp"

#include <sqlite3.h>

#include <memory>
#include <mutex>
#include <vector>

namespace quire_bench {

template <std::size_t Size>
class sqlite_tree final : public ordered_store {
public:
    static constexpr char const* name = "SQLite";

    sqlite_tree(std::filesystem::path const& folder, store_size size) {
        for (unsigned i = 0; i < size.threads; ++i) {
            auto const path = (folder / "sqlite").string();
            connections_.push_back(
                std::make_unique<connection>(path, room_for(size.keys, Size) >> 10));
            if (i == 0) {
                connections_[0]->run("CREATE TABLE entries(id INTEGER PRIMARY KEY, bytes BLOB)");
            }
            connections_[i]->prepare();
        }
    }

    void insert(key_list keys) override {
        value_bytes<Size> bytes;
        auto& by = *connections_[0];
        in_batches(keys, [&](key_list batch) {
            std::lock_guard const alone{writing_};
            by.run("BEGIN");
            for (auto const key : batch) {
                auto* const insert = by.insert.at;
                ::sqlite3_bind_int64(insert, 1, static_cast<::sqlite3_int64>(key));
                ::sqlite3_bind_blob(insert, 2, bytes.of(key), static_cast<int>(Size),
                                    SQLITE_STATIC);
                by.expect(::sqlite3_step(insert), SQLITE_DONE);
                ::sqlite3_reset(insert);
            }
            by.run("COMMIT");
        });
    }
    [[nodiscard]] std::uint64_t get(unsigned thread, key_list keys) override {
        auto& by = *connections_[thread];
        auto* const select = by.select.at;
        by.run("BEGIN");
        std::uint64_t sum = 0;
        for (auto const key : keys) {
            ::sqlite3_bind_int64(select, 1, static_cast<::sqlite3_int64>(key));
            by.expect(::sqlite3_step(select), SQLITE_ROW);
            sum += number_at(::sqlite3_column_blob(select, 0));
            ::sqlite3_reset(select);
        }
        by.run("COMMIT");
        return sum;
    }
    [[nodiscard]] std::uint64_t scan(key_list from, std::size_t length) override {
        auto& by = *connections_[0];
        auto* const range = by.range.at;
        by.run("BEGIN");
        std::uint64_t sum = 0;
        for (auto const key : from) {
            ::sqlite3_bind_int64(range, 1, static_cast<::sqlite3_int64>(key));
            ::sqlite3_bind_int64(range, 2, static_cast<::sqlite3_int64>(length));
            int result = 0;
            while ((result = ::sqlite3_step(range)) == SQLITE_ROW) {
                sum += number_at(::sqlite3_column_blob(range, 0));
            }
            by.expect(result, SQLITE_DONE);
            ::sqlite3_reset(range);
        }
        by.run("COMMIT");
        return sum;
    }
    /// Every connection reads the whole table into its cache.
    void settle() override {
        for (auto const& one : connections_) { one->run("SELECT max(bytes) FROM entries"); }
    }

private:
    struct statement {
        statement() = default;
        statement(statement const&) = delete;
        statement& operator=(statement const&) = delete;
        ~statement() { ::sqlite3_finalize(at); }
        sqlite3_stmt* at = nullptr;
    };
    struct handle {
        handle() = default;
        handle(handle const&) = delete;
        handle& operator=(handle const&) = delete;
        ~handle() { ::sqlite3_close(at); }
        sqlite3* at = nullptr;
    };
    struct connection {
        connection(std::string const& path, std::uint64_t cache_kib) {
            auto const how = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
            expect(::sqlite3_open_v2(path.c_str(), &db.at, how, nullptr), SQLITE_OK);
            run("PRAGMA journal_mode = OFF");
            run("PRAGMA synchronous = OFF");
            run("PRAGMA cache_size = -" + std::to_string(cache_kib));
        }
        void prepare() {
            prepare(insert, "INSERT INTO entries VALUES(?, ?)");
            prepare(select, "SELECT bytes FROM entries WHERE id = ?");
            prepare(range, "SELECT bytes FROM entries WHERE id >= ? ORDER BY id LIMIT ?");
        }
        void prepare(statement& one, char const* sql) {
            expect(::sqlite3_prepare_v2(db.at, sql, -1, &one.at, nullptr), SQLITE_OK);
        }
        void run(std::string const& sql) {
            expect(::sqlite3_exec(db.at, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
        }
        void expect(int result, int wanted) {
            if (result != wanted) { fail("SQLite: " + std::string{::sqlite3_errmsg(db.at)}); }
        }
        handle db;
        statement insert;
        statement select;
        statement range;
    };

    std::vector<std::unique_ptr<connection>> connections_;
    std::mutex writing_;
};

}  // namespace quire_bench
