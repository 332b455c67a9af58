// SPDX-License-Identifier: BSL-1.0

/// After opening, neither a hit nor a miss allocates. Before, an allocation that fails is a typed
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

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iterator>
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
    auto const all = std::filesystem::directory_iterator{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
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
