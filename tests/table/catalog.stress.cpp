// SPDX-License-Identifier: BSL-1.0
#include <quire/table/catalog.hpp>

#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "page/page_buffer.hpp"
#include "random.hpp"
#include "table/world.hpp"

#include <atomic>
#include <thread>

// Threads allocate and free pages of one file, which has several allocation pages. Each page
// carries the number of its owner: a page that two threads got is seen by both. Frees of pages
// under several allocation pages, in any order, wait for each other in no circle.

using quire::heap_page;

namespace {

using world = table_world<512>;
using catalog_type = quire::catalog<world::pool_type>;
constexpr std::uint64_t covered = quire::allocation_page<std::byte, 512>::bit_count;

struct owner {
    catalog_type& db;
    std::string name;
    generator random;
    std::vector<std::uint64_t> pages{};
    bool sound = true;

    void step() {
        auto const allocations = random.below(4);
        std::vector<std::uint64_t> to_free;
        for (auto left = random.below(4); left > 0 && !pages.empty(); --left) {
            auto const at = static_cast<std::ptrdiff_t>(random.below(pages.size()));
            to_free.push_back(pages[static_cast<std::size_t>(at)]);
            pages.erase(pages.begin() + at);
        }
        std::vector<std::uint64_t> made;
        db.in_one_change([&](auto& change) {
            made.clear();
            for (auto const no : to_free) {
                auto const page = change.template read<heap_page>(db.file(), no);
                sound = sound && text_in(*page.operator->(), quire::slot_id{0}) == name;
            }
            for (auto const no : to_free) { db.hold_to_free(change, no); }
            for (std::uint64_t i = 0; i < allocations; ++i) {
                auto page = db.template allocate<heap_page>(change);
                sound = page->insert(bytes_of(name)) && sound;
                made.push_back(page.page_no().value());
            }
            for (auto const no : to_free) { db.free(change, no); }
        });
        pages.insert(pages.end(), made.begin(), made.end());
    }
};

void run(bool logged) {
    test_random random;
    world w{logged};
    catalog_type db{*w.pool, w.file()};
    std::vector<std::uint64_t> first;
    while (first.size() < 2 * covered) {
        std::array<std::uint64_t, 8> made{};
        db.in_one_change([&](auto& pages) {
            for (auto& no : made) {
                auto page = db.allocate<heap_page>(pages);
                REQUIRE(page->insert(bytes_of(std::to_string(page.page_no().value() % 4))));
                no = page.page_no().value();
            }
        });
        first.insert(first.end(), made.begin(), made.end());
    }
    std::vector<owner> owners;
    for (unsigned i = 0; i < 4; ++i) {
        owners.push_back({db, std::to_string(i), generator{random.bits()}});
    }
    for (auto const no : first) { owners[no % 4].pages.push_back(no); }
    std::vector<std::thread> threads;
    for (auto& one : owners) {
        threads.emplace_back([&one] {
            for (int i = 0; i < 300; ++i) { one.step(); }
        });
    }
    for (auto& thread : threads) { thread.join(); }
    std::size_t sum = 0;
    for (auto const& one : owners) {
        CHECK(one.sound);
        sum += one.pages.size();
        for (auto const no : one.pages) {
            auto const page = w.file().read<heap_page>(no);
            REQUIRE(text_in(*page.operator->(), quire::slot_id{0}) == one.name);
        }
    }
    CHECK(db.check().empty());
    std::size_t used = 0;
    for (std::uint64_t no = 1; no < w.file().pages(); no += covered) {
        auto const map = w.file().read<quire::allocation_page>(no);
        used += map->used() - 1;
    }
    CHECK(used == sum);
}

}  // namespace

TEST_CASE("catalog: threads allocate and free, without a log") { run(false); }
TEST_CASE("catalog: threads allocate and free, with a log") { run(true); }
