// SPDX-License-Identifier: BSL-1.0

/// Power fails while a catalog of a logged file gets more names than page 0 has room for.
///
/// The oracle: after recovery the catalog passes its check, and it has the first n of the roots
/// that were made, with what was written into their pages: not fewer than a sync covered. So each
/// name is whole or absent, with its page of names, and none is there without those before it. The
/// next root can be made.

#include <quire/table/catalog.hpp>

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "crash/logged_engine.hpp"
#include "figures.hpp"
#include "page/page_buffer.hpp"
#include "table/tree_world.hpp"

using quire::page_no;
using quire::testing::crash_backend;
using quire::testing::crash_disk;
using quire_test::generator;

namespace {

template <class Backend>
using names_world =
    quire_test::tree_world<512, quire::s3_fifo, quire::hybrid_latch, Backend>;

struct names_findings {
    std::uint64_t states = 0;
    std::uint64_t lost = 0;     ///< roots that no sync had covered were absent
    std::uint64_t chained = 0;  ///< states with a chain of two pages or more
    std::uint64_t wrong = 0;
    std::string first_wrong{};

    void must(bool holds, std::string const& what) {
        if (!holds && wrong++ == 0) { first_wrong = what; }
    }
};

template <class World>
void make_root(World& world, std::string const& name, std::string const& schema) {
    world.db->root(name, quire::root_kind::btree, schema,
                   [&](auto& pages, page_no no, std::uint32_t) {
        auto top = pages.template format<quire::heap_page>(*world.file, no);
        REQUIRE(top->insert(bytes_of(name)));
    });
}

class names_life {
public:
    names_life(generator& random, names_findings& found) : random_{random}, found_{found} {
        world_.emplace(true, std::size_t{16}, crash_backend::options{disk_});
        sync();
        disk_->before_sync = [this](std::string const&) { look(); };
    }
    ~names_life() {
        disk_->before_sync = nullptr;
        world_->die();
    }
    names_life(names_life const&) = delete;
    names_life& operator=(names_life const&) = delete;

    void operate() {
        switch (random_.below(12)) {
            case 0: return sync();
            case 1:
                world_->pool->checkpoint();
                synced_ = schemas_.size();
                return;
            case 2: return world_->file->write_back();
            default:
                // Before: during the operation the root may be there or not.
                schemas_.emplace_back(random_.below(random_.below(3) == 0 ? 440 : 60), 's');
                make_root(*world_, name_of(schemas_.size() - 1), schemas_.back());
        }
    }
    void look() {
        auto const left = disk_->states();
        for (int n = 0; n < 2; ++n) { judge(quire_test::any_state(left, random_)); }
    }

private:
    [[nodiscard]] static std::string name_of(std::size_t i) { return "root" + std::to_string(i); }
    void sync() {
        world_->log->sync(world_->log->end());
        synced_ = schemas_.size();
    }
    void judge(quire_test::disk_state const& state) {
        ++found_.states;
        auto const store = quire::memory_store_ptr::make();
        for (auto const& [name, bytes] : state) { store->assign(name, bytes); }
        try {
            names_world<quire::memory_backend> after{true, 16, {store}};
            compare(after);
            make_root(after, "one more", std::string(400, 'x'));
            compare_pages(after);
            after.die();
        } catch (quire::error const& why) { found_.must(false, why.what()); }
    }
    template <class World>
    void compare(World& after) {
        auto const roots = after.db->roots();
        found_.must(roots.size() >= synced_ && roots.size() <= schemas_.size(),
                    "a root that a sync covered is lost, or one is there that never was");
        found_.lost += roots.size() < schemas_.size() ? 1U : 0U;
        for (auto const& root : roots) {
            auto const i = root.number - std::size_t{1};
            found_.must(i < roots.size() && root.name == name_of(i) && root.schema == schemas_[i],
                        "another root than was made");
            auto const top = after.file->template read<quire::heap_page>(root.page);
            found_.must(text_in(*top.operator->(), quire::slot_id{0}) == root.name,
                        "the page of a root has something else");
        }
        compare_pages(after);
        auto const first = after.file->template read<quire::catalog_page>(0);
        if (first->next().value() == 0) { return; }
        auto const second = after.file->template read<quire::names_page>(first->next());
        found_.chained += second->next().value() != 0 ? 1U : 0U;
    }
    /// Each page in use is part of something.
    template <class World>
    void compare_pages(World& after) {
        std::set<page_no> reached;
        for (auto const& root : after.db->roots()) { reached.insert(root.page); }
        for (auto const& one : after.db->check(reached)) {
            found_.must(false, std::to_string(one.page.value()) + ": " + one.text);
        }
    }

    generator& random_;
    names_findings& found_;
    std::shared_ptr<crash_disk> disk_ = std::make_shared<crash_disk>();
    std::optional<names_world<crash_backend>> world_;
    std::vector<std::string> schemas_;
    std::size_t synced_ = 0;
};

}  // namespace

TEST_CASE("crash: lives of a catalog with more names than page 0 has room for", "[long][crash]") {
    quire_test::test_random random;
    names_findings found;
    for (std::uint64_t n = 0; n < quire_test::amount(5, 60); ++n) {
        names_life one{random, found};
        for (int step = 0; step < 60; ++step) { one.operate(); }
        one.look();
    }
    quire_test::figure("crash states of names", found.states);
    quire_test::figure("of them with a chain", found.chained);
    CHECK(found.first_wrong == "");
    CHECK(found.wrong == 0);
    CHECK(found.lost > 0);
    CHECK(found.chained > 0);
}
