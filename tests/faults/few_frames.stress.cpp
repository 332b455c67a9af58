// SPDX-License-Identifier: BSL-1.0

/// Every frame is held, and every holder wants another one. Without a way out all are told so when
/// their time is over, and lose nothing; if one gives way, all get what they want.

#include <quire/pool/buffer_pool.hpp>

#include <quire/io/memory_backend.hpp>

#include "catch.hpp"
#include "pool/consistent.hpp"
#include "pool/stamped.hpp"

#include <atomic>
#include <shared_mutex>
#include <thread>

using namespace std::chrono_literals;
using quire::errc;

namespace {

constexpr std::uint64_t threads = 8;

template <class Latch>
using pool_of = quire::buffer_pool<1024, quire::s3_fifo, Latch, quire::memory_backend>;

/// A pool with as many frames as threads, and twice as many pages.
template <class Latch>
struct scene {
    explicit scene(std::chrono::nanoseconds frame_wait_max)
        : pool{{.frames = threads, .file_pages_max = 64, .wait_max = 60s,
                .frame_wait_max = frame_wait_max}},
          file{pool.open("f", quire::open_mode::open_or_create)} {
        for (std::uint64_t no = 0; no < 2 * threads; ++no) { file.append().release(); }
        file.flush();
    }

    /// Each thread changes a page, and when all have theirs, while it holds on, another.
    /// `let_go(t)` is whether the thread gives its page up before. Returns how many got both.
    template <class LetGo>
    std::uint64_t run(LetGo let_go) {
        std::atomic<std::uint64_t> holding{0};
        std::atomic<std::uint64_t> got{0};
        std::vector<std::thread> workers;
        for (std::uint64_t t = 0; t < threads; ++t) {
            workers.emplace_back([&, t] {
                auto mine = file.write(t);
                quire_test::stamp(*mine, t + 1);
                ++holding;
                while (holding < threads) { std::this_thread::yield(); }
                if (let_go(t)) { mine.release(); }
                try {
                    auto other = file.write(threads + t);
                    quire_test::stamp(*other, t + 1);
                    ++got;
                } catch (quire::error const& e) {
                    ++(e.kind() == errc::no_free_frame ? refused : wrong);
                }
            });
        }
        for (auto& worker : workers) { worker.join(); }
        std::array<std::optional<typename pool_of<Latch>::file>, 1> const files{file};
        quire_test::expect_consistent(file.core(), files, 0);
        return got;
    }

    pool_of<Latch> pool;
    typename pool_of<Latch>::file file;
    std::atomic<int> refused{0};
    std::atomic<int> wrong{0};
};

}  // namespace

TEMPLATE_TEST_CASE("faults: when all want one frame more and nobody gives way, all are told", "",
                   quire::hybrid_latch, std::shared_mutex) {
    scene<TestType> s{50ms};
    auto const got = s.run([](std::uint64_t) { return false; });
    // Who is told lets go, and may leave a frame to a slower one.
    CHECK(s.refused > 0);
    CHECK(got + static_cast<std::uint64_t>(s.refused) == threads);
    CHECK(s.wrong == 0);
    for (std::uint64_t no = 0; no < threads; ++no) {
        auto const page = s.file.read(no);
        CHECK(quire_test::stamp_of(*page) == no + 1);
    }
    CHECK(s.run([](std::uint64_t) { return true; }) == threads);  // and nothing is left behind
}
TEMPLATE_TEST_CASE("faults: when one gives way all get their frame", "", quire::hybrid_latch,
                   std::shared_mutex) {
    scene<TestType> s{60s};
    CHECK(s.run([](std::uint64_t t) { return t == 3; }) == threads);
    CHECK(s.refused == 0);
    CHECK(s.wrong == 0);
    for (std::uint64_t no = 0; no < 2 * threads; ++no) {
        auto const page = s.file.read(no);
        CHECK(quire_test::stamp_of(*page) == no % threads + 1);
    }
}
