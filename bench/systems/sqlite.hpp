// SPDX-License-Identifier: BSL-1.0
#pragma once

/// sqlite: a blob of nearly a page under each rowid, read by a prepared statement within one
/// transaction; one connection per thread, with memory for all pages.

#include "system.hpp"

#include <sqlite3.h>

#include <vector>

namespace quire_bench {

struct sqlite {
    static constexpr char const* name = "SQLite";

    sqlite(std::filesystem::path const& scratch, std::uint32_t pages)
        : count{pages}, path{(scratch / "sqlite").string()} {
        connection to{*this};
        to.run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
               "CREATE TABLE pages(id INTEGER PRIMARY KEY, bytes BLOB);");
        statement insert{to, "INSERT INTO pages VALUES(?, ?)"};
        std::vector<std::byte> const bytes(4000, std::byte{1});
        for (std::uint32_t no = 0; no < pages; ++no) {
            ::sqlite3_bind_int64(insert.at, 1, no);
            ::sqlite3_bind_blob(insert.at, 2, bytes.data(), static_cast<int>(bytes.size()),
                                SQLITE_STATIC);
            if (::sqlite3_step(insert.at) != SQLITE_DONE) { fail("insert"); }
            ::sqlite3_reset(insert.at);
        }
        to.run("COMMIT");
    }
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }

    struct connection {
        explicit connection(sqlite const& of) {
            if (::sqlite3_open(of.path.c_str(), &db) != SQLITE_OK) { fail("sqlite3_open"); }
            run("PRAGMA cache_size = " + std::to_string(of.count * 2));
        }
        connection(connection const&) = delete;
        connection& operator=(connection const&) = delete;
        ~connection() { ::sqlite3_close(db); }
        void run(std::string const& sql) const {
            if (::sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
                fail(sql + ": " + ::sqlite3_errmsg(db));
            }
        }
        sqlite3* db = nullptr;
    };
    struct statement {
        statement(connection const& on, char const* sql) {
            if (::sqlite3_prepare_v2(on.db, sql, -1, &at, nullptr) != SQLITE_OK) { fail(sql); }
        }
        statement(statement const&) = delete;
        statement& operator=(statement const&) = delete;
        ~statement() { ::sqlite3_finalize(at); }
        sqlite3_stmt* at = nullptr;
    };

    struct reader {
        explicit reader(sqlite& of) : on_{of}, select_{on_, select} {
            on_.run("BEGIN");
            for (std::uint32_t no = 0; no < of.count; ++no) { static_cast<void>(read(no)); }
        }
        std::uint64_t read(std::uint32_t no) {
            ::sqlite3_bind_int64(select_.at, 1, no);
            if (::sqlite3_step(select_.at) != SQLITE_ROW) { fail("select"); }
            auto const value = value_in(::sqlite3_column_blob(select_.at, 0));
            ::sqlite3_reset(select_.at);
            return value;
        }

    private:
        static constexpr char const* select = "SELECT bytes FROM pages WHERE id = ?";
        connection on_;
        statement select_;
    };

    std::uint32_t count;
    std::string path;
};

}  // namespace quire_bench
