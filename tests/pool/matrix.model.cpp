// SPDX-License-Identifier: BSL-1.0

/// Page size x policy x latch x backend: the same random operations on twenty pools, chosen so that
/// every two of their parameters meet, and on five more over uring_backend. All 120 of the twenty's
/// parameters by:
///
///     g++ -std=c++20 -O1 -DQUIRE_FULL_MATRIX -Iinclude -Itests -I. -pthread -o matrix
///         tests/pool/matrix.model.cpp -lCatch2WithMain

#include <quire/pool/buffer_pool.hpp>

#include <quire/evict/clock.hpp>
#include <quire/evict/lru.hpp>
#include <quire/evict/s3_fifo.hpp>
#include <quire/evict/sieve.hpp>
#include <quire/io/memory_backend.hpp>
#include <quire/latch/no_latch.hpp>
#include <quire/page/heap_page.hpp>

#include "catch.hpp"
#include "random.hpp"
#include "temp_dir.hpp"
#include "uring.hpp"

#include <shared_mutex>

using quire::open_mode;

namespace {

template <std::size_t PageSize, class Policy, class Latch, class Backend>
using pool_of = quire::buffer_pool<PageSize, Policy, Latch, Backend>;

using memory = quire::memory_backend;
using direct = quire::direct_backend;
using hybrid = quire::hybrid_latch;
using shared = std::shared_mutex;
using single = quire::no_latch;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

#if defined(QUIRE_FULL_MATRIX)

template <class... Lists>
using joined = decltype(std::tuple_cat(std::declval<Lists>()...));
template <std::size_t Size, class Policy>
using latches_and_backends =
    std::tuple<pool_of<Size, Policy, hybrid, memory>, pool_of<Size, Policy, hybrid, direct>,
               pool_of<Size, Policy, shared, memory>, pool_of<Size, Policy, shared, direct>,
               pool_of<Size, Policy, single, memory>, pool_of<Size, Policy, single, direct>>;
template <std::size_t Size>
using policies = joined<
    latches_and_backends<Size, quire::clock>, latches_and_backends<Size, quire::lru>,
    latches_and_backends<Size, quire::sieve>, latches_and_backends<Size, quire::s3_fifo>>;
using pools = joined<policies<512>, policies<4 * kib>, policies<32 * kib>, policies<64 * kib>,
                     policies<mib>>;

#else

using pools = std::tuple<
    pool_of<512, quire::clock, hybrid, memory>, pool_of<512, quire::lru, shared, direct>,
    pool_of<512, quire::sieve, single, memory>, pool_of<512, quire::s3_fifo, hybrid, direct>,
    pool_of<4 * kib, quire::clock, shared, direct>, pool_of<4 * kib, quire::lru, single, memory>,
    pool_of<4 * kib, quire::sieve, hybrid, direct>,
    pool_of<4 * kib, quire::s3_fifo, shared, memory>,
    pool_of<32 * kib, quire::clock, single, direct>,
    pool_of<32 * kib, quire::lru, hybrid, memory>,
    pool_of<32 * kib, quire::sieve, shared, direct>,
    pool_of<32 * kib, quire::s3_fifo, single, memory>,
    pool_of<64 * kib, quire::clock, hybrid, memory>,
    pool_of<64 * kib, quire::lru, shared, direct>,
    pool_of<64 * kib, quire::sieve, single, memory>,
    pool_of<64 * kib, quire::s3_fifo, hybrid, direct>, pool_of<mib, quire::clock, shared, memory>,
    pool_of<mib, quire::lru, single, direct>, pool_of<mib, quire::sieve, hybrid, memory>,
    pool_of<mib, quire::s3_fifo, shared, direct>
#if QUIRE_TEST_HAS_URING
    ,
    pool_of<512, quire::s3_fifo, hybrid, quire::uring_backend>,
    pool_of<4 * kib, quire::lru, shared, quire::uring_backend>,
    pool_of<32 * kib, quire::clock, single, quire::uring_backend>,
    pool_of<64 * kib, quire::sieve, hybrid, quire::uring_backend>,
    pool_of<mib, quire::clock, hybrid, quire::uring_backend>
#endif
    >;

#endif

/// One run: a file of numbers, each at both ends of its page, against a vector.
template <class Pool>
class numbers {
public:
    static constexpr std::size_t front = 64;
    static constexpr std::size_t back = Pool::page_size - 8;

    numbers(Pool& pool, std::string path, quire_test::generator& random)
        : pool_{pool}, path_{std::move(path)}, random_{random},
          file_{pool.open(path_, open_mode::open_or_create)} {}

    void step() {
        switch (random_.below(16)) {
            case 0:
            case 1: append(); return;
            case 2:
            case 3:
            case 4: write(); return;
            case 5: make_anew(); return;
            case 6: flush_and_forget(); return;
            case 7: write_unchanged(); return;
            case 8: cut(); return;
            case 9: reopen(); return;
            default: read(); return;
        }
    }
    void check_all() {
        REQUIRE(file_.pages() == expected_.size());
        for (std::uint64_t no = 0; no < expected_.size(); ++no) { check(no); }
    }
    void close() { file_.close(); }
    [[nodiscard]] quire::pool_stats const& seen() const { return seen_; }

private:
    std::uint64_t any_page() { return random_.below(expected_.size()); }

    void append() {
        if (expected_.size() == 24) { return; }
        auto page = file_.append();
        REQUIRE(page.id().page().value() == expected_.size());
        expected_.push_back(put(page));
    }
    void write() {
        if (expected_.empty()) { return; }
        auto const no = any_page();
        auto page = file_.write(no);
        expected_[no] = put(page);
    }
    void make_anew() {
        if (expected_.empty()) { return; }
        auto const no = any_page();
        auto page = file_.format(no);
        expected_[no] = put(page);
    }
    void flush_and_forget() {
        file_.flush();
        if (!expected_.empty()) { file_.discard(any_page()); }
    }
    void write_unchanged() {
        if (expected_.empty()) { return; }
        auto const no = any_page();
        auto const seen = [&] {
            auto page = file_.read(no);
            return page.version();
        }();
        auto slot = file_.write_unchanged(no, seen);
        REQUIRE(slot.has_value());
        expected_[no] = put(*slot);
    }
    void cut() {
        if (expected_.size() < 20) { return; }
        auto const left = random_.between(expected_.size() / 2, expected_.size());
        file_.truncate(left);
        expected_.resize(left);
    }
    void reopen() {
        seen_ += file_.stats();
        file_.close();
        file_ = pool_.open(path_);
    }
    void read() {
        if (!expected_.empty()) { check(any_page()); }
    }

    template <class Guard>
    std::uint64_t put(Guard& page) {
        auto const value = random_.bits();
        auto bytes = page->bytes();
        bytes.template store<std::uint64_t>(front, value);
        bytes.template store<std::uint64_t>(back, ~value);
        return value;
    }
    void check(std::uint64_t no) {
        auto page = file_.read(no);
        auto bytes = page->bytes();
        REQUIRE(bytes.template load<std::uint64_t>(front) == expected_[no]);
        REQUIRE(bytes.template load<std::uint64_t>(back) == ~expected_[no]);
    }

    Pool& pool_;
    std::string path_;
    quire_test::generator& random_;
    typename Pool::file file_;
    std::vector<std::uint64_t> expected_;
    quire::pool_stats seen_;
};

/// Tuples into heap pages of this size until one is full, and out again.
template <class Pool>
void heap_round(Pool& pool, std::string const& path) {
    if constexpr (quire::slotted_page_size<Pool::page_size>) {
        auto file = pool.open(path, open_mode::open_or_create);
        std::array<std::byte, 40> tuple{};
        std::size_t count = 0;
        {
            auto page = file.template append<quire::heap_page>();
            while (page->insert(std::span<std::byte const>{tuple})) { ++count; }
            page->validate();
        }
        file.close();
        file = pool.open(path);
        auto page = file.template read<quire::heap_page>(0);
        CHECK(page->size() == count);
        CHECK(count >= (Pool::page_size - 32) / 44 - 1);
        page.release();
        file.close();
    }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("matrix: every pool keeps what it was given", "", pools) {
    temp_dir const dir;
    quire_test::test_random random;
    TestType pool{{.frames = 5, .files_max = 2, .file_pages_max = 64}};
    try {
        heap_round(pool, (dir / "heap").string());
        numbers<TestType> run{pool, (dir / "numbers").string(), random};
        for (int i = 0; i < 400; ++i) { run.step(); }
        run.check_all();
        run.close();
        auto const& seen = run.seen();
        std::cout << "matrix, " << TestType::page_size << " bytes: " << seen.misses << " misses, "
                  << seen.evictions << " evictions, " << seen.write_backs << " write-backs\n";
        CHECK(seen.misses > 0);
        CHECK(seen.evictions > 0);
        CHECK(seen.write_backs > 0);
    } catch (quire::error const& e) {
        if (e.kind() != quire::errc::misaligned_page_size) { throw; }
        skip("the device here has larger sectors than this page");
    }
}
