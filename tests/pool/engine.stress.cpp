// SPDX-License-Identifier: BSL-1.0

/// Eight threads read, write, make anew, forget, pin and read ahead pages of one file, by guards,
/// streams, requests and tasks, through few frames, while one of them cuts the file and lets it
/// grow again. Over a backend that completes transfers at once, and over one that does so later, in
/// any order, in any thread. Every page seen must be whole: the same number at both ends, and its
/// own.

#include <quire/pool/buffer_pool.hpp>

#include <quire/pool/task_loop.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/io/memory_backend.hpp>

#include "catch.hpp"
#include "queued_backend.hpp"
#include "random.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

using namespace std::chrono_literals;
using quire::errc;

namespace {

constexpr std::size_t front = 64;
constexpr std::size_t back = 512 - 8;
constexpr std::uint64_t pages_min = 8;
constexpr std::uint64_t pages_max = 48;

template <class Pool>
class worker {
public:
    worker(Pool& pool, typename Pool::file file, std::uint64_t seed)
        : pool_{pool}, file_{file}, random_{seed} {}

    void run(int steps, bool resizes) {
        for (int i = 0; i < steps; ++i) {
            try {
                step(resizes);
            } catch (quire::error const& e) {
                if (!expected(e.kind())) { throw; }
                ++refused;
            }
        }
    }
    std::size_t seen = 0;
    std::size_t refused = 0;
    std::size_t seen_ahead = 0;
    std::size_t by_requests = 0;
    std::size_t by_tasks = 0;

private:
    /// What may happen when others cut the file, hold the page, or have all frames.
    static bool expected(errc what) {
        return what == errc::page_out_of_range || what == errc::blank_page ||
               what == errc::in_use || what == errc::no_free_frame || what == errc::timed_out;
    }

    void step(bool resizes) {
        std::uint64_t const no = random_.below(pages_max);
        switch (random_.below(resizes ? 12U : 10U)) {
            case 0: file_.discard(no); return;
            case 1: {
                auto page = file_.format(no);
                put(page);
                return;
            }
            case 2: {
                auto const pin = file_.pin(no);
                check(no);
                return;
            }
            case 3: {
                auto page = file_.write(no);
                expect_whole(page);
                put(page);
                return;
            }
            case 4: rewrite_if_unchanged(no); return;
            case 5: {
                auto writer = file_.write(no);
                put(writer);
                if constexpr (requires { writer.downgrade(); }) {
                    auto reader = writer.downgrade();
                    expect_whole(reader);
                }
                return;
            }
            case 6: ask(no); return;
            case 7: run_tasks(no); return;
            case 8: seen_ahead += file_.prefetch({no, no + 1, no + 2, no + 5}); return;
            case 9: pass_through(no); return;
            case 10: file_.truncate(random_.between(pages_min, pages_max)); return;
            case 11:
                while (file_.pages() < pages_max) {
                    auto page = file_.append();
                    put(page);
                }
                return;
            default: check(no); return;
        }
    }

    void rewrite_if_unchanged(std::uint64_t no) {
        auto const before = [&] {
            auto page = file_.read(no);
            return std::pair{page.version(), expect_whole(page)};
        }();
        auto slot = file_.write_unchanged(no, before.first);
        if (!slot.has_value()) { return; }
        if (expect_whole(*slot) != before.second) { throw std::logic_error{"it had changed"}; }
        put(*slot);
    }

    /// Some pages by a stream, which ends before its last.
    void pass_through(std::uint64_t no) {
        auto const end = no + 1 + random_.below(20);
        auto stream = file_.read_stream([&]() -> std::optional<quire::page_no> {
            return quire::page_no{no++ % pages_max};
        });
        while (no < end) {
            auto* const page = stream.next();
            expect_whole(*page);
            ++seen_ahead;
        }
    }

    struct request_type : Pool::file::page_request {
        using base = typename Pool::file::page_request;
        explicit request_type(quire::page_no no)
            : base{no, [](base& self) noexcept { static_cast<request_type&>(self).over = true; }} {}
        std::atomic<bool> over{false};
    };
    /// A page by a request, which one in three ends early.
    void ask(std::uint64_t no) {
        request_type request{no};
        auto const how = file_.start(request);
        if (how == quire::started::not_now || random_.below(3) == 0) { return; }
        if (how == quire::started::pending) {
            while (!request.over) {
                pool_.poll();
                std::this_thread::yield();
            }
        }
        auto const pin = request.take();
        check(no);
        ++by_requests;
    }

    quire::task<> visit(std::uint64_t no) {
        try {
            auto const held = co_await file_.fetch(no);
            auto const page = co_await file_.async_read((no + 1) % pages_max);
            expect_whole(page);
            ++by_tasks;
        } catch (quire::error const& e) {
            if (!expected(e.kind())) { throw; }
            ++refused;
        }
    }
    /// Some pages by tasks, of which now and then some do not end.
    void run_tasks(std::uint64_t no) {
        quire::task_loop loop{pool_, {.in_flight = 2}};
        for (std::uint64_t i = 0; i < 4; ++i) { loop.spawn(visit((no + i) % pages_max)); }
        if (random_.below(4) != 0) { loop.run(); }
    }

    void check(std::uint64_t no) {
        auto const page = file_.read(no);
        expect_whole(page);
    }
    template <class Guard>
    std::uint64_t expect_whole(Guard const& page) {
        auto bytes = page->bytes();
        auto const value = bytes.template load<std::uint64_t>(front);
        if (value != bytes.template load<std::uint64_t>(back)) { throw std::logic_error{"torn"}; }
        if (value != 0 && value >> 48 != page.id().page().value()) {
            throw std::logic_error{"another page's bytes"};
        }
        ++seen;
        return value;
    }
    template <class Guard>
    void put(Guard& page) {
        std::uint64_t const value =
            page.id().page().value() << 48 | (random_.bits() & 0xFFFF'FFFF'FFFF);
        auto bytes = page->bytes();
        bytes.template store<std::uint64_t>(front, value);
        bytes.template store<std::uint64_t>(back, value);
    }

    Pool& pool_;
    typename Pool::file file_;
    quire_test::generator random_;
};

using hybrid_pool =
    quire::buffer_pool<512, quire::clock, quire::hybrid_latch, quire::memory_backend>;
using queued_pool =
    quire::buffer_pool<512, quire::s3_fifo, quire::hybrid_latch, quire_test::queued_backend<>>;

template <class Pool>
typename Pool::options_type few_frames(std::uint64_t seed) {
    typename Pool::options_type options{
        .frames = 32, .wait_max = 10s, .frame_wait_max = 100ms, .backend = {}};
    if constexpr (requires { options.backend.script; }) {
        options.backend.script = std::make_shared<quire_test::queue_script>(
            quire_test::queue_script::settings{quire_test::hand_out_order::shuffled, seed, 5});
    }
    return options;
}

}  // namespace

TEMPLATE_TEST_CASE("engine: pages stay whole while the file is cut, grown, forgotten and made anew",
                   "", hybrid_pool, queued_pool) {
    quire_test::test_random random;
    TestType pool{few_frames<TestType>(random.bits())};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    for (std::uint64_t i = 0; i < pages_max; ++i) { file.append().release(); }
    file.flush();

    constexpr int steps = 20'000;
    std::vector<worker<TestType>> workers;
    for (int i = 0; i < 8; ++i) { workers.emplace_back(pool, file, random.bits()); }
    std::atomic<bool> failed{false};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < workers.size(); ++i) {
        threads.emplace_back([&, i] {
            try {
                workers[i].run(steps, i == 0);
            } catch (std::exception const& e) {
                failed = true;
                std::cout << e.what() << '\n';
            }
        });
    }
    for (auto& thread : threads) { thread.join(); }
    CHECK_FALSE(failed);
    std::size_t seen = 0;
    std::size_t refused = 0;
    std::size_t ahead = 0;
    std::size_t asked = 0;
    std::size_t visited = 0;
    for (auto const& one : workers) {
        seen += one.seen;
        refused += one.refused;
        ahead += one.seen_ahead;
        asked += one.by_requests;
        visited += one.by_tasks;
    }
    auto const stats = file.stats();
    std::cout << "engine: " << seen << " pages seen, " << ahead << " ahead, " << asked
              << " by requests, " << visited << " by tasks, " << refused << " refused, "
              << stats.evictions << " evictions, " << stats.appends << " appends\n";
    CHECK(seen > 1000);
    CHECK(refused > 0);
    CHECK(ahead > 0);
    CHECK(asked > 0);
    CHECK(visited > 0);
    CHECK(stats.evictions > 0);
    CHECK(stats.appends > pages_max);
    for (auto const no : file.resident_pages()) { CHECK(no.value() < file.pages()); }
    file.flush();
    file.close();
}
