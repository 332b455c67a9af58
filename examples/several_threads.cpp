// SPDX-License-Identifier: BSL-1.0

/// several_threads: four threads move money between accounts on 64 pages, through 16 frames, while
/// a fifth reads. Many threads can use a pool and its files; a guard belongs to one thread.

#include <quire/quire.hpp>

#include <algorithm>
#include <exception>
#include <iostream>
#include <random>
#include <thread>
#include <vector>

struct account {
    std::int64_t id;
    std::int64_t amount;
};
BOOST_DESCRIBE_STRUCT(account, (), (id, amount))

using quire::heap_page;
using bank_file = quire::buffer_pool<>::file;

constexpr std::uint64_t pages = 64;
constexpr std::uint16_t accounts_a_page = 20;

void open_accounts(bank_file const& bank) {
    for (std::uint64_t no = 0; no < pages; ++no) {
        auto page = bank.append<heap_page>();
        for (int i = 0; i < accounts_a_page; ++i) { page->insert(account{i, 100}).value(); }
    }
}

//! [move]
/// Takes from one page and gives to another. A thread that needs two pages latches the one with the
/// lower number first, so that no two threads wait for each other.
void move_one(bank_file const& bank, std::uint64_t from, std::uint64_t to, quire::slot_id slot) {
    auto low = bank.write<heap_page>(std::min(from, to));
    auto high = bank.write<heap_page>(std::max(from, to));
    auto const add = [slot](auto& page, std::int64_t amount) {
        auto row = page->template row<account>(slot);
        row.template set<&account::amount>(row.template get<&account::amount>() + amount);
    };
    add(low, from < to ? -1 : 1);
    add(high, from < to ? 1 : -1);
}
//! [move]

void move_many(bank_file const& bank, unsigned seed) {
    std::minstd_rand random{seed};
    for (int i = 0; i < 5000; ++i) {
        std::uint64_t const from = random() % pages;
        std::uint64_t const to = (from + 1 + random() % (pages - 1)) % pages;
        move_one(bank, from, to, quire::slot_id{static_cast<std::uint16_t>(random() % 20)});
    }
}

//! [sum]
/// The sum of one page. A guard covers one page, so sums of several pages belong together only when
/// no thread writes.
std::int64_t sum_of(bank_file const& bank, std::uint64_t no) {
    return bank.with_read<heap_page>(no, [](auto const& page) {
        std::int64_t sum = 0;
        for (auto const& [id, amount] : quire::rows<account>(page)) { sum += amount; }
        return sum;
    });
}
//! [sum]

int main() try {
    quire::buffer_pool<> pool{{.frames = 16}};  // at least the guards that are held at once: here 9
    auto bank = pool.open("bank.db", quire::open_mode::create_or_replace);
    open_accounts(bank);

    std::vector<std::exception_ptr> failures(4);  // each thread catches its own errors
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < failures.size(); ++t) {
        threads.emplace_back([&, t] {
            try {
                move_many(bank, t + 1);
            } catch (...) { failures[t] = std::current_exception(); }
        });
    }
    for (std::uint64_t i = 0; i < 1000; ++i) { static_cast<void>(sum_of(bank, i % pages)); }
    for (auto& thread : threads) { thread.join(); }
    for (auto const& failure : failures) {
        if (failure) { std::rethrow_exception(failure); }
    }
    bank.flush();

    std::int64_t sum = 0;
    for (std::uint64_t no = 0; no < pages; ++no) { sum += sum_of(bank, no); }
    std::cout << "20000 moves, " << bank.stats().evictions << " evictions; " << sum << " in all\n";
    return sum == 64 * 20 * 100 ? 0 : 1;
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
