// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

// A file of tables that was logged knows which log it needs (catalog.hpp). Likewise over every
// moment of a loss of power: crash/needed_log.model.cpp. What breaks when a rule is left out:
//
//   page 0 is not written before the first change     nothing refuses the file without its log
//   close marks the file before it has written all    a crash leaves half of it, and no refusal
//   close marks the file before the log forgets it    used without the log, then opened with it,
//                                                     it becomes what it was
//   close does not take the mark back                 a closed file is refused
//   a failed close leaves the mark taken back         the next crash is not seen
//   how old the log is, is not compared               an older copy of the log passes
//   page 0 is asked after the replay                  a log that turns up again writes old pages
//   the file's name is not compared                   a file that was renamed after a crash lacks
//                                                     what the log has of its old name, or gets
//                                                     what it has of another file
//   the name is made again when the file joins        the program's folder may be another then
//   an opening is looked up in the history alone      after many openings no replay is possible
//   the mark that failed is taken for made            the file never joins its log
//   close believes what it did, not page 0            a mark that failed on the way stays

#include <quire/borrow/raw_page.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "pool/calls.hpp"
#include "table/tree_world.hpp"
#include "table/world.hpp"

#include <filesystem>

using quire::errc;
using quire_test::refusal;

namespace {

using world = table_world<512>;
using catalog_type = quire::catalog<world::pool_type>;
using bytes_type = std::vector<std::byte>;

std::uint64_t grow(catalog_type& db) {
    std::uint64_t no = 0;
    db.in_one_change([&](auto& pages) {
        auto const page = db.allocate<quire::heap_page>(pages);
        no = page.page_no().value();
    });
    return no;
}
std::uint64_t needed_log(world& w) {
    return quire::load_le<std::uint64_t>(w.disk.store->bytes("f").data() + 72);
}
bool is_marked_closed(world& w) { return w.disk.store->bytes("f").at(68) == std::byte{1}; }
/// A file with one page more than a catalog has, which was not closed.
void leave_open(world& w) {
    {
        catalog_type db{*w.pool, w.file()};
        CHECK(grow(db) == 2);
        w.log->sync(w.log->end());
    }
    w.logged = false;  // who comes next does not know of the log
}
/// Close gets so far that page 0 is marked, and then a page is in use.
void fail_to_close(auto const& file, auto& db) {
    auto const pin = file.pin(2);
    CHECK(refusal([&] { db.close(); }) == errc::in_use);
}
std::optional<errc> opening(world& w) {
    return refusal([&] { catalog_type{*w.pool, w.file()}; });
}

}  // namespace

TEST_CASE("needed_log: page 0 names the log durably before the first change") {
    world w{true};
    catalog_type db{*w.pool, w.file()};
    CHECK(needed_log(w) == w.log->history().log);
    CHECK(w.log->history().log != 0);
}

TEST_CASE("needed_log: a file that was closed needs none, and was closed cleanly") {
    bool const changed = GENERATE(false, true);
    world w{true};
    {
        catalog_type db{*w.pool, w.file()};
        if (changed) { grow(db); }
        db.close();
    }
    CHECK(needed_log(w) == 0);
    CHECK(is_marked_closed(w));
    SECTION("without a log") {
        w.opened = w.pool->open("f");
        catalog_type db{*w.pool, w.file()};
        CHECK(db.was_closed_cleanly());
        CHECK(db.check().empty());
        CHECK(w.file().pages() == (changed ? 3U : 2U));
    }
    SECTION("with another log") {
        w.disk.store->assign("log", {});
        w.start_again();
        catalog_type db{*w.pool, w.file()};
        CHECK(db.was_closed_cleanly());
        CHECK(needed_log(w) == w.log->history().log);
    }
}

TEST_CASE("needed_log: without the log that it needs a file is refused") {
    world w{true};
    leave_open(w);
    auto const its = w.log->history().log;
    SECTION("by a pool that has none") {
        w.disk.store->assign("log", {});
        w.crash();
        CHECK(opening(w) == errc::needs_log);
        CHECK(opening(w) == errc::needs_log);
        CHECK(needed_log(w) == its);
    }
    SECTION("by a pool that has another, of any length") {
        w.disk.store->assign("log", {});
        w.crash();
        for (int i = 0; i < 9; ++i) {
            w.pool->open("g", quire::open_mode::open_or_create, {.logged = true}).close();
        }
        w.logged = true;
        w.crash();
        CHECK(w.log->history().log != its);
        CHECK(opening(w) == errc::log_mismatch);
        CHECK(needed_log(w) == its);
    }
    SECTION("with its own it is as it was") {
        w.logged = true;
        w.crash();
        catalog_type db{*w.pool, w.file()};
        CHECK(db.was_closed_cleanly());
        CHECK(w.file().pages() == 3);
    }
}

TEST_CASE("needed_log: a copy from before the log was opened is refused") {
    world w{true};
    {
        catalog_type db{*w.pool, w.file()};
        grow(db);
        db.close();
    }
    auto const older = w.disk.store->bytes("log");
    w.start_again();
    { catalog_type db{*w.pool, w.file()}; }
    SECTION("with its own log it is opened") {
        w.crash();
        CHECK(opening(w) == std::nullopt);
        CHECK(opening(w) == std::nullopt);  // in the same life, too
    }
    SECTION("with the copy it is not") {
        w.file().close(quire::unwritten::discard);
        w.disk.store->assign("log", older);
        w.start_again();
        for (int i = 0; i < 3; ++i) {  // whatever is written into the copy
            CHECK(opening(w) == errc::log_mismatch);
            w.crash();
        }
    }
}

TEST_CASE("needed_log: a lost log can be accepted, and then it is like a crash without one") {
    bool const logged_again = GENERATE(false, true);
    world w{true};
    leave_open(w);
    w.disk.store->assign("log", {});
    w.logged = logged_again;
    w.crash();
    {
        catalog_type db{*w.pool, w.file(), quire::lost_log::accepted};
        CHECK_FALSE(db.was_closed_cleanly());
        grow(db);
        CHECK(needed_log(w) == (logged_again ? w.log->history().log : 0));
        db.close();
    }
    CHECK(needed_log(w) == 0);
    CHECK_FALSE(is_marked_closed(w));
    w.opened = w.pool->open("f");
    {
        catalog_type db{*w.pool, w.file()};
        CHECK_FALSE(db.was_closed_cleanly());
        db.accept_after_crash();
        db.close();
    }
    w.opened = w.pool->open("f");
    CHECK(catalog_type{*w.pool, w.file()}.was_closed_cleanly());
}

TEST_CASE("needed_log: what was not accepted stays in doubt, whatever is opened and closed since") {
    world w{false};
    {
        catalog_type db{*w.pool, w.file()};
        grow(db);
        w.file().flush();
    }
    w.logged = true;
    w.crash();  // of a file without a log
    for (int i = 0; i < 3; ++i) {
        {
            catalog_type db{*w.pool, w.file()};
            CHECK_FALSE(db.was_closed_cleanly());
            grow(db);
            w.file().flush();
        }
        { CHECK_FALSE(catalog_type{*w.pool, w.file()}.was_closed_cleanly()); }
        w.crash();
    }
    {
        catalog_type db{*w.pool, w.file()};
        db.close();
    }
    w.start_again();
    {
        catalog_type db{*w.pool, w.file()};
        CHECK_FALSE(db.was_closed_cleanly());
        db.accept_after_crash();
        db.close();
    }
    w.start_again();
    CHECK(catalog_type{*w.pool, w.file()}.was_closed_cleanly());
}

TEST_CASE("needed_log: what is accepted is accepted, also when nothing is changed") {
    world w{true};
    leave_open(w);
    w.disk.store->assign("log", {});
    w.crash();
    {
        catalog_type db{*w.pool, w.file(), quire::lost_log::accepted};
        CHECK(db.check().empty());
        db.accept_after_crash();
        db.close();
    }
    w.opened = w.pool->open("f");
    CHECK(catalog_type{*w.pool, w.file()}.was_closed_cleanly());
}

TEST_CASE("needed_log: a log forgets its openings one by one") {
    quire::log_history log{.log = 1};
    for (std::uint64_t i = 1; i <= 60; ++i) { log.add(i); }
    CHECK(log.now() == quire::log_opening{1, 60});
    CHECK(log.has({1, 60}));
    CHECK(log.has({1, 5}));
    CHECK_FALSE(log.has({1, 4}));
    CHECK_FALSE(log.has({2, 60}));
}

TEST_CASE("needed_log: after a close that failed the file needs its log again") {
    world w{true};
    catalog_type db{*w.pool, w.file()};
    grow(db);
    fail_to_close(w.file(), db);
    CHECK(needed_log(w) == 0);
    grow(db);
    CHECK(needed_log(w) == w.log->history().log);
    auto const count = w.file().pages();
    w.log->sync(w.log->end());
    w.crash();  // the log has the file again
    CHECK(w.file().pages() == count);
    catalog_type again{*w.pool, w.file()};
    again.close();
    CHECK(needed_log(w) == 0);
}

TEST_CASE("needed_log: a log that was lost and found is not replayed over what came since") {
    bool const is_accepted_by_a_log = GENERATE(false, true);
    world w{true};
    leave_open(w);
    auto const lost = w.disk.store->bytes("log");
    w.disk.store->assign("log", {});
    w.logged = is_accepted_by_a_log;
    w.crash();
    bool const is_closed = GENERATE(true, false);
    {
        catalog_type db{*w.pool, w.file(), quire::lost_log::accepted};
        grow(db);
        grow(db);
        w.file().flush();
        if (is_closed) { db.close(); }
    }
    if (!is_closed) { w.file().close(quire::unwritten::discard); }
    auto const file = w.disk.store->bytes("f");
    w.opened.reset();
    w.pool.reset();
    w.log.reset();
    w.disk.store->assign("log", lost);
    w.logged = true;
    CHECK(refusal([&] { w.start_again(); }) == errc::log_mismatch);
    CHECK(w.disk.store->bytes("f") == file);
    SECTION("until the records are dropped") {
        w.pool->forget("f");
        w.opened = w.pool->open("f", quire::open_mode::read_write, {.logged = true});
        auto const without = is_closed ? quire::lost_log::refused : quire::lost_log::accepted;
        catalog_type db{*w.pool, w.file(), without};
        CHECK(w.file().pages() == file.size() / 512);
        CHECK(db.check().empty());
    }
}

TEST_CASE("needed_log: records of no page do not make a file shorter that grew without its log") {
    world w{true};
    {
        catalog_type db{*w.pool, w.file()};
        db.close();
    }
    w.opened = w.pool->open("f", quire::open_mode::read_write, {.logged = true});
    w.log->sync(w.log->end());
    auto const lost = w.disk.store->bytes("log");  // it knows that the file is open, with 2 pages
    w.disk.store->assign("log", {});
    w.logged = false;
    w.crash();
    {
        catalog_type db{*w.pool, w.file()};
        grow(db);
        db.close();
    }
    w.opened.reset();
    w.pool.reset();
    w.log.reset();
    w.disk.store->assign("log", lost);
    w.logged = true;
    CHECK(refusal([&] { w.start_again(); }) == errc::log_mismatch);
}

TEST_CASE("needed_log: a file that was replayed outlives the next crash, too") {
    world w{true};
    for (std::uint64_t pages = 3; pages < 8; ++pages) {
        {
            catalog_type db{*w.pool, w.file()};
            CHECK(db.was_closed_cleanly());
            grow(db);
            w.log->sync(w.log->end());
        }
        w.crash();
        CHECK(w.file().pages() == pages);
    }
}

TEST_CASE("needed_log: a file whose making crashed is made by the next life, and outlives that") {
    world w{true};  // the log has the name of an empty file
    w.crash();
    {
        catalog_type db{*w.pool, w.file()};
        grow(db);
        w.log->sync(w.log->end());
    }
    bool const is_flushed = GENERATE(false, true);
    if (is_flushed) { w.file().write_back(); }
    w.crash();
    CHECK(w.file().pages() == 3);
    catalog_type db{*w.pool, w.file()};
    CHECK(db.was_closed_cleanly());
}

TEST_CASE("needed_log: a file that is put in the place of another one is not replayed into") {
    world w{true};
    leave_open(w);
    w.logged = true;
    w.file().close(quire::unwritten::discard);
    w.start_again();
    auto const other = w.pool->open("g", quire::open_mode::open_or_create, {.logged = true});
    {
        catalog_type db{*w.pool, other};
        grow(db);
        w.log->sync(w.log->end());
    }
    auto other_file = other;
    other_file.close(quire::unwritten::discard);
    w.file().close(quire::unwritten::discard);
    auto const moved = w.disk.store->bytes("f");
    w.disk.store->assign("g", moved);
    w.start_again();
    CHECK(refusal([&] {
              w.opened = w.pool->open("g", quire::open_mode::read_write, {.logged = true});
          }) == errc::log_mismatch);
    CHECK(w.disk.store->bytes("g") == moved);
}

TEST_CASE("needed_log: the log's name of a file is that of its opening, whatever folder comes") {
    world w{true};
    {
        catalog_type db{*w.pool, w.file()};
        db.close();
    }
    w.opened = w.pool->open("f", quire::open_mode::read_write, {.logged = true});
    auto const folder = std::filesystem::current_path();
    std::filesystem::current_path("/");
    {
        catalog_type db{*w.pool, w.file()};
        grow(db);
        w.log->sync(w.log->end());
    }
    std::filesystem::current_path(folder);
    w.crash();
    CHECK(w.file().pages() == 3);
    CHECK(opening(w) == std::nullopt);
}

TEST_CASE("needed_log: a file waits for its replay however often its log is opened") {
    world w{true};
    leave_open(w);
    w.file().close(quire::unwritten::discard);
    w.opened.reset();
    w.pool.reset();
    w.log.reset();
    for (int i = 0; i < 60; ++i) {
        quire::redo_log<quire::memory_backend> const log{"log", {.backend = w.disk}};
    }
    w.logged = true;
    w.start_again();
    catalog_type db{*w.pool, w.file()};
    CHECK(db.was_closed_cleanly());
    CHECK(w.file().pages() == 3);
}

namespace {

using faulty = quire::testing::faulty_backend<quire::memory_backend>;

struct faulty_world {
    using world_type = quire_test::tree_world<512, quire::s3_fifo, quire::hybrid_latch, faulty>;
    using db_type = quire::catalog<world_type::pool_type>;

    std::shared_ptr<quire::testing::fault_plan> faults =
        std::make_shared<quire::testing::fault_plan>();
    quire::memory_store_ptr store = quire::memory_store_ptr::make();
    world_type w;

    explicit faulty_world(bool logged = true)
        : w{logged, 32, {.inner = {store}, .faults = faults}} {}
    void fail_next(quire::testing::io_call call) {
        faults->add({.call = call, .nth = 0});
    }
    void grow() {
        w.db->in_one_change(
            [&](auto& pages) { auto const page = w.db->allocate<quire::heap_page>(pages); });
    }
    [[nodiscard]] bool is_marked_closed() const {
        auto const bytes = store->bytes("f");
        return bytes.at(68) == std::byte{1} &&
               quire::load_le<std::uint64_t>(bytes.data() + 72) == 0;
    }
};

}  // namespace

TEST_CASE("needed_log: a mark that failed is made by the next attempt") {
    faulty_world f;
    f.w.stop();
    f.w.start();
    f.grow();
    fail_to_close(*f.w.file, *f.w.db);
    f.fail_next(quire::testing::io_call::write);
    CHECK(refusal([&] { f.grow(); }) == errc::write_failed);
    SECTION("and the file is changed on, and outlives a crash") {
        f.grow();
        f.w.log->sync(f.w.log->end());
        f.w.die();
        f.w.start();
        CHECK(f.w.file->pages() == 4);
        CHECK(f.w.db->was_closed_cleanly());
    }
    SECTION("or taken back by close") {
        f.w.db->close();
        CHECK(f.is_marked_closed());
    }
}

TEST_CASE("needed_log: without a log, too, close takes back a mark that failed") {
    faulty_world f{false};
    f.grow();
    f.w.stop();
    CHECK(f.is_marked_closed());
    f.w.start();
    f.fail_next(quire::testing::io_call::write);
    CHECK(refusal([&] { f.grow(); }) == errc::write_failed);
    f.w.stop();
    CHECK(f.is_marked_closed());
}

TEST_CASE("needed_log: a file that cannot be asked is not replayed") {
    faulty_world f;
    f.grow();
    f.w.log->sync(f.w.log->end());
    f.w.file->write_back();
    f.w.die();
    auto const lost = f.store->bytes("log");
    {
        table_world<512>::pool_type pool{{.backend = {f.store}}};
        auto const file = pool.open("f");
        catalog_type db{pool, file, quire::lost_log::accepted};
        grow(db);
        db.close();
    }
    f.store->assign("log", lost);
    auto const before = f.store->bytes("f");
    bool has_failed = true;
    for (std::uint64_t nth = 0; has_failed; ++nth) {
        f.faults->add({.call = quire::testing::io_call::read, .nth = nth});
        auto const fired = f.faults->fired();
        auto const why = refusal([&] { f.w.start(); });
        has_failed = f.faults->fired() > fired;
        INFO(nth);
        CHECK(why.has_value());
        CHECK((has_failed || why == errc::log_mismatch));
        f.faults->clear();
        f.w.db.reset();
        f.w.file.reset();
        f.w.pool.reset();
        f.w.log.reset();
        CHECK((f.store->bytes("f") == before));
    }
}

TEST_CASE("needed_log: a torn page 0 says all the same which log it needs") {
    world w{true};
    {
        catalog_type db{*w.pool, w.file()};
        grow(db);
        w.log->sync(w.log->end());
        w.file().flush();
    }
    w.file().close(quire::unwritten::discard);
    auto torn = w.disk.store->bytes("f");
    torn.at(500) = std::byte{0xEE};
    w.disk.store->assign("f", torn);
    w.start_again();
    catalog_type db{*w.pool, w.file()};
    CHECK(db.was_closed_cleanly());
    CHECK(w.file().pages() == 3);
    CHECK(db.check().empty());
}

TEST_CASE("needed_log: by another name than its log knows a file is refused") {
    world w{true};
    leave_open(w);
    w.logged = true;
    w.file().close(quire::unwritten::discard);
    w.disk.store->assign("g", w.disk.store->bytes("f"));
    w.start_again();
    auto const file = w.pool->open("g", quire::open_mode::read_write, {.logged = true});
    CHECK(refusal([&] { catalog_type{*w.pool, file}; }) == errc::log_mismatch);
    catalog_type db{*w.pool, file, quire::lost_log::accepted};
    CHECK_FALSE(db.was_closed_cleanly());
    db.accept_after_crash();
    db.close();
    auto const again = w.pool->open("g", quire::open_mode::read_write, {.logged = true});
    CHECK(catalog_type{*w.pool, again}.was_closed_cleanly());
}

TEST_CASE("needed_log: a file between its log and its end is not changed by the pool") {
    world w{true};
    catalog_type db{*w.pool, w.file()};
    grow(db);
    fail_to_close(w.file(), db);
    CHECK(needed_log(w) == 0);
    auto const change = [&](auto& pages) {
        auto const page = pages.template write<quire::heap_page>(w.file(), 2);
    };
    CHECK(refusal([&] { w.pool->change(change); }) == errc::in_use);
    CHECK(refusal([&] { w.file().truncate(1); }) == errc::in_use);
    CHECK(refusal([&] { auto const page = w.file().write(2); }) == errc::needs_change);
    w.file().close();
}

TEST_CASE("needed_log: a file that is open for reading only is not marked") {
    world w{true};
    {
        catalog_type db{*w.pool, w.file()};
        grow(db);
        db.close();
    }
    w.opened = w.pool->open("f", quire::open_mode::read_only, {.logged = true});
    catalog_type db{*w.pool, w.file()};
    CHECK(needed_log(w) == 0);
    CHECK(refusal([&] { grow(db); }) == errc::read_only);
    db.close();
    CHECK(needed_log(w) == 0);
}
