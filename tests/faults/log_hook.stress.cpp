// SPDX-License-Identifier: BSL-1.0

/// Eight threads log what they change, while the log hook throws, is slow, is behind, and enters
/// its pool. No page may be sealed for writing before the log has covered it: the file's seal
/// looks.

#include <quire/pool/buffer_pool.hpp>

#include <quire/io/memory_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "pool/stamped.hpp"
#include "random.hpp"

#include <atomic>
#include <shared_mutex>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;
using quire::errc;

namespace {

constexpr std::uint64_t pages = 24;

/// A page seal has two plain functions, so what they look at is here. One test at a time.
struct log_state {
    std::atomic<std::uint64_t> next{0};     ///< the last LSN that was given out
    std::atomic<std::uint64_t> durable{0};  ///< how far the log is
    std::atomic<int> ahead{0};              ///< pages that were about to be written before it
    std::atomic<int> sealed{0};

    static log_state& here() {
        static log_state state;
        return state;
    }
    void reset() {
        next = durable = 0;
        ahead = sealed = 0;
    }
};

/// The page's stamp is the LSN of its last change.
void seal_and_look(std::span<std::byte> bytes, quire::page_id id, std::uint64_t) noexcept {
    quire::byte_view const page{bytes};
    auto& log = log_state::here();
    if (page.load<std::uint64_t>(16) > log.durable) { ++log.ahead; }
    ++log.sealed;
    quire::crc_seal.seal(bytes, id, 0);
}

/// What the hook did.
struct tally {
    std::atomic<int> calls{0};
    std::atomic<int> thrown{0};
    std::atomic<int> behind{0};
    std::atomic<int> reentered{0};
};

template <class File>
std::uint64_t log_it(File const& file, tally& counts, std::uint64_t lsn) {
    auto& log = log_state::here();
    int const call = ++counts.calls;
    if (call % 4 == 0) { std::this_thread::sleep_for(200us); }
    if (call % 11 == 0) {
        ++counts.thrown;
        throw std::runtime_error{"the log is broken"};
    }
    if (call % 13 == 0) {
        try {
            static_cast<void>(file.read(lsn % pages));  // mostly a miss
        } catch (quire::error const& e) {
            if (e.kind() == errc::reentered) { ++counts.reentered; }
            throw;
        }
    }
    if (call % 7 == 0) {
        ++counts.behind;
        return log.durable;
    }
    auto now = log.durable.load();
    while (now < lsn && !log.durable.compare_exchange_weak(now, lsn)) {}
    return log.durable;
}

}  // namespace

TEMPLATE_TEST_CASE("faults: no page goes ahead of its log, whatever the hook does", "",
                   quire::hybrid_latch, std::shared_mutex) {
    auto& log = log_state::here();
    log.reset();
    using pool_type =
        quire::buffer_pool<1024, quire::s3_fifo, TestType, quire::memory_backend>;
    tally counts;
    quire_test::findings found;
    typename pool_type::file* here = nullptr;
    std::atomic<bool> sound{true};
    pool_type pool{{.frames = 10, .files_max = 1, .wait_max = 60s, .frame_wait_max = 60s,
                    .durable = [&](std::uint64_t lsn) -> std::uint64_t {
                        if (sound) { return log.durable = log.next.load(); }
                        return log_it(*here, counts, lsn);
                    }}};
    auto file = pool.open("f", quire::open_mode::open_or_create,
                          {.seal = {quire::crc_seal.check, seal_and_look}});
    here = &file;
    for (std::uint64_t no = 0; no < pages; ++no) { file.append().release(); }
    file.flush();
    sound = false;

    std::array<std::atomic<std::uint64_t>, pages> last{};
    std::vector<std::thread> workers;
    for (int t = 0; t < 8; ++t) {
        workers.emplace_back([&, t] {
            generator random{quire_test::test_seed() + static_cast<std::uint64_t>(t)};
            for (int i = 0; i < 500; ++i) {
                try {
                    auto const no = random.below(pages);
                    if (random.chance(1, 40)) {
                        file.flush();
                    } else if (random.chance(1, 3)) {
                        auto const page = file.read(no);
                        found.look(*page, no);
                    } else {
                        auto page = file.write(no);
                        auto const lsn = ++log.next;
                        quire_test::stamp(*page, lsn);
                        page.logged(lsn);
                        last[no] = lsn;
                    }
                } catch (quire::error const& e) {
                    ++(e.kind() == errc::log_failed ? found.expected : found.other);
                }
            }
        });
    }
    for (auto& worker : workers) { worker.join(); }
    sound = true;
    file.flush();
    for (std::uint64_t no = 0; no < pages; ++no) {
        file.discard(no);
        auto const page = file.read(no);
        CHECK(quire_test::stamp_of(*page) == last[no].load());
    }
    std::cout << counts.calls << " calls of the hook, " << counts.thrown << " threw, "
              << counts.behind << " were behind, " << counts.reentered << " entered the pool, "
              << found.expected << " errors, " << log.sealed << " pages sealed\n";
    CHECK(log.ahead == 0);
    CHECK(found.torn == 0);
    CHECK(found.fell == 0);
    CHECK(found.other == 0);
    CHECK(found.expected > 0);
    CHECK(counts.thrown > 0);
    CHECK(counts.behind > 0);
    CHECK(counts.reentered > 0);
}
