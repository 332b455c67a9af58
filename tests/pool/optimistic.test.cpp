// SPDX-License-Identifier: BSL-1.0

#include <quire/pool/detail/optimistic.hpp>

#include "calls.hpp"
#include "death.hpp"

#include <quire/evict/clock.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/no_latch.hpp>
#include <quire/page/heap_page.hpp>
#include <quire/pool/buffer_pool.hpp>

#include "catch.hpp"

#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace quire_test;
using quire::errc;
using quire::open_mode;
using quire::racy_byte;

namespace {

constexpr std::size_t size = 512;  // bytes of a page

template <class Latch>
using pool_of = quire::buffer_pool<size, quire::clock, Latch, quire::memory_backend>;
using pool_type = pool_of<quire::hybrid_latch>;

// Sanitizers would report what is read without a latch, so there the latch is always taken.
constexpr bool without_latch = quire::detail::reads_optimistically<quire::hybrid_latch>;
constexpr int attempts_max = without_latch ? 3 : 0;

auto const number = [](auto const& page) {
    return page.bytes().template load<std::uint64_t>(number_at);
};

/// A page kind that says so in its first byte, read in the same way with and without the latch.
template <quire::viewed_byte Byte, std::size_t PageSize>
class marked_page {
public:
    explicit marked_page(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    static void format(std::span<std::byte, PageSize> bytes, quire::page_no) noexcept {
        quire::store_le<std::uint32_t>(bytes.data() + 12, 0x4D);
    }
    [[nodiscard]] static bool accepts(quire::shared_span<Byte, PageSize> bytes) noexcept {
        return quire::load_le<std::uint32_t>(bytes.data() + 12) == 0x4D;
    }
    [[nodiscard]] std::uint16_t count() const noexcept {
        return quire::load_le<std::uint16_t>(bytes_.data() + 16);
    }

private:
    std::span<Byte, PageSize> bytes_;
};
static_assert(quire::racy_page_kind<marked_page, size>);
static_assert(!quire::racy_page_kind<quire::heap_page, size>);

static_assert(quire::versioned<quire::hybrid_latch>);
static_assert(!quire::detail::reads_optimistically<std::shared_mutex>);
static_assert(!quire::detail::reads_optimistically<quire::no_latch>);

/// Is `frame` latched by nobody? The version tells who got in to find out.
template <class File>
bool latched(File const& file, std::uint32_t frame) {
    auto& latch = file.core().frames[quire::frame_no{frame}].latch;
    if (!latch.try_lock()) { return true; }
    latch.unlock();
    return false;
}

}  // namespace

TEMPLATE_TEST_CASE("optimistic: finds what the page has, resident or not", "", quire::hybrid_latch,
                   std::shared_mutex, quire::no_latch) {
    pool_of<TestType> pool{{.frames = 2, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 5, 70);
    for (int round = 0; round < 2; ++round) {
        for (std::uint64_t no = 0; no < 5; ++no) {
            CHECK(file.optimistic_read(no, number) == 70 + no);
            CHECK(file.optimistic_read(no, number) == 70 + no);
        }
    }
    CHECK(file.stats().misses > 5);
    CHECK(file.optimistic_read(4, [](auto const&) { return std::string{"owned"}; }) == "owned");
    CHECK(refusal([&] { (void)file.optimistic_read(5, number); }) == errc::page_out_of_range);
}

TEST_CASE("optimistic: nothing is stored in the frame's header") {
    if (!without_latch) { return skip("the latch is always taken under a sanitizer"); }
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    (void)file.optimistic_read(0, number);  // the policy may note a first use
    auto const& header = file.core().frames[quire::frame_no{0}];
    std::array<std::byte, sizeof header> before{};
    std::memcpy(before.data(), static_cast<void const*>(&header), sizeof header);
    for (int i = 0; i < 10; ++i) { (void)file.optimistic_read(0, number); }
    CHECK(std::memcmp(before.data(), static_cast<void const*>(&header), sizeof header) == 0);
}

TEST_CASE("optimistic: a page that is written meanwhile is read again") {
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    int calls = 0;
    auto const found = file.optimistic_read(0, [&](auto const& page) {
        auto const seen = number(page);
        if (++calls <= attempts_max) { write_number(file, 0, 100 + static_cast<unsigned>(calls)); }
        return seen;
    });
    CHECK(calls == attempts_max + 1);
    CHECK(found == (without_latch ? 103U : 0U));
}

TEST_CASE("optimistic: who was in the page from the beginning is noticed in the end") {
    // Not the version tells, which is the same: the writer bit does.
    if (!without_latch) { return skip("the latch is always taken under a sanitizer"); }
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    auto& latch = file.core().frames[quire::frame_no{0}].latch;
    REQUIRE(latch.try_lock());
    int calls = 0;
    CHECK(file.optimistic_read(0, [&](auto const& page) {
        auto const seen = number(page);
        if (++calls == 2) { latch.unlock(); }  // the version moves after the look at it
        return seen;
    }) == 0);
    CHECK(calls == 3);
}

TEST_CASE("optimistic: a page that loses its frame meanwhile is read again") {
    if (!without_latch) { return skip("the latch is always taken under a sanitizer"); }
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2, 70);
    CHECK(number_on(file, 0) == 70);
    int calls = 0;
    CHECK(file.optimistic_read(0, [&](auto const& page) {
        if (++calls == 1) { CHECK(number_on(file, 1) == 71); }
        return number(page);
    }) == 70);
    CHECK(calls == 2);

    SECTION("also when it has the frame again in the end") {
        calls = 0;
        auto const misses = file.stats().misses;
        CHECK(file.optimistic_read(0, [&](auto const& page) {
            if (++calls == 1) {
                CHECK(number_on(file, 1) == 71);
                CHECK(number_on(file, 0) == 70);
            }
            return number(page);
        }) == 70);
        CHECK(calls == 2);
        CHECK(file.stats().misses == misses + 2);
    }
}

TEST_CASE("optimistic: the page must be the one that was asked for when the look begins") {
    // A frame that got another page after the entry was read, and nobody writes: versions agree.
    if (!without_latch) { return skip("the latch is always taken under a sanitizer"); }
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2, 70);
    CHECK(number_on(file, 0) == 70);
    auto& core = file.core();
    int calls = 0;
    auto fn = [&](auto const& page) {
        ++calls;
        return number(page);
    };
    using quire::raw_page;
    CHECK_FALSE(quire::detail::try_optimistic<raw_page>(core, file.slot(), file.id_of(1), 0, fn));
    CHECK(calls == 0);
    CHECK(quire::detail::try_optimistic<raw_page>(core, file.slot(), file.id_of(0), 0, fn) == 70U);
}

namespace {

/// hybrid_latch with a hook for its version, which is used up by its first call.
class stepped_latch : public quire::hybrid_latch {
public:
    [[nodiscard]] std::uint32_t version() const {
        if (auto const hook = std::exchange(before_version, nullptr)) { hook(); }
        return hybrid_latch::version();
    }
    static inline std::function<void()> before_version;
};
static_assert(quire::versioned<stepped_latch>);

}  // namespace

TEST_CASE("optimistic: the version is seen before the page, or another page's would do") {
    if (!without_latch) { return skip("the latch is always taken under a sanitizer"); }
    pool_of<stepped_latch> pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2, 70);
    CHECK(number_on(file, 0) == 70);
    bool taken = false;
    stepped_latch::before_version = [&] { taken = number_on(file, 1) == 71; };
    CHECK(file.optimistic_read(0, number) == 70);
    CHECK(taken);
}

TEST_CASE("optimistic: after three attempts the latch is taken") {
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    std::vector<bool> held;
    (void)file.optimistic_read(0, [&](auto const& page) {
        held.push_back(latched(file, 0));
        return number(page);  // to look for the latch has moved the version
    });
    std::vector<bool> expected(static_cast<std::size_t>(attempts_max), false);
    expected.push_back(true);
    CHECK(held == expected);
    CHECK_FALSE(latched(file, 0));
}

TEST_CASE("optimistic: what fn throws counts when what it saw was true") {
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    int calls = 0;
    auto const always = [&](auto const&) -> int {
        ++calls;
        throw std::runtime_error{"as it is"};
    };
    CHECK_THROWS_AS((void)file.optimistic_read(0, always), std::runtime_error);
    CHECK(calls == 1);
    CHECK_FALSE(latched(file, 0));

    calls = 0;
    CHECK(file.optimistic_read(0, [&](auto const& page) {
        if (++calls <= attempts_max) {
            write_number(file, 0, 5);
            throw std::runtime_error{"never true"};
        }
        return number(page);
    }) == (without_latch ? 5U : 0U));
    CHECK(calls == attempts_max + 1);
}

TEST_CASE("optimistic: an offset outside the page is an error that counts only if it was true") {
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 1);
    auto const at = [&](std::uint64_t offset) {
        return refusal([&] {
            (void)file.optimistic_read(0, [offset](auto const& page) {
                return page.bytes().template load<std::uint64_t>(offset);
            });
        });
    };
    CHECK(at(size - 8) == std::nullopt);
    CHECK(at(size - 7) == errc::corrupt_page);
    CHECK(at(~std::uint64_t{0}) == errc::corrupt_page);
    CHECK(refusal([&] {
        (void)file.optimistic_read(0, [](auto const& page) { return page.bytes()[size]; });
    }) == errc::corrupt_page);
    CHECK(refusal([&] {
        (void)file.optimistic_read(0, [](auto const& page) {
            std::array<std::byte, 16> copy{};
            page.bytes().copy_to(copy, size - 15);
            return copy;
        });
    }) == errc::corrupt_page);
}

TEST_CASE("optimistic: bytes are read one by one, together and as numbers") {
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    {
        auto page = file.append();
        auto const bytes = page->bytes();
        for (std::size_t i = 16; i < size; ++i) {
            bytes.store<std::uint8_t>(i, static_cast<std::uint8_t>(i * 7));
        }
    }
    auto const same = file.optimistic_read(0, [](auto const& page) {
        auto const bytes = page.bytes();
        std::array<std::byte, 100> copy{};
        bytes.copy_to(copy, 17);
        bool good = bytes.size() == size;
        for (std::size_t i = 0; i < copy.size(); ++i) {
            good = good && copy[i] == static_cast<std::byte>((i + 17) * 7) &&
                   bytes[i + 17] == copy[i];
        }
        std::size_t i = 0;
        for (auto const byte : bytes) {
            good = good && (i < 16 || byte == static_cast<std::byte>(i * 7));
            ++i;
        }
        auto const expected = static_cast<std::uint16_t>((33 * 7 & 0xFF) | ((34 * 7 & 0xFF) << 8));
        return good && i == size && bytes.template load<std::uint16_t>(33) == expected;
    });
    CHECK(same);
}

TEST_CASE("optimistic: a page kind of one's own is read in the same way with and without latch") {
    pool_type pool{{.frames = 2, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    static_cast<void>(file.append<marked_page>());
    append_numbers(file, 1);
    auto const count = [](auto const& page) { return page.count(); };
    CHECK(file.optimistic_read<marked_page>(0, count) == 0);
    CHECK(file.with_read<marked_page>(0, count) == 0);
    CHECK(refusal([&] { (void)file.optimistic_read<marked_page>(1, count); }) ==
          errc::wrong_page_kind);
}

TEST_CASE("optimistic: it is a use of the page for the policy, once it is known to be true") {
    pool_type pool{{.frames = 2, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 3);
    number_on(file, 0);
    number_on(file, 1);  // clock: whatever was used before, one of the two goes for page 2
    number_on(file, 2);
    auto const kept = file.resident_pages();
    REQUIRE(kept.size() == 2);
    auto const other = kept[0] == quire::page_no{2} ? kept[1] : kept[0];
    auto& state = file.core().frames[file.slot().pages->load(other).frame()].policy_state;
    state.uses = 0;
    (void)file.optimistic_read(other, number);
    CHECK(state.uses == 1);
    if (without_latch) {
        state.uses = 0;
        CHECK_THROWS((void)file.optimistic_read(other, [](auto const&) -> int { throw 1; }));
        CHECK(state.uses == 0);
    }
}

TEST_CASE("optimistic: the latched read is told the options") {
    pool_type pool{{.frames = 2, .frame_wait_max = std::chrono::milliseconds{1}, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    append_numbers(file, 2);
    file.flush();
    file.discard(0);
    auto budget = pool.reserve(1);
    auto const held = file.read(1);
    CHECK(refusal([&] { (void)file.optimistic_read(0, number); }) == errc::no_free_frame);
    CHECK(file.optimistic_read(0, number, {.budget = &budget}) == 0);
}

TEST_CASE("optimistic: a page that this thread holds exclusively is an error") {
    pool_type pool{{.frames = 1, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    auto const page = file.append();
    CHECK(refusal([&] { (void)file.optimistic_read(0, number); }) == errc::held_here);
}

TEST_CASE("optimistic: a handle used after close stops the program") {
    CHECK_THAT(violation_of([] {
                   pool_type pool{{.frames = 1, .backend = {}}};
                   auto file = pool.open("f", open_mode::open_or_create);
                   append_numbers(file, 1);
                   file.close();
                   append_numbers(pool.open("g", open_mode::open_or_create), 1);
                   (void)file.optimistic_read(0, number);
               }),
               Catch::Matchers::ContainsSubstring("a file handle is not used after close"));
}

TEST_CASE("optimistic: what is read beside writers and evictions is whole") {
    // Every page is one number, many times over; readers without latch see only such pages.
    constexpr std::uint64_t pages = 4;
    pool_type pool{{.frames = 3, .backend = {}}};
    auto file = pool.open("f", open_mode::open_or_create);
    for (std::uint64_t no = 0; no < pages; ++no) { static_cast<void>(file.append()); }
    std::atomic<bool> over{false};
    std::atomic<int> torn{0};
    std::atomic<std::uint64_t> reads{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 2; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = t; !over; ++i) {
                bool const whole = file.optimistic_read(i % pages, [](auto const& page) {
                    auto const bytes = page.bytes();
                    auto const first = bytes.template load<std::uint64_t>(16);
                    for (std::size_t at = 24; at < size; at += 8) {
                        if (bytes.template load<std::uint64_t>(at) != first) { return false; }
                    }
                    return true;
                });
                if (!whole) { ++torn; }
                ++reads;
            }
        });
    }
    for (std::uint64_t i = 1; i < 4000 || reads < 1000; ++i) {
        auto page = file.write(i % pages);
        auto const bytes = page->bytes();
        for (std::size_t at = 16; at < size; at += 8) { bytes.store(at, i); }
    }
    over = true;
    for (auto& thread : threads) { thread.join(); }
    CHECK(torn == 0);
    CHECK(file.stats().evictions > 0);
}
