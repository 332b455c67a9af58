// SPDX-License-Identifier: BSL-1.0
#include <quire/io/uring_backend.hpp>

#include <quire/pool/buffer_pool.hpp>
#include <quire/testing/check_backend.hpp>
#include <quire/testing/faulty_backend.hpp>

#include "../death.hpp"
#include "../syscall_fault.hpp"
#include "../temp_dir.hpp"
#include "bench.hpp"
#include "catch.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

// Every fault is made by seccomp, in a child. liburing gives io_uring_enter its sixth argument: 8
// when requests are handed over, 24 when a thread waits.

using namespace std::chrono_literals;
using quire::errc;
using quire::io_ended;
using quire::io_mode;
using quire::io_verb;
using quire::open_mode;
using quire::uring_backend;
using quire::testing::check_backend;
using quire::testing::faulty_backend;
using quire_test::error_of;
using quire_test::page_bytes;
using bench = quire_test::bench<uring_backend>;
using op = bench::op;

namespace {

constexpr std::uint32_t submits = 8;
constexpr std::uint32_t waits = 24;

/// Whether the system gives this process a ring.
bool has_ring() {
    static bool const has = bench{{}, 1}.backend.refusal() == 0;
    return has;
}
constexpr char const* no_ring = "the system gives this process no io_uring";

/// What check_backend finds, as text; with a ring, or not at all.
std::string broken_rules(uring_backend::options options, io_mode io = io_mode::direct_or_buffered) {
    temp_dir const dir;
    options.required = true;
    return check_backend<uring_backend>({.path = dir / "check", .io = io}, options).text();
}
/// The same in a child, after `before`, and with or without a ring.
template <class Before>
std::string broken_rules_after(Before before) {
    temp_dir const dir;
    return failure_of([&]() -> std::string {
        if (!before()) { return "the fault cannot be made"; }
        return check_backend<uring_backend>(
                   {.path = dir / "check", .io = io_mode::direct_or_buffered})
            .text();
    });
}

/// A file of pages that are full of their numbers from 1.
struct scene {
    explicit scene(std::size_t pages, uring_backend::options const& options = {})
        : b{std::make_unique<bench>(options, pages)} {
        open();
        if (b->backend.resize(file, pages * page_bytes) != 0) { throw std::bad_alloc{}; }
        std::vector<op> all;
        for (std::size_t p = 0; p < pages; ++p) {
            std::ranges::fill(b->frame(p), static_cast<std::byte>(1 + p));
            all.push_back(b->page_op(io_verb::write, file, p, p));
        }
        auto const errors = b->run(all);
        REQUIRE(errors == std::vector<int>(pages, 0));
    }
    void open() {
        file = b->backend.open({path, open_mode::open_or_create, io_mode::direct_or_buffered,
                                page_bytes});
    }
    /// Reads of the pages, each into the frame of its number plus `shift`.
    std::vector<op> reads(std::vector<std::uint64_t> const& pages) {
        std::vector<op> all;
        for (auto p : pages) {
            std::ranges::fill(b->frame(p), std::byte{0xEE});
            all.push_back(b->page_op(io_verb::read, file, p, p));
        }
        return all;
    }
    [[nodiscard]] bool has(std::uint64_t page) const {
        return std::ranges::all_of(b->frame(page), [&](std::byte each) {
            return each == static_cast<std::byte>(1 + page);
        });
    }
    /// Reaps `count` ops, or as many as come in ten seconds; how many.
    std::size_t reap(std::size_t count) {
        std::vector<op*> done(count);
        std::size_t got = 0;
        auto const end = std::chrono::steady_clock::now() + 10s;
        while (got < count && std::chrono::steady_clock::now() < end) {
            got += b->backend.reap(std::span{done}.subspan(got), 10ms);
        }
        return got;
    }
    /// From now on the file is the reading end of a pipe: a transfer hangs until `feed`.
    void hang() {
        REQUIRE(::pipe(ends) == 0);
        REQUIRE(::dup2(ends[0], file.native_handle()) >= 0);
    }
    /// A page full of 9.
    void feed() {
        std::vector<std::byte> const page(page_bytes, std::byte{9});
        REQUIRE(::write(ends[1], page.data(), page.size()) ==
                static_cast<::ssize_t>(page_bytes));
    }
    ~scene() {
        for (int each : ends) {
            if (each >= 0) { ::close(each); }
        }
    }

    temp_dir dir;
    std::string path = (dir / "f").string();
    std::unique_ptr<bench> b;
    bench::file file;
    int ends[2] = {-1, -1};
};

/// Pages that are no neighbours.
std::vector<std::uint64_t> every_other(std::uint64_t count) {
    std::vector<std::uint64_t> pages;
    for (std::uint64_t p = 0; p < count; ++p) { pages.push_back(2 * p); }
    return pages;
}

std::vector<op*> pointers_to(std::vector<op>& ops) {
    std::vector<op*> all;
    for (auto& each : ops) { all.push_back(&each); }
    return all;
}

using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, uring_backend>;
using pool_file = pool_type::file;

std::uint64_t number_on(pool_file const& file, std::uint64_t no, std::size_t at = 64) {
    auto const page = file.read(no);
    return page->bytes().load<std::uint64_t>(at);
}
void append_numbers(pool_file const& file, std::uint64_t pages) {
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto page = file.append();
        page->bytes().store<std::uint64_t>(64, i);
    }
}
/// One more on the page's second number.
void count_on(pool_file const& file, std::uint64_t no) {
    auto page = file.write(no);
    auto const before = page->bytes().load<std::uint64_t>(72);
    page->bytes().store<std::uint64_t>(72, before + 1);
}

/// What is wrong in a pool of few frames that threads read and write.
std::string wrong_in_a_pool(uring_backend::options const& options, unsigned threads) {
    temp_dir const dir;
    constexpr std::uint64_t pages = 200;
    pool_type pool{{.frames = 32, .backend = options}};
    auto file = pool.open(dir / "f", open_mode::create_new, {.io = io_mode::direct_or_buffered});
    append_numbers(file, pages);
    file.flush();
    std::atomic<int> wrong{0};
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t) {
        workers.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < 2 * pages; ++i) {
                auto const no = (i * 7919 + t * 131) % pages;
                if (i % 3 == 0) { count_on(file, no); }
                if (i % 100 == 50) { file.flush(); }
                if (number_on(file, no) != no) { ++wrong; }
            }
        });
    }
    for (auto& one : workers) { one.join(); }
    file.close();
    file = pool.open(dir / "f", open_mode::read_only, {.io = io_mode::direct_or_buffered});
    std::uint64_t writes = 0;
    for (std::uint64_t no = 0; no < pages; ++no) {
        if (number_on(file, no) != no) { return "a page is another one"; }
        writes += number_on(file, no, 72);
    }
    if (wrong != 0) { return std::to_string(wrong) + " reads were wrong"; }
    auto const expected = threads * ((2 * pages + 2) / 3);
    return writes == expected ? "" : std::to_string(writes) + " of the writes are there";
}

}  // namespace

// ---- the rules ------------------------------------------------------------------------------

TEST_CASE("uring_backend: conforms with direct and with buffered I/O") {
    if (!has_ring()) { return skip(no_ring); }
    CHECK(broken_rules({}) == "");
    CHECK(broken_rules({}, io_mode::buffered) == "");
}

TEST_CASE("uring_backend: conforms with few records, and with memory that is not registered") {
    if (!has_ring()) { return skip(no_ring); }
    for (std::uint32_t records : {1U, 2U, 5U, 4096U}) {
        INFO(records);
        CHECK(broken_rules({.in_flight_max = records}) == "");
    }
    CHECK(broken_rules({.lock_memory = false}) == "");
    CHECK(broken_rules({.in_flight_max = 3, .lock_memory = false}) == "");
}

TEST_CASE("uring_backend: faulty_backend over it conforms, and says what can be in flight") {
    if (!has_ring()) { return skip(no_ring); }
    temp_dir const dir;
    using faulty = faulty_backend<uring_backend>;
    auto const found = check_backend<faulty>(
        {.path = dir / "check", .io = io_mode::direct_or_buffered},
        {.inner = {.in_flight_max = 7, .required = true}, .faults = {}});
    CHECK(found.text() == "");
    quire_test::bench<faulty> b{{.inner = {.in_flight_max = 7}, .faults = {}}, 1};
    CHECK(quire::in_flight_max_of(b.backend) == 7);
}

TEST_CASE("uring_backend: its number of records is from 1 to 4,096") {
    for (std::uint32_t refused : {0U, 4097U}) {
        auto const e = error_of([&] { bench const b{{.in_flight_max = refused}, 1}; });
        CHECK(e.code() == errc::bad_option);
    }
    if (!has_ring()) { return skip(no_ring); }
    for (std::uint32_t taken : {1U, 4096U}) {
        bench const b{{.in_flight_max = taken, .required = true}, 1};
        CHECK(b.backend.in_flight_max() == taken);
        CHECK(quire::in_flight_max_of(b.backend) == taken);
    }
}

TEST_CASE("uring_backend: runs beyond its records are transferred in submit") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{64, {.in_flight_max = 4}};
    auto ops = s.reads(every_other(30));
    auto pointers = pointers_to(ops);
    CHECK(s.b->backend.submit(pointers) == 26);
    for (auto* each : std::span{pointers}.first(26)) { CHECK(each->error == 0); }
    CHECK(s.reap(4) == 4);
    CHECK(std::ranges::all_of(ops, [](op const& each) { return each.error == 0; }));
    CHECK(std::ranges::all_of(every_other(30), [&](auto p) { return s.has(p); }));
}

TEST_CASE("uring_backend: transfer completes every op in the calling thread") {
    scene s{16};
    auto ops = s.reads({1, 2, 3, 9});
    auto pointers = pointers_to(ops);
    s.b->backend.transfer(pointers);
    for (auto const& each : ops) { CHECK(each.error == 0); }
    for (std::uint64_t p : {1U, 2U, 3U, 9U}) { CHECK(s.has(p)); }
    CHECK(s.b->backend.reap(pointers, {}) == 0);
}

// ---- without a ring -------------------------------------------------------------------------

TEST_CASE("uring_backend: where no ring is given it transfers without, and says why") {
    if (!quire_test::can_refuse()) { return skip("no system call can be refused here"); }
    for (int reason : {EPERM, ENOSYS, ENOMEM, EMFILE}) {
        CHECK(broken_rules_after([&] {
                  return quire_test::refuse(SYS_io_uring_setup, reason) &&
                         bench{{}, 1}.backend.refusal() == reason &&
                         bench{{}, 1}.backend.in_flight_max() == 0;
              }) == "");
        auto const failure = failure_of([&]() -> std::string {
            quire_test::refuse(SYS_io_uring_setup, reason);
            try {
                bench const b{{.required = true}, 1};
            } catch (quire::error const& e) {
                return e.code() == errc::open_failed && e.system_errno() == reason ? "" : e.what();
            }
            return "nothing is thrown";
        });
        CHECK(failure == "");
    }
    CHECK(broken_rules_after([] {
              return quire_test::refuse(SYS_io_uring_register, ENOMEM) &&
                     bench{{.required = true}, 1}.backend.refusal() == 0;
          }) == "");
}

// Who reconnects a standard stream by dup2 closes what has its number.
TEST_CASE("uring_backend: no ring gets the descriptor of a standard stream, or is inherited") {
    if (!has_ring()) { return skip(no_ring); }
    auto const failure = failure_of([]() -> std::string {
        int const errors = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
        for (int each : {0, 1, 2}) { ::close(each); }
        std::vector<int> before;
        for (int each = 0; each < 100; ++each) { before.push_back(::fcntl(each, F_GETFD)); }
        bench const b{{.required = true}, 1};
        std::string found = "no ring at all";
        for (int each = 0; each < 100; ++each) {
            int const flags = ::fcntl(each, F_GETFD);
            if (flags < 0 || before[static_cast<std::size_t>(each)] >= 0) { continue; }
            bool const fills = (::fcntl(each, F_GETFL) & O_PATH) != 0;  // the number, and no more
            if (found == "no ring at all" && !fills) { found = ""; }
            if (each < 3 && !fills) { found = "a standard stream"; }
            if ((flags & FD_CLOEXEC) == 0) { found = "inherited"; }
        }
        ::dup2(errors, STDERR_FILENO);
        return found;
    });
    CHECK(failure == "");
}

TEST_CASE("uring_backend: where descriptors run out it goes without rings") {
    if (!has_ring()) { return skip(no_ring); }
    temp_dir const dir;
    for (::rlim_t more = 0; more < 8; ++more) {
        auto const failure = failure_of([&]() -> std::string {
            int const next = ::open("/", O_PATH | O_CLOEXEC);
            ::close(next);
            ::rlimit const few{static_cast<::rlim_t>(next) + more, 4096};
            if (::setrlimit(RLIMIT_NOFILE, &few) != 0) { return "cannot limit"; }
            bench b{{}, 2};
            if (more < 1 && b.backend.refusal() != EMFILE) { return "a ring out of nothing"; }
            ::rlimit const many{4096, 4096};
            ::setrlimit(RLIMIT_NOFILE, &many);
            auto file = b.backend.open({(dir / "f").string(), open_mode::open_or_create,
                                        io_mode::direct_or_buffered, page_bytes});
            if (b.backend.resize(file, page_bytes) != 0) { return "resize"; }
            if (b.write(file, 0, 0) != 0 || b.read(file, 0, 0) != 0) { return "transfers"; }
            // With a transfer in flight a sync looks for a ring.
            auto pipe = b.backend.open({(dir / "p").string(), open_mode::open_or_create,
                                        io_mode::buffered, page_bytes});
            int ends[2];
            if (::pipe(ends) != 0 || ::dup2(ends[0], pipe.native_handle()) < 0) { return "pipe"; }
            auto late = b.page_op(io_verb::read, pipe, 0, 1);
            op* pointer = &late;
            bool const flies = b.backend.submit({&pointer, 1}) == 0;
            if (b.backend.sync(file) != 0) { return "sync"; }
            if (::write(ends[1], b.frame(0).data(), page_bytes) < 0) { return "write"; }
            return !flies || b.backend.reap({&pointer, 1}, 10s) == 1 ? "" : "reap";
        });
        CHECK(failure == "");
    }
}

// ---- a ring that fails ----------------------------------------------------------------------

#if defined(__x86_64__)

namespace {

std::atomic<int> calls{0};
std::atomic<int> failures_left{0};
int failure_code = 0;

long fail_a_few_times(quire_test::call_arguments const& c) {
    ++calls;
    if (failures_left > 0) {
        --failures_left;
        return -failure_code;
    }
    return quire_test::pass_on(c);
}
/// From now on the next `times` submits fail.
bool fail_submits(int times, int code) {
    failures_left = times;
    failure_code = code;
    return quire_test::intercept_when(SYS_io_uring_enter, submits, fail_a_few_times);
}

}  // namespace

TEST_CASE("uring_backend: a submit that the system puts off is made again") {
    if (!has_ring() || !quire_test::can_refuse()) { return skip(no_ring); }
    for (int code : {EAGAIN, EBUSY, EINTR}) {
        auto const failure = failure_of([&]() -> std::string {
            scene s{16};
            if (!fail_submits(20, code)) { return "cannot intercept"; }
            auto ops = s.reads({1, 2, 5, 9});
            auto pointers = pointers_to(ops);
            if (s.b->backend.submit(pointers) != 0) { return "not by the ring"; }
            if (calls != 21) { return "calls: " + std::to_string(calls); }
            return s.reap(4) == 4 && s.has(1) && s.has(2) && s.has(5) && s.has(9) ? "" : "bytes";
        });
        CHECK(failure == "");
    }
}

TEST_CASE("uring_backend: what the ring does not take is transferred at once, and only then") {
    if (!has_ring() || !quire_test::can_refuse()) { return skip(no_ring); }
    for (int code : {EINVAL, EAGAIN}) {
        auto const failure = failure_of([&]() -> std::string {
            scene s{64};
            if (!fail_submits(code == EAGAIN ? 1000 : 1, code)) { return "cannot intercept"; }
            auto ops = s.reads(every_other(10));
            auto pointers = pointers_to(ops);
            if (s.b->backend.submit(pointers) != 10) { return "not all at once"; }
            for (auto const& each : ops) {
                if (each.error != 0) { return "an error"; }
            }
            // The ring works again, and must have forgotten them.
            auto more = s.reads({33, 35, 37});
            pointers = pointers_to(more);
            if (s.b->backend.submit(pointers) != 0) { return "the ring is given up"; }
            std::vector<op*> done(64);
            std::size_t count = 0;
            for (int tries = 0; tries < 20; ++tries) {
                count += s.b->backend.reap(std::span{done}.subspan(count), 5ms);
            }
            if (count != 3) { return "handed out: " + std::to_string(count); }
            return s.has(33) && s.has(35) && s.has(37) && s.has(0) && s.has(18) ? "" : "bytes";
        });
        CHECK(failure == "");
    }
}

TEST_CASE("uring_backend: conforms when no submit, no wait or no call of the ring works") {
    if (!has_ring() || !quire_test::can_refuse()) { return skip(no_ring); }
    for (auto which : {submits, waits}) {
        CHECK(broken_rules_after([&] {
                  return quire_test::refuse_when(SYS_io_uring_enter, 5, which, EINVAL);
              }) == "");
    }
    CHECK(broken_rules_after([] { return quire_test::refuse(SYS_io_uring_enter, ENOSYS); }) == "");
}

TEST_CASE("uring_backend: an interrupt that the ring did not take keeps no later one away") {
    if (!has_ring() || !quire_test::can_refuse()) { return skip(no_ring); }
    auto const failure = failure_of([]() -> std::string {
        scene s{2};
        if (!fail_submits(1, EINVAL)) { return "cannot intercept"; }
        s.b->backend.interrupt();
        int const before = calls;
        s.b->backend.interrupt();
        return calls == before + 1 ? "" : "none was sent";
    });
    CHECK(failure == "");
}

TEST_CASE("uring_backend: a thread that misses alone reads without the ring") {
    if (!has_ring() || !quire_test::can_refuse()) { return skip(no_ring); }
    temp_dir const dir;
    auto const failure = failure_of([&]() -> std::string {
        pool_type pool{{.frames = 8, .backend = {.required = true}}};
        auto file = pool.open(dir / "f", open_mode::create_new,
                              {.io = io_mode::direct_or_buffered});
        append_numbers(file, 40);
        file.flush();
        if (!fail_submits(0, 0)) { return "cannot intercept"; }
        for (std::uint64_t i = 0; i < 40; ++i) {
            if (number_on(file, i) != i) { return "bytes"; }
        }
        if (calls != 0) { return std::to_string(calls) + " calls of the ring"; }
        for (std::uint64_t i = 0; i < 8; i += 2) { count_on(file, i); }
        file.flush();
        return calls > 0 ? "" : "a flush of several pages does not use the ring";
    });
    CHECK(failure == "");
}

#endif

TEST_CASE("uring_backend: a run that fails is repeated page by page") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{64};
    std::vector<std::uint64_t> all;
    for (std::uint64_t p = 0; p < 40; ++p) { all.push_back(p); }
    std::filesystem::resize_file(s.path, 30 * page_bytes + 1024);  // under the backend
    auto ops = s.reads(all);
    auto pointers = pointers_to(ops);
    REQUIRE(s.b->backend.submit(pointers) == 0);
    CHECK(s.reap(40) == 40);
    for (std::uint64_t p = 0; p < 40; ++p) {
        INFO(p);
        CHECK(ops[p].error == (p < 30 ? 0 : io_ended));
        if (p < 30) { CHECK(s.has(p)); }
    }
}

TEST_CASE("uring_backend: a descriptor that cannot be written fails each page of the run") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{8};
    auto reader = s.b->backend.open({.path = s.path, .mode = open_mode::read_only,
                                     .io = io_mode::buffered, .lock = quire::file_lock::none});
    std::vector<op> ops;
    for (std::size_t p = 0; p < 4; ++p) {
        ops.push_back(s.b->page_op(io_verb::write, reader, p, p));
    }
    CHECK(s.b->run(ops) == std::vector<int>(4, EBADF));
}

// ---- memory ---------------------------------------------------------------------------------

TEST_CASE("uring_backend: frames that are neighbours, or not, or in the wrong order") {
    if (!has_ring()) { return skip(no_ring); }
    for (bool locked : {true, false}) {
        scene s{64, {.lock_memory = locked}};
        std::vector<std::size_t> const frames{10, 11, 12, 5, 6, 40, 39, 38, 63, 0};
        std::vector<op> ops;
        for (std::size_t p = 0; p < frames.size(); ++p) {
            ops.push_back(s.b->page_op(io_verb::read, s.file, 20 + p, frames[p]));
        }
        auto pointers = pointers_to(ops);
        REQUIRE(s.b->backend.submit(pointers) == 0);
        REQUIRE(s.reap(frames.size()) == frames.size());
        for (std::size_t p = 0; p < frames.size(); ++p) {
            CHECK(ops[p].error == 0);
            auto const wanted = static_cast<std::byte>(21 + p);
            CHECK(std::ranges::count(s.b->frame(frames[p]), wanted) == page_bytes);
        }
    }
}

TEST_CASE("uring: a transfer across two registered parts, or outside of them, is an ordinary one") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{16};
    quire::arena const memory{9, page_bytes, quire::huge_pages::off};
    quire::detail::uring ring;
    REQUIRE(ring.make(4, 4) == 0);
    REQUIRE(ring.register_memory(memory.bytes().first(8 * page_bytes), 2 * page_bytes));
    for (std::size_t first = 0; first < 9; ++first) {
        for (std::size_t count = 1; first + count <= 9; ++count) {
            auto const to = memory.bytes().subspan(first * page_bytes, count * page_bytes);
            std::ranges::fill(to, std::byte{0});
            ::iovec part{to.data(), to.size()};
            ring.stage(io_verb::read, s.file.native_handle(), {&part, 1}, page_bytes, &part);
            REQUIRE(ring.submit() == 0);
            quire::detail::uring::result found;
            while (!ring.take(found, [](void*) {})) { ring.wait(10ms); }
            CHECK(found.of == &part);
            CHECK(found.value == static_cast<int>(to.size()));
            CHECK(to.front() == std::byte{2});
            CHECK(to.back() == static_cast<std::byte>(1 + count));
        }
    }
}

TEST_CASE("uring: a child that ends its copy leaves the memory that the parent has registered") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{2};
    quire::arena const memory{1, page_bytes, quire::huge_pages::off};
    auto ring = std::make_unique<quire::detail::uring>();
    REQUIRE(ring->make(1, 1) == 0);
    REQUIRE(ring->register_memory(memory.bytes()));
    CHECK(in_child([&] { ring.reset(); }).exited_well());
    ::iovec part{memory.bytes().data(), page_bytes};
    ring->stage(io_verb::read, s.file.native_handle(), {&part, 1}, page_bytes, &part);
    REQUIRE(ring->submit() == 0);
    quire::detail::uring::result found;
    while (!ring->take(found, [](void*) {})) { ring->wait(10ms); }
    CHECK(found.value == static_cast<int>(page_bytes));
    CHECK(memory.bytes().back() == std::byte{2});
}

// ---- threads, forks, interrupts -------------------------------------------------------------

TEST_CASE("uring_backend: a pool over it reads what it wrote, from several threads") {
    CHECK(wrong_in_a_pool({}, 4) == "");
    CHECK(wrong_in_a_pool({.in_flight_max = 1}, 8) == "");
}

TEST_CASE("uring_backend: an interrupt ends the reap that waits, or the next one") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{2};
    s.hang();
    auto ops = s.reads({0});
    auto pointers = pointers_to(ops);
    REQUIRE(s.b->backend.submit(pointers) == 0);
    auto const shortest = [&](auto act) {
        auto found = std::chrono::steady_clock::duration::max();
        for (int i = 0; i < 20; ++i) {
            auto const begin = std::chrono::steady_clock::now();
            act();
            found = std::min(found, std::chrono::steady_clock::now() - begin);
        }
        return found;
    };
    std::vector<op*> done(1);
    auto const reap = [&] { CHECK(s.b->backend.reap(done, 1h) == 0); };
    CHECK(shortest([&] {
              s.b->backend.interrupt();
              s.b->backend.interrupt();  // one is enough for both
              reap();
          }) < 50ms);
    CHECK(shortest([&] {
              std::thread waker{[&] {
                  std::this_thread::sleep_for(5ms);
                  s.b->backend.interrupt();
              }};
              reap();
              waker.join();
          }) < 50ms);
    CHECK(shortest(reap) > 50ms);  // no interrupt is left
    s.feed();
    CHECK(s.reap(1) == 1);
    CHECK(s.b->frame(0).back() == std::byte{9});
}

TEST_CASE("uring_backend: a child that ends its copy leaves the parent's transfers in flight") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{64};
    auto ops = s.reads(every_other(20));
    auto pointers = pointers_to(ops);
    REQUIRE(s.b->backend.submit(pointers) == 0);
    scene slow{2};
    slow.hang();
    auto late = slow.reads({0});
    auto late_pointers = pointers_to(late);
    REQUIRE(slow.b->backend.submit(late_pointers) == 0);
    CHECK(in_child([&] {
              s.b.reset();
              slow.b.reset();
          }).exited_well());
    CHECK(s.reap(20) == 20);
    CHECK(std::ranges::all_of(every_other(20), [&](auto p) { return s.has(p); }));
    slow.feed();
    CHECK(slow.reap(1) == 1);
    CHECK(slow.b->frame(0).back() == std::byte{9});
    // The ring, and the memory registered in it, go on.
    ops = s.reads(every_other(30));
    pointers = pointers_to(ops);
    CHECK(s.b->backend.submit(pointers) == 0);
    CHECK(s.reap(30) == 30);
    CHECK(std::ranges::all_of(every_other(30), [&](auto p) { return s.has(p); }));
    CHECK(s.b->backend.sync(s.file) == 0);
}

// The system cancels what cannot be completed without its thread: the reaper repeats it.
TEST_CASE("uring_backend: a thread may end while its transfers are in flight") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{64};
    auto ops = s.reads(every_other(20));
    scene slow{2};
    slow.hang();
    auto late = slow.reads({0});
    std::thread{[&] {
        auto pointers = pointers_to(ops);
        CHECK(s.b->backend.submit(pointers) == 0);
        pointers = pointers_to(late);
        CHECK(slow.b->backend.submit(pointers) == 0);
    }}.join();
    CHECK(s.reap(20) == 20);
    CHECK(std::ranges::all_of(every_other(20), [&](auto p) { return s.has(p); }));
    slow.feed();
    CHECK(slow.reap(1) == 1);
    // Repeated by preadv, which a pipe refuses.
    CHECK((late[0].error == ESPIPE || slow.b->frame(0).back() == std::byte{9}));
}

TEST_CASE("uring_backend: a run is handed out in pieces as small as wanted") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{64, {.in_flight_max = 2}};
    std::vector<std::uint64_t> const pages{1, 2, 3, 4, 5, 6, 7, 20, 21};
    auto ops = s.reads(pages);
    auto pointers = pointers_to(ops);
    REQUIRE(s.b->backend.submit(pointers) == 0);
    std::vector<op*> got;
    for (int tries = 0; got.size() < 9 && tries < 1000; ++tries) {
        op* one[2] = {};
        auto const count = s.b->backend.reap(std::span{one}.first(tries % 2 == 0 ? 1 : 2), 10ms);
        got.insert(got.end(), one, one + count);
    }
    std::ranges::sort(got);
    CHECK(got.size() == 9);
    CHECK(std::ranges::adjacent_find(got) == got.end());
    CHECK(std::ranges::all_of(pages, [&](auto p) { return s.has(p); }));
    CHECK(s.b->backend.reap(pointers, 0ns) == 0);
}

namespace {

bool is_readable(int descriptor, int milliseconds) {
    ::pollfd one{descriptor, POLLIN, 0};
    return ::poll(&one, 1, milliseconds) == 1;
}

}  // namespace

TEST_CASE("uring_backend: its handle is readable while an op is complete and not handed out") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{64};
    int const handle = s.b->backend.completion_handle();
    CHECK_FALSE(is_readable(handle, 0));
    auto ops = s.reads({1, 2, 3, 4, 5, 6, 7});
    auto pointers = pointers_to(ops);
    REQUIRE(s.b->backend.submit(pointers) == 0);
    for (std::size_t left = ops.size(); left > 0;) {
        CHECK(is_readable(handle, 1000));
        op* some[2] = {};
        left -= s.b->backend.reap(some, 0ns);
    }
    static_cast<void>(s.b->backend.reap(pointers, 0ns));
    CHECK_FALSE(is_readable(handle, 0));
}

TEST_CASE("uring_backend: an event loop learns of a page that another thread's reap left behind") {
    if (!has_ring()) { return skip(no_ring); }
    temp_dir const dir;
    pool_type pool{{.frames = 1024}};
    auto file = pool.open(dir / "f", open_mode::create_new,
                          {.io = io_mode::direct_or_buffered});
    for (int i = 0; i < 64; ++i) { file.append().release(); }
    file.flush();
    int const handle = pool.native_handle();
    std::vector<quire::page_no> run;
    for (std::uint64_t no = 0; no < 64; ++no) { run.emplace_back(no); }
    static bool told = false;
    pool_type::file::page_request request{40, [](auto&) noexcept { told = true; }};
    bool pending = false;
    for (int tries = 0; !pending && tries < 100; ++tries) {  // the reads may be over too soon
        for (std::uint64_t no = 0; no < 64; ++no) { file.discard(no); }
        CHECK(file.prefetch(run) == 64);
        pending = file.start(request) == quire::started::pending;
        if (!pending) { static_cast<void>(request.take()); }
    }
    REQUIRE(pending);
    file.read(3).release();  // takes some pages of the run, and goes
    for (int rounds = 0; !told && rounds < 100; ++rounds) {
        REQUIRE(is_readable(handle, 1000));
        pool.poll();
    }
    CHECK(told);
    CHECK(request.take().has_value());
    pool.poll();
    CHECK_FALSE(is_readable(handle, 0));
}

TEST_CASE("uring_backend: syncs from many threads, with a transfer in flight and without") {
    if (!has_ring()) { return skip(no_ring); }
    scene s{8};
    auto other = s.b->backend.open({(s.dir / "other").string(), open_mode::open_or_create,
                                    io_mode::direct_or_buffered, page_bytes});
    auto const failed_syncs = [&] {
        std::atomic<int> failed{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 8; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 5; ++i) {
                    if (s.b->backend.sync(other) != 0) { ++failed; }
                }
            });
        }
        for (auto& one : threads) { one.join(); }
        return failed.load();
    };
    CHECK(failed_syncs() == 0);
    s.hang();
    auto ops = s.reads({0});
    auto pointers = pointers_to(ops);
    REQUIRE(s.b->backend.submit(pointers) == 0);
    CHECK(failed_syncs() == 0);
    CHECK(s.b->backend.sync(s.file) == EINVAL);  // a pipe
    CHECK(s.b->backend.close(other) == 0);
    CHECK(s.b->backend.sync(other) == EBADF);
    s.feed();
    CHECK(s.reap(1) == 1);
    CHECK(s.b->backend.sync(other) == EBADF);
}
