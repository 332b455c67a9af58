// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tree_world: a catalog in a file in memory, logged or not, which can be closed and opened again.

#include <quire/io/memory_backend.hpp>
#include <quire/table/btree.hpp>

#include <optional>
#include <set>

namespace quire_test {

template <std::size_t PageSize, class Policy = quire::s3_fifo, class Latch = quire::hybrid_latch,
          class Backend = quire::memory_backend>
class tree_world {
public:
    using pool_type = quire::buffer_pool<PageSize, Policy, Latch, Backend>;
    using change_type = quire::change<pool_type>;
    template <class Key, class Value>
    using tree = quire::btree<Key, Value, pool_type>;

    explicit tree_world(bool logged, std::size_t frames = 64)
        : tree_world{logged, frames, {quire::memory_store_ptr::make()}} {}
    tree_world(bool logged, std::size_t frames, typename Backend::options const& disk)
        : disk_{disk}, logged_{logged}, frames_{frames} {
        start();
    }

    void start() {
        log.emplace("log",
                    quire::redo_log_options<Backend>{.bytes = 1 << 20, .backend = disk_});
        pool.emplace(
            quire::pool_options<Backend>{
                .frames = frames_,
                // In a small one some calls find no frame, and go on without.
                .frame_wait_max = std::chrono::milliseconds{frames_ <= 16 ? 2 : 200},
                .on_loss = [](std::string const&, quire::error const&) {},
                .backend = disk_},
            *log);
        file.emplace(pool->open("f", quire::open_mode::open_or_create, {.logged = logged_}));
        db.emplace(*pool, *file);
    }
    void stop() {
        stop([] {});
    }
    /// `let_go()` when the file is closed, for what was open in it.
    template <class Fn>
    void stop(Fn let_go) {
        db->close();  // and the file
        let_go();
        end();
    }
    /// Nothing that is in memory is written any more.
    void die() {
        db.reset();
        file->close(quire::unwritten::discard);
        pool.reset();
        log.reset();
    }
    /// What is wrong, with the pages of the trees.
    template <class... Trees>
    [[nodiscard]] std::string wrong(Trees const&... trees) const {
        std::string text;
        std::set<quire::page_no> reached;
        auto const add = [&](quire::findings const& found) {
            for (auto const& one : found) {
                text += std::to_string(one.page.value()) + ": " + one.text + '\n';
            }
        };
        (add(trees.check(reached)), ...);
        add(db->check(reached));
        return text;
    }

    std::optional<quire::redo_log<Backend>> log;
    std::optional<pool_type> pool;
    std::optional<typename pool_type::file> file;
    std::optional<quire::catalog<pool_type>> db;

private:
    void end() {
        db.reset();
        file.reset();
        pool.reset();
        log.reset();
    }

    typename Backend::options disk_;
    bool logged_;
    std::size_t frames_;
};

}  // namespace quire_test
