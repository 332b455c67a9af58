// SPDX-License-Identifier: BSL-1.0

/// Power fails while eight threads write and one flushes. Each page must be at least at the version
/// that it had when the last flush began that has returned, and at most at the newest that anybody
/// wrote.

#include "crash/recovery.hpp"

#include <quire/testing/crash_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "random.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <shared_mutex>
#include <thread>

using namespace std::chrono_literals;
using quire::testing::crash_backend;
using quire::testing::crash_disk;

namespace {

constexpr std::size_t size = 1024;
constexpr std::uint64_t pages = 24;
using versions = std::array<std::atomic<std::uint64_t>, pages>;

/// What the threads have done: versions only rise.
struct progress {
    versions begun{};    ///< somebody had the page to write
    versions ended{};    ///< and let go of it
    versions flushed{};  ///< had ended before a flush that has returned
};

/// What a crash between two looks at the progress may leave.
class bounds {
public:
    explicit bounds(progress const& p) : progress_{p} {
        for (std::size_t no = 0; no < pages; ++no) { lowest_[no] = p.flushed[no]; }
    }
    /// After the disk has been looked at.
    void close() {
        for (std::size_t no = 0; no < pages; ++no) { highest_[no] = progress_.begun[no]; }
    }
    [[nodiscard]] bool size(std::uint64_t count) const { return count == pages; }
    [[nodiscard]] bool page(std::uint64_t no, std::uint64_t version) const {
        return lowest_[no] <= version && version <= highest_[no];
    }
    [[nodiscard]] bool may_tear(std::uint64_t no) const { return lowest_[no] < highest_[no]; }
    [[nodiscard]] std::uint64_t flushed(std::uint64_t no) const { return lowest_[no]; }
    [[nodiscard]] std::size_t hash() const {
        std::size_t sum = 0;
        for (std::size_t no = 0; no < pages; ++no) {
            sum = (sum ^ lowest_[no]) * 0x9E37'79B9'7F4A'7C15;
            sum = (sum ^ highest_[no]) * 0x9E37'79B9'7F4A'7C15;
        }
        return sum;
    }

private:
    progress const& progress_;
    std::array<std::uint64_t, pages> lowest_{};
    std::array<std::uint64_t, pages> highest_{};
};

/// Raises `version` to `to`, unless somebody was faster: a flush may be overtaken by another one.
void raise(std::atomic<std::uint64_t>& version, std::uint64_t to) {
    auto now = version.load();
    while (now < to && !version.compare_exchange_weak(now, to)) {}
}

template <class File>
void change(File const& file, progress& done, std::uint64_t no) {
    std::uint64_t version = 0;
    {
        auto page = file.write(no);
        version = ++done.begun[no];
        quire_test::stamp(*page, version);
    }
    raise(done.ended[no], version);
}
template <class File>
void flush(File const& file, progress& done) {
    std::array<std::uint64_t, pages> before{};
    for (std::size_t no = 0; no < pages; ++no) { before[no] = done.ended[no]; }
    file.flush();
    for (std::size_t no = 0; no < pages; ++no) { raise(done.flushed[no], before[no]); }
}

}  // namespace

TEMPLATE_TEST_CASE("crash: while eight threads write", "[long][crash]", quire::hybrid_latch,
                   std::shared_mutex) {
    auto disk = std::make_shared<crash_disk>();
    quire::buffer_pool<size, quire::s3_fifo, TestType, crash_backend> pool{
        {.frames = 12, .files_max = 1, .wait_max = 60s, .frame_wait_max = 60s,
         .backend = {disk}}};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    for (std::uint64_t no = 0; no < pages; ++no) { file.append().release(); }
    progress done;
    for (std::uint64_t no = 0; no < pages; ++no) { change(file, done, no); }
    flush(file, done);

    std::atomic<bool> stop{false};
    std::atomic<int> errors{0};
    std::vector<std::thread> workers;
    for (int t = 0; t < 9; ++t) {
        workers.emplace_back([&, t] {
            generator random{quire_test::test_seed() + static_cast<std::uint64_t>(t)};
            while (!stop) {
                try {
                    if (t == 8) {
                        flush(file, done);
                        std::this_thread::sleep_for(1ms);
                    } else {
                        change(file, done, random.below(pages));
                        if (random.chance(1, 8)) { std::this_thread::yield(); }
                    }
                } catch (quire::error const&) { ++errors; }
            }
        });
    }
    quire_test::recovery<size> recovered;
    generator random{quire_test::test_seed()};
    auto const wanted = quire_test::amount(2'000, 100'000);
    auto const until = std::chrono::steady_clock::now() + quire_test::amount(20, 300) * 1s;
    while (recovered.states() < wanted && std::chrono::steady_clock::now() < until) {
        bounds may_be{done};
        auto const left = disk->states("f");
        may_be.close();
        for (int i = 0; i < 20; ++i) {
            auto const half = random.below(3);
            recovered.recover(left.state_by([&](std::uint64_t choices) {
                return half == 0 ? random.below(choices) : half == 1 ? 0 : choices - 1;
            }),
                              may_be);
        }
    }
    stop = true;
    for (auto& worker : workers) { worker.join(); }
    std::cout << recovered.states() << " states; pages at their old version "
              << recovered.old_version << ", at a new one " << recovered.new_version
              << ", refused by their seal " << recovered.refused << '\n';
    quire_test::figure("distinct crash states", recovered.distinct_states());
    INFO(recovered.first_wrong);
    CHECK(recovered.wrong == 0);
    CHECK(errors == 0);
    CHECK(recovered.old_version > 0);
    CHECK(recovered.new_version > 0);
    CHECK(recovered.blank == 0);
    CHECK(recovered.refused > 0);
}
