// SPDX-License-Identifier: BSL-1.0
#pragma once

/// berkeley_db: mpool, the buffer pool of Berkeley DB 5.3, over a file: get, load, put.

#include "system.hpp"

#include <db.h>

#include <vector>

namespace quire_bench {

struct berkeley_db {
    static constexpr char const* name = "Berkeley DB";

    berkeley_db(std::filesystem::path const& scratch, std::uint32_t pages) : count{pages} {
        auto const path = std::filesystem::absolute(scratch / "berkeley");
        ::close(file_of_pages(path, pages));
        check(::db_env_create(&env, 0), "db_env_create");
        std::uint64_t const bytes = std::uint64_t{pages} * page_size / 2 * 3;
        check(env->set_cachesize(env, static_cast<std::uint32_t>(bytes >> 30),
                                 static_cast<std::uint32_t>(bytes & ((1U << 30) - 1)), 1),
              "set_cachesize");
        check(env->open(env, scratch.c_str(), DB_CREATE | DB_INIT_MPOOL | DB_PRIVATE | DB_THREAD,
                        0),
              "env open");
        check(env->memp_fcreate(env, &file, 0), "memp_fcreate");
        check(file->open(file, path.c_str(), DB_RDONLY | DB_NOMMAP, 0, page_size), "memp open");
        reader all{*this};
        for (std::uint32_t no = 0; no < pages; ++no) { static_cast<void>(all.read(no)); }
    }
    berkeley_db(berkeley_db const&) = delete;
    berkeley_db& operator=(berkeley_db const&) = delete;
    ~berkeley_db() {
        if (file != nullptr) { file->close(file, 0); }
        if (env != nullptr) { env->close(env, 0); }
    }
    [[nodiscard]] std::vector<std::uint32_t> resident() const { return all_pages(count); }

    struct reader {
        explicit reader(berkeley_db& of) : file_{of.file} {}
        std::uint64_t read(std::uint32_t no) {
            db_pgno_t page = no;
            void* at = nullptr;
            check(file_->get(file_, &page, nullptr, 0, &at), "memp get");
            auto const value = value_in(at);
            check(file_->put(file_, at, DB_PRIORITY_UNCHANGED, 0), "memp put");
            return value;
        }

    private:
        DB_MPOOLFILE* file_;
    };

    static void check(int failed, char const* what) {
        if (failed != 0) { fail(std::string{what} + ": " + ::db_strerror(failed)); }
    }

    std::uint32_t count;
    DB_ENV* env = nullptr;
    DB_MPOOLFILE* file = nullptr;
};

}  // namespace quire_bench
