// SPDX-License-Identifier: BSL-1.0

/// A history of changes of two logged files x every fault x the n-th call of its kind, to a file
/// or to the log, for n = 0, 1, 2, ... until no call is left.
///
/// An operation succeeds in spite of the fault, or throws and has changed nothing that can be seen;
/// after that, as long as the log and the files take it, the history goes on. Then the process is
/// killed, or the power fails as well, and the next one finds the state after one of the changes:
/// all of it and of those before it; not before the last one that a sync covered.

#include "crash/logged_engine.hpp"

#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"

#include <algorithm>
#include <cerrno>

using quire::errc;
using quire::memory_store_ptr;
using quire::testing::crash_backend;
using quire::testing::crash_disk;
using quire::testing::fault_plan;
using quire::testing::faulty_backend;
using quire::testing::io_call;
using quire::testing::io_fault;
using namespace quire_test;

namespace {

using backend_type = faulty_backend<crash_backend>;
using engine_type = logged_engine<backend_type>;
using change_type = engine_type::change_type;

struct planned {
    io_call call;
    io_fault what;
    int error;
    std::uint64_t every;
};
std::vector<planned> const all_faults = {
    {io_call::read, io_fault::fails, EIO, 0},
    {io_call::read, io_fault::shortens, 0, 0},
    {io_call::read, io_fault::interrupts, 0, 0},
    {io_call::write, io_fault::fails, EIO, 0},
    {io_call::write, io_fault::fails, ENOSPC, 1},
    {io_call::write, io_fault::shortens, ENOSPC, 0},
    {io_call::write, io_fault::interrupts, 0, 0},
    {io_call::write, io_fault::delays, 0, 0},
    {io_call::sync, io_fault::fails, EIO, 0},
    {io_call::sync, io_fault::fails, EIO, 1},
    {io_call::sync, io_fault::interrupts, EINTR, 0},
    {io_call::resize, io_fault::fails, ENOSPC, 0},
    {io_call::resize, io_fault::fails, ENOSPC, 1},
    {io_call::open, io_fault::fails, EMFILE, 0},
    {io_call::close, io_fault::fails, EIO, 0},
};

struct findings {
    std::uint64_t runs = 0;
    std::uint64_t survived = 0;  ///< faults that no operation saw
    std::uint64_t undone = 0;    ///< changes that were refused
    std::uint64_t lost = 0;      ///< changes that no sync had covered, absent afterwards
};

class history {
public:
    history(generator& random, findings& found) : random_{random}, found_{found} {
        engine_.emplace(options());
        engine_->open_both();
        for (int i = 0; i < 3; ++i) { append(i % 2 == 0 ? 0 : 1); }
        change({{0, 0}, {1, 0}});
        engine_->log.sync(last_);
        synced_ = states_.size() - 1;
    }
    ~history() {
        if (engine_) { engine_->die(); }
    }
    history(history const&) = delete;
    history& operator=(history const&) = delete;

    std::shared_ptr<fault_plan> plan = std::make_shared<fault_plan>();

    void run() {
        attempt([&] { change({{0, 0}, {0, 1}}); });
        attempt([&] { sync(); });
        attempt([&] { append(1); });
        attempt([&] { change({{0, 0}, {1, 1}, {0, 1}, {1, 0}}); });
        attempt([&] { write_back(); });
        attempt([&] { append(0); });
        attempt([&] { checkpoint(); });
        attempt([&] { change({{1, 0}, {0, 0}}); });
        attempt([&] { truncate(0, 2); });
        attempt([&] { reopen(0); });
        attempt([&] { append(0); });
        attempt([&] { reopen(1); });
        attempt([&] { change({{0, 1}, {1, 0}}); });
        attempt([&] { sync(); });
        attempt([&] { change({{0, 0}, {0, 1}}); });
        for (int i = 0; i < 12; ++i) {  // more than the log's room
            attempt([&] { change({{0, 0}, {1, 0}, {0, 1}}); });
            if (i % 4 == 0) {
                attempt([&] { checkpoint(); });
            }
        }
        found_.survived += failed_ == 0 ? 1U : 0U;
    }
    void judge() {
        plan->clear();
        look_at_memory();
        auto const left = disk_->states();
        for (int i = 0; i < 2; ++i) {
            auto const again = std::make_shared<crash_disk>();
            for (auto const& [name, bytes] : any_state(left, random_)) {
                again->assign(name, bytes);
            }
            judge(again);
        }
        engine_->die();
        engine_.reset();
        judge(disk_);
    }

private:
    struct place {
        std::size_t file;
        std::uint64_t page;
    };

    [[nodiscard]] backend_type::options options() const { return {{disk_, {}}, plan}; }

    template <class Act>
    void attempt(Act act) {
        try {
            act();
        } catch (quire::error const&) {
            ++failed_;
            ++found_.undone;
        }
        open_what_is_closed();
    }
    /// A file whose opening failed is opened by a later operation.
    void open_what_is_closed() {
        for (std::size_t f = 0; f < 2; ++f) {
            if (engine_->files[f]) { continue; }
            try {
                engine_->open(f);
            } catch (quire::error const&) {}
        }
    }
    [[nodiscard]] bool both_are_open() const { return engine_->files[0] && engine_->files[1]; }

    void committed(content const& next, std::uint64_t at) {
        states_.push_back(next);
        last_ = at;
    }
    void set(change_type& c, place const& where, content& to) {
        auto page = c.write(*engine_->files[where.file], where.page);
        auto const bytes = page->bytes();
        for (std::size_t i = 0; i < arrays; ++i) {
            push(to[where.file][where.page], i, ++numbers_, bytes);
        }
    }
    void change(std::vector<place> const& places) {
        if (!both_are_open()) { return; }
        content next;
        auto const at = engine_->pool.change([&](change_type& c) {
            next = states_.back();
            for (auto const& where : places) {
                if (where.page < next[where.file].size()) { set(c, where, next); }
            }
        });
        committed(next, at);
    }
    void append(std::size_t file) {
        if (!both_are_open()) { return; }
        content next;
        auto const at = engine_->pool.change([&](change_type& c) {
            next = states_.back();
            next[file].emplace_back();
            auto const no = c.append(*engine_->files[file]).page_no();
            set(c, {file, no.value()}, next);
            if (!next[1 - file].empty()) { set(c, {1 - file, 0}, next); }
        });
        committed(next, at);
    }
    void truncate(std::size_t file, std::size_t pages) {
        if (!both_are_open() || states_.back()[file].size() <= pages) { return; }
        auto next = states_.back();
        next[file].resize(pages);
        auto const begin = engine_->log.end();
        try {
            engine_->files[file]->truncate(pages);
        } catch (quire::error const&) {
            if (engine_->log.end() != begin) { perhaps_ = next; }  // the log failed: unknown
            perhaps_after_ = states_.size();
            throw;
        }
        committed(next, engine_->log.end());
        synced_ = states_.size() - 1;
    }
    void sync() {
        engine_->log.sync(last_);
        synced_ = states_.size() - 1;
    }
    void checkpoint() {
        engine_->pool.checkpoint();
        synced_ = both_are_open() ? states_.size() - 1 : synced_;
    }
    void write_back() {
        for (auto& file : engine_->files) {
            if (file) { file->write_back(); }
        }
    }
    void reopen(std::size_t f) {
        auto& file = engine_->files[f];
        if (!file) { return; }
        try {
            file->close();
        } catch (quire::error const& why) {
            if (why.kind() == errc::close_failed) { file.reset(); }
            throw;
        }
        file.reset();
        engine_->open(f);
    }

    /// What no fault has touched is as after the last change.
    void look_at_memory() {
        if (!both_are_open()) { return; }
        try {
            auto const is = engine_->found();
            CHECK(is == states_.back());
        } catch (quire::error const& why) {  // dirty pages have all frames, and cannot be written
            INFO(why.what());
            CHECK((why.kind() == errc::sync_failed || why.kind() == errc::log_failed));
            CHECK(failed_ > 0);
        }
    }
    void judge(std::shared_ptr<crash_disk> const& disk) {
        logged_engine<crash_backend> after{{disk, {}}};
        after.open_both();
        auto const is = after.found();
        bool const was = std::find(states_.begin() + static_cast<std::ptrdiff_t>(synced_),
                                   states_.end(), is) != states_.end();
        CHECK((was || (perhaps_ && is == *perhaps_ && perhaps_after_ == states_.size())));
        found_.lost += is == states_.back() ? 0U : 1U;
        after.die();
    }

    generator& random_;
    findings& found_;
    std::shared_ptr<crash_disk> disk_ = std::make_shared<crash_disk>();
    std::optional<engine_type> engine_;
    std::vector<content> states_{content{}};
    std::optional<content> perhaps_;
    std::size_t perhaps_after_ = 0;  ///< of states_
    std::size_t synced_ = 0;
    std::uint64_t last_ = 0;  ///< LSN
    std::uint64_t numbers_ = 0;
    std::uint64_t failed_ = 0;
};

/// A log with records of changes, all synced, and two files as they were before.
struct rotting {
    using engine_type = logged_engine<quire::memory_backend>;

    rotting() {
        auto const store = memory_store_ptr::make();
        engine_type e{{store}};
        e.open_both();
        for (std::uint64_t i = 1; i < 30; ++i) {
            e.log.sync(e.pool.change([&](engine_type::change_type& c) {
                auto& file = *e.files[i % 2];
                auto const pages = file.pages();
                auto page = i < 5 ? c.append(file) : c.write(file, i % pages);
                auto const in_page = page->bytes();
                page_content is{};
                for (std::size_t k = 0; k < is.size(); ++k) {
                    is[k] = in_page.template load<std::uint64_t>(place_of(k));
                }
                push(is, i % 4, i, in_page);
            }));
            if (i == 8) { e.pool.checkpoint(); }
            if (i == 12) { e.files[0]->truncate(1); }
        }
        expected = e.found();
        e.die();
        for (auto const* name : {"log", "a", "b"}) { bytes.emplace(name, store->bytes(name)); }
    }
    /// Nothing: as expected.
    [[nodiscard]] std::optional<errc> what_is_found() const {
        auto const store = memory_store_ptr::make();
        for (auto const& [name, content] : bytes) { store->assign(name, content); }
        try {
            engine_type e{{store}};
            try {
                e.open_both();
                CHECK(e.found() == expected);
            } catch (...) {
                e.die();
                throw;
            }
            e.die();
        } catch (quire::error const& why) { return why.kind(); }
        return std::nullopt;
    }

    content expected;
    disk_state bytes;
};

}  // namespace

TEST_CASE("faults: a flipped bit in a pool's log is an error, or harmless", "[long][faults]") {
    quire_test::test_random random;
    rotting disk;
    REQUIRE(disk.what_is_found() == std::nullopt);
    std::uint64_t refused = 0;
    std::uint64_t harmless = 0;
    auto& log = disk.bytes.at("log");
    for (std::size_t at = 0; at < log.size(); at += random.between(1, quire_test::amount(60, 2))) {
        CAPTURE(at);
        auto const bit = std::byte{1} << random.below(8);
        log[at] ^= bit;
        auto const wrong = disk.what_is_found();
        log[at] ^= bit;
        CHECK((!wrong || wrong == errc::log_corrupt));
        (wrong ? refused : harmless) += 1;
    }
    std::cout << refused << " flipped bits refused, " << harmless << " harmless\n";
    CHECK(refused > 0);
    CHECK(harmless > 0);
}

TEST_CASE("faults: a file that was cut to make room is opened on a full disk") {
    using full_backend = faulty_backend<quire::memory_backend>;
    auto const store = memory_store_ptr::make();
    auto const plan = std::make_shared<fault_plan>();
    full_backend::options const disk{{store}, plan};
    {
        logged_engine<full_backend> e{disk};
        e.open(0);
        for (int i = 0; i < 6; ++i) {
            e.pool.change([&](auto& c) { static_cast<void>(c.append(*e.files[0]).page_no()); });
        }
        e.files[0]->truncate(2);
        e.die();
    }
    plan->add({.call = io_call::resize, .error = ENOSPC, .every = 1});
    logged_engine<full_backend> e{disk};
    e.open(0);
    CHECK(e.files[0]->pages() == 2);
    e.die();
}

TEST_CASE("faults: changes of logged files, every call", "[long][faults]") {
    quire_test::test_random random;
    findings found;
    for (auto const& fault : all_faults) {
        std::uint64_t fired = 1;
        for (std::uint64_t nth = 0; fired > 0; ++nth) {
            CAPTURE(static_cast<int>(fault.call), static_cast<int>(fault.what), fault.error,
                    fault.every, nth);
            history one{random, found};
            one.plan->add({fault.call, nth, fault.what, fault.error, fault.every});
            one.run();
            fired = one.plan->fired();
            one.judge();
            ++found.runs;
        }
    }
    std::cout << found.runs << " histories with a fault: " << found.survived
              << " in which no operation failed, " << found.undone << " operations refused, "
              << found.lost << " states without the last changes\n";
    quire_test::figure("histories of changes with a fault", found.runs);
    CHECK(found.survived > 0);
    CHECK(found.undone > 0);
    CHECK(found.lost > 0);
}
