// SPDX-License-Identifier: BSL-1.0

/// Eight threads at once, and the n-th read, write, sync or resize of all of them fails, for
/// n = 0, 1, 2, ... until no such call is left. What each thread did counts (stamped.hpp):
/// afterwards every page has been changed exactly as often as somebody had it to write, in this
/// pool and in the file.

#include <quire/pool/buffer_pool.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "pool/consistent.hpp"
#include "pool/stamped.hpp"
#include "random.hpp"

#include <cerrno>
#include <memory>
#include <shared_mutex>
#include <thread>

using namespace std::chrono_literals;
using quire::errc;
using quire::testing::fault_plan;
using quire::testing::io_call;
using quire::testing::io_fault;

namespace {

constexpr int threads = 8;
constexpr std::size_t frames = 6;
constexpr std::uint64_t pages = 12;
constexpr std::uint64_t pages_end = 20;

template <class File>
void one_thread(File const& file, quire_test::findings& found, std::uint64_t seed) {
    generator random{seed};
    for (int i = 0; i < 12; ++i) {
        auto const no = random.below(file.pages());
        try {
            switch (random.below(12)) {
                case 0: file.flush(); break;
                case 1: file.write_back(); break;
                case 2:
                    if (file.pages() < pages_end) {
                        auto page = file.append();
                        found.change(*page, page.id().page().value());
                    }
                    break;
                case 3:
                case 4:
                case 5:
                case 6: {
                    auto const page = file.read(no);
                    found.look(*page, no);
                    break;
                }
                default: {
                    auto page = file.write(no);
                    found.change(*page, no);
                }
            }
        } catch (quire::error const& e) {
            bool const known =
                e.kind() == errc::read_failed || e.kind() == errc::short_read ||
                e.kind() == errc::corrupt_page || e.kind() == errc::write_failed ||
                e.kind() == errc::sync_failed || e.kind() == errc::grow_failed;
            ++(known ? found.expected : found.other);
        }
    }
}

struct tally {
    std::uint64_t runs = 0;
    std::uint64_t faults = 0;
    std::uint64_t errors = 0;
    std::uint64_t sync_errors = 0;
};

/// Whether the fault was met.
template <class Pool>
bool one_run(quire::testing::fault const& wrong, tally& counts) {
    auto store = std::make_shared<quire::memory_store>();
    auto faults = std::make_shared<fault_plan>();
    quire_test::findings found;
    typename Pool::options_type const options{
        .frames = frames, .files_max = 1, .file_pages_max = 64, .wait_max = 60s,
        .frame_wait_max = 60s,
        .on_loss = [](std::string const&, quire::error const&) {}, .backend = {{store}, faults}};
    Pool pool{options};
    auto file = pool.open("f", quire::open_mode::open_or_create);
    for (std::uint64_t no = 0; no < pages; ++no) {
        auto page = file.append();
        found.change(*page, no);
    }
    file.flush();
    faults->add(wrong);
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t) {
        auto const seed = quire_test::test_seed() + counts.runs * threads +
                          static_cast<std::uint64_t>(t);
        workers.emplace_back([&, seed] { one_thread(file, found, seed); });
    }
    for (auto& worker : workers) { worker.join(); }
    faults->clear();

    std::array<std::optional<typename Pool::file>, 1> const files{file};
    quire_test::expect_consistent(file.core(), files, 0);
    auto const look = [&](auto const& from, std::uint64_t no) {
        auto const page = from.read(no);
        if (quire_test::stamp_of(*page) != found.sections[no].load()) { ++found.lost; }
    };
    // After a failed sync dirty pages keep their frames. If these are all, pages of the file that
    // have none cannot be read here.
    std::vector<std::uint64_t> only_in_file;
    for (std::uint64_t no = 0; no < file.pages(); ++no) {
        try {
            look(file, no);
        } catch (quire::error const& why) {
            if (why.kind() != errc::sync_failed || file.slot().sync_error == 0) { throw; }
            only_in_file.push_back(no);
        }
    }
    ++counts.runs;
    counts.faults += faults->fired();
    counts.errors += static_cast<std::uint64_t>(found.expected.load());
    if (file.slot().sync_error != 0) {
        ++counts.sync_errors;
        auto const in_frames = file.pages() - only_in_file.size();
        CHECK((only_in_file.empty() || in_frames == frames));
        file.close(quire::unwritten::discard);
    } else {
        file.flush();
        for (std::uint64_t no = 0; no < file.pages(); ++no) { only_in_file.push_back(no); }
        file.close();
    }
    Pool fresh{options};
    auto const again = fresh.open("f");
    for (auto const no : only_in_file) { look(again, no); }
    CHECK(found.torn == 0);
    CHECK(found.fell == 0);
    CHECK(found.lost == 0);
    CHECK(found.other == 0);
    return faults->fired() > 0;
}

template <std::size_t Size, class Policy, class Latch>
using pool_of = quire::buffer_pool<Size, Policy, Latch,
                                   quire::testing::faulty_backend<quire::memory_backend>>;

}  // namespace

TEMPLATE_TEST_CASE("faults: eight threads, every fault, every call", "[long][faults]",
                   (pool_of<1024, quire::clock, quire::hybrid_latch>),
                   (pool_of<512, quire::sieve, std::shared_mutex>),
                   (pool_of<512, quire::s3_fifo, quire::hybrid_latch>),
                   (pool_of<1024, quire::lru, std::shared_mutex>)) {
    constexpr std::array wrongs{
        quire::testing::fault{.call = io_call::read},
        quire::testing::fault{.call = io_call::read, .what = io_fault::shortens},
        quire::testing::fault{.call = io_call::read, .what = io_fault::corrupts},
        quire::testing::fault{.call = io_call::read, .what = io_fault::delays, .every = 1},
        quire::testing::fault{.call = io_call::write, .error = ENOSPC},
        quire::testing::fault{.call = io_call::write, .what = io_fault::interrupts},
        quire::testing::fault{.call = io_call::write, .what = io_fault::shortens},
        quire::testing::fault{.call = io_call::write, .what = io_fault::delays, .every = 1},
        quire::testing::fault{.call = io_call::sync},
        quire::testing::fault{.call = io_call::resize, .error = ENOSPC},
    };
    tally counts;
    auto const rounds = quire_test::amount(1, 40);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        for (auto wrong : wrongs) {
            INFO("call " << static_cast<int>(wrong.call) << ", fault "
                         << static_cast<int>(wrong.what));
            for (std::uint64_t nth = 0;; nth += quire_test::long_form() ? 1 : 4) {
                wrong.nth = nth;
                INFO("number " << nth);
                if (!one_run<TestType>(wrong, counts)) { break; }
            }
        }
    }
    std::cout << counts.runs << " runs, " << counts.faults << " faults, " << counts.errors
              << " errors, " << counts.sync_errors << " after a sync error\n";
    quire_test::figure("pool operations among faults", counts.runs * threads * 12);
    quire_test::figure("faults", counts.faults);
    CHECK(counts.faults > 0);
    CHECK(counts.errors > 0);
    CHECK(counts.sync_errors > 0);
}
