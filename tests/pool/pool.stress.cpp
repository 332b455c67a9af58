// SPDX-License-Identifier: BSL-1.0

/// Many threads over few frames. Every page carries its version in every sector, so a torn, stale
/// or foreign page shows, and so does an update that was lost.

#include <quire/pool/background_writer.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "pool/stamped.hpp"
#include "queued_backend.hpp"
#include "random.hpp"
#include "temp_dir.hpp"
#include "uring.hpp"

#include <memory>
#include <shared_mutex>
#include <thread>
#include <type_traits>

using namespace std::chrono_literals;
using quire::errc;
using quire::testing::fault_plan;
using quire::testing::io_call;
using quire_test::findings;
using quire_test::stamp;
using quire_test::stamp_of;

namespace {

constexpr std::size_t size = 4096;  // bytes of a page
constexpr int threads = 8;

/// memory_backend whose ops wait in one queue, until somebody's reap completes them for all.
class queueing_backend {
public:
    using options = quire::memory_backend::options;
    using file = quire::memory_backend::file;

    queueing_backend(std::span<std::byte> arena, options const& given) : inner_{arena, given} {}

    file open(quire::open_request const& request) { return inner_.open(request); }
    std::size_t submit(std::span<quire::io_op<file>*> ops) noexcept {
        std::lock_guard const hold{mutex_};
        waiting_.insert(waiting_.end(), ops.begin(), ops.end());
        return 0;
    }
    std::size_t reap(std::span<quire::io_op<file>*> done, std::chrono::nanoseconds) noexcept {
        std::lock_guard const hold{mutex_};
        std::size_t count = 0;
        while (count < done.size() && !waiting_.empty()) {
            done[count] = waiting_.back();
            inner_.submit(done.subspan(count++, 1));
            waiting_.pop_back();
        }
        return count;
    }
    void interrupt() noexcept {}
    int sync(file& f) noexcept { return inner_.sync(f); }
    int resize(file& f, std::uint64_t bytes) noexcept { return inner_.resize(f, bytes); }
    int close(file& f) noexcept { return inner_.close(f); }

private:
    quire::memory_backend inner_;
    std::mutex mutex_;
    std::vector<quire::io_op<file>*> waiting_;
};
static_assert(quire::file_backend<queueing_backend>);

struct run_options {
    std::uint64_t pages = 64;
    std::uint64_t pages_end = 96;  ///< appends stop there
    int ops = 10000;               ///< of each thread
    bool faults = false;
};

template <class File>
void one_thread(File const& file, findings& found, run_options const& run, std::uint64_t seed) {
    generator random{seed};
    for (int i = 0; i < run.ops; ++i) {
        try {
            auto const what = random.below(100);
            auto const no = random.below(file.pages());
            if (what < 50) {
                auto page = file.read(no);
                found.look(*page, no);
            } else if (what < 97 || file.pages() >= run.pages_end) {
                auto page = file.write(no);
                found.change(*page, no);
            } else {
                auto page = file.append();
                found.change(*page, page.id().page().value());
            }
        } catch (quire::error const& e) {
            bool const provoked = e.kind() == errc::read_failed || e.kind() == errc::write_failed ||
                                  e.kind() == errc::no_free_frame;
            ++(run.faults && provoked ? found.expected : found.other);
        }
    }
}

/// What must be so after the threads, whatever the pool's type: compiled once.
void check_findings(findings const& found, quire::pool_stats const& stats, int flushes,
                    bool faults) {
    CHECK(found.torn == 0);
    CHECK(found.fell == 0);
    CHECK(found.lost == 0);
    CHECK(found.other == 0);
    CHECK((found.expected > 0) == faults);
    CHECK(stats.hits > 0);
    CHECK(stats.evictions > 0);
    CHECK(stats.write_backs > 0);
    CHECK(flushes > 0);
}

/// Runs the threads and a flusher over `pool`, and checks what is left, then what is on the disk.
template <class Pool, bool Background = false>  // with a background writer, too
void stamps_hold(typename Pool::options_type options, std::string const& path,
                 run_options const& run, fault_plan* faults = nullptr) {
    findings found;
    options.frame_wait_max = 10s;
    {
        Pool pool{options};
        auto file = pool.open(path, quire::open_mode::create_new);
        for (std::uint64_t i = 0; i < run.pages; ++i) {
            auto page = file.append();
            found.change(*page, i);
        }
        file.flush();
        if (faults != nullptr) {
            faults->add({.call = io_call::read, .nth = 5, .every = 37});
            faults->add({.call = io_call::write, .nth = 5, .every = 37});
        }
        std::optional<std::conditional_t<Background, quire::background_writer<Pool>, int>> writer;
        if constexpr (Background) {
            writer.emplace(pool, quire::background_options{.period = 100us, .dirty_low = 0.25});
        }
        std::atomic<bool> stop{false};
        std::atomic<int> flushes{0};
        std::thread flusher{[&] {
            while (!stop) {
                try {
                    file.flush();
                    ++flushes;
                } catch (quire::error const& e) {
                    bool const provoked = run.faults && e.kind() == errc::write_failed;
                    ++(provoked ? found.expected : found.other);
                }
                std::this_thread::sleep_for(200us);
            }
        }};
        std::vector<std::thread> workers;
        for (int t = 0; t < threads; ++t) {
            auto const seed = quire_test::test_seed() + static_cast<std::uint64_t>(t);
            workers.emplace_back([&, seed] { one_thread(file, found, run, seed); });
        }
        for (auto& worker : workers) { worker.join(); }
        stop = true;
        flusher.join();
        writer.reset();
        if (faults != nullptr) { faults->clear(); }

        check_findings(found, pool.stats(), flushes, run.faults);
        file.flush();
        CHECK(file.slot().dirty == 0);
        file.close();
    }
    Pool fresh{options};
    auto file = fresh.open(path);
    for (std::uint64_t i = 0; i < file.pages(); ++i) {
        auto page = file.read(i);
        auto const version = stamp_of(*page);
        if (version != found.sections[i].load()) {
            INFO("page " << i << " of " << file.pages());
            CHECK(version == found.sections[i].load());
        }
    }
}

/// Closes a file that nobody holds a page of. On a machine that is busy with other things, a thread
/// may be stopped with a latch in its hand: only a refusal after some waiting is forgiven.
template <class File>
void close_soon(File const& file, quire::unwritten dirty) {
    for (int tries = 0;; ++tries) {
        auto const begin = std::chrono::steady_clock::now();
        try {
            file.close(dirty);
            return;
        } catch (quire::error const& e) {
            auto const waited = std::chrono::steady_clock::now() - begin;
            if (e.kind() != errc::in_use || waited < 40ms || tries == 20) { throw; }
        }
    }
}

template <class Latch, class Backend, class Policy = quire::clock>
using pool_of = quire::buffer_pool<size, Policy, Latch, Backend>;

}  // namespace

TEMPLATE_TEST_CASE("pool: no update is torn or lost among 8 threads over 12 frames", "",
                   quire::clock, quire::sieve, quire::s3_fifo, quire::lru) {
    stamps_hold<pool_of<quire::hybrid_latch, quire::memory_backend, TestType>>(
        {.frames = 12, .backend = {std::make_shared<quire::memory_store>()}}, "f", {});
}

TEMPLATE_TEST_CASE("pool: hits while others evict leave the policy whole", "", quire::clock,
                   quire::sieve, quire::s3_fifo, quire::lru) {
    // Most reads are hits, of pages that all threads want; the others evict without a pause.
    constexpr std::uint64_t pages = 200;
    constexpr std::uint64_t hot = 12;
    pool_of<quire::hybrid_latch, quire::memory_backend, TestType> pool{
        {.frames = 32, .frame_wait_max = 10s}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto page = file.append();
        stamp(*page, i);
    }
    std::atomic<int> wrong{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            generator random{quire_test::test_seed() + static_cast<std::uint64_t>(t)};
            for (int i = 0; i < 5'000; ++i) {
                auto const no = random.chance(9, 10) ? random.below(hot) : random.below(pages);
                try {
                    auto page = file.read(no);
                    if (stamp_of(*page) != no) { ++wrong; }
                } catch (quire::error const&) {
                    ++wrong;
                }
            }
        });
    }
    for (auto& worker : workers) { worker.join(); }
    CHECK(wrong == 0);
    auto const stats = file.stats();
    CHECK(stats.hits > 2 * stats.misses);
    CHECK(stats.evictions > 1'000);
    file.flush();
    for (std::uint64_t i = 0; i < pages; ++i) {  // every frame can still be had
        auto page = file.read(i);
        CHECK(stamp_of(*page) == i);
    }
    file.close();
}

TEST_CASE("pool: nor with a latch that cannot be downgraded or timed") {
    stamps_hold<pool_of<std::shared_mutex, quire::memory_backend>>(
        {.frames = 12, .backend = {std::make_shared<quire::memory_store>()}}, "f", {.ops = 6000});
}

TEST_CASE("pool: nor when any thread's reap completes the ops of all") {
    stamps_hold<pool_of<quire::hybrid_latch, queueing_backend>>(
        {.frames = 12, .backend = {std::make_shared<quire::memory_store>()}}, "f", {.ops = 6000});
}

// With hybrid_latch flushes have several batches in flight. The thread sanitizer gives up where a
// thread holds more than 64 of the system's locks.
TEMPLATE_TEST_CASE("pool: nor with a background writer, and transfers that overtake each other",
                   "", quire::hybrid_latch, std::shared_mutex) {
    constexpr std::size_t frames = std::is_same_v<TestType, quire::hybrid_latch> ? 240 : 40;
    auto const script = std::make_shared<quire_test::queue_script>(
        quire_test::queue_script::settings{.order = quire_test::hand_out_order::shuffled});
    stamps_hold<pool_of<TestType, quire_test::queued_backend<>, quire::s3_fifo>, true>(
        {.frames = frames,
         .backend = {.inner = {std::make_shared<quire::memory_store>()}, .script = script}},
        "f", {.pages = 2 * frames, .pages_end = 2 * frames + 20, .ops = 4000});
    CHECK(script->overlapping_reaps() == 0);
    CHECK((frames < 64 || script->in_flight_max() > 64));
}

template <class Latch>
void stamps_hold_with_faults(run_options const& run) {
    using io = quire::testing::faulty_backend<quire::memory_backend>;
    auto faults = std::make_shared<fault_plan>();
    stamps_hold<pool_of<Latch, io>>(
        {.frames = 12, .backend = {{std::make_shared<quire::memory_store>()}, faults}}, "f", run,
        faults.get());
}

TEST_CASE("pool: nor when reads and writes fail now and then") {
    stamps_hold_with_faults<quire::hybrid_latch>({.faults = true});
}

TEST_CASE("pool: nor when they fail and the latch cannot be downgraded") {
    stamps_hold_with_faults<std::shared_mutex>({.ops = 6000, .faults = true});
}

TEST_CASE("pool: nor on a disk") {
    temp_dir const dir;
    stamps_hold<pool_of<quire::hybrid_latch, quire::direct_backend>>(
        {.frames = 12}, dir / "f", {.pages = 32, .pages_end = 40, .ops = 1000});
}

#if QUIRE_TEST_HAS_URING

TEST_CASE("pool: nor on a disk by io_uring") {
    for (std::uint32_t records : {256U, 2U}) {
        temp_dir const dir;
        stamps_hold<pool_of<quire::hybrid_latch, quire::uring_backend>>(
            {.frames = 12, .backend = {.in_flight_max = records}}, dir / "f",
            {.pages = 32, .pages_end = 40, .ops = 1000});
    }
}

TEST_CASE("pool: nor by io_uring when reads and writes fail now and then") {
    temp_dir const dir;
    using io = quire::testing::faulty_backend<quire::uring_backend>;
    auto const faults = std::make_shared<fault_plan>();
    stamps_hold<pool_of<quire::hybrid_latch, io>>(
        {.frames = 12, .backend = {.inner = {}, .faults = faults}}, dir / "f",
        {.pages = 32, .pages_end = 40, .ops = 1000, .faults = true}, faults.get());
}

#endif

TEST_CASE("pool: nor on a disk with std shared_mutex") {
    temp_dir const dir;
    stamps_hold<pool_of<std::shared_mutex, quire::direct_backend>>(
        {.frames = 12}, dir / "f", {.pages = 32, .pages_end = 40, .ops = 700});
}

TEMPLATE_TEST_CASE("pool: with too few frames every call ends, and nothing is torn", "",
                   quire::hybrid_latch, std::shared_mutex) {
    pool_of<TestType, quire::memory_backend> pool{
        {.frames = 4, .wait_max = 20ms, .frame_wait_max = 2ms}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    constexpr std::uint64_t pages = 16;
    findings found;
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto page = file.append();
        found.change(*page, i);
    }
    std::atomic<int> both{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            generator random{quire_test::test_seed() + static_cast<std::uint64_t>(t)};
            for (int i = 0; i < 60; ++i) {
                auto const one = random.below(pages);
                auto const two = (one + 1 + random.below(pages - 1)) % pages;  // in any order
                try {
                    auto first = file.write(one);
                    std::this_thread::yield();
                    auto second = file.write(two);
                    found.change(*first, one);
                    found.change(*second, two);
                    ++both;
                } catch (quire::error const& e) {
                    bool const provoked =
                        e.kind() == errc::timed_out || e.kind() == errc::no_free_frame;
                    ++(provoked ? refused : found.other);
                }
            }
        });
    }
    for (auto& worker : workers) { worker.join(); }
    CHECK(found.torn == 0);
    CHECK(found.lost == 0);
    CHECK(found.other == 0);
    CHECK(both > 0);
    CHECK(both + refused == threads * 60);
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto page = file.read(i);
        CHECK(stamp_of(*page) == found.sections[i].load());
    }
}

TEST_CASE("pool: threads with budgets never lack a frame") {
    constexpr std::size_t each = 2;
    pool_of<quire::hybrid_latch, quire::memory_backend> pool{
        {.frames = each * threads, .frame_wait_max = 10s}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    for (std::uint64_t i = 0; i < 64; ++i) { static_cast<void>(file.append()); }
    std::atomic<int> errors{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            generator random{quire_test::test_seed() + static_cast<std::uint64_t>(t)};
            for (int i = 0; i < 200; ++i) {
                try {
                    auto budget = pool.reserve(each);
                    auto const one = random.below(63);
                    auto first = file.write(one, {.budget = &budget});
                    stamp(*first, 1);
                    auto second = file.read(one + 1 + random.below(63 - one), {.budget = &budget});
                } catch (quire::error const&) {
                    ++errors;
                }
            }
        });
    }
    for (auto& worker : workers) { worker.join(); }
    CHECK(errors == 0);
    CHECK(pool.stats().evictions > 0);
}

TEMPLATE_TEST_CASE("pool: a file opens and closes while others keep the pool busy", "",
                   quire::hybrid_latch, std::shared_mutex) {
    // Whoever is busy elsewhere may look into any frame for a moment, or write its page back:
    // that is no guard, and does not keep a file from closing.
    pool_of<TestType, quire::memory_backend> pool{{.frames = 12, .frame_wait_max = 10s}};
    auto busy = pool.open("busy", quire::open_mode::open_or_create);
    for (std::uint64_t i = 0; i < 64; ++i) { static_cast<void>(busy.append()); }
    std::atomic<bool> stop{false};
    std::atomic<int> errors{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < 4; ++t) {
        workers.emplace_back([&, t] {
            generator random{quire_test::test_seed() + static_cast<std::uint64_t>(t)};
            while (!stop) {
                try {
                    auto const no = random.below(64);
                    if (random.chance(1, 2)) {
                        auto page = busy.read(no);
                    } else {
                        auto page = busy.write(no);
                        stamp(*page, 1);
                    }
                } catch (quire::error const&) {
                    ++errors;
                }
            }
        });
    }
    workers.emplace_back([&] {
        while (!stop) {
            try {
                pool.flush();  // of all files, whichever are open
                static_cast<void>(pool.stats());
            } catch (quire::error const&) {
                ++errors;
            }
        }
    });
    generator random{quire_test::test_seed()};
    for (int i = 0; i < 400; ++i) {
        try {
            auto file = pool.open("file", quire::open_mode::open_or_create);
            for (std::uint64_t no = 0; no < 3; ++no) {
                if (no >= file.pages()) {
                    auto page = file.append();
                    stamp(*page, 1);
                } else {
                    auto page = file.write(no);
                    stamp(*page, 1);
                }
            }
            close_soon(file, random.chance(1, 4) && i > 0 ? quire::unwritten::discard
                                                          : quire::unwritten::write);
        } catch (quire::error const& e) {
            UNSCOPED_INFO(i << ": " << e.what());
            ++errors;
            break;
        }
    }
    stop = true;
    for (auto& worker : workers) { worker.join(); }
    CHECK(errors == 0);
}

TEST_CASE("pool: threads that open files at the same time get different slots") {
    pool_of<quire::hybrid_latch, quire::memory_backend> pool{
        {.frames = 32, .files_max = threads, .frame_wait_max = 10s}};
    std::atomic<int> errors{0};
    std::array<std::atomic<bool>, threads> taken{};
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 100; ++i) {
                try {
                    auto file = pool.open(std::to_string(t), quire::open_mode::open_or_create);
                    auto& mine = taken[static_cast<std::size_t>(file.number()) % threads];
                    if (mine.exchange(true)) { ++errors; }
                    if (file.pages() != i) { ++errors; }
                    auto page = file.append();
                    stamp(*page, 1);
                    page.release();
                    mine = false;
                    file.close();
                } catch (quire::error const&) {
                    ++errors;
                }
            }
        });
    }
    for (auto& worker : workers) { worker.join(); }
    CHECK(errors == 0);
}
