// SPDX-License-Identifier: BSL-1.0

/// A history of a catalog, with and without a log x every fault x the n-th call of its kind, for
/// n = 0, 1, 2, ... until no call is left; in a pool of few frames, so that operations read and
/// write.
///
/// An operation succeeds in spite of the fault, or throws and has changed nothing: afterwards the
/// pages in use are those of the operations that succeeded, with what these wrote, and the catalog
/// contradicts itself nowhere. The chain of names grows, too. After an error that stops the file,
/// reads still say so.

#include <quire/table/catalog.hpp>

#include <quire/io/memory_backend.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "page/page_buffer.hpp"

#include <cerrno>
#include <map>
#include <set>

using quire::heap_page;
using quire::page_no;
using quire::testing::fault_plan;
using quire::testing::io_call;
using quire::testing::io_fault;
using quire_test::figure;

namespace {

using backend_type = quire::testing::faulty_backend<quire::memory_backend>;
using pool_type = quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, backend_type>;
using log_type = quire::redo_log<backend_type>;
using catalog_type = quire::catalog<pool_type>;

struct planned {
    io_call call;
    io_fault what;
    int error;
    std::uint64_t every;
};
std::vector<planned> const all_faults = {
    {io_call::read, io_fault::fails, EIO, 0},      {io_call::read, io_fault::shortens, 0, 0},
    {io_call::write, io_fault::fails, EIO, 0},     {io_call::write, io_fault::fails, ENOSPC, 1},
    {io_call::write, io_fault::shortens, ENOSPC, 0}, {io_call::sync, io_fault::fails, EIO, 0},
    {io_call::resize, io_fault::fails, ENOSPC, 0}, {io_call::resize, io_fault::fails, ENOSPC, 1},
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
                .frames = 9,
                .frame_wait_max = std::chrono::nanoseconds{0},
                .on_loss = [](std::string const&, quire::error const&) {},
                .backend = backend},
            *log_);
        file_ = pool_->open("f", quire::open_mode::open_or_create, {.logged = logged});
        db_.emplace(*pool_, *file_);
        for (int i = 0; i < 12; ++i) { allocate(1); }
        file_->flush();
    }
    ~history() { file_->close(quire::unwritten::discard); }
    history(history const&) = delete;
    history& operator=(history const&) = delete;

    std::shared_ptr<fault_plan> plan = std::make_shared<fault_plan>();
    std::uint64_t failed = 0;

    /// Of the chain behind page 0.
    [[nodiscard]] std::uint64_t pages_of_names() const {
        std::uint64_t count = 0;
        auto const first = file_->read<quire::catalog_page>(0);
        for (page_no no = first->next(); no.value() != 0; ++count) {
            auto const names = file_->read<quire::names_page>(no);
            no = names->next();
        }
        return count;
    }
    void run() {
        for (int round = 0; round < 3; ++round) {
            attempt([&] { allocate(2); });
            attempt([&] { free_first_and_allocate(2); });
            attempt([&] { add_root("r" + std::to_string(round)); });
            attempt([&] { free_first_and_allocate(0); });
            attempt([&] { file_->flush(); });
            attempt([&] { free_first_and_allocate(1); });
        }
    }
    void judge() {
        plan->clear();
        for (auto const& f : db_->check()) {
            FAIL("page " << f.page.value() << ": " << f.text);
        }
        for (auto const& [no, stamp] : used_) {
            auto const page = file_->read<heap_page>(no);
            REQUIRE(text_in(*page.operator->(), quire::slot_id{0}) == stamp);
        }
        auto const map = file_->read<quire::allocation_page>(1);
        REQUIRE(map->used() - 1 == used_.size() + pages_of_names());
        REQUIRE(db_->roots().size() == roots_.size());
    }

private:
    template <class Act>
    void attempt(Act act) {
        try {
            act();
        } catch (quire::error const&) { ++failed; }
    }
    void write_stamp(auto& page, std::uint64_t& no, std::string& stamp) {
        stamp = std::to_string(++stamps_);
        REQUIRE(page->insert(bytes_of(stamp)));
        no = page.page_no().value();
    }
    void allocate(std::size_t count) { change(0, count); }
    void free_first_and_allocate(std::size_t count) {
        auto first = used_.begin();
        while (roots_.contains(first->first)) { ++first; }
        change(first->first, count);
    }
    void change(std::uint64_t to_free, std::size_t count) {
        std::map<std::uint64_t, std::string> made;
        db_->in_one_change([&](auto& pages) {
            made.clear();
            if (to_free != 0) { db_->hold_to_free(pages, to_free); }
            for (std::size_t i = 0; i < count; ++i) {
                auto page = db_->template allocate<heap_page>(pages);
                std::uint64_t no = 0;
                std::string stamp;
                write_stamp(page, no, stamp);
                made[no] = stamp;
            }
            if (to_free != 0) { db_->free(pages, to_free); }
        });
        used_.erase(to_free);
        used_.merge(made);
        REQUIRE(made.empty());
    }
    void add_root(std::string const& name) {
        std::uint64_t no = 0;
        std::string stamp;
        std::uint64_t more_no = 0;
        std::string more_stamp;
        std::string const schema(330, 's');  // a page has room for one
        db_->root(name, quire::root_kind::btree, schema, [&](auto& pages, page_no at,
                                                          std::uint32_t) {
            auto page = pages.template format<heap_page>(*file_, at);
            write_stamp(page, no, stamp);
            if (file_->is_logged()) { return; }
            auto more = db_->template allocate<heap_page>(pages);  // which may fail: no undo then
            write_stamp(more, more_no, more_stamp);
        });
        used_[no] = stamp;
        if (more_no != 0) { used_[more_no] = more_stamp; }
        roots_.insert(no);
    }

    std::optional<log_type> log_;
    std::optional<pool_type> pool_;
    std::optional<pool_type::file> file_;
    std::optional<catalog_type> db_;
    std::map<std::uint64_t, std::string> used_;
    std::set<std::uint64_t> roots_;
    std::uint64_t stamps_ = 0;
};

void run(bool logged) {
    std::uint64_t runs = 0;
    std::uint64_t failed = 0;
    std::uint64_t grown = 0;
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
            grown += one.pages_of_names();
        }
    }
    figure("faults in a catalog", runs);
    figure("operations of a catalog that failed", failed);
    CHECK(runs > 20);
    figure("pages of names", grown);
    CHECK(failed > 20);
    CHECK(grown > runs);  // up to two in each
}

}  // namespace

TEST_CASE("catalog: one whose making failed is made by the next") {
    std::uint64_t failed = 0;
    for (std::uint64_t nth = 0; nth < 3; ++nth) {
        INFO("growth " << nth);
        quire::memory_backend::options const disk{quire::memory_store_ptr::make()};
        auto const plan = std::make_shared<fault_plan>();
        pool_type pool{{.frames = 9, .backend = {disk, plan}}};
        auto const file = pool.open("f", quire::open_mode::open_or_create);
        plan->add({.call = io_call::resize, .nth = nth});
        try {
            catalog_type const db{pool, file};
        } catch (quire::error const& e) {
            CHECK(e.kind() == quire::errc::grow_failed);
            ++failed;
        }
        plan->clear();
        catalog_type const db{pool, file};
        CHECK(file.pages() == 2);
        CHECK(db.check().empty());
    }
    CHECK(failed == 2);
}

TEST_CASE("catalog: the n-th call fails, without a log") { run(false); }
TEST_CASE("catalog: the n-th call fails, with a log") { run(true); }
