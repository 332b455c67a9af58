// SPDX-License-Identifier: BSL-1.0

/// A process that writes, flushes, appends, cuts and evicts is killed in the midst of it, again and
/// again, on one file. What its flushes acknowledged is known outside (outside_record.hpp).
///
/// Expected: the file opens each time, since the lock died with its holder; every page has at least
/// the version that was acknowledged and at most the newest that was begun; what was cut off does
/// not come back; a corrupt page is one whose write was under way.
///
/// What this can show: that `flush` had handed every byte to the system before it returned. Not
/// that it had synced them: the system outlives the process, and so does what it was given.

#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "system/killing.hpp"
#include "system/outside_record.hpp"
#include "random.hpp"

#include <chrono>
#include <thread>

using namespace std::chrono_literals;
using namespace quire_test;
using quire::errc;
using quire::open_mode;

namespace {

constexpr std::uint64_t pages_min = 24;
constexpr std::uint64_t pages_most = 48;

/// Writes one page and holds it for `how_long`, so that flushes have to wait for it; makes it anew
/// if the last life left it blank or torn.
void write_one(outside_record& record, plain_file const& file, std::uint64_t no,
               std::chrono::microseconds how_long) {
    try {
        auto page = file.write(no);
        record.write(page);
        if (how_long.count() > 0) { std::this_thread::sleep_for(how_long); }
    } catch (quire::error const& e) {
        if (e.kind() != errc::blank_page && e.kind() != errc::corrupt_page) { throw; }
        auto page = file.format(no);
        record.write(page);
    }
}

/// What two threads that cut, and hold pages, may meet. Everything else ends the child.
bool expected(errc what) { return what == errc::page_out_of_range || what == errc::in_use; }

template <class Step>
void for_ever(Step step) {
    for (;;) {
        try {
            step();
        } catch (quire::error const& e) {
            if (!expected(e.kind())) { throw; }
        }
    }
}

void write_for_ever(outside_record& record, plain_file const& file, std::uint64_t seed) {
    generator random{seed};
    for_ever([&] {
        auto const no = random.below(pages_most);
        if (random.chance(3, 4)) {
            write_one(record, file, no, random.chance(1, 8) ? 300us : 0us);
        } else {
            try {
                static_cast<void>(quire_test::version_on(file, no));
            } catch (quire::error const& e) {
                if (e.kind() != errc::blank_page && e.kind() != errc::corrupt_page) { throw; }
            }
        }
    });
}

/// Flushes, appends and cuts: what the record wants from one thread.
void flush_for_ever(outside_record& record, plain_file const& file, std::uint64_t seed) {
    generator random{seed};
    for_ever([&] {
        auto const pages = file.pages();
        if (pages < pages_most) {
            record.grows_to(pages + 1);
            auto page = file.append();
            record.write(page);
        }
        if (pages > pages_min && random.chance(1, 12)) {
            auto const to = random.between(pages_min, pages - 1);
            record.truncate(to, [&] { file.truncate(to); });
        }
        if (random.chance(1, 4)) { file.write_back(); }
        if (random.chance(1, 3)) { record.flush(file, [&] { file.flush(); }); }
        record.state().write_backs = file.stats().write_backs;
    });
}

/// The life of a child, which ends by itself only if something is wrong: with 9.
void live(outside_record& record, std::string const& path, std::uint64_t seed) {
    guarded([&] {
        plain_pool pool{quire_test::frames(16)};
        auto const file = pool.open(path, open_mode::open_or_create, quire_test::as_offered);
        std::thread const writing{
            [&] { guarded([&] { write_for_ever(record, file, seed); }); }};
        guarded([&] { flush_for_ever(record, file, seed + 1); });
    });
}

}  // namespace

TEST_CASE("killed: what a flush acknowledged outlives the process", "[long][kill]") {
    auto const cycles = quire_test::amount(100, 1000);
    quire_test::temp_dir const dir;
    auto const path = (dir / "f").string();
    outside_record record;
    quire_test::test_random random;
    outside_record::verdict all;
    std::uint64_t in_flush = 0;
    std::uint64_t write_backs = 0;
    for (std::uint64_t cycle = 0; cycle < cycles; ++cycle) {
        CAPTURE(cycle);
        auto const seed = random.bits();
        std::chrono::microseconds const then{random.below(8000)};
        REQUIRE(kill_after([&] { live(record, path, seed); }, record.state().flushes,
                           random.below(6), then));
        in_flush += record.state().flushing.exchange(0);
        write_backs += record.state().write_backs.exchange(0);

        plain_pool pool{quire_test::frames(8)};
        auto const file = pool.open(path, open_mode::open_or_create, quire_test::as_offered);
        auto const verdict = record.judge(file, true);
        REQUIRE(verdict.problem == "");
        all.newer += verdict.newer;
        all.refused += verdict.refused;
        all.compared += verdict.compared;
    }
    CHECK(record.state().flushes > 0);
    CHECK(write_backs > 0);
    CHECK(all.compared > 0);
    quire_test::figure("kill -9 cycles", cycles);
    quire_test::figure("kill -9 cycles that hit a flush", in_flush);
    quire_test::figure("kill -9 pages with an acknowledged version", all.compared);
    quire_test::figure("kill -9 pages newer than acknowledged", all.newer);
    quire_test::figure("kill -9 pages torn and refused", all.refused);
}
