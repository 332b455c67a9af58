// SPDX-License-Identifier: BSL-1.0

/// Power fails while changes of two logged files are made, and leaves every mixture of what was not
/// synced of the files and of their log.
///
/// The oracle: after recovery both files are as after one of the changes that were committed, all
/// of it and of those before it; not before the last one that a sync covered. So each change is
/// whole or absent, and none is there without its predecessors. A crash during recovery finds the
/// same again.
///
/// All sequences of up to three operations (four in the long form) over three pages, with a sample
/// of the states that each can leave; and long lives, that go on after crashes.

#include "crash/logged_engine.hpp"

#include "catch.hpp"
#include "figures.hpp"

#include <algorithm>

using quire::testing::crash_backend;
using quire::testing::crash_disk;
using namespace quire_test;

namespace {

struct findings {
    std::uint64_t states = 0;
    std::uint64_t replayed = 0;      ///< recovery changed a page
    std::uint64_t mended = 0;        ///< a page was torn
    std::uint64_t lost = 0;          ///< changes that no sync had covered were absent
    std::uint64_t in_recovery = 0;   ///< crashes while another one was recovered
    std::uint64_t checkpoints = 0;
    std::uint64_t cut = 0;           ///< files
    std::uint64_t wrong = 0;
    std::string first_wrong{};

    void must(bool holds, std::string const& what) {
        if (!holds && wrong++ == 0) { first_wrong = what; }
    }
};

/// The disk's engines, over all its lives, and the states that the files had.
class lives {
public:
    lives(generator& random, findings& found) : random_{random}, found_{found} {
        begin();
        for (int i = 0; i < 2; ++i) { append(0); }
        append(1);
        sync();
    }
    ~lives() { end(); }
    lives(lives const&) = delete;
    lives& operator=(lives const&) = delete;

    std::uint64_t samples = 0;  ///< states, wherever the power could fail

    static constexpr std::size_t operations = 14;
    void operate(std::size_t which) {
        switch (which) {
            case 0: return change({{0, 0}, {0, 1}});
            case 1: return change({{1, 0}, {0, 1}});
            case 2: return change({{0, 1}, {1, 0}, {0, 0}});
            case 3: return sync();
            case 4: return checkpoint();
            case 5: return write_back();
            case 6: return append(random_.below(2));
            case 7: return undo();
            case 8: return format();
            case 9: return reopen(random_.below(2));
            case 10: return fail_and_live_again();
            case 11: return be_killed();
            case 12: return truncate(random_.below(2));
            default: return read_all();
        }
    }
    void look() {
        if (samples == 0) { return; }
        auto const left = disk_->states();
        for (std::uint64_t n = 0; n < samples; ++n) { judge(any_state(left, random_)); }
    }

private:
    using engine_type = logged_engine<crash_backend>;
    using change_type = engine_type::change_type;
    struct place {
        std::size_t file;
        std::uint64_t page;
    };

    void begin() {
        engine_.emplace(crash_backend::options{disk_});
        engine_->open_both();
        now_ = engine_->found();
        states_ = {now_};
        synced_ = 0;
        disk_->before_sync = [this](std::string const&) { look(); };
    }
    void end() {
        disk_->before_sync = nullptr;
        engine_->die();
        engine_.reset();
    }

    // The operations.

    void committed(std::uint64_t at) {
        states_.push_back(now_);
        last_ = at;
    }
    void set(change_type& c, place const& where, content& to) {
        auto page = c.write(*engine_->files[where.file], where.page);
        auto const bytes = page->bytes();
        auto const mask = random_.between(1, 15);
        for (std::size_t i = 0; i < 4; ++i) {
            if ((mask >> i) % 2 == 0) { continue; }
            to[where.file][where.page][i] = ++numbers_;
            bytes.store<std::uint64_t>(place_of(i), numbers_);
        }
    }
    void change(std::vector<place> const& places) {
        content next;
        auto const at = engine_->pool.change([&](change_type& c) {
            next = now_;
            for (auto const& where : places) { set(c, where, next); }
        });
        now_ = next;
        committed(at);
    }
    void append(std::size_t file) {
        if (now_[file].size() > 3) { return change({{file, 3}}); }
        content next;
        auto const at = engine_->pool.change([&](change_type& c) {
            next = now_;
            next[file].emplace_back();
            auto const no = c.append(*engine_->files[file]).page_no();
            set(c, {file, no.value()}, next);
            if (no.value() > 0) { set(c, {file, no.value() - 1}, next); }
        });
        now_ = next;
        committed(at);
    }
    void truncate(std::size_t file) {
        auto const left = file == 0 ? std::size_t{2} : std::size_t{1};
        if (now_[file].size() == left) { return append(file); }
        now_[file].resize(left);
        states_.push_back(now_);  // a crash meanwhile may leave either
        engine_->files[file]->truncate(left);
        last_ = engine_->log.end();
        synced_ = states_.size() - 1;
        ++found_.cut;
    }
    void format() {
        content next;
        auto const at = engine_->pool.change([&](change_type& c) {
            next = now_;
            { auto const page = c.format(*engine_->files[0], 0); }
            next[0][0] = {};
            set(c, {1, 0}, next);
        });
        now_ = next;
        committed(at);
    }
    void undo() {
        struct stop {};
        try {
            engine_->pool.change([&](change_type& c) {
                auto ignored = now_;
                ignored[0].emplace_back();
                set(c, {0, 0}, ignored);
                set(c, {1, 0}, ignored);
                { auto const page = c.append(*engine_->files[0]); }
                throw stop{};
            });
        } catch (stop const&) {}
        found_.must(engine_->files[0]->pages() == now_[0].size(), "an append was not undone");
    }
    void sync() {
        auto const covered = states_.size() - 1;
        engine_->log.sync(last_);
        synced_ = covered;
    }
    void checkpoint() {
        auto const covered = states_.size() - 1;
        engine_->pool.checkpoint();
        synced_ = covered;
        ++found_.checkpoints;
    }
    void write_back() {
        for (auto& file : engine_->files) { file->write_back(); }
    }
    void reopen(std::size_t file) {
        auto const covered = states_.size() - 1;
        engine_->files[file]->close();
        synced_ = covered;
        engine_->open(file);
    }
    void read_all() { found_.must(engine_->found() == now_, "a reader found an old page"); }
    void fail_and_live_again() {
        auto const state = any_state(disk_->states(), random_);
        live_again([&] {
            disk_ = std::make_shared<crash_disk>();
            for (auto const& [name, bytes] : state) { disk_->assign(name, bytes); }
        });
    }
    /// The process ends; the disk goes on.
    void be_killed() {
        live_again([] {});
    }
    template <class Meanwhile>
    void live_again(Meanwhile meanwhile) {
        end();
        meanwhile();
        auto const before = states_;
        auto const synced = synced_;
        begin();
        found_.must(std::find(before.begin() + static_cast<std::ptrdiff_t>(synced), before.end(),
                              now_) != before.end(),
                    "a new life found what never was");
    }

    // The judge.

    [[nodiscard]] bool may_be(content const& is) const {
        return std::find(states_.begin() + static_cast<std::ptrdiff_t>(synced_), states_.end(),
                         is) != states_.end();
    }
    void judge(disk_state const& state) {
        ++found_.states;
        std::vector<disk_state> crashed_again;
        try {
            auto const disk = std::make_shared<crash_disk>();
            for (auto const& [name, bytes] : state) { disk->assign(name, bytes); }
            if (random_.chance(1, 4)) {
                disk->before_sync = [&](std::string const&) {
                    crashed_again.push_back(any_state(disk->states(), random_));
                };
            }
            engine_type after{crash_backend::options{disk}};
            after.open_both();
            auto const is = after.found();
            found_.must(may_be(is), "recovery found what never was");
            found_.lost += is == states_.back() ? 0U : 1U;
            note_what_was_done(state, is);
            disk->before_sync = nullptr;
            after.die();
            for (auto const& again : crashed_again) { judge_again(again, is); }
        } catch (quire::error const& why) { found_.must(false, why.what()); }
    }
    void judge_again(disk_state const& state, content const& expected) {
        ++found_.in_recovery;
        auto const store = quire::memory_store_ptr::make();
        for (auto const& [name, bytes] : state) { store->assign(name, bytes); }
        logged_engine<quire::memory_backend> after{{store}};
        after.open_both();
        found_.must(after.found() == expected, "a second recovery found something else");
        after.die();
    }
    void note_what_was_done(disk_state const& state, content const& is) {
        bool replayed = false;
        bool torn = false;
        for (std::size_t f = 0; f < 2; ++f) {
            auto const& bytes = state.at(logged_names[f]);
            for (std::size_t no = 0; no < is[f].size(); ++no) {
                if ((no + 1) * logged_page_size > bytes.size()) {
                    replayed = true;
                    continue;
                }
                auto const page = std::span{bytes}.subspan(no * logged_page_size, logged_page_size);
                quire::page_id const id{quire::file_no::unknown, no};
                torn = torn || quire::crc_seal.check(page, id, 0) == quire::page_state::corrupt;
                for (std::size_t i = 0; i < 4; ++i) {
                    replayed = replayed || quire::load_le<std::uint64_t>(
                                               page.data() + place_of(i)) != is[f][no][i];
                }
            }
        }
        found_.replayed += replayed ? 1U : 0U;
        found_.mended += torn ? 1U : 0U;
    }

    generator& random_;
    findings& found_;
    std::shared_ptr<crash_disk> disk_ = std::make_shared<crash_disk>();
    std::optional<engine_type> engine_;
    content now_;
    std::vector<content> states_;  ///< after each change of this life
    std::size_t synced_ = 0;       ///< of states_: no earlier one may be found
    std::uint64_t last_ = 0;       ///< LSN
    std::uint64_t numbers_ = 0;
};

void print_and_check(findings const& found) {
    std::cout << found.states << " crash states: replayed " << found.replayed
              << ", with a torn page " << found.mended << ", without the last changes "
              << found.lost << "; " << found.in_recovery << " crashes in recovery, "
              << found.checkpoints << " checkpoints, " << found.cut << " files cut\n";
    quire_test::figure("crash states of changes", found.states);
    INFO(found.first_wrong);
    CHECK(found.wrong == 0);
    CHECK(found.replayed > 0);
    CHECK(found.mended > 0);
    CHECK(found.lost > 0);
    CHECK(found.in_recovery > 0);
    CHECK(found.checkpoints > 0);
    CHECK(found.cut > 0);
}

}  // namespace

TEST_CASE("crash: every sequence of few operations on logged files", "[long][crash]") {
    quire_test::test_random random;
    findings found;
    auto const longest = quire_test::amount(3, 4);
    for (std::size_t length = 1; length <= longest; ++length) {
        std::vector<std::size_t> sequence(length);
        for (bool more = true; more;) {
            lives one{random, found};
            for (std::size_t i = 0; i < length; ++i) {
                one.samples = i + 1 < length ? 0 : quire_test::amount(length < 3 ? 3 : 1, 3);
                one.operate(sequence[i]);
            }
            one.look();
            one.samples = 0;
            std::size_t at = 0;
            while (at < length && ++sequence[at] == lives::operations) { sequence[at++] = 0; }
            more = at < length;
        }
    }
    print_and_check(found);
}

TEST_CASE("crash: long lives of logged files", "[long][crash]") {
    quire_test::test_random random;
    findings found;
    for (std::uint64_t life = 0; life < quire_test::amount(25, 400); ++life) {
        lives one{random, found};
        one.samples = 2;
        for (int step = 0; step < 120; ++step) { one.operate(random.below(lives::operations)); }
        one.look();
        one.samples = 0;
    }
    print_and_check(found);
}
