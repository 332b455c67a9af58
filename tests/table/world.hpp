// SPDX-License-Identifier: BSL-1.0
#pragma once

/// world: a pool and a file of the tests in table/, logged or not, over a disk in memory.

#include <quire/io/memory_backend.hpp>
#include <quire/pool/change.hpp>

#include <optional>
#include <string>

namespace quire_test {

template <std::size_t PageSize>
struct table_world {
    using pool_type = quire::buffer_pool<PageSize, quire::s3_fifo, quire::hybrid_latch,
                                         quire::memory_backend>;
    using log_type = quire::redo_log<quire::memory_backend>;
    using file_type = typename pool_type::file;

    quire::memory_backend::options disk{quire::memory_store_ptr::make()};
    bool logged;
    quire::file_options options{};
    std::optional<log_type> log;
    std::optional<pool_type> pool;
    std::optional<file_type> opened;

    explicit table_world(bool is_logged = false) : logged{is_logged} { start(); }
    explicit table_world(quire::file_options const& of) : logged{of.logged}, options{of} {
        start();
    }

    [[nodiscard]] file_type& file() { return *opened; }
    /// Everything is written, closed, and opened by another pool.
    void reopen(quire::open_mode mode = quire::open_mode::open_or_create) {
        opened->close();
        end();
        start(mode);
    }
    /// What was not written is gone.
    void crash() {
        opened->close(quire::unwritten::discard);
        start_again();
    }
    /// Of a file that is closed already: another pool opens it.
    void start_again() {
        end();
        start();
    }

private:
    void start(quire::open_mode mode = quire::open_mode::open_or_create) {
        quire::pool_options<quire::memory_backend> const of_pool{
            .frames = 64,
            .file_pages_max = std::uint64_t{1} << 20,
            .on_loss = [](std::string const&, quire::error const&) {},
            .backend = disk};
        log.emplace("log",
                    quire::redo_log_options<quire::memory_backend>{.bytes = 1 << 20,
                                                                   .backend = disk});
        pool.emplace(of_pool, *log);
        options.logged = logged;
        opened = pool->open("f", mode, options);
    }
    void end() {
        opened.reset();
        pool.reset();
        log.reset();
    }
};

}  // namespace quire_test

using quire_test::table_world;
