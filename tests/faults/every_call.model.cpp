// SPDX-License-Identifier: BSL-1.0

/// Every operation x every fault x the n-th call, for n = 0, 1, 2, ... until no call is left, over
/// every pair of policy and latch.
///
/// An operation either succeeds in spite of the fault, or throws the error that its fault is called
/// by and has changed nothing: with the faults off it succeeds. The pool's frames, entries and
/// counts agree; every page has the version it must have (world.hpp), it can be flushed and closed,
/// and another pool finds the same.

#include "faults/world.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/no_latch.hpp>

#include "catch.hpp"
#include "figures.hpp"
#include "temp_dir.hpp"
#include "uring.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <shared_mutex>

using namespace std::chrono_literals;
using quire::errc;
using quire::testing::fault;
using quire::testing::fault_plan;
using quire::testing::faulty_backend;
using quire::testing::io_call;
using quire::testing::io_fault;

namespace {

template <std::size_t Size, class Policy, class Latch, class Inner = quire::memory_backend>
using pool_of = quire::buffer_pool<Size, Policy, Latch, faulty_backend<Inner>>;

/// What the n-th call does, and by which errors that may be called.
struct planned {
    io_call call;
    io_fault what;
    int error;
    std::vector<errc> names;
};
std::vector<planned> const all_faults = {
    {io_call::read, io_fault::fails, EIO, {errc::read_failed}},
    {io_call::read, io_fault::interrupts, 0, {errc::read_failed}},
    {io_call::read, io_fault::shortens, 0, {errc::short_read}},
    {io_call::read, io_fault::corrupts, 0, {errc::corrupt_page}},
    {io_call::read, io_fault::misdirects, 0, {errc::corrupt_page}},
    {io_call::read, io_fault::delays, 0, {}},
    {io_call::write, io_fault::fails, EIO, {errc::write_failed}},
    {io_call::write, io_fault::fails, ENOSPC, {errc::write_failed}},
    {io_call::write, io_fault::interrupts, 0, {errc::write_failed}},
    {io_call::write, io_fault::shortens, ENOSPC, {errc::write_failed}},
    {io_call::write, io_fault::corrupts, 0, {errc::corrupt_page}},
    {io_call::write, io_fault::misdirects, 0, {errc::corrupt_page}},
    {io_call::write, io_fault::delays, 0, {}},
    {io_call::sync, io_fault::fails, EIO, {errc::sync_failed}},
    {io_call::sync, io_fault::interrupts, EINTR, {errc::sync_failed}},
    {io_call::resize, io_fault::fails, ENOSPC, {errc::grow_failed}},
    {io_call::resize, io_fault::fails, EFBIG, {errc::grow_failed}},
    {io_call::open, io_fault::fails, EMFILE, {errc::open_failed}},
    {io_call::close, io_fault::fails, EIO, {errc::close_failed}},
};

/// Beside the file of eight flushed pages there is a pool of three frames. Each operation begins
/// with what `before` has made of it, without faults.
template <class World>
struct operation {
    char const* name;
    void (*before)(World&);
    void (*act)(World&);
};

template <class World>
void nothing(World&) {}
template <class World>
void dirty_two(World& w) {
    w.write(0);
    w.write(1);
}
template <class World>
void dirty_all(World& w) {
    dirty_two(w);
    w.write(2);
}
template <class World>
void resident_clean(World& w) {
    for (std::uint64_t no = 0; no < 3; ++no) { w.read(no); }
}
template <class World>
void closed(World& w) {
    w.close();
}

template <class World>
std::vector<operation<World>> all_operations() {
    return {
        {"read, a free frame", nothing, [](World& w) { w.read(5); }},
        {"read, a clean victim", resident_clean, [](World& w) { w.read(5); }},
        {"read, a dirty victim", dirty_all, [](World& w) { w.read(5); }},
        {"read many", dirty_all,
         [](World& w) {
             for (std::uint64_t no = 8; no-- > 0;) { w.read(no); }
         }},
        {"read without a latch", dirty_all, [](World& w) { w.read_optimistically(5); }},
        {"pin", dirty_all, [](World& w) { w.pin(5); }},
        {"write a page that is there", dirty_two, [](World& w) { w.write(0); }},
        {"write a page that is not", dirty_two, [](World& w) { w.write(5); }},
        {"write past the limit of dirty pages", dirty_all, [](World& w) { w.write(2); }},
        {"write if unchanged", dirty_all, [](World& w) { w.write_unchanged(5); }},
        {"append", dirty_two, [](World& w) { w.append(); }},
        {"append, a dirty victim", dirty_all, [](World& w) { w.append(); }},
        {"append where it was reserved", [](World& w) { w.reserve(2); },
         [](World& w) { w.append(); }},
        {"format in place", dirty_two, [](World& w) { w.format(0); }},
        {"format what is not there", dirty_all, [](World& w) { w.format(5); }},
        {"reserve", dirty_two, [](World& w) { w.reserve(4); }},
        {"flush", dirty_all, [](World& w) { w.flush(); }},
        {"flush a file that is clean", nothing, [](World& w) { w.flush(); }},
        {"flush the pool", dirty_all, [](World& w) { w.flush_pool(); }},
        {"write back", dirty_all, [](World& w) { w.write_back(); }},
        {"truncate", dirty_all, [](World& w) { w.truncate(2); }},
        {"truncate what was changed",
         [](World& w) {
             w.write(5);
             w.write(6);
         },
         [](World& w) { w.truncate(2); }},
        {"truncate, and append", dirty_all,
         [](World& w) {
             w.truncate(2);
             w.append();
         }},
        {"discard", dirty_all, [](World& w) { w.discard(1); }},
        {"a budget", dirty_all, [](World& w) { w.take_budget(3); }},
        {"close", dirty_all, [](World& w) { w.close(); }},
        {"close after reserving", [](World& w) { w.reserve(3); }, [](World& w) { w.close(); }},
        {"close without writing", dirty_all, [](World& w) { w.close_and_discard(); }},
        {"open", closed, [](World& w) { w.open(); }},
        {"the pool's end", dirty_all, [](World& w) { w.restart(); }},
    };
}

struct tally {
    std::uint64_t faults = 0;
    std::uint64_t operations = 0;
    std::map<errc, std::uint64_t> errors;
    std::uint64_t sealed_out = 0;
};

/// One operation with one fault, in a world of its own. Whether the fault was met.
template <class Pool>
bool one_fault(std::string const& path, operation<quire_test::world<Pool>> const& op,
               planned const& wrong, std::uint64_t nth, std::uint64_t every, tally& counts) {
    auto const io = quire_test::faulty_disk<Pool>();
    quire_test::world<Pool> w{{.frames = 3, .files_max = 2, .frame_wait_max = 0ns, .backend = io},
                              path,
                              {.dirty_pages_max = 3}};
    for (int i = 0; i < 8; ++i) { w.append(); }
    w.flush();
    w.discard(7);  // a free frame
    op.before(w);
    bool const of_writes = wrong.call == io_call::write;
    w.silent = of_writes &&
               (wrong.what == io_fault::corrupts || wrong.what == io_fault::misdirects);
    w.stale = of_writes && wrong.what == io_fault::misdirects;
    w.tearing = of_writes && wrong.what == io_fault::shortens;

    io.faults->add({.call = wrong.call, .nth = nth, .what = wrong.what, .error = wrong.error,
                    .every = every});
    bool again = false;
    try {
        op.act(w);
    } catch (quire::error const& e) {
        bool const known = std::find(wrong.names.begin(), wrong.names.end(), e.kind()) !=
                           wrong.names.end();
        quire_test::must(known, std::string{"it was called "} + e.what());
        ++counts.errors[e.kind()];
        again = e.kind() != errc::close_failed && !w.silent;
    }
    io.faults->clear();
    w.check_order();
    again = again && !(w.is_open() && w.has_sync_error());
    if (again && every == 1 && w.is_open()) { w.read_all(); }  // before it is done again
    if (again) { op.act(w); }
    w.check_all();
    counts.faults += io.faults->fired();
    ++counts.operations;
    counts.sealed_out += w.sealed_out();
    return io.faults->fired() > 0;
}

template <class Pool>
void every_fault(char const* what, std::string const& folder) {
    using world = quire_test::world<Pool>;
    tally counts;
    int run = 0;
    for (auto const& op : all_operations<world>()) {
        for (auto const& wrong : all_faults) {
            for (std::uint64_t every = 0; every < 2; ++every) {
                for (std::uint64_t nth = 0;; ++nth) {
                    try {
                        auto const path = folder + std::to_string(run++);
                        bool const met = one_fault<Pool>(path, op, wrong, nth, every, counts);
                        std::filesystem::remove(path);
                        if (!met) { break; }
                    } catch (std::exception const& e) {
                        UNSCOPED_INFO(what << ": " << op.name << ", call "
                                           << static_cast<int>(wrong.call) << " number " << nth
                                           << ", fault " << static_cast<int>(wrong.what)
                                           << (every == 0 ? ", once: " : ", from then on: ")
                                           << e.what());
                        CHECK(false);
                        break;
                    }
                }
            }
        }
    }
    std::cout << what << ": " << counts.operations << " runs, " << counts.faults << " faults";
    for (auto const& [code, times] : counts.errors) {
        std::cout << ", " << make_error_code(code).message() << ' ' << times;
    }
    std::cout << ", refused by their seal " << counts.sealed_out << '\n';
    quire_test::figure("pool operations among faults", counts.operations);
    quire_test::figure("faults", counts.faults);
    CHECK(counts.errors.size() == 8);  // all that the table above names
    CHECK(counts.sealed_out > 0);
}

using hybrid = quire::hybrid_latch;
using shared = std::shared_mutex;
using single = quire::no_latch;

}  // namespace

TEMPLATE_TEST_CASE("faults: every operation, every fault, every call, clock",
                   "[long][faults]",
                   (pool_of<1024, quire::clock, hybrid>), (pool_of<512, quire::clock, shared>),
                   (pool_of<4096, quire::clock, single>)) {
    every_fault<TestType>("clock", "f");
}
TEMPLATE_TEST_CASE("faults: every operation, every fault, every call, s3_fifo",
                   "[long][faults]",
                   (pool_of<4096, quire::s3_fifo, hybrid>),
                   (pool_of<1024, quire::s3_fifo, shared>),
                   (pool_of<512, quire::s3_fifo, single>)) {
    every_fault<TestType>("s3_fifo", "f");
}
TEMPLATE_TEST_CASE("faults: every operation, every fault, every call, sieve",
                   "[long][faults]",
                   (pool_of<512, quire::sieve, hybrid>), (pool_of<4096, quire::sieve, shared>),
                   (pool_of<1024, quire::sieve, single>)) {
    every_fault<TestType>("sieve", "f");
}
TEMPLATE_TEST_CASE("faults: every operation, every fault, every call, lru",
                   "[long][faults]",
                   (pool_of<1024, quire::lru, hybrid>), (pool_of<512, quire::lru, shared>),
                   (pool_of<4096, quire::lru, single>)) {
    every_fault<TestType>("lru", "f");
}
TEMPLATE_TEST_CASE("faults: every operation, every fault, every call, on a disk",
                   "[long][faults]", quire::direct_backend QUIRE_TEST_AND_URING) {
    temp_dir const dir;
    try {
        every_fault<pool_of<4096, quire::s3_fifo, hybrid, TestType>>("on a disk", dir / "f");
    } catch (quire::error const& e) {
        if (e.kind() != errc::direct_io_refused) { throw; }
        skip(e.what());
    }
}
