// SPDX-License-Identifier: BSL-1.0

/// After opening, neither a hit nor a miss allocates. Elsewhere an allocation that fails is a typed
/// error, whichever it is, and leaves nothing behind.

#include <quire/pool/buffer_pool.hpp>

#include "calls.hpp"

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/io/memory_backend.hpp>

#include "catch.hpp"
#include "temp_dir.hpp"
#include "uring.hpp"

#include <quire/pool/background_writer.hpp>
#include <quire/pool/task_loop.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <shared_mutex>
#include <string>
#include <thread>

#include <fcntl.h>

namespace {

thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t failing = 0;  // the number of the one that fails; 0: none

void* counted(std::size_t bytes, std::size_t alignment) noexcept {
    if (++allocations == failing) { return nullptr; }
    if (alignment <= alignof(std::max_align_t)) { return std::malloc(bytes > 0 ? bytes : 1); }
    return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}
/// Not inlined: g++ would see free() of what came from operator new, and warn.
[[gnu::noinline]] void give_back(void* at) noexcept { std::free(at); }
void* counted_or_throw(std::size_t bytes, std::size_t alignment) {
    void* const at = counted(bytes, alignment);
    if (at == nullptr) { throw std::bad_alloc{}; }
    return at;
}

}  // namespace

// Every form, so that none is left to a sanitizer, which would miss its partner.
void* operator new(std::size_t n) { return counted_or_throw(n, 1); }
void* operator new[](std::size_t n) { return counted_or_throw(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) {
    return counted_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
    return counted_or_throw(n, static_cast<std::size_t>(a));
}
void* operator new(std::size_t n, std::nothrow_t const&) noexcept { return counted(n, 1); }
void* operator new[](std::size_t n, std::nothrow_t const&) noexcept { return counted(n, 1); }
void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
    return counted(n, static_cast<std::size_t>(a));
}
void* operator new[](std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
    return counted(n, static_cast<std::size_t>(a));
}
void operator delete(void* at) noexcept { give_back(at); }
void operator delete[](void* at) noexcept { give_back(at); }
void operator delete(void* at, std::size_t) noexcept { give_back(at); }
void operator delete[](void* at, std::size_t) noexcept { give_back(at); }
void operator delete(void* at, std::align_val_t) noexcept { give_back(at); }
void operator delete[](void* at, std::align_val_t) noexcept { give_back(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { give_back(at); }
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept { give_back(at); }
void operator delete(void* at, std::nothrow_t const&) noexcept { give_back(at); }
void operator delete[](void* at, std::nothrow_t const&) noexcept { give_back(at); }

namespace {

using namespace quire_test;
using quire::open_mode;

/// How often this thread allocates in `act`.
template <class Act>
std::uint64_t allocations_in(Act act) {
    auto const before = allocations;
    act();
    return allocations - before;
}

/// Runs `act` with its first allocation failing, then its second, and so on until none does. What
/// went wrong: an error that is not out_of_memory. `afterwards` looks at what is left each time.
template <class Act, class Look>
std::string fail_in_turn(Act act, Look afterwards) {
    std::uint64_t runs = 0;
    for (bool failed = true; failed; ++runs) {
        auto const at = std::to_string(runs) + ": ";
        failing = allocations + 1 + runs;
        std::string wrong;
        try {
            act();
            failed = failing <= allocations;
            failing = 0;
            wrong = failed ? "nothing was thrown" : "";
        } catch (quire::error const& e) {
            failing = 0;
            wrong = e.kind() == quire::errc::out_of_memory ? "" : e.what();
        } catch (std::bad_alloc const&) {
            failing = 0;
            wrong = "std::bad_alloc";
        }
        if (wrong.empty()) { wrong = afterwards(failed); }
        if (!wrong.empty()) { return at + wrong; }
    }
    return runs > 1 ? "" : "there was no allocation";
}

std::size_t open_descriptors() {
    std::size_t open = 0;
    for (int fd = 0; fd < 1024; ++fd) { open += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U; }
    return open;
}

}  // namespace

TEMPLATE_TEST_CASE("allocation: one that fails in a pool's constructor is out_of_memory", "",
                   (quire::buffer_pool<4096, quire::clock, std::shared_mutex>),
                   (quire::buffer_pool<4096, quire::sieve, quire::hybrid_latch>),
                   (quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch>),
                   (quire::buffer_pool<4096, quire::lru, quire::hybrid_latch>),
                   (quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch,
                                       quire::memory_backend>)) {
    typename TestType::options_type options{.frames = 8};
    std::array<std::uint64_t, 8> more_than_a_hook_holds{};
    options.on_loss = [more_than_a_hook_holds](auto const&...) {
        CHECK(more_than_a_hook_holds[0] == 0);
    };
    options.observer.on_miss = [more_than_a_hook_holds](quire::page_id) {
        CHECK(more_than_a_hook_holds[0] == 0);
    };
    CHECK(fail_in_turn([&] { TestType const pool{options}; },
                       [](bool) { return std::string{}; }) == "");
}

TEST_CASE("allocation: one that fails while a file is opened is out_of_memory, and undone") {
    temp_dir const dir;
    quire::buffer_pool<> pool{{.frames = 8}};
    auto const path = (dir / "a file whose name is longer than a short string").string();
    for (auto mode : {open_mode::create_new, open_mode::open_or_create, open_mode::read_write,
                      open_mode::create_or_replace}) {
        bool const there = std::filesystem::exists(path);
        auto const before = open_descriptors();
        CHECK(fail_in_turn([&] { pool.open(path, mode).close(); },
                           [&](bool failed) -> std::string {
                               if (open_descriptors() != before) { return "still open"; }
                               if (std::filesystem::exists(path) != (there || !failed)) {
                                   return failed ? "the new file is left" : "no file";
                               }
                               return {};
                           }) == "");
    }
}

TEST_CASE("allocation: one that fails in adopt closes the descriptor") {
    temp_dir const dir;
    quire::buffer_pool<> pool{{.frames = 8}};
    auto const path = (dir / "a file whose name is longer than a short string").string();
    auto const before = open_descriptors();
    CHECK(fail_in_turn(
              [&] {
                  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                  pool.adopt(fd, path).close();
              },
              [&](bool) { return open_descriptors() == before ? "" : "still open"; }) == "");
}

TEST_CASE("allocation: one that fails while a file in memory is opened is out_of_memory") {
    auto const store = std::make_shared<quire::memory_store>();
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, quire::memory_backend> pool{
        {.frames = 8, .backend = {store}}};
    std::string const path = "a file whose name is longer than a short string";
    for (auto mode : {open_mode::create_new, open_mode::read_only, open_mode::create_or_replace}) {
        CHECK(fail_in_turn([&] { pool.open(path, mode).close(); },
                           [](bool) { return std::string{}; }) == "");
    }
}

namespace {

constexpr std::uint64_t page_count = 40;

/// A pool with fewer frames than its file has pages, of which two are dirty.
template <class Pool>
struct setting {
    temp_dir const dir{};
    std::string const other = dir / "another file whose name is longer than a short string";
    Pool pool{{.frames = 32}};
    typename Pool::file file = pool.open(dir / "a file whose name is longer than a short string",
                                         open_mode::create_new,
                                         {.io = quire::io_mode::direct_or_buffered});
    setting() {
        append_numbers(file, page_count);
        file.flush();
        write_number(file, 30, 1030);
        write_number(file, page_count - 1, 1000 + page_count - 1);
    }
    /// What is not as it was, and whether the operation works now.
    template <class Act>
    [[nodiscard]] std::string after_a_failure(Act act) {
        if (!file.is_open()) { return "closed"; }
        if (file.pages() != page_count) { return "pages"; }
        for (std::uint64_t no = 0; no < page_count; ++no) {
            bool const changed = no == 30 || no == page_count - 1;
            if (number_on(file, no) != no + (changed ? 1000U : 0U)) { return "bytes"; }
        }
        if (file.core().ahead.granted() != 0) { return "looks ahead"; }
        act(*this);
        return {};
    }
};

/// Runs `act(setting)` in a fresh setting with the first allocation failing, the second, and so on
/// until none does. How many failed, and what went wrong.
template <class Pool>
struct tried {
    std::uint64_t failures = 0;
    std::string wrong{};

    template <class Act>
    explicit tried(Act act) {
        for (bool failed = true; failed && wrong.empty();) {
            setting<Pool> s;
            auto const before = allocations;
            failing = before + 1 + failures;
            try {
                act(s);
                failed = failing <= allocations;
                failing = 0;
                if (failed) { wrong = "nothing was thrown"; }
            } catch (quire::error const& e) {
                failing = 0;
                if (e.kind() != quire::errc::out_of_memory) { wrong = e.what(); }
            } catch (std::bad_alloc const&) {
                failing = 0;
                wrong = "std::bad_alloc";
            }
            if (failed && wrong.empty()) { wrong = s.after_a_failure(act); }
            if (failed) { ++failures; }
        }
        if (!wrong.empty()) { wrong = std::to_string(failures) + ": " + wrong; }
    }
};

#if QUIRE_TEST_HAS_URING
#define QUIRE_TEST_AND_URING_POOL \
    , (quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, quire::uring_backend>)
#else
#define QUIRE_TEST_AND_URING_POOL
#endif

}  // namespace

TEMPLATE_TEST_CASE("allocation: one that fails in an operation is out_of_memory, and undone", "",
                   (quire::buffer_pool<>),
                   (quire::buffer_pool<4096, quire::lru, quire::hybrid_latch,
                                       quire::memory_backend>)QUIRE_TEST_AND_URING_POOL) {
    using world = setting<TestType>;
    auto const numbers = [](std::uint64_t& no) {
        return [&no]() -> std::optional<quire::page_no> {
            if (no == page_count) { return std::nullopt; }
            return quire::page_no{no++};
        };
    };
    auto const expect = [](char const* name, bool allocates, auto act) {
        tried<TestType> const found{act};
        CAPTURE(name);
        CHECK(found.wrong == "");
        CHECK((found.failures > 0) == allocates);
    };
    expect("flush", true, [](world& s) { s.file.flush(); });
    expect("flush of the pool", true, [](world& s) { s.pool.flush(); });
    expect("write_back", true, [](world& s) { s.file.write_back(); });
    expect("close", true, [](world& s) { s.file.close(); });
    expect("close without writing", true,
           [](world& s) { s.file.close(quire::unwritten::discard); });
    expect("discard", true, [](world& s) { s.file.discard(page_count - 1); });
    expect("truncate", true, [](world& s) { s.file.truncate(3); });
    expect("resident_pages", true, [](world& s) { static_cast<void>(s.file.resident_pages()); });
    expect("path", true, [](world& s) { static_cast<void>(s.pool.path(s.file.number())); });
    expect("reserve of the pool", true, [](world& s) { auto const budget = s.pool.reserve(4); });
    expect("open of another", true, [](world& s) {
        s.pool.open(s.other, open_mode::open_or_create,
                    {.io = quire::io_mode::direct_or_buffered})
            .close();
    });
    expect("scan", true, [](world& s) {
        for (auto& page : s.file.scan()) { static_cast<void>(page.id()); }
    });
    expect("read_stream", true, [&](world& s) {
        std::uint64_t no = 0;
        auto pages = s.file.read_stream(numbers(no));
        while (pages.next() != nullptr) {}
    });
    expect("reserve of the file", false, [](world& s) { s.file.reserve(4); });
    expect("append", false, [](world& s) { auto const page = s.file.append(); });
    expect("format", false, [](world& s) { auto const page = s.file.format(1); });
    expect("read", false, [](world& s) { auto const page = s.file.read(0); });
    expect("write", false, [](world& s) { auto const page = s.file.write(0); });
    expect("pin", false, [](world& s) { auto const page = s.file.pin(1); });
    expect("prefetch", false, [](world& s) { s.file.prefetch({0, 1, 2}); });
    expect("optimistic_read", false, [](world& s) {
        static_cast<void>(s.file.optimistic_read(2, [](auto const& page) {
            return page.bytes().template load<std::uint64_t>(number_at);
        }));
    });
    expect("a request", false, [](world& s) {
        using base = typename TestType::file::page_request;
        struct request : base {
            request() : base{3, [](base&) noexcept {}} {}
        } one;
        static_cast<void>(s.file.start(one));
        s.file.cancel(one);
    });
    expect("a task_loop", false, [](world& s) { quire::task_loop const loop{s.pool}; });
    expect("a background_writer", false,
           [](world& s) { quire::background_writer const writer{s.pool}; });
    expect("poll, stats, for_each_dirty", false, [](world& s) {
        s.pool.poll();
        static_cast<void>(s.pool.stats());
        static_cast<void>(s.file.stats());
        s.pool.for_each_dirty([](quire::page_id, std::uint64_t) {});
    });
}

TEST_CASE("allocation: without memory for an error its promises hold all the same") {
    setting<quire::buffer_pool<>> s;
    auto const tries = [&](char const* name, auto act) {
        CAPTURE(name);
        bool over = false;
        for (std::uint64_t nth = 1; !over; ++nth) {
            failing = allocations + nth;
            try {
                act();
            } catch (quire::error const&) {
            } catch (std::bad_alloc const&) {}
            over = failing > allocations;
            failing = 0;
            CHECK(s.after_a_failure([](auto&) {}) == "");
            CHECK(nth < 100);
        }
    };
    tries("read", [&] { auto const page = s.file.read(page_count); });
    tries("stream", [&] {
        auto pages = s.file.read_stream(
            []() -> std::optional<quire::page_no> { return quire::page_no{page_count}; });
        static_cast<void>(pages.next());
    });
    tries("truncate", [&] {
        auto const page = s.file.pin(20);
        s.file.truncate(3);
    });
    tries("close", [&] {
        auto const page = s.file.pin(20);
        s.file.close();
    });
}

TEST_CASE("allocation: one that fails while a pool ends loses nothing unreported") {
    temp_dir const dir;
    auto const path = (dir / "a file whose name is longer than a short string").string();
    bool over = false;
    for (std::uint64_t nth = 1; !over; ++nth) {
        std::filesystem::remove(path);
        std::uint64_t reports = 0;
        {
            quire::buffer_pool<> pool{{.frames = 32,
                                       .on_loss = [&](std::string const& of, quire::error const&) {
                                           reports += of == path ? 1 : 0;
                                       }}};
            auto const file = pool.open(path, open_mode::create_new,
                                        {.io = quire::io_mode::direct_or_buffered});
            append_numbers(file, 20);
            failing = allocations + nth;
        }
        over = failing > allocations;
        failing = 0;
        quire::buffer_pool<> pool{{.frames = 32}};
        auto const file = pool.open(path, open_mode::read_only,
                                    {.io = quire::io_mode::direct_or_buffered});
        std::uint64_t sum = 0;
        bool const all_there = !refusal([&] {
            for (std::uint64_t no = 0; no < 20; ++no) { sum += number_on(file, no); }
        });
        CHECK(((all_there && sum == 190) || reports == 1));
        CHECK(nth < 100);
    }
}

TEST_CASE("allocation: the counter counts") {
    CHECK(allocations_in([] { ::operator delete(::operator new(10)); }) == 1);
    CHECK(allocations_in([] {}) == 0);
}

TEMPLATE_TEST_CASE("allocation: none on a hit, a miss, an eviction or a write-back", "",
                   (quire::buffer_pool<4096, quire::clock, quire::hybrid_latch>),
                   (quire::buffer_pool<4096, quire::clock, std::shared_mutex>),
                   (quire::buffer_pool<4096, quire::sieve, quire::hybrid_latch>),
                   (quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch>),
                   (quire::buffer_pool<4096, quire::lru, quire::hybrid_latch>)) {
    temp_dir const dir;
    TestType pool{{.frames = 8}};
    auto file = pool.open(dir / "f", open_mode::open_or_create, {.dirty_pages_max = 100});
    append_numbers(file, 40);
    file.flush();
    CHECK(allocations_in([&] {
              for (int i = 0; i < 10; ++i) { number_on(file, 39); }
          }) == 0);
    auto const before = file.stats();
    CHECK(allocations_in([&] {
              for (std::uint64_t no = 0; no < 40; ++no) { number_on(file, no); }
          }) == 0);
    CHECK(file.stats().misses > before.misses + 30);
    CHECK(allocations_in([&] {
              for (std::uint64_t no = 0; no < 40; ++no) { write_number(file, no, 1); }
          }) == 0);
    CHECK(file.stats().write_backs >= before.write_backs + 32);
    CHECK(file.stats().evictions >= before.evictions + 60);
    std::uint64_t elsewhere = 1;
    std::thread{[&] {  // a thread's first hit, too
        elsewhere = allocations_in([&] { number_on(file, 39); });
    }}.join();
    CHECK(elsewhere == 0);
    CHECK(allocations_in([&] {
              auto budget = pool.reserve(2);
              auto page = file.read(0, {.budget = &budget});
          }) == 1);  // the budget's list
}

TEST_CASE("allocation: appending allocates nothing either") {
    temp_dir const dir;
    quire::buffer_pool<> pool{{.frames = 8}};
    auto file = pool.open(dir / "f", open_mode::open_or_create, {.dirty_pages_max = 100});
    CHECK(allocations_in([&] { append_numbers(file, 20); }) == 0);
}
