// SPDX-License-Identifier: BSL-1.0

/// own_latch: your own page latch, checked, and in a pool. It spins: for pages that are held for
/// some instructions by threads that have a processor each. A pool waits by the timed calls;
/// without them it would poll with sleeps in between, and the spinning would have no effect.

#include <quire/quire.hpp>
#include <quire/testing/check_latch.hpp>

#include <chrono>
#include <iostream>
#include <thread>

//! [latch]
class spin_latch {
public:
    bool try_lock() {
        int free = 0;
        return holders_.compare_exchange_strong(free, writer, std::memory_order_acquire,
                                                std::memory_order_relaxed);
    }
    void lock() { static_cast<void>(spin_for(forever, [this] { return try_lock(); })); }
    bool try_lock_for(std::chrono::nanoseconds wait) {
        return spin_for(wait, [this] { return try_lock(); });
    }
    void unlock() { holders_.store(0, std::memory_order_release); }

    bool try_lock_shared() {
        auto readers = holders_.load(std::memory_order_relaxed);
        return readers != writer &&
               holders_.compare_exchange_strong(readers, readers + 1, std::memory_order_acquire,
                                                std::memory_order_relaxed);
    }
    void lock_shared() {
        static_cast<void>(spin_for(forever, [this] { return try_lock_shared(); }));
    }
    bool try_lock_shared_for(std::chrono::nanoseconds wait) {
        return spin_for(wait, [this] { return try_lock_shared(); });
    }
    void unlock_shared() { holders_.fetch_sub(1, std::memory_order_release); }

private:
    static constexpr auto forever = std::chrono::nanoseconds::max();

    static bool spin_for(std::chrono::nanoseconds wait, auto tries) {
        auto const begin = std::chrono::steady_clock::now();
        while (!tries()) {
            if (std::chrono::steady_clock::now() - begin >= wait) { return false; }
            std::this_thread::yield();
        }
        return true;
    }

    static constexpr int writer = -1;
    std::atomic<int> holders_{0};
};
static_assert(quire::timed_latch<spin_latch>);
//! [latch]

int main() try {
    auto const found = quire::testing::check_latch<spin_latch>();
    std::cout << found.text();
    for (auto const& part : found.checked()) { std::cout << "checked " << part << '\n'; }

    quire::buffer_pool<4096, quire::s3_fifo, spin_latch> pool{{.frames = 16}};
    auto file = pool.open("own_latch.db", quire::open_mode::create_or_replace);
    file.append<quire::raw_page>().release();
    auto const add_many = [&] {
        for (int i = 0; i < 1000; ++i) {
            auto page = file.write<quire::raw_page>(0);
            auto bytes = page->bytes();
            bytes.store<std::uint64_t>(16, bytes.load<std::uint64_t>(16) + 1);
        }
    };
    std::thread other{add_many};
    add_many();
    other.join();
    auto const page = file.read<quire::raw_page>(0);
    auto const sum = page->bytes().load<std::uint64_t>(16);
    std::cout << "two threads counted to " << sum << '\n';
    return found.passed() && sum == 2000 ? 0 : 1;
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
