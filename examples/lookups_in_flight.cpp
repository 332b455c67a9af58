// SPDX-License-Identifier: BSL-1.0

/// lookups_in_flight: lookups that follow three pages each, and know the next page only when they
/// have read the one before. By tasks, 64 lookups are under way in one thread; and then, for
/// comparison, one after the other. Through io_uring, if liburing was there when this was compiled
/// (link it: -luring); else the tasks take turns, and nothing is gained.

#include <quire/quire.hpp>
#if __has_include(<liburing.h>)
#include <quire/io/uring_backend.hpp>
using backend_type = quire::uring_backend;
#else
using backend_type = quire::direct_backend;
#endif

#include <chrono>
#include <exception>
#include <iostream>

struct node {
    std::uint64_t next;  // page
    std::int64_t value;
};
BOOST_DESCRIBE_STRUCT(node, (), (next, value))

using quire::heap_page;
using pool_type = quire::buffer_pool<4096, quire::s3_fifo, quire::hybrid_latch, backend_type>;

//! [task]
/// The value on a page, and where to look next.
std::int64_t follow(pool_type::read_guard<heap_page> const& page, quire::page_no& no) {
    auto row = page->row<node>(quire::slot_id{0});
    no = quire::page_no{row.get<&node::next>()};
    return row.get<&node::value>();
}

quire::task<> look_up(pool_type::file file, quire::page_no no, std::int64_t& sum) {
    for (int depth = 0; depth < 3; ++depth) {
        auto page = co_await file.async_read<heap_page>(no);  // others run while this is read
        sum += follow(page, no);
    }  // the guard ends before the next co_await
}
//! [task]

int main() try {
    constexpr std::uint64_t page_count = 8192;
    pool_type pool{{.frames = 1024}};
    auto file = pool.open("nodes.db", quire::open_mode::create_or_replace,
                          {.io = quire::io_mode::direct_or_buffered});
    for (std::uint64_t no = 0; no < page_count; ++no) {
        auto page = file.append<heap_page>();
        page->insert(node{(no * 4057 + 1) % page_count, static_cast<std::int64_t>(no)}).value();
    }
    file.flush();

    using clock = std::chrono::steady_clock;
    using seconds = std::chrono::duration<double>;
    constexpr std::uint64_t lookups = 2000;
    auto const begin = clock::now();
    std::int64_t sum = 0;
    quire::task_loop loop{pool, {.in_flight = 64}};
    for (auto i = lookups; i > 0; --i) { loop.spawn(look_up(file, i * 2027 % page_count, sum)); }
    loop.run();
    seconds const by_tasks = clock::now() - begin;
    std::int64_t expected = 0;
    for (auto i = lookups; i > 0; --i) {
        quire::page_no no{i * 2027 % page_count};
        for (int depth = 0; depth < 3; ++depth) {
            auto page = file.read<heap_page>(no);
            expected += follow(page, no);
        }
    }
    seconds const one_by_one = clock::now() - begin - by_tasks;
    std::cout << lookups << " lookups, the sum is " << (sum == expected ? "right" : "wrong")
              << "; 64 at once were " << one_by_one / by_tasks << " times as fast as one by one\n";
    return sum == expected ? 0 : 1;
} catch (std::exception const& e) {
    std::cerr << "lookups_in_flight: " << e.what() << '\n';
    return 1;
}
