// SPDX-License-Identifier: BSL-1.0

/// scan_big_file [PAGES]: a file of sixteen times the pool is read from end to end, then some pages
/// in any order, ahead of need. Through io_uring, if liburing was there when this was compiled
/// (link it: -luring); else one run of neighbours at a time. A terminal shows how far the scan is.

#include <quire/quire.hpp>
#if __has_include(<liburing.h>)
#include <quire/io/uring_backend.hpp>
using backend_type = quire::uring_backend;
#else
using backend_type = quire::direct_backend;
#endif

#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <random>
#include <string>

#include <unistd.h>  // isatty

struct measurement {
    std::int64_t time;
    double value;
};
BOOST_DESCRIBE_STRUCT(measurement, (), (time, value))

using quire::heap_page;
using pool_type =
    quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, backend_type>;

/// The sum of the times, and a line that moves on a terminal.
//! [scan]
std::int64_t sum_of_times(pool_type::file const& file, bool shows_progress) {
    std::int64_t sum = 0;
    for (auto& page : file.scan<heap_page>()) {
        for (auto row : page->rows<measurement>()) { sum += row.get<&measurement::time>(); }
        if (shows_progress && page.page_no().value() % 256 == 0) {
            std::printf("\r%3d %%", static_cast<int>(100 * page.page_no().value() / file.pages()));
            std::fflush(stdout);
        }
    }
    return sum;
}
//! [scan]

/// The same by `count` pages in any order.
std::int64_t sum_of_some(pool_type::file const& file, int count) {
    std::mt19937_64 random{1};
    std::int64_t sum = 0;
    auto pages = file.read_stream<heap_page>([&]() -> std::optional<quire::page_no> {
        if (count-- == 0) { return std::nullopt; }
        return quire::page_no{random() % file.pages()};
    });
    while (auto* page = pages.next()) {
        for (auto row : (*page)->rows<measurement>()) { sum += row.get<&measurement::time>(); }
    }
    return sum;
}

int main(int argc, char** argv) try {
    std::uint64_t const count = argc > 1 ? std::stoull(argv[1]) : 4096;
    pool_type pool{{.frames = 64 + count / 16}};
    auto file = pool.open("big.db", quire::open_mode::create_or_replace,
                          {.io = quire::io_mode::direct_or_buffered});
    std::int64_t expected = 0;
    for (std::int64_t time = 0; file.pages() < count;) {
        auto page = file.append<heap_page>();
        while (page->insert(measurement{time, 0.5})) { expected += time++; }
    }
    file.flush();
    auto const found = sum_of_times(file, ::isatty(STDOUT_FILENO) == 1);
    std::cout << "\rscanned " << file.pages() << " pages, the sum is "
              << (found == expected ? "right" : "wrong") << "\n1,000 pages in any order: "
              << sum_of_some(file, 1000) << '\n';
    return found == expected ? 0 : 1;
} catch (std::exception const& e) {
    std::cerr << "scan_big_file: " << e.what() << '\n';
    return 1;
}
