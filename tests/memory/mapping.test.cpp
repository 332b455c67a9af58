// SPDX-License-Identifier: BSL-1.0
#include <quire/memory/mapping.hpp>

#include "../death.hpp"
#include "catch.hpp"
#include "memory/smaps.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using Catch::Matchers::ContainsSubstring;
using quire::after_fork;
using quire::extent;
using quire::mapping;

namespace {

constexpr std::size_t page = 4096;

bool all_zero(mapping const& m) {
    auto const bytes = m.bytes();
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

std::uintptr_t address_of(mapping const& m) {
    return reinterpret_cast<std::uintptr_t>(m.bytes().data());
}

bool is_mapped(std::byte* at, std::size_t size) {
    std::vector<unsigned char> resident(size / page + 1);
    return ::mincore(at, size, resident.data()) == 0;
}

}  // namespace

static_assert(!std::is_copy_constructible_v<mapping> && !std::is_move_assignable_v<mapping>);
static_assert(std::is_nothrow_move_constructible_v<mapping>);

TEST_CASE("mapping: is zeroed and aligned and can be written from end to end") {
    for (std::size_t alignment : {std::size_t{1}, std::size_t{64}, page, std::size_t{1} << 21}) {
        for (std::size_t size : {std::size_t{1}, page - 1, page, std::size_t{1} << 20}) {
            for (auto kind : {extent::used, extent::sparse}) {
                CAPTURE(alignment, size);
                mapping const m{size, alignment, after_fork::zeroed, kind};
                REQUIRE(m.bytes().size() == size);
                CHECK(address_of(m) % alignment == 0);
                CHECK(all_zero(m));
                m.bytes().front() = std::byte{1};
                m.bytes().back() = std::byte{2};
                CHECK(m.bytes().back() == std::byte{2});
            }
        }
    }
}

TEST_CASE("mapping: may be larger than the memory that it uses") {
    mapping const m{std::size_t{1} << 36, page, after_fork::zeroed};
    m.bytes()[std::size_t{1} << 35] = std::byte{7};
    CHECK(m.bytes()[(std::size_t{1} << 35) + 1] == std::byte{0});
}

// With huge pages each access to another part would cost 2 MiB.
TEST_CASE("mapping: a sparse one has no huge pages and is left out of core dumps") {
    if (!quire_test::has_smaps()) { return skip(quire_test::no_smaps); }
    mapping const m{std::size_t{1} << 30, page, after_fork::zeroed, extent::sparse};
    m.bytes()[5] = std::byte{1};
    CHECK(quire_test::has_flag(m.bytes().data(), "nh"));
    CHECK(quire_test::has_flag(m.bytes().data(), "dd"));
    for (std::size_t at = 0; at < m.bytes().size(); at += std::size_t{4} << 20) {
        m.bytes()[at] = std::byte{1};
    }
    CHECK(quire_test::resident_kib(m.bytes().data()) <= 4 * 256 + 64);
}

// mlockall(MCL_FUTURE) has the system fill, and count, every mapping when it is made.
TEST_CASE("mapping: a sparse one is not locked with all the others") {
    for (bool limited : {false, true}) {
        CAPTURE(limited);
        auto const failure = failure_of([&]() -> std::string {
            if (limited) {
                ::rlimit const limit{std::size_t{8} << 20, std::size_t{8} << 20};
                if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) { return "no limit"; }
                if (::getuid() == 0 && ::setuid(65534) != 0) { return "no other user"; }
            }
            if (::mlockall(MCL_FUTURE) != 0) { return "not locked"; }
            mapping const used{page, page, after_fork::absent};
            if (!quire_test::has_flag(used.bytes().data(), "lo")) { return "not locked"; }
            mapping const m{std::size_t{1} << 30, page, after_fork::zeroed, extent::sparse};
            if (quire_test::has_flag(m.bytes().data(), "lo")) { return "the table is locked"; }
            m.bytes()[std::size_t{1} << 29] = std::byte{1};
            return quire_test::resident_kib(m.bytes().data()) <= 64 ? "" : "the table is filled";
        });
        if (failure.ends_with("not locked")) {
            skip("this process must not lock memory");
        } else {
            CHECK(failure == "");
        }
    }
}

TEST_CASE("mapping: that cannot be locked for its size says so") {
    auto const failure = failure_of([]() -> std::string {
        ::rlimit const limit{std::size_t{8} << 20, std::size_t{8} << 20};
        if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) { return "not locked"; }
        if (::getuid() == 0 && ::setuid(65534) != 0) { return "not locked"; }
        if (::mlockall(MCL_FUTURE) != 0) { return "not locked"; }
        try {
            mapping const m{std::size_t{64} << 20, page, after_fork::absent};
        } catch (quire::error const& e) {
            if (e.code() != quire::errc::out_of_memory) { return e.what(); }
            bool const named = std::string{e.what()}.find("RLIMIT_MEMLOCK") != std::string::npos;
            return named ? "" : e.what();
        }
        return "not locked";  // the address sanitizer ignores mlockall
    });
    if (failure.ends_with("not locked")) { return skip("this process must not lock memory"); }
    CHECK(failure == "");
}

TEST_CASE("mapping: moves without moving its bytes") {
    auto from = std::make_unique<mapping>(page, page, after_fork::absent);
    auto* const at = from->bytes().data();
    at[5] = std::byte{5};
    mapping const to{std::move(*from)};
    CHECK(from->bytes().empty());
    from.reset();
    CHECK(is_mapped(at, page));
    CHECK(to.bytes().data() == at);
    CHECK(to.bytes().size() == page);
    CHECK(to.bytes()[5] == std::byte{5});
    CHECK_FALSE(to.inherited());
}

TEST_CASE("mapping: gives its memory back") {
    std::byte* at = nullptr;
    {
        mapping const m{8 * page, page, after_fork::absent};
        at = m.bytes().data();
        CHECK(is_mapped(at, 8 * page));
    }
    CHECK_FALSE(is_mapped(at, 8 * page));
}

TEST_CASE("mapping: a size or an alignment of zero is a contract violation") {
    auto const rule = ContainsSubstring("a mapping has a size and an alignment");
    CHECK_THAT(violation_of([] { mapping{0, page, after_fork::absent}; }), rule);
    CHECK_THAT(violation_of([] { mapping{page, 0, after_fork::absent}; }), rule);
}

TEST_CASE("mapping: out_of_memory with the system's errno when there is none") {
    try {
        mapping const m{std::size_t{1} << 62, page, after_fork::absent};
        FAIL("mapped four exabytes");
    } catch (quire::error const& e) {
        CHECK(e.code() == quire::errc::out_of_memory);
        CHECK(e.system_errno() == ENOMEM);
    }
}

TEST_CASE("mapping: out_of_memory at the process's own limit") {
#if defined(__SANITIZE_ADDRESS__) || defined(QUIRE_ASAN)
    skip("the address sanitizer needs more address space than a limit leaves");
#else
    CHECK(failure_of([]() -> std::string {
              ::rlimit const limit{std::size_t{1} << 30, std::size_t{1} << 30};
              if (::setrlimit(RLIMIT_AS, &limit) != 0) { return "no limit"; }
              try {
                  mapping const m{std::size_t{1} << 31, page, after_fork::absent};
              } catch (quire::error const& e) {
                  return e.code() == quire::errc::out_of_memory ? "" : e.what();
              }
              return "mapped";
          }) == "");
#endif
}

TEST_CASE("mapping: a forked child sees zeros where it was asked to") {
    mapping const m{3 * page, page, after_fork::zeroed};
    std::fill(m.bytes().begin(), m.bytes().end(), std::byte{0xAB});
    CHECK(failure_of([&]() -> std::string {
              if (!m.inherited()) { return "not inherited"; }
              if (!all_zero(m)) { return "not zero"; }
              m.bytes()[0] = std::byte{1};
              return m.bytes()[0] == std::byte{1} ? "" : "not writable";
          }) == "");
    CHECK_FALSE(m.inherited());
    CHECK(m.bytes()[0] == std::byte{0xAB});
    CHECK(m.bytes().back() == std::byte{0xAB});
}

TEST_CASE("mapping: is gone in a forked child where it was asked to be") {
    mapping const m{3 * page, page, after_fork::absent};
    m.bytes()[0] = std::byte{0xAB};
    CHECK(failure_of([&]() -> std::string {
              if (!m.inherited()) { return "not inherited"; }
              return is_mapped(m.bytes().data(), page) ? "still mapped" : "";
          }) == "");
    CHECK(m.bytes()[0] == std::byte{0xAB});
}

// In the child the addresses of an absent mapping are free, and the next thing that the child maps
// may well get them. The end of the inherited object must leave that alone.
TEST_CASE("mapping: its end in a forked child does not unmap what the child has put there") {
    auto m = std::make_unique<mapping>(std::size_t{1} << 20, page, after_fork::absent);
    auto const bytes = m->bytes();
    CHECK(failure_of([&]() -> std::string {
              void* const own = ::mmap(bytes.data(), bytes.size(), PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
              if (own != bytes.data()) { return "the addresses are not free"; }
              m.reset();
              return is_mapped(bytes.data(), bytes.size()) ? "" : "unmapped";
          }) == "");
}

TEST_CASE("mapping: its end in a forked child gives back a zeroed one") {
    auto m = std::make_unique<mapping>(std::size_t{1} << 20, page, after_fork::zeroed);
    auto const bytes = m->bytes();
    CHECK(failure_of([&]() -> std::string {
              m.reset();
              return is_mapped(bytes.data(), bytes.size()) ? "still mapped" : "";
          }) == "");
}
