// SPDX-License-Identifier: BSL-1.0

/// Power fails while changes of two logged files are made, and leaves every mixture of what was not
/// synced of the files and of their log.
///
/// The oracle: after recovery both files are as after one of the changes that were committed, all
/// of it and of those before it; not before the last one that a sync covered. So each change is
/// whole or absent, and none is there without its predecessors. A crash during recovery finds the
/// same again.
///
/// All sequences of up to two operations over three pages, with every state that each can leave; of
/// up to three operations (four in the long form) with a sample of the states; and long lives, that
/// go on after crashes. In some a file is not opened again before the next crash: what was promised
/// of it is there in the life after.
///
/// Every state of a moment: all combinations of the sectors of both files and of the log that were
/// not synced, if there are few enough (`states_max`). Else those of the log alone, and of each
/// file alone, beside others that have nothing of it, or all of it (in turns; in the long form
/// both); and a sample.

#include "crash/logged_engine.hpp"

#include "catch.hpp"
#include "figures.hpp"

#include <algorithm>
#include <functional>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>

using quire::testing::crash_backend;
using quire::testing::crash_disk;
using namespace quire_test;

namespace {

struct findings {
    std::uint64_t states = 0;
    std::uint64_t replayed = 0;      ///< recovery changed a page
    std::uint64_t mended = 0;        ///< a page was torn
    std::uint64_t torn_tails = 0;    ///< the log ended before bytes of a record
    std::uint64_t lost = 0;          ///< changes that no sync had covered were absent
    std::uint64_t in_recovery = 0;   ///< crashes while another one was recovered
    std::uint64_t checkpoints = 0;
    std::uint64_t cut = 0;           ///< files
    std::uint64_t alone = 0;         ///< lives in which one file was not opened again
    std::uint64_t left_over = 0;     ///< states in such a life
    std::uint64_t moments = 0;       ///< of which every state was judged
    std::uint64_t moments_in_part = 0;  ///< or those of the log and of each file
    std::unordered_set<std::uint64_t> distinct{};  ///< states: hashes of all bytes after a crash
    std::unordered_set<std::uint64_t> judged{};    ///< likewise, with what was promised then
    std::uint64_t wrong = 0;
    std::string first_wrong{};

    void must(bool holds, std::string const& what) {
        if (!holds && wrong++ == 0) { first_wrong = what; }
    }
};

std::uint64_t hash_of(std::span<std::byte const> bytes) {
    return std::hash<std::string_view>{}(
        {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
}
std::uint64_t mixed(std::uint64_t sum, std::uint64_t more) {
    return (sum ^ more) * 0x9E37'79B9'7F4A'7C15 + (sum >> 29);
}
/// The same for the same bytes of the files and of their log, of which each has another identity.
std::uint64_t hash_of(disk_state const& state) {
    std::uint64_t sum = 0;
    for (auto const& [name, bytes] : state) {
        auto rest = std::span{bytes};
        for (int header = 0; name == "log" && header < 2; ++header) {
            sum = mixed(sum, hash_of(rest.subspan(4, 12)));
            sum = mixed(sum, hash_of(rest.subspan(24, quire::detail::log_block - 24)));
            rest = rest.subspan(quire::detail::log_block);
        }
        sum = mixed(sum, hash_of(rest));
    }
    return sum;
}
std::uint64_t hash_of(content const& all) {
    std::uint64_t sum = 0;
    for (auto const& file : all) {
        sum = mixed(sum, file.size());
        for (auto const& page : file) { sum = mixed(sum, hash_of(std::as_bytes(std::span{page}))); }
    }
    return sum;
}

/// Whether a log has bytes of a record behind its end, because the rest of the record is missing,
/// or what is before it.
bool has_torn_tail(std::span<std::byte const> log, std::uint64_t end) {
    using namespace quire::detail;
    for (std::size_t at = 2 * log_block; at < log.size(); at += log_sector_size) {
        auto const sector = log.subspan(at).first<log_sector_size>();
        auto const begin = log_sector::read(sector).position;
        if (!has_checksum(sector) || begin + log_payload <= end) { continue; }
        auto const payload = sector.last<log_payload>();
        if (!all_zero(payload.subspan(end > begin ? end - begin : 0))) { return true; }
    }
    return false;
}

/// The disk's engines, over all its lives, and the states that the files had.
class lives {
public:
    /// The same operations are the same life with the same `seed`.
    lives(std::uint64_t seed, generator& random, findings& found)
        : chosen_{seed}, random_{random}, found_{found} {
        begin();
        for (int i = 0; i < 2; ++i) { append(0); }
        append(1);
        sync();
    }
    ~lives() { end(); }
    lives(lives const&) = delete;
    lives& operator=(lives const&) = delete;

    // Wherever the power could fail:
    std::uint64_t samples = 0;     ///< of the states
    std::uint64_t states_max = 0;  ///< every state, unless there are more; none without samples
    std::uint64_t crashes_in = 4;  ///< one recovery in so many crashes, too

    static constexpr std::size_t operations = 15;
    void operate(std::size_t which) {
        switch (which) {
            case 0: return change({{0, 0}, {0, 1}});
            case 1: return change({{1, 0}, {0, 1}});
            case 2: return change({{0, 1}, {1, 0}, {0, 0}});
            case 3: return sync();
            case 4: return checkpoint();
            case 5: return write_back();
            case 6: return append(chosen_.below(2));
            case 7: return undo();
            case 8: return format();
            case 9: return reopen(chosen_.below(2));
            case 10: return fail_and_live_again();
            case 11: return be_killed();
            case 12: return truncate(chosen_.below(2));
            case 13: return live_with_one(chosen_.below(2));
            default: return read_all();
        }
    }
    void look() {
        if (samples == 0) { return; }
        auto const left = disk_->states();
        auto const count = quire_test::count_of(left);
        if (count <= states_max) {
            ++found_.moments;
            for (std::uint64_t n = 0; n < count; ++n) { judge(quire_test::state_of(left, n)); }
            return;
        }
        if (states_max > 0) { look_at_parts(left); }
        for (std::uint64_t n = 0; n < samples; ++n) { judge(any_state(left, random_)); }
    }

private:
    using engine_type = logged_engine<crash_backend>;
    using change_type = engine_type::change_type;
    struct place {
        std::size_t file;
        std::uint64_t page;
    };

    void look_at_parts(std::map<std::string, quire::testing::crash_states> const& left) {
        ++found_.moments_in_part;
        for (bool const newest : {false, true}) {
            bool const is_next = (found_.moments_in_part % 2 == 0) == newest;
            if (!is_next && !quire_test::long_form()) { continue; }
            auto state = quire_test::state_of_all(left, newest);
            for (auto const& [name, states] : left) {
                if (states.count() > states_max) { continue; }
                auto const others = state;
                for (std::uint64_t n = 0; n < states.count(); ++n) {
                    state[name] = states.state(n);
                    judge(state);
                }
                state = others;
            }
        }
    }

    void begin() {
        engine_.emplace(crash_backend::options{disk_});
        engine_->open_both();
        begin_with(engine_->found());
    }
    void begin_with(content found) {
        now_ = std::move(found);
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
        auto const mask = chosen_.between(1, 15);
        for (std::size_t i = 0; i < quire_test::arrays; ++i) {
            if ((mask >> i) % 2 == 0) { continue; }
            quire_test::push(to[where.file][where.page], i, ++numbers_, bytes);
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
        if (now_[file].size() == left) { append(file); }
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
        auto const state = any_state(disk_->states(), chosen_);
        live_again([&] { use_disk_with(state); });
    }
    /// The process ends; the disk goes on.
    void be_killed() {
        live_again([] {});
    }
    void use_disk_with(disk_state const& state) {
        disk_ = std::make_shared<crash_disk>();
        for (auto const& [name, bytes] : state) { disk_->assign(name, bytes); }
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

    /// After a crash, or the end of the process, one file is opened, and changed; and there is
    /// another crash, or end. Then both are opened.
    void live_with_one(std::size_t file) {
        bool const power_fails = chosen_.chance(1, 2);
        auto const left = disk_->states();
        auto const state =
            power_fails ? any_state(left, chosen_) : quire_test::state_of_all(left, true);
        end();
        if (power_fails) { use_disk_with(state); }
        auto const both = found_in(state);
        found_.must(may_be(both), "a life with one file found what never was");
        engine_.emplace(crash_backend::options{disk_});
        engine_->open(file);
        begin_with(both);
        ++found_.alone;
        one_is_open_ = true;
        try {
            for (auto steps = chosen_.between(1, 4); steps > 0; --steps) { change_alone(file); }
        } catch (quire::error const& why) {  // the other's records are kept
            if (why.code() != quire::errc::log_full) { throw; }
        }
        look();
        one_is_open_ = false;
        chosen_.chance(1, 2) ? fail_and_live_again() : be_killed();
    }
    void change_alone(std::size_t file) {
        switch (chosen_.below(7)) {
            case 0: return sync();
            case 1: return checkpoint();
            case 2: return engine_->files[file]->write_back();
            case 3: return append(file);
            case 4: return reopen(file);
            default: return change({{file, chosen_.below(now_[file].size())}});
        }
    }
    [[nodiscard]] static content found_in(disk_state const& state) {
        auto const store = quire::memory_store_ptr::make();
        for (auto const& [name, bytes] : state) { store->assign(name, bytes); }
        logged_engine<quire::memory_backend> after{{store}};
        after.open_both();
        auto found = after.found();
        after.die();
        return found;
    }

    // The judge.

    [[nodiscard]] bool may_be(content const& is) const {
        return std::find(states_.begin() + static_cast<std::ptrdiff_t>(synced_), states_.end(),
                         is) != states_.end();
    }
    [[nodiscard]] std::uint64_t hash_of_promises() const {
        std::uint64_t sum = 0;
        for (auto i = synced_; i < states_.size(); ++i) { sum = mixed(sum, hash_of(states_[i])); }
        return sum;
    }
    void judge(disk_state const& state) {
        auto const hash = hash_of(state);
        found_.distinct.insert(hash);
        if (!found_.judged.insert(mixed(hash, hash_of_promises())).second) { return; }
        ++found_.states;
        found_.left_over += one_is_open_ ? 1U : 0U;
        try {
            random_.chance(1, crashes_in) ? judge_with_crashes(state) : judge_recovery(state);
        } catch (quire::error const& why) { found_.must(false, why.what()); }
    }
    void judge_recovery(disk_state const& state) {
        auto const store = quire::memory_store_ptr::make();
        for (auto const& [name, bytes] : state) { store->assign(name, bytes); }
        logged_engine<quire::memory_backend> after{{store}};
        static_cast<void>(judge_engine(after, state));
        after.die();
    }
    void judge_with_crashes(disk_state const& state) {
        auto const disk = std::make_shared<crash_disk>();
        for (auto const& [name, bytes] : state) { disk->assign(name, bytes); }
        std::vector<disk_state> crashed_again;
        disk->before_sync = [&](std::string const&) {
            crashed_again.push_back(any_state(disk->states(), random_));
        };
        engine_type after{crash_backend::options{disk}};
        auto const is = judge_engine(after, state);
        disk->before_sync = nullptr;
        after.die();
        for (auto const& again : crashed_again) {
            ++found_.in_recovery;
            found_.must(found_in(again) == is, "a second recovery found something else");
        }
    }
    /// What it finds in `state`.
    template <class Engine>
    [[nodiscard]] content judge_engine(Engine& after, disk_state const& state) {
        found_.torn_tails += has_torn_tail(state.at("log"), after.log.end()) ? 1U : 0U;
        after.open_both();
        auto const is = after.found();
        found_.must(may_be(is), "recovery found what never was");
        found_.lost += is == states_.back() ? 0U : 1U;
        note_what_was_done(state, is);
        return is;
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
                for (std::size_t i = 0; i < is[f][no].size(); ++i) {
                    replayed = replayed || quire::load_le<std::uint64_t>(
                                               page.data() + place_of(i)) != is[f][no][i];
                }
            }
        }
        found_.replayed += replayed ? 1U : 0U;
        found_.mended += torn ? 1U : 0U;
    }

    generator chosen_;   ///< what an operation does
    generator& random_;  ///< what is looked at
    findings& found_;
    std::shared_ptr<crash_disk> disk_ = std::make_shared<crash_disk>();
    std::optional<engine_type> engine_;
    content now_;
    std::vector<content> states_;  ///< after each change of this life
    std::size_t synced_ = 0;       ///< of states_: no earlier one may be found
    std::uint64_t last_ = 0;       ///< LSN
    std::uint64_t numbers_ = 0;
    bool one_is_open_ = false;
};

void print_and_check(findings const& found) {
    std::cout << found.states << " crash states, " << found.distinct.size()
              << " distinct: replayed " << found.replayed << ", with a torn page " << found.mended
              << ", with a torn tail of the log " << found.torn_tails
              << ", without the last changes " << found.lost << "; " << found.in_recovery
              << " crashes in recovery, " << found.checkpoints << " checkpoints, " << found.cut
              << " files cut; " << found.alone << " lives without one of the files, with "
              << found.left_over << " states\n";
    quire_test::figure("distinct crash states of changes", found.distinct.size());
    INFO(found.first_wrong);
    CHECK(found.wrong == 0);
    CHECK(found.distinct.size() > 0);
    CHECK(found.replayed > 0);
    CHECK(found.mended > 0);
    CHECK(found.torn_tails > 0);
    CHECK(found.lost > 0);
    CHECK(found.in_recovery > 0);
    CHECK(found.checkpoints > 0);
    CHECK(found.cut > 0);
    CHECK(found.alone > 0);
    CHECK(found.left_over > 0);
}

/// `run(sequence)` for all sequences of so many operations.
template <class Run>
void each_sequence(std::size_t length, Run run) {
    std::vector<std::size_t> sequence(length);
    for (bool more = true; more;) {
        run(sequence);
        std::size_t at = 0;
        while (at < length && ++sequence[at] == lives::operations) { sequence[at++] = 0; }
        more = at < length;
    }
}
/// Looks at what the last operation can leave: before, a shorter sequence has looked.
void operate(lives& one, std::vector<std::size_t> const& sequence, std::uint64_t samples,
             std::uint64_t states_max) {
    for (std::size_t i = 0; i < sequence.size(); ++i) {
        bool const is_last = i + 1 == sequence.size();
        one.samples = is_last ? samples : 0;
        one.states_max = is_last ? states_max : 0;
        one.operate(sequence[i]);
    }
    one.look();
    one.samples = 0;
}

}  // namespace

TEST_CASE("crash: every state that one or two operations on logged files can leave",
          "[long][crash]") {
    quire_test::test_random random;
    findings found;
    auto const states_max = quire_test::amount(quire::detail::sanitized ? 64 : 256, 4096);
    for (std::size_t length = 1; length <= 2; ++length) {
        each_sequence(length, [&](std::vector<std::size_t> const& sequence) {
            lives one{1, random, found};
            one.crashes_in = 16;
            operate(one, sequence, 1, states_max);
        });
    }
    std::cout << found.moments << " moments with every state, " << found.moments_in_part
              << " with those of the log and of each file\n";
    print_and_check(found);
    CHECK(found.moments > found.moments_in_part);
}

TEST_CASE("crash: every sequence of few operations on logged files", "[long][crash]") {
    quire_test::test_random random;
    findings found;
    auto const longest = quire_test::amount(3, 4);
    for (std::size_t length = 1; length <= longest; ++length) {
        each_sequence(length, [&](std::vector<std::size_t> const& sequence) {
            lives one{random.bits(), random, found};
            operate(one, sequence, quire_test::amount(length < 3 ? 3 : 1, 3), 0);
        });
    }
    print_and_check(found);
}

TEST_CASE("crash: long lives of logged files", "[long][crash]") {
    quire_test::test_random random;
    findings found;
    for (std::uint64_t life = 0; life < quire_test::amount(25, 400); ++life) {
        lives one{random.bits(), random, found};
        one.samples = 2;
        for (int step = 0; step < 120; ++step) { one.operate(random.below(lives::operations)); }
        one.look();
        one.samples = 0;
    }
    print_and_check(found);
}
