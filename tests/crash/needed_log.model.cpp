// SPDX-License-Identifier: BSL-1.0

/// Power fails while a logged file of tables is opened, changed, closed and opened again, and then
/// somebody opens it without its log, changes it, and later opens it with the log again.
///
/// The oracle: the first is refused, by needs_log or because page 0 is torn or blank; or the file
/// is whole: its checks pass, and it has what it had after one of the operations, not before the
/// last one that a sync covered. The last is refused, too, by log_mismatch, and changes no byte; or
/// nothing of the change is lost.

#include <quire/table/btree.hpp>

#include "catch.hpp"
#include "crash/logged_engine.hpp"
#include "figures.hpp"
#include "table/tree_world.hpp"

#include <algorithm>

using quire::errc;
using quire::testing::crash_backend;
using quire::testing::crash_disk;
using quire_test::generator;

namespace {

using content = std::map<std::uint32_t, std::uint32_t>;

struct findings {
    std::uint64_t needs_log = 0;
    std::uint64_t torn = 0;
    std::uint64_t whole = 0;
    std::uint64_t refused_later = 0;
    std::uint64_t kept = 0;
    std::uint64_t wrong = 0;
    std::string first_wrong{};

    void must(bool holds, std::string const& what) {
        if (!holds && wrong++ == 0) { first_wrong = what; }
    }
};

class life {
    using world_type =
        quire_test::tree_world<512, quire::s3_fifo, quire::hybrid_latch, crash_backend>;
    using tree_type = world_type::tree<std::uint32_t, std::uint32_t>;
    using later_pool = quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch,
                                          quire::memory_backend>;
    using later_tree = quire::btree<std::uint32_t, std::uint32_t, later_pool>;
    static constexpr std::uint32_t later_key = 1000;

public:
    life(generator& random, findings& found) : random_{random}, found_{found} {
        disk_->before_sync = [this](std::string const&) { look(); };
        world_.emplace(true, std::size_t{32}, crash_backend::options{disk_});
        tree_.emplace(*world_->db, "t");
    }
    ~life() {
        disk_->before_sync = nullptr;
        tree_.reset();
        world_->die();
    }
    life(life const&) = delete;
    life& operator=(life const&) = delete;

    void operate() {
        switch (random_.below(24)) {
            case 0: return sync();
            case 1: world_->pool->checkpoint(); break;
            case 2: return world_->file->write_back();
            case 3:
                world_->stop([&] { tree_.reset(); });
                synced_ = states_.size() - 1;
                look();
                world_->start();
                tree_.emplace(*world_->db, "t");
                break;
            default: return one();
        }
        synced_ = states_.size() - 1;
    }
    void look() {
        auto const left = disk_->states();
        for (int n = 0; n < 3; ++n) { judge(quire_test::any_state(left, random_)); }
    }

private:
    void one() {
        auto const key = static_cast<std::uint32_t>(random_.below(60));
        if (now_.erase(key) != 0) {
            tree_->erase(key);
        } else {
            auto const value = static_cast<std::uint32_t>(random_.below(1000));
            tree_->insert(key, value);
            now_.emplace(key, value);
        }
        states_.push_back(now_);
    }
    void sync() {
        world_->log->sync(world_->log->end());
        synced_ = states_.size() - 1;
    }
    void judge(quire_test::disk_state const& state) {
        auto const store = quire::memory_store_ptr::make();
        for (auto const& [name, bytes] : state) {
            if (name == "f") { store->assign(name, bytes); }
        }
        later_pool pool{{.frames = 32, .backend = {store}}};
        auto const file = pool.open("f", quire::open_mode::open_or_create);
        try {
            std::optional<quire::catalog<later_pool>> db;
            try {
                db.emplace(pool, file);
            } catch (quire::error const& why) {
                (why.kind() == errc::needs_log ? found_.needs_log : found_.torn) += 1;
                found_.must(why.kind() == errc::needs_log || why.code() == errc::corrupt_page ||
                                why.kind() == errc::blank_page,
                            why.what());
                return;
            }
            later_tree tree{*db, "t"};
            auto is = content_of(tree);
            auto const first = states_.begin() + static_cast<std::ptrdiff_t>(synced_);
            found_.must(std::find(first, states_.end(), is) != states_.end(),
                        "without its log the file shows what never was, or is no more");
            std::set<quire::page_no> reached;
            found_.must(tree.check(reached).empty() && db->check(reached).empty(),
                        "without its log the file contradicts itself");
            found_.whole += 1;
            tree.insert(later_key, 1);
            is[later_key] = 1;
            db->close();
            judge_with_log_again(store, state, is);
        } catch (quire::error const& why) { found_.must(false, why.what()); }
    }

    void judge_with_log_again(quire::memory_store_ptr const& store,
                              quire_test::disk_state const& state, content const& wanted) {
        for (auto const& [name, bytes] : state) {
            if (name != "f") { store->assign(name, bytes); }
        }
        auto const before = store->bytes("f");
        quire::memory_backend::options const disk{store};
        quire::redo_log<quire::memory_backend> log{"log", {.bytes = 1 << 20, .backend = disk}};
        later_pool pool{{.frames = 32, .backend = disk}, log};
        try {
            auto const file = pool.open("f", quire::open_mode::read_write, {.logged = true});
            quire::catalog<later_pool> db{pool, file};
            later_tree const tree{db, "t"};
            found_.must(content_of(tree) == wanted, "with its log again the file lost a change");
            std::set<quire::page_no> reached;
            found_.must(tree.check(reached).empty() && db.check(reached).empty(),
                        "with its log again the file contradicts itself");
            found_.kept += 1;
        } catch (quire::error const& why) {
            found_.must(why.code() == errc::log_mismatch, why.what());
            found_.must(store->bytes("f") == before, "a log that is refused has changed the file");
            found_.refused_later += 1;
        }
    }
    static content content_of(later_tree const& tree) {
        content all;
        tree.scan([&](std::uint32_t key, std::uint32_t value) { all[key] = value; });
        return all;
    }

    generator& random_;
    findings& found_;
    std::shared_ptr<crash_disk> disk_ = std::make_shared<crash_disk>();
    std::optional<world_type> world_;
    std::optional<tree_type> tree_;
    content now_;
    std::vector<content> states_{now_};
    std::size_t synced_ = 0;
};

}  // namespace

TEST_CASE("crash: a file of tables that needs its log is whole, or refused without it",
          "[long][crash]") {
    quire_test::test_random random;
    findings found;
    for (std::uint64_t n = 0; n < quire_test::amount(4, 100); ++n) {
        life one{random, found};
        for (int step = 0; step < 200; ++step) { one.operate(); }
        one.look();
    }
    std::cout << "opened without the log: " << found.needs_log << " need it, " << found.torn
              << " torn or blank, " << found.whole << " whole; then with the log again: "
              << found.kept << " as they were left, " << found.refused_later << " refused\n";
    quire_test::figure("crash states opened without the log",
                       found.needs_log + found.torn + found.whole);
    CHECK(found.first_wrong == "");
    CHECK(found.wrong == 0);
    CHECK(found.needs_log > 0);
    CHECK(found.torn > 0);
    CHECK(found.whole > 0);
    CHECK(found.kept > 0);
}
