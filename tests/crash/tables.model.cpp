// SPDX-License-Identifier: BSL-1.0

/// Power fails while a table with two indexes grows, moves its rows and shrinks, in a logged file:
/// operations of their own, and several in one change.
///
/// The oracle: after recovery the table, its indexes and the catalog pass their checks, which
/// compare each entry with its row, and the table has the rows that it had after one of the
/// operations: not before the last one that a sync covered. So each is whole or absent, and none is
/// there without those before it.

#include <quire/table/table.hpp>

#include "catch.hpp"
#include "crash/logged_engine.hpp"
#include "figures.hpp"
#include "table/item.hpp"
#include "table/tree_world.hpp"

#include <algorithm>

using quire::record_id;
using quire::testing::crash_backend;
using quire::testing::crash_disk;
using quire_test::generator;
using quire_test::item;

namespace {

using content = std::map<record_id, item>;

struct findings {
    std::uint64_t states = 0;
    std::uint64_t lost = 0;   ///< operations that no sync had covered were absent
    std::uint64_t moved = 0;  ///< rows that outgrew their pages
    std::uint64_t pages = 0;
    std::uint64_t wrong = 0;
    std::string first_wrong{};

    void must(bool holds, std::string const& what) {
        if (!holds && wrong++ == 0) { first_wrong = what; }
    }
};

template <class Backend>
class one_table {
public:
    using world_type = quire_test::tree_world<512, quire::s3_fifo, quire::hybrid_latch, Backend>;
    using change_type = typename world_type::change_type;

    explicit one_table(typename Backend::options const& disk)
        : world{true, 48, disk} {
        items.emplace(*world.db, "items");
    }
    /// Nothing that is in memory is written any more.
    void die() {
        items.reset();
        world.die();
    }

    [[nodiscard]] content found(std::string& wrong) const {
        wrong = world.wrong(*items);
        content all;
        items->scan([&](record_id id, auto const& row) {
            all.emplace(id, row.template load<item>());
        });
        return all;
    }

    world_type world;
    std::optional<quire_test::item_table<world_type>> items;
};

class life {
public:
    life(generator& random, findings& found) : random_{random}, found_{found} {
        table_.emplace(crash_backend::options{disk_});
        states_ = {now_};
        sync();
        disk_->before_sync = [this](std::string const&) { look(); };
    }
    ~life() {
        disk_->before_sync = nullptr;
        found_.pages = std::max<std::uint64_t>(found_.pages, table_->items->pages());
        table_->die();
    }
    life(life const&) = delete;
    life& operator=(life const&) = delete;

    void operate(bool grows) {
        switch (random_.below(20)) {
            case 0: return sync();
            case 1:
                table_->world.pool->checkpoint();
                synced_ = states_.size() - 1;
                return;
            case 2: return table_->world.file->write_back();
            case 3: return together(grows);
            default: one(grows);
        }
    }
    void look() {
        auto const left = disk_->states();
        for (int n = 0; n < 2; ++n) { judge(quire_test::any_state(left, random_)); }
    }

private:
    [[nodiscard]] item some_item() {
        return {++number_, std::to_string(random_.below(5)),
                std::string(random_.below(random_.below(4) == 0 ? 300 : 40), 't')};
    }
    [[nodiscard]] content::iterator any_row(content& rows) {
        return std::next(rows.begin(), static_cast<long>(random_.below(rows.size())));
    }
    void one(bool grows) {
        auto& table = *table_->items;
        if (now_.empty() || random_.below(10) < (grows ? 6U : 1U)) {
            auto const row = some_item();
            now_.emplace(table.insert(row), row);
        } else if (auto const at = any_row(now_); random_.below(3) == 0) {
            table.erase(at->first);
            now_.erase(at);
        } else {
            auto const row = some_item();
            found_.moved += row.text.size() > at->second.text.size() + 200 ? 1U : 0U;
            table.update(at->first, [&](item& is) { is = row; });
            at->second = row;
        }
        states_.push_back(now_);
    }
    void together(bool grows) {
        content next;
        table_->world.pool->change([&](auto& change) {
            next = now_;
            auto& table = *table_->items;
            for (int i = 0; i < 3; ++i) {
                if (grows || next.empty()) {
                    auto const row = some_item();
                    next.emplace(table.insert(change, row), row);
                } else {
                    auto const at = any_row(next);
                    table.erase(change, at->first);
                    next.erase(at);
                }
            }
        });
        now_ = std::move(next);
        states_.push_back(now_);
    }
    void sync() {
        table_->world.log->sync(table_->world.log->end());
        synced_ = states_.size() - 1;
    }
    void judge(quire_test::disk_state const& state) {
        ++found_.states;
        auto const store = quire::memory_store_ptr::make();
        for (auto const& [name, bytes] : state) { store->assign(name, bytes); }
        try {
            one_table<quire::memory_backend> after{{store}};
            std::string wrong;
            auto const is = after.found(wrong);
            found_.must(wrong.empty(), wrong);
            auto const first = states_.begin() + static_cast<std::ptrdiff_t>(synced_);
            // During an operation its outcome is not among them yet.
            bool const was = std::find(first, states_.end(), is) != states_.end();
            found_.must(was, "recovery found what never was");
            found_.lost += is == states_.back() ? 0U : 1U;
            after.die();
        } catch (quire::error const& why) { found_.must(false, why.what()); }
    }

    generator& random_;
    findings& found_;
    std::shared_ptr<crash_disk> disk_ = std::make_shared<crash_disk>();
    std::optional<one_table<crash_backend>> table_;
    content now_;
    std::vector<content> states_;
    std::size_t synced_ = 0;
    std::uint32_t number_ = 0;
};

}  // namespace

TEST_CASE("crash: lives of a table with two indexes", "[long][crash]") {
    quire_test::test_random random;
    findings found;
    for (std::uint64_t n = 0; n < quire_test::amount(3, 40); ++n) {
        life one{random, found};
        for (int step = 0; step < 240; ++step) { one.operate(step / 60 % 2 == 0); }
        one.look();
    }
    std::cout << "tables after crashes: " << found.states << " states, " << found.lost
              << " without the last operations, " << found.moved << " rows that grew much, "
              << found.pages << " pages\n";
    quire_test::figure("crash states of tables", found.states);
    CHECK(found.first_wrong == "");
    CHECK(found.wrong == 0);
    CHECK(found.lost > 0);
    CHECK(found.moved > 0);
}
