// SPDX-License-Identifier: BSL-1.0

/// Random operations on a pool against vectors of bytes, and on heap pages in a pool against a map.
/// After every step the pool's frames, entries, free list and dirty counts must agree.

#include <quire/pool/buffer_pool.hpp>

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/no_latch.hpp>
#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "pool/consistent.hpp"
#include "random.hpp"
#include "temp_dir.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <shared_mutex>

using namespace std::chrono_literals;
using quire::errc;
using quire::open_mode;
using quire::page_id;
using quire_test::expect_consistent;

namespace {

/// What the run went through. A run that missed something shows nothing about it.
struct tally {
    quire::pool_stats io;
    std::size_t flushes = 0;
    std::size_t reopened = 0;
    std::size_t discarded = 0;
    std::size_t restarts = 0;
    std::size_t exhausted = 0;
    std::size_t budgets = 0;
    std::size_t blanks = 0;

    void print(char const* what) const {
        std::cout << what << ": " << io.hits << " hits, " << io.misses << " misses, "
                  << io.evictions << " evictions, " << io.write_backs << " write-backs, "
                  << io.appends << " appends, " << flushes << " flushes, " << reopened
                  << " reopened, " << discarded << " discarded, " << blanks << " blank, "
                  << restarts << " pools, " << exhausted << " times no frame, " << budgets
                  << " budgets\n";
    }
    [[nodiscard]] bool all_seen() const {
        return io.hits > 0 && io.misses > 0 && io.evictions > 0 && io.write_backs > 0 &&
               io.appends > 0 && flushes > 0 && reopened > 0 && discarded > 0 && blanks > 0 &&
               restarts > 0 && exhausted > 0 && budgets > 0;
    }
};

/// A file's pages as they should be. What was not flushed may, after discarding, have any state
/// since the last flush.
struct model_page {
    using bytes = std::vector<std::byte>;
    std::deque<std::optional<bytes>> since_flush;  ///< the last is now; nothing: blank

    [[nodiscard]] std::optional<bytes> const& now() const { return since_flush.back(); }
    void flushed() { since_flush.erase(since_flush.begin(), since_flush.end() - 1); }
};

template <class Pool>
class pool_model {
public:
    static constexpr std::size_t header = 16;  // the seal's

    pool_model(typename Pool::options_type options, std::string folder, tally& counts,
               generator& random)
        : options_{std::move(options)}, folder_{std::move(folder)}, counts_{counts},
          random_{random} {
        restart();
    }
    ~pool_model() { count_stats(); }

    void step() {
        auto const which = static_cast<std::size_t>(random_.below(files_.size()));
        auto const what = random_.below(1000);
        if (!files_[which]) { open(which); }
        if (what < 400) {
            read(which);
        } else if (what < 750) {
            write(which);
        } else if (what < 850) {
            append(which);
        } else if (what < 880) {
            flush(which);
        } else if (what < 900) {
            hold_many(which);
        } else if (what < 930) {
            with_budget(which);
        } else if (what < 950) {
            past_the_end(which);
        } else if (what < 970) {
            files_[which]->reserve(
                std::min(random_.below(3), pages_max - std::uint64_t{pages_[which].size()}));
        } else if (what < 985) {
            close(which);
        } else if (what < 995) {
            discard(which);
        } else {
            restart();
        }
        expect_consistent(core(), files_, 0);
    }

private:
    static constexpr std::uint64_t pages_max = 48;

    auto& core() { return pool_->open_core(); }

    struct pool_with_core : Pool {
        using Pool::Pool;
        std::optional<typename Pool::file> any;
        auto& open_core() { return any->core(); }
    };

    void count_stats() {
        if (pool_) { counts_.io += pool_->stats(); }
    }

    void restart() {
        count_stats();
        if (pool_) {
            // With every file closed every frame is free: none was lost.
            for (std::size_t i = 0; i < files_.size(); ++i) {
                if (files_[i]) { close(i); }
            }
            auto const all = pool_->reserve(pool_->frames());
            expect_consistent(core(), files_, all.frames());
        }
        pool_.reset();
        options_.frames = random_.between(2, 16);
        options_.frame_wait_max = 0ns;
        options_.file_pages_max = pages_max;
        pool_.emplace(options_);
        ++counts_.restarts;
        for (std::size_t i = 0; i < files_.size(); ++i) { open(i); }
    }

    void open(std::size_t which) {
        quire::file_options options{};
        if (random_.chance(1, 2)) { options.dirty_pages_max = random_.between(1, 20); }
        files_[which].emplace(
            pool_->open(folder_ + std::to_string(which), open_mode::open_or_create, options));
        pool_->any.emplace(*files_[which]);
        REQUIRE(files_[which]->pages() == pages_[which].size());
    }

    template <class View>
    static model_page::bytes content(View const& page) {
        auto const view = page.bytes();
        auto const bytes = view.unguarded_span().subspan(header);
        return {bytes.begin(), bytes.end()};
    }

    /// Reads page `no`; nothing when it is blank.
    std::optional<model_page::bytes> read_page(std::size_t which, std::uint64_t no,
                                               quire::access_options const& how = {}) {
        try {
            auto page = files_[which]->read(no, how);
            return content(*page);
        } catch (quire::error const& e) {
            if (e.kind() != errc::blank_page) { throw; }
            ++counts_.blanks;
            return std::nullopt;
        }
    }

    void read(std::size_t which) {
        if (pages_[which].empty()) { return; }
        auto const no = random_.below(pages_[which].size());
        bool const same = read_page(which, no) == pages_[which][no].now();
        REQUIRE(same);
    }

    /// Changes a random range of a page's content, and returns what it should be now.
    template <class View>
    model_page::bytes change(View&& page, model_page::bytes bytes) {
        auto const first = random_.below(bytes.size());
        auto const count = random_.below(bytes.size() - first) + 1;
        auto const view = page.bytes();
        auto const out = view.unguarded_span().subspan(header + first, count);
        random_.fill(out);
        std::copy(out.begin(), out.end(), bytes.begin() + static_cast<std::ptrdiff_t>(first));
        return bytes;
    }

    void write(std::size_t which) {
        if (pages_[which].empty()) { return; }
        auto const no = random_.below(pages_[which].size());
        auto& model = pages_[which][no];
        try {
            auto page = files_[which]->write(no);
            REQUIRE(model.now().has_value());
            bool const same = content(page.view()) == *model.now();
            REQUIRE(same);
            if (random_.chance(1, 8)) { return; }  // looked, and left it
            model.since_flush.push_back(change(*page, *model.now()));
        } catch (quire::error const& e) {
            REQUIRE(e.kind() == errc::blank_page);
            REQUIRE_FALSE(model.now().has_value());
            ++counts_.blanks;
        }
    }

    void append(std::size_t which) {
        if (pages_[which].size() == pages_max) { return; }
        auto page = files_[which]->append();
        REQUIRE(page.id().page().value() == pages_[which].size());
        model_page fresh;
        fresh.since_flush.push_back(std::nullopt);  // the file grew
        model_page::bytes const zeros(Pool::page_size - header);
        bool const zeroed = content(page.view()) == zeros;
        REQUIRE(zeroed);
        fresh.since_flush.push_back(zeros);
        fresh.since_flush.push_back(change(*page, zeros));
        pages_[which].push_back(std::move(fresh));
    }

    void flush(std::size_t which) {
        if (random_.chance(1, 4)) {
            pool_->flush();
            for (std::size_t i = 0; i < files_.size(); ++i) {
                if (files_[i]) { now_flushed(i); }
            }
        } else {
            files_[which]->flush();
            now_flushed(which);
        }
        REQUIRE(files_[which]->slot().dirty == 0);
        ++counts_.flushes;
    }
    void now_flushed(std::size_t which) {
        for (auto& page : pages_[which]) { page.flushed(); }
    }

    /// As many guards as there are frames; one more is refused, and nothing else happens.
    void hold_many(std::size_t which) {
        using guard = typename Pool::template read_guard<quire::raw_page>;
        std::deque<guard> held;
        for (std::uint64_t no = 0; no < pages_[which].size(); ++no) {
            if (!pages_[which][no].now()) { continue; }
            if (held.size() == pool_->frames()) {
                try {
                    held.emplace_back(*files_[which], no);
                    FAIL("there was a frame too many");
                } catch (quire::error const& e) {
                    REQUIRE(e.kind() == errc::no_free_frame);
                    ++counts_.exhausted;
                }
                break;
            }
            held.emplace_back(*files_[which], no);
        }
        for (auto const& page : held) {
            bool const same =
                content(*page) == *pages_[which][page.id().page().value()].now();
            REQUIRE(same);
        }
    }

    void with_budget(std::size_t which) {
        auto const wanted = random_.between(1, pool_->frames());
        auto budget = pool_->reserve(wanted);
        expect_consistent(core(), files_, budget.frames());
        for (std::uint64_t i = 0; i < wanted && !pages_[which].empty(); ++i) {
            auto const no = random_.below(pages_[which].size());
            bool const same =
                read_page(which, no, {.budget = &budget}) == pages_[which][no].now();
            REQUIRE(same);
            expect_consistent(core(), files_, budget.frames());
        }
        ++counts_.budgets;
    }

    void past_the_end(std::size_t which) {
        try {
            static_cast<void>(files_[which]->read(pages_[which].size() + random_.below(3)));
            FAIL("there is no such page");
        } catch (quire::error const& e) {
            REQUIRE(e.kind() == errc::page_out_of_range);
        }
    }

    void close(std::size_t which) {
        files_[which]->close();
        files_[which].reset();
        now_flushed(which);
        ++counts_.reopened;
    }

    void discard(std::size_t which) {
        files_[which]->close(quire::unwritten::discard);
        // Reserved pages are not cut off either: they are blank.
        files_[which].emplace(pool_->open(folder_ + std::to_string(which)));
        pool_->any.emplace(*files_[which]);
        REQUIRE(files_[which]->pages() >= pages_[which].size());
        while (pages_[which].size() < files_[which]->pages()) {
            pages_[which].emplace_back().since_flush.push_back(std::nullopt);
        }
        for (std::uint64_t no = 0; no < pages_[which].size(); ++no) {
            auto& model = pages_[which][no];
            auto const found = read_page(which, no);
            bool const known = std::find(model.since_flush.begin(), model.since_flush.end(),
                                         found) != model.since_flush.end();
            REQUIRE(known);
            model.since_flush.assign(1, found);
        }
        ++counts_.discarded;
    }

    typename Pool::options_type options_;
    std::string folder_;
    tally& counts_;
    generator& random_;
    std::array<std::vector<model_page>, 3> pages_;
    std::optional<pool_with_core> pool_;
    std::array<std::optional<typename Pool::file>, 3> files_;
};

template <class Pool>
void random_steps(char const* what, std::size_t steps, typename Pool::options_type const& options,
                  std::string const& folder) {
    test_random random;
    tally counts;
    {
        pool_model<Pool> model{options, folder, counts, random};
        for (std::size_t i = 0; i < steps; ++i) { model.step(); }
    }
    counts.print(what);
    CHECK(counts.all_seen());
}

template <std::size_t Size, class Latch>
void in_memory(char const* what, std::size_t steps) {
    using pool = quire::buffer_pool<Size, quire::clock, Latch, quire::memory_backend>;
    random_steps<pool>(what, steps, {.backend = {std::make_shared<quire::memory_store>()}}, "f");
}

template <std::size_t Size, class Latch>
void on_disk(char const* what, std::size_t steps) {
    temp_dir const dir;
    try {
        random_steps<quire::buffer_pool<Size, quire::clock, Latch>>(what, steps, {}, dir / "f");
    } catch (quire::error const& e) {
        if (e.kind() != errc::misaligned_page_size && e.kind() != errc::direct_io_refused) {
            throw;
        }
        skip(e.what());
    }
}

// Heap pages in a pool.

using rows = std::map<std::pair<std::uint64_t, quire::slot_id>, std::string>;

std::span<std::byte const> bytes_of(std::string const& text) {
    return std::as_bytes(std::span{text});
}

template <class Guard>
std::string text_in(Guard const& page, quire::slot_id slot) {
    auto const tuple = page->tuple(slot);
    std::string text;
    for (std::byte const byte : tuple) { text.push_back(static_cast<char>(byte)); }
    return text;
}

/// One random change of a row, and the map's.
template <class File>
void change_a_row(File const& file, rows& model, generator& random) {
    auto const what = random.below(10);
    if (what < 5 || model.empty()) {
        auto const text = random.text(random.below(120));
        if (file.pages() > 0) {
            auto const no = random.below(file.pages());
            auto page = file.template write<quire::heap_page>(no);
            if (auto const slot = page->insert(bytes_of(text))) {
                REQUIRE(model.emplace(std::pair{no, *slot}, text).second);
                return;
            }
        }
        auto page = file.template append<quire::heap_page>();
        auto const slot = page->insert(bytes_of(text));
        REQUIRE(slot.has_value());
        REQUIRE(model.emplace(std::pair{page.id().page().value(), *slot}, text).second);
        return;
    }
    auto const row = std::next(model.begin(), static_cast<std::ptrdiff_t>(
                                                  random.below(model.size())));
    auto const [no, slot] = row->first;
    if (what < 7) {
        auto page = file.template write<quire::heap_page>(no);
        REQUIRE(page->erase(slot));
        model.erase(row);
    } else {
        auto const text = random.text(random.below(200));
        auto page = file.template write<quire::heap_page>(no);
        if (page->update(slot, bytes_of(text))) { row->second = text; }
        REQUIRE(text_in(std::as_const(page), slot) == row->second);
    }
}

template <class File>
void expect_rows(File const& file, rows const& model) {
    rows found;
    for (std::uint64_t no = 0; no < file.pages(); ++no) {
        auto page = file.template read<quire::heap_page>(no);
        page->validate();
        for (auto const slot : page->slots()) {
            found.emplace(std::pair{no, slot}, text_in(page, slot));
        }
    }
    bool const same = found == model;
    REQUIRE(same);
}

template <class Pool>
void heap_pages_match(typename Pool::options_type options, std::string const& path,
                      std::size_t steps) {
    test_random random;
    rows model;
    quire::pool_stats sum;
    for (int round = 0; round < 4; ++round) {
        options.frames = random.between(2, 6);
        options.file_pages_max = 1'000;
        Pool pool{options};
        auto file = pool.open(path, open_mode::open_or_create);
        expect_rows(file, model);
        for (std::size_t i = 0; i < steps; ++i) {
            change_a_row(file, model, random);
            if (random.chance(1, 100)) { expect_rows(file, model); }
            if (random.chance(1, 100)) { file.flush(); }
            std::array<std::optional<typename Pool::file>, 1> const files{file};
            expect_consistent(file.core(), files, 0);
        }
        expect_rows(file, model);
        CHECK(file.pages() > pool.frames());
        sum += pool.stats();
        if (round % 2 == 0) { file.close(); }  // else by the destructor
    }
    std::cout << "heap pages in a pool: " << model.size() << " rows, " << sum.misses
              << " misses, " << sum.evictions << " evictions, " << sum.write_backs
              << " write-backs\n";
    CHECK(sum.misses > 0);
    CHECK(sum.evictions > 0);
    CHECK(sum.write_backs > 0);
}

}  // namespace

TEST_CASE("pool: random operations do what vectors of bytes do, in memory, hybrid_latch") {
    in_memory<512, quire::hybrid_latch>("pool 512 hybrid_latch memory", 20'000);
}
TEST_CASE("pool: random operations do what vectors of bytes do, in memory, no_latch") {
    in_memory<4096, quire::no_latch>("pool 4096 no_latch memory", 10'000);
}
TEST_CASE("pool: random operations do what vectors of bytes do, in memory, shared_mutex") {
    in_memory<512, std::shared_mutex>("pool 512 shared_mutex memory", 20'000);
}
TEST_CASE("pool: random operations do what vectors of bytes do, on disk, hybrid_latch") {
    on_disk<4096, quire::hybrid_latch>("pool 4096 hybrid_latch direct", 3'000);
}
TEST_CASE("pool: random operations do what vectors of bytes do, on disk, shared_mutex") {
    on_disk<4096, std::shared_mutex>("pool 4096 shared_mutex direct", 3'000);
}
TEST_CASE("pool: random operations do what vectors of bytes do, on disk, no_latch") {
    on_disk<512, quire::no_latch>("pool 512 no_latch direct", 3'000);
}

TEST_CASE("pool: heap pages in memory hold the rows that a map holds") {
    heap_pages_match<quire::buffer_pool<512, quire::clock, quire::hybrid_latch,
                                        quire::memory_backend>>(
        {.backend = {std::make_shared<quire::memory_store>()}}, "f", 2'000);
}
TEST_CASE("pool: heap pages on disk hold the rows that a map holds") {
    temp_dir const dir;
    heap_pages_match<quire::buffer_pool<>>({}, dir / "f", 1'500);
}
