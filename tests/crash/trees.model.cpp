// SPDX-License-Identifier: BSL-1.0

/// Power fails while two trees of a logged file, which belong together, grow and shrink: each
/// operation writes to both in one change, and nodes split and are merged beside it.
///
/// The oracle: after recovery both trees and the catalog pass their checks, say the same, and have
/// what they had after one of the operations: not before the last one that a sync covered. So each
/// is whole or absent, and none is there without those before it.

#include <quire/table/btree.hpp>

#include "catch.hpp"
#include "crash/logged_engine.hpp"
#include "figures.hpp"
#include "table/tree_world.hpp"

#include <algorithm>

using quire::testing::crash_backend;
using quire::testing::crash_disk;
using quire_test::generator;

namespace {

using content = std::map<std::uint32_t, std::string>;

struct findings {
    std::uint64_t states = 0;
    std::uint64_t lost = 0;    ///< operations that no sync had covered were absent
    std::uint64_t overflow_pages = 0;
    std::uint64_t splits = 0;  ///< leaves more than before, over all operations
    std::uint64_t merges = 0;
    std::uint64_t crashes = 0;  ///< after which life went on
    std::uint64_t wrong = 0;
    std::string first_wrong{};

    void must(bool holds, std::string const& what) {
        if (!holds && wrong++ == 0) { first_wrong = what; }
    }
};

/// What the tree of names has for a name: some have overflow pages.
[[nodiscard]] std::string stored(std::string const& name) {
    return name + std::string(name.starts_with('1') ? 600 + name.size() : 0, 'w');
}

/// The catalog with both trees.
template <class Backend>
class two_trees {
public:
    using world_type =
        quire_test::tree_world<512, quire::s3_fifo, quire::hybrid_latch, Backend>;
    using change_type = typename world_type::change_type;

    explicit two_trees(typename Backend::options const& disk)
        : world{true, 64, disk}, names{*world.db, "names"}, numbers{*world.db, "numbers"} {}

    /// What is in the trees, which agree; else what is wrong.
    [[nodiscard]] content found(std::string& wrong) const {
        wrong = world.wrong(names, numbers);
        content all;
        names.scan([&](std::uint32_t key, auto const& value) {
            std::string const whole{value};
            all[key] = whole.substr(0, whole.find('w'));
            if (whole != stored(all[key])) { wrong += "a value of another length\n"; }
        });
        std::size_t count = 0;
        numbers.scan([&](std::string const& key, std::uint32_t value) {
            if (all[value] != key) { wrong += "the trees differ at " + key + '\n'; }
            ++count;
        });
        if (count != all.size()) { wrong += "the trees differ\n"; }
        return all;
    }

    world_type world;
    typename world_type::template tree<std::uint32_t, std::string> names;
    typename world_type::template tree<std::string, std::uint32_t> numbers;
};

class lives {
public:
    lives(generator& random, findings& found) : random_{random}, found_{found} {
        begin();
        sync();
    }
    ~lives() { end(); }
    lives(lives const&) = delete;
    lives& operator=(lives const&) = delete;

    std::uint64_t samples = 0;

    void operate(bool grows) {
        switch (random_.below(24)) {
            case 0: return sync();
            case 1: return checkpoint();
            case 2: return trees_->world.file->write_back();
            case 3:
                if (random_.below(4) == 0) { fail_and_live_again(); }
                return;
            default: return change(grows);
        }
    }
    void look() {
        if (samples == 0) { return; }
        auto const left = disk_->states();
        for (std::uint64_t n = 0; n < samples; ++n) {
            judge(quire_test::any_state(left, random_));
        }
    }

private:
    void begin() {
        trees_.emplace(crash_backend::options{disk_});
        std::string wrong;
        now_ = trees_->found(wrong);
        found_.must(wrong.empty(), wrong);
        states_ = {now_};
        synced_ = 0;
        leaves_ = trees_->names.stats().leaf_pages;
        disk_->before_sync = [this](std::string const&) { look(); };
    }
    void end() {
        disk_->before_sync = nullptr;
        trees_->world.die();
        trees_.reset();
    }

    /// Some keys, in both trees, in one change.
    void change(bool grows) {
        content next = now_;
        std::map<std::uint32_t, std::optional<std::string>> what;
        for (auto count = 1 + random_.below(3); count > 0; --count) {
            auto const key = static_cast<std::uint32_t>(random_.below(200));
            if (random_.below(10) < (grows ? 9U : 1U)) {
                what[key] = std::to_string(++numbers_) + std::string(random_.below(45), 'v');
            } else {
                auto const at = next.lower_bound(key);
                what[at == next.end() ? key : at->first] = std::nullopt;
            }
        }
        auto const at = trees_->world.pool->change([&](auto& one) {
            next = now_;
            for (auto const& [key, value] : what) { set(one, next, key, value); }
        });
        now_ = std::move(next);
        states_.push_back(now_);
        last_ = at;
        auto const leaves = trees_->names.stats().leaf_pages;
        found_.splits += leaves > leaves_ ? leaves - leaves_ : 0;
        found_.merges += leaves < leaves_ ? leaves_ - leaves : 0;
        leaves_ = leaves;
        found_.overflow_pages += trees_->names.stats().overflow_pages;
    }
    template <class Change>
    void set(Change& one, content& next, std::uint32_t key,
             std::optional<std::string> const& value) {
        if (auto const old = next.find(key); old != next.end()) {
            trees_->numbers.erase(one, old->second);
            next.erase(old);
            if (!value) { trees_->names.erase(one, key); }
        }
        if (!value) { return; }
        trees_->names.put(one, key, stored(*value));
        trees_->numbers.put(one, *value, key);
        next[key] = *value;
    }
    void sync() {
        trees_->world.log->sync(trees_->world.log->end());
        synced_ = states_.size() - 1;
    }
    void checkpoint() {
        trees_->world.pool->checkpoint();
        synced_ = states_.size() - 1;
    }
    void fail_and_live_again() {
        auto const state = quire_test::any_state(disk_->states(), random_);
        auto const before = states_;
        auto const synced = synced_;
        end();
        disk_ = std::make_shared<crash_disk>();
        for (auto const& [name, bytes] : state) { disk_->assign(name, bytes); }
        begin();
        found_.must(was(before, synced, now_), "a life began with what never was");
        ++found_.crashes;
    }

    [[nodiscard]] static bool was(std::vector<content> const& states, std::size_t synced,
                                  content const& is) {
        return std::find(states.begin() + static_cast<std::ptrdiff_t>(synced), states.end(), is) !=
               states.end();
    }
    void judge(quire_test::disk_state const& state) {
        ++found_.states;
        auto const store = quire::memory_store_ptr::make();
        for (auto const& [name, bytes] : state) { store->assign(name, bytes); }
        try {
            two_trees<quire::memory_backend> after{{store}};
            std::string wrong;
            auto const is = after.found(wrong);
            found_.must(wrong.empty(), wrong);
            found_.must(was(states_, synced_, is), "recovery found what never was");
            found_.lost += is == states_.back() ? 0U : 1U;
            after.world.die();
        } catch (quire::error const& why) { found_.must(false, why.what()); }
    }

    generator& random_;
    findings& found_;
    std::shared_ptr<crash_disk> disk_ = std::make_shared<crash_disk>();
    std::optional<two_trees<crash_backend>> trees_;
    content now_;
    std::vector<content> states_;
    std::size_t synced_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t numbers_ = 0;
    std::uint64_t leaves_ = 0;
};

}  // namespace

TEST_CASE("crash: long lives of two trees that belong together", "[long][crash]") {
    quire_test::test_random random;
    findings found;
    for (std::uint64_t life = 0; life < quire_test::amount(4, 60); ++life) {
        lives one{random, found};
        one.samples = 2;
        for (int step = 0; step < 240; ++step) { one.operate(step / 60 % 2 == 0); }
        one.look();
        one.samples = 0;
    }
    std::cout << "trees after crashes: " << found.states << " states, " << found.lost
              << " without the last changes, " << found.splits << " splits, " << found.merges
              << " merges, " << found.crashes << " lives went on\n";
    quire_test::figure("crash states of trees", found.states);
    CHECK(found.first_wrong == "");
    CHECK(found.wrong == 0);
    CHECK(found.lost > 0);
    CHECK(found.splits > 0);
    CHECK(found.merges > 0);
    CHECK(found.overflow_pages > 0);
    CHECK(found.crashes > 0);
}
