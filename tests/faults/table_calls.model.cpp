// SPDX-License-Identifier: BSL-1.0

/// A history of a table with two indexes, with and without a log x every fault x the n-th call of
/// its kind, for n = 0, 1, 2, ... until no call is left; in a pool of few frames, so that
/// operations read and write.
///
/// An operation succeeds in spite of the fault, or throws and has changed nothing: afterwards the
/// table has the rows of those that succeeded, and its indexes agree. Pages that an operation added
/// before it failed may remain, and belong to the heap file.

#include <quire/table/table.hpp>

#include <quire/io/memory_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "table/item.hpp"

#include <cerrno>
#include <map>
#include <set>

using quire::record_id;
using quire::testing::fault_plan;
using quire::testing::io_call;
using quire::testing::io_fault;
using quire_test::figure;
using quire_test::item;

namespace {

using backend_type = quire::testing::faulty_backend<quire::memory_backend>;
using pool_type = quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, backend_type>;
using log_type = quire::redo_log<backend_type>;
using table_type = quire::basic_table<pool_type, item, quire::unique<&item::number>,
                                      quire::indexed<&item::group>>;

struct planned {
    io_call call;
    io_fault what;
    int error;
    std::uint64_t every;
};
std::vector<planned> const all_faults = {
    {io_call::read, io_fault::fails, EIO, 0},      {io_call::read, io_fault::shortens, 0, 0},
    {io_call::write, io_fault::fails, EIO, 0},     {io_call::write, io_fault::fails, ENOSPC, 1},
    {io_call::sync, io_fault::fails, EIO, 0},      {io_call::resize, io_fault::fails, ENOSPC, 0},
    {io_call::resize, io_fault::fails, ENOSPC, 1},
};

class history {
public:
    explicit history(bool logged) {
        quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
        backend_type::options const backend{disk, plan};
        log_.emplace("log", quire::redo_log_options<backend_type>{.bytes = 1 << 20,
                                                                  .backend = backend});
        pool_.emplace(
            quire::pool_options<backend_type>{
                .frames = 14,
                .frame_wait_max = std::chrono::nanoseconds{0},
                .on_loss = [](std::string const&, quire::error const&) {},
                .backend = backend},
            *log_);
        file_ = pool_->open("f", quire::open_mode::open_or_create, {.logged = logged});
        db_.emplace(*pool_, *file_);
        table_.emplace(*db_, "items");
        for (int i = 0; i < 40; ++i) { insert(i % 20); }
        file_->flush();
    }
    ~history() {
        table_.reset();
        file_->close(quire::unwritten::discard);
    }
    history(history const&) = delete;
    history& operator=(history const&) = delete;

    std::shared_ptr<fault_plan> plan = std::make_shared<fault_plan>();
    std::uint64_t failed = 0;

    void run() {
        for (std::size_t round = 0; round < 4; ++round) {
            attempt([&] { insert(60); });
            attempt([&] { update(round * 5, 300); });
            attempt([&] { erase(round); });
            attempt([&] { file_->write_back(); });
            attempt([&] { update(round * 7 + 1, 3); });
            attempt([&] { insert(200); });
            attempt([&] { file_->flush(); });
            attempt([&] { update(round * 5, 350); });
            for (int i = 0; i < 6; ++i) {
                attempt([&] { erase(0); });
            }
        }
    }
    void judge() {
        plan->clear();
        std::set<quire::page_no> reached;
        auto found = table_->check(reached);
        for (auto const& one : db_->check(reached)) { found.push_back(one); }
        for (auto const& one : found) {
            FAIL("page " << one.page.value() << ": " << one.text);
        }
        std::map<record_id, item> rows;
        table_->scan([&](record_id id, auto const& row) {
            rows.emplace(id, row.template load<item>());
        });
        REQUIRE(rows == rows_);
    }

private:
    template <class Act>
    void attempt(Act act) {
        try {
            act();
        } catch (quire::error const&) { ++failed; }
    }
    [[nodiscard]] item some_item(std::size_t size) {
        ++number_;
        return {number_, std::to_string(number_ % 3), std::string(size, 't')};
    }
    [[nodiscard]] auto row_at(std::size_t i) {
        return std::next(rows_.begin(), static_cast<long>(i % rows_.size()));
    }
    void insert(int size) {
        auto const row = some_item(static_cast<std::size_t>(size));
        auto const id = table_->insert(row);
        rows_.emplace(id, row);
    }
    void update(std::size_t i, std::size_t size) {
        auto const at = row_at(i);
        auto const row = some_item(size);
        table_->update(at->first, [&](item& is) { is = row; });
        at->second = row;
    }
    void erase(std::size_t i) {
        auto const at = row_at(i);
        table_->erase(at->first);
        rows_.erase(at);
    }

    std::optional<log_type> log_;
    std::optional<pool_type> pool_;
    std::optional<pool_type::file> file_;
    std::optional<quire::catalog<pool_type>> db_;
    std::optional<table_type> table_;
    std::map<record_id, item> rows_;
    std::uint32_t number_ = 0;
};

void run(bool logged) {
    std::uint64_t runs = 0;
    std::uint64_t failed = 0;
    for (auto const& fault : all_faults) {
        for (std::uint64_t nth = 0;; ++nth) {
            INFO("call " << static_cast<int>(fault.call) << ", fault "
                         << static_cast<int>(fault.what) << ", the " << nth << "th");
            history one{logged};
            one.plan->add({.call = fault.call,
                           .nth = nth,
                           .what = fault.what,
                           .error = fault.error,
                           .every = fault.every});
            one.run();
            bool const fired = one.plan->fired() > 0;
            one.judge();
            if (!fired) { break; }
            ++runs;
            failed += one.failed;
        }
    }
    figure("faults in a table", runs);
    figure("operations of a table that failed", failed);
    CHECK(runs > 20);
    CHECK(failed > 20);
}

/// One row a page, as many as one directory page lists; then `nth` growth fails.
bool grow_at_a_full_directory_page(bool logged, std::uint64_t nth) {
    quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
    auto const plan = std::make_shared<fault_plan>();
    backend_type::options const backend{disk, plan};
    log_type log{"log", quire::redo_log_options<backend_type>{.bytes = 1 << 20,
                                                              .backend = backend}};
    pool_type pool{quire::pool_options<backend_type>{
                       .frames = 14,
                       .frame_wait_max = std::chrono::nanoseconds{0},
                       .on_loss = [](std::string const&, quire::error const&) {},
                       .backend = backend},
                   log};
    auto const file = pool.open("f", quire::open_mode::open_or_create, {.logged = logged});
    std::size_t rows = 0;
    bool fired = false;
    {
        quire::catalog<pool_type> db{pool, file};
        quire::heap_file<std::string, pool_type> heap{db, "heap"};
        auto const insert = [&] {
            heap.insert(std::string(440, 'r'));
            ++rows;
        };
        while (heap.pages() < 59) { insert(); }  // more than the pool's frames, group by group
        plan->add({.call = io_call::resize, .nth = nth, .what = io_fault::fails, .error = ENOSPC});
        for (int i = 0; i < 20; ++i) {
            try {
                insert();
            } catch (quire::error const&) {}
        }
        fired = plan->fired() > 0;
        plan->clear();
        std::set<quire::page_no> reached;
        auto found = heap.check(reached);
        for (auto const& one : db.check(reached)) { found.push_back(one); }
        for (auto const& one : found) {
            FAIL("page " << one.page.value() << ": " << one.text);
        }
        std::size_t told = 0;
        heap.scan([&](auto const&) { ++told; });
        REQUIRE(told == rows);
        insert();
        REQUIRE(heap.pages() > 59);
    }
    file.close(quire::unwritten::discard);
    return fired;
}

}  // namespace

TEST_CASE("heap_file: growth that fails at a full directory page changes nothing") {
    for (bool const logged : {false, true}) {
        std::uint64_t nth = 0;
        while (grow_at_a_full_directory_page(logged, nth)) { ++nth; }
        CHECK(nth > 3);
    }
}

TEST_CASE("table: the n-th call fails, without a log") { run(false); }
TEST_CASE("table: the n-th call fails, with a log") { run(true); }
