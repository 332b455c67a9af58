// SPDX-License-Identifier: BSL-1.0

/// A process whose threads change pages of two logged files, sync the log, make checkpoints, append
/// and cut, is killed in the midst of it, again and again. What its syncs acknowledged is known
/// outside.
///
/// Each change gives a pair of numbers, one in each file, the same new value. Expected: the files
/// open each time, and every page can be read; the numbers of a pair are equal, at least the last
/// that was acknowledged, at most the newest that was begun.

#include <quire/pool/change.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"
#include "system/killing.hpp"
#include "temp_dir.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include <sys/mman.h>

using namespace std::chrono_literals;
using namespace quire_test;

namespace {

constexpr std::uint64_t pairs = 12;  // one a page
constexpr std::uint64_t pages_most = pairs + 6;
constexpr std::uint64_t writers = 3;  // each has the pairs whose number modulo this is its own
constexpr std::size_t value_at = 1000;

/// In memory that both processes have.
struct known {
    std::array<std::atomic<std::uint64_t>, pairs> begun;
    std::array<std::atomic<std::uint64_t>, pairs> acknowledged;
    std::atomic<std::uint64_t> syncs;
    std::atomic<std::uint64_t> checkpoints;
    std::atomic<std::uint64_t> cuts;
    std::atomic<std::uint64_t> fewest;  ///< pages of the first file, since it was cut last
    std::atomic<std::uint64_t> most;
};

class shared_memory {
public:
    shared_memory()
        : at_{::mmap(nullptr, sizeof(known), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0)} {
        REQUIRE(at_ != MAP_FAILED);
        new (at_) known{};
    }
    shared_memory(shared_memory const&) = delete;
    shared_memory& operator=(shared_memory const&) = delete;
    ~shared_memory() { ::munmap(at_, sizeof(known)); }
    known* operator->() const { return static_cast<known*>(at_); }

private:
    void* at_;
};

struct two_files {
    explicit two_files(std::string const& folder)
        : log{folder + "/log",
              {.bytes = 64 * 4096, .buffer_bytes = 64 << 10,
               .io = quire::io_mode::direct_or_buffered}},
          pool{{.frames = 16}, log},
          first{open(folder + "/first")},
          second{open(folder + "/second")} {}
    [[nodiscard]] quire::buffer_pool<>::file open(std::string const& path) {
        return pool.open(path, quire::open_mode::open_or_create,
                         {.io = quire::io_mode::direct_or_buffered, .logged = true});
    }

    quire::redo_log<> log;
    quire::buffer_pool<> pool;
    quire::buffer_pool<>::file first;
    quire::buffer_pool<>::file second;
};

void set(quire::change<>& change, quire::buffer_pool<>::file const& file, std::uint64_t no,
         std::uint64_t value) {
    auto page = change.write(file, no);
    page->bytes().store<std::uint64_t>(value_at, value);
}

void write_for_ever(shared_memory const& record, two_files& files, std::uint64_t writer,
                    std::uint64_t seed) {
    generator random{seed};
    for (;;) {
        auto const pair = writer + writers * random.below(pairs / writers);
        auto const value = record->begun[pair] + 1;
        record->begun[pair] = value;
        auto const at = files.pool.change([&](quire::change<>& change) {
            bool const in_order = value % 2 == 0;
            set(change, in_order ? files.first : files.second, pair, value);
            set(change, in_order ? files.second : files.first, pair, value);
        });
        if (random.chance(1, 6)) {
            files.log.sync(at);
            for (auto p = writer; p < pairs; p += writers) {
                record->acknowledged[p] = record->begun[p].load();
            }
            ++record->syncs;
        }
    }
}

/// Makes checkpoints; and the first file longer, and shorter again.
void keep_for_ever(shared_memory const& record, two_files& files, std::uint64_t seed) {
    generator random{seed};
    for (;;) {
        if (random.chance(1, 8)) {
            files.pool.checkpoint();
            ++record->checkpoints;
        }
        if (files.first.pages() == pages_most) {
            auto const to = random.between(pairs, pages_most - 1);
            // Appended pages are not durable before the cut is: until then, as few as before count.
            record->fewest = std::min(record->fewest.load(), to);
            files.first.truncate(to);
            record->fewest = to;
            record->most = to;
            ++record->cuts;
        }
        record->most = files.first.pages() + 1;
        files.pool.change([&](quire::change<>& change) {
            static_cast<void>(change.append(files.first).page_no());
        });
    }
}

void live(shared_memory const& record, std::string const& folder, std::uint64_t seed) {
    guarded([&] {
        two_files files{folder};
        while (files.second.pages() < pairs) {
            files.pool.change([&](quire::change<>& change) {
                static_cast<void>(change.append(files.first).page_no());
                static_cast<void>(change.append(files.second).page_no());
            });
        }
        std::array<std::thread, writers> threads;
        for (std::uint64_t w = 0; w < writers; ++w) {
            threads[w] = std::thread{[&, w] {
                guarded([&] { write_for_ever(record, files, w, seed + w); });
            }};
        }
        keep_for_ever(record, files, seed + writers);
    });
}

std::uint64_t value_of(quire::buffer_pool<>::file const& file, std::uint64_t no) {
    auto const page = file.read(no);
    return page->bytes().load<std::uint64_t>(value_at);
}

}  // namespace

TEST_CASE("killed: changes of logged files are whole, and those that a sync covered are there",
          "[long][kill]") {
    auto const cycles = quire_test::amount(30, 500);
    quire_test::temp_dir const dir;
    auto const folder = dir.path().string();
    shared_memory const record;
    quire_test::test_random random;
    std::uint64_t newer = 0;
    for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
        CAPTURE(cycle);
        auto const seed = random.bits();
        std::chrono::microseconds const then{random.below(8000)};
        REQUIRE(kill_after([&] { live(record, folder, seed); }, record->syncs, random.below(20),
                           then));

        two_files const after{folder};
        auto const pages = after.first.pages();
        CHECK(after.second.pages() == std::min(pages, pairs));
        CHECK(pages <= pages_most);
        if (record->cuts > 0) {
            CHECK(pages >= record->fewest);
            CHECK(pages <= record->most);
            record->fewest = pages;
        }
        for (std::uint64_t no = 0; no < pages; ++no) {
            auto const value = value_of(after.first, no);
            if (no >= pairs) {
                CHECK(value == 0);
                continue;
            }
            CAPTURE(no);
            CHECK(value == value_of(after.second, no));
            CHECK(value >= record->acknowledged[no]);
            CHECK(value <= record->begun[no]);
            newer += value > record->acknowledged[no] ? 1U : 0U;
            record->begun[no] = value;  // what was not acknowledged may be gone
            record->acknowledged[no] = value;
        }
    }
    CHECK(record->syncs > 0);
    CHECK(record->checkpoints > 0);
    CHECK(record->cuts > 0);
    CHECK(newer > 0);
    quire_test::figure("kill -9 cycles of changes", cycles);
    quire_test::figure("kill -9 changes newer than acknowledged", newer);
}
