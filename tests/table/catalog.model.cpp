// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "page/choices.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"
#include "table/world.hpp"

#include <map>
#include <set>

// Random changes of a catalog beside two sets, of pages in use and of free ones, over pages of 512
// bytes, so that the file has several allocation pages. A change allocates and frees some pages,
// and may fail at any of its steps: then nothing of it is left. Each page in use carries a stamp,
// by which a page that was handed out twice is seen. Roots are made beside that, more than page 0
// has room for. Fails unless it went through every case.

using quire::heap_page;
using quire::page_no;
using quire_test::amount;
using quire_test::error_cost;
using quire_test::figure;

namespace {

using world = table_world<512>;
using catalog_type = quire::catalog<world::pool_type>;
using map_type = quire::allocation_page<std::byte, 512>;
struct stop {};

class model {
public:
    model(bool logged, test_random& random) : world_{logged}, random_{random} { open(); }

    /// The file gets at least `pages` pages.
    void grow_to(std::uint64_t pages) {
        while (world_.file().pages() < pages) { change(8, 0, false); }
    }
    /// At most so many allocations and frees of one change, which may fail.
    void step() { change(random_.below(5), random_.below(5), random_.chance(1, 4)); }
    void add_root() {
        auto const name = "r" + std::to_string(roots_.size());
        auto const schema = name + std::string(random_.below(random_.chance(1, 3) ? 440 : 40), '!');
        bool const fails = random_.chance(1, 3);
        auto const chain = chain_of_names();
        auto const pages_before = world_.file().pages();
        try {
            auto const root = db_->root(name, quire::root_kind::btree, schema,
                                        [&](auto& pages, page_no page, std::uint32_t) {
                auto top = pages.template format<heap_page>(world_.file(), page);
                REQUIRE(top->insert(bytes_of("0")));
                if (fails) { throw stop{}; }
            });
            REQUIRE_FALSE(fails);
            took(root.page.value(), "0");
            roots_[name] = {root.page, schema};
            auto const now = chain_of_names();
            REQUIRE(std::equal(chain.begin(), chain.end(), now.begin()));
            REQUIRE(now.size() <= chain.size() + 1);
            if (now.size() > chain.size()) { took(now.back(), ""); }
            names = std::max(names, now.size());
        } catch (stop const&) {
            ++failures;
            note_free_from(pages_before);
            REQUIRE(chain_of_names() == chain);
        }
    }
    void reopen() {
        db_.reset();
        world_.reopen();
        open();
        check();
    }
    void check() {
        for (auto const& f : db_->check()) {
            FAIL("page " << f.page.value() << ": " << f.text);
        }
        std::uint64_t used = 0;
        for (std::uint64_t no = 1; no < world_.file().pages(); no += map_type::bit_count) {
            auto const map = world_.file().read<quire::allocation_page>(no);
            used += map->used() - 1;
        }
        REQUIRE(used == used_.size());
        for (auto const& [no, stamp] : used_) {
            if (!stamp.empty()) { REQUIRE(stamp_on(no) == stamp); }  // no page of names
        }
        for (auto const& root : db_->roots()) {
            REQUIRE(roots_.at(root.name) == std::pair{root.page, root.schema});
        }
        REQUIRE(db_->roots().size() == roots_.size());
    }

    std::uint64_t reused = 0;
    std::uint64_t grown = 0;
    std::uint64_t freed = 0;
    std::uint64_t failures = 0;
    std::size_t names = 0;  ///< pages of names behind page 0
    [[nodiscard]] std::uint64_t maps() {
        return (world_.file().pages() - 2) / map_type::bit_count + 1;
    }

private:
    void open() { db_.emplace(*world_.pool, world_.file()); }
    [[nodiscard]] std::string stamp_on(std::uint64_t no) {
        auto const page = world_.file().read<heap_page>(no);
        return text_in(*page.operator->(), quire::slot_id{0});
    }
    void took(std::uint64_t no, std::string const& stamp) {
        REQUIRE(no > 1);
        REQUIRE_FALSE(map_type::is_map(no));
        REQUIRE(used_.emplace(no, stamp).second);
        if (free_.erase(no) == 1) {
            ++reused;
        } else {
            REQUIRE(free_.empty());  // the file grows only when nothing is free
            ++grown;
        }
    }
    [[nodiscard]] std::uint64_t some_used() {
        auto at = used_.lower_bound(random_.below(world_.file().pages()));
        if (at == used_.end()) { at = used_.begin(); }
        return at->first;
    }

    void change(std::uint64_t allocations, std::uint64_t frees, bool fails) {
        std::set<std::uint64_t> to_free;
        for (std::uint64_t i = 0; i < frees && !used_.empty(); ++i) {
            auto const no = some_used();
            if (!is_root(no)) { to_free.insert(no); }
        }
        auto const fails_at = random_.below(allocations + 1);
        std::vector<std::pair<std::uint64_t, std::string>> made;
        auto const pages_before = world_.file().pages();
        try {
            db_->in_one_change([&](auto& pages) {
                made.clear();
                for (auto const no : to_free) { db_->hold_to_free(pages, no); }
                for (std::uint64_t i = 0; i < allocations; ++i) {
                    if (fails && i == fails_at) { throw stop{}; }
                    auto page = db_->template allocate<heap_page>(pages);
                    auto const stamp = std::to_string(random_.below(1'000'000));
                    REQUIRE(page->insert(bytes_of(stamp)));
                    made.emplace_back(page.page_no().value(), stamp);
                }
                if (fails) { throw stop{}; }
                for (auto const no : to_free) { db_->free(pages, no); }
            });
        } catch (stop const&) {
            ++failures;
            note_free_from(pages_before);
            return;
        }
        for (auto const& [no, stamp] : made) { took(no, stamp); }
        for (auto const no : to_free) {
            REQUIRE(used_.erase(no) == 1);
            free_.insert(no);
            ++freed;
        }
    }
    /// Without a log what a failed change appended remains, as free pages.
    void note_free_from(std::uint64_t pages_before) {
        for (auto no = pages_before; no < world_.file().pages(); ++no) {
            if (!map_type::is_map(no)) { free_.insert(no); }
        }
    }
    /// Whether it is a root's, or one of names.
    [[nodiscard]] bool is_root(std::uint64_t no) const {
        for (auto const& [name, root] : roots_) {
            if (root.first.value() == no) { return true; }
        }
        return used_.at(no).empty();
    }
    [[nodiscard]] std::vector<std::uint64_t> chain_of_names() {
        std::vector<std::uint64_t> pages;
        auto const first = world_.file().read<quire::catalog_page>(0);
        for (page_no no = first->next(); no.value() != 0;) {
            pages.push_back(no.value());
            auto const next = world_.file().read<quire::names_page>(no);
            no = next->next();
        }
        return pages;
    }

    world world_;
    test_random& random_;
    std::optional<catalog_type> db_;
    std::map<std::uint64_t, std::string> used_;
    std::set<std::uint64_t> free_;
    std::map<std::string, std::pair<page_no, std::string>> roots_;  ///< with their schemas
};

void run(bool logged) {
    test_random random;
    model m{logged, random};
    for (int i = 0; i < 6; ++i) { m.add_root(); }
    for (int i = 0; i < 400; ++i) {  // small: everything is compared each time
        m.step();
        if (i % 4 == 0) { m.add_root(); }
        m.check();
    }
    m.grow_to(map_type::bit_count - 3);
    auto const steps = amount(8'000, 200'000) / error_cost;
    for (std::uint64_t i = 0; i < steps; ++i) {
        m.step();
        if (random.chance(1, 2'000 / error_cost)) { m.reopen(); }
        if (i == steps / 2) { m.grow_to(2 * map_type::bit_count); }
    }
    m.reopen();
    figure("pages allocated again", m.reused);
    figure("pages appended", m.grown);
    figure("pages freed", m.freed);
    figure("changes that failed", m.failures);
    CHECK(m.reused > 100);
    CHECK(m.grown > 100);
    figure("pages of names", m.names);
    CHECK(m.freed > 100);
    CHECK(m.names > 5);
    CHECK(m.failures > 20);
    CHECK(m.maps() == 3);
}

}  // namespace

TEST_CASE("catalog: random changes beside a set, without a log") { run(false); }
TEST_CASE("catalog: random changes beside a set, with a log") { run(true); }
