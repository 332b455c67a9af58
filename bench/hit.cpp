// SPDX-License-Identifier: BSL-1.0

/// hit: eight bytes of a resident random page, through a guard and through nothing.
///
///   bare     one load from an array of pages: the memory's limit
///   pair     the load, and one uncontended atomic addition and subtraction on a word of that
///            page's own: what any latch that is entered and left must pay
///   read     quire: file.read<raw_page>(no), load, guard ends
///   write    quire: file.write<raw_page>(no), load through the const view, guard ends
///
/// One thread. Interleaved rounds; the ratios are of medians within this run. Usage: [--quick]

#include <quire/quire.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t page_size = 4096;
using pool_type = quire::buffer_pool<page_size, quire::s3_fifo, quire::hybrid_latch,
                                     quire::memory_backend>;

/// The same page sequence for everybody: cheap to draw, so that the draw does not hide the rest.
class sequence {
public:
    explicit sequence(std::uint64_t pages) : pages_{pages} {}
    std::uint64_t next() noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return ((state_ >> 32) * pages_) >> 32;
    }

private:
    std::uint64_t state_ = 0x9E3779B97F4A7C15ULL;
    std::uint64_t pages_;
};

template <class Access>
double nanoseconds_each(std::uint64_t pages, std::uint64_t count, Access access) {
    sequence draw{pages};
    std::uint64_t sum = 0;
    auto const begin = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < count; ++i) { sum += access(draw.next()); }
    auto const end = std::chrono::steady_clock::now();
    asm volatile("" : : "r"(sum));  // the sum is used
    return std::chrono::duration<double, std::nano>(end - begin).count() /
           static_cast<double>(count);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void run(std::uint64_t pages, std::uint64_t count, int rounds) {
    auto const store = std::make_shared<quire::memory_store>();
    pool_type pool{{.frames = pages, .backend = {store}}};
    auto file = pool.open("hit", quire::open_mode::create);
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto page = file.append();
        page->bytes().store<std::uint64_t>(64, i);
    }

    struct alignas(64) header {
        std::atomic<std::uint64_t> word{0};
    };
    quire::arena const bare{pages, page_size, quire::huge_pages::on};
    quire::unpoison(bare.bytes());
    std::vector<header> headers(pages);
    for (std::uint64_t i = 0; i < pages; ++i) {
        auto const at = bare.frame(static_cast<quire::frame_no>(i));
        std::memset(at.data(), 0, at.size());
        quire::store_le<std::uint64_t>(at.data() + 64, i);
    }
    auto const load_bare = [&](std::uint64_t no) {
        return quire::load_le<std::uint64_t>(bare.bytes().data() + no * page_size + 64);
    };

    std::vector<double> bares;
    std::vector<double> pairs;
    std::vector<double> reads;
    std::vector<double> writes;
    for (int round = 0; round < rounds; ++round) {
        bares.push_back(nanoseconds_each(pages, count, load_bare));
        pairs.push_back(nanoseconds_each(pages, count, [&](std::uint64_t no) {
            headers[no].word.fetch_add(1, std::memory_order_acquire);
            auto const value = load_bare(no);
            headers[no].word.fetch_sub(1, std::memory_order_release);
            return value;
        }));
        reads.push_back(nanoseconds_each(pages, count, [&](std::uint64_t no) {
            auto page = file.read(no);
            return page->bytes().load<std::uint64_t>(64);
        }));
        writes.push_back(nanoseconds_each(pages, count, [&](std::uint64_t no) {
            auto page = file.write(no);
            return page.view().bytes().load<std::uint64_t>(64);
        }));
    }
    double const pair = median(pairs);
    std::printf("%5llu MiB  bare %6.1f ns  pair %6.1f ns  read %6.1f ns (%.2f x pair)"
                "  write %6.1f ns (%.2f x read)\n",
                static_cast<unsigned long long>(pages * page_size >> 20), median(bares), pair,
                median(reads), median(reads) / pair, median(writes),
                median(writes) / median(reads));
}

}  // namespace

int main(int argc, char** argv) {
    bool const quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
    if (quick) {
        run(1024, 100'000, 3);
        return 0;
    }
    run((std::uint64_t{64} << 20) / page_size, 5'000'000, 9);
    run((std::uint64_t{2048} << 20) / page_size, 5'000'000, 9);
    return 0;
}
