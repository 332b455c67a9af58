// SPDX-License-Identifier: BSL-1.0

/// transfer: threads move money between accounts on several pages, each move whole or not at all.
/// With --crash the program kills itself meanwhile. Without, it runs that five times, and looks
/// whether the sum is right when the file is opened again.

#include <quire/pool/change.hpp>
#include <quire/quire.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <random>
#include <stdexcept>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

struct account {
    std::int64_t number;
    std::int64_t cents;
};
BOOST_DESCRIBE_STRUCT(account, (), (number, cents))

constexpr std::int64_t on_page = 100;  // accounts
constexpr std::int64_t accounts_max = 8 * on_page;
constexpr std::int64_t all_cents = accounts_max * 1000;

//! [bank]
struct bank {
    quire::redo_log<> log{"bank.log"};
    quire::buffer_pool<> pool{{.frames = 64}, log};
    quire::buffer_pool<>::file accounts =  // what a crash has left is mended here
        pool.open("bank.db", quire::open_mode::open_or_create, {.logged = true});
};

void add(bank& b, quire::change<>& change, std::int64_t number, std::int64_t cents) {
    auto page = change.write<quire::heap_page>(b.accounts, number / on_page);
    auto row = page->row<account>(quire::slot_id{number % on_page});
    auto const sum = row.get<&account::cents>() + cents;
    if (sum < 0) { throw std::domain_error{"not enough"}; }  // undoes both pages
    row.set<&account::cents>(sum);
}

/// Returns how far the log must be durable. Others see the move before that.
std::uint64_t move_money(bank& b, std::int64_t from, std::int64_t to, std::int64_t cents) {
    return b.pool.change([&](quire::change<>& change) {  // may run several times
        add(b, change, to, cents);
        add(b, change, from, -cents);
    });
}
//! [bank]

[[noreturn]] void move_money_for_ever(bank& b, unsigned seed) {
    std::mt19937 random{seed};
    std::uniform_int_distribution<std::int64_t> any{0, accounts_max - 1};
    for (unsigned n = 0;; ++n) try {
        auto const at = move_money(b, any(random), any(random), any(random));
        if (n % 16 == 0) { b.log.sync(at); }
    } catch (std::domain_error const&) {}
}

int crash() {
    bank b;
    if (b.accounts.pages() == 0) {
        b.pool.change([&](quire::change<>& change) {  // all accounts, or none
            for (std::int64_t number = 0; number < accounts_max;) {
                auto page = change.append<quire::heap_page>(b.accounts);
                for (auto const end = number + on_page; number < end; ++number) {
                    page->insert(account{number, all_cents / accounts_max}).value();
                }
            }
        });
    }
    for (unsigned t = 0; t < 4; ++t) { std::thread{move_money_for_ever, std::ref(b), t}.detach(); }
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    return std::raise(SIGKILL);
}

int main(int argc, char** argv) try {
    if (argc > 1) { return crash(); }
    for (char const* const file : {"bank.db", "bank.log"}) { std::filesystem::remove(file); }
    for (int round = 0; round < 5; ++round) {
        if (fork() == 0) { return execl("/proc/self/exe", argv[0], "--crash", nullptr); }
        wait(nullptr);
        bank b;
        std::int64_t sum = 0;
        for (auto& page : b.accounts.scan<quire::heap_page>()) {
            for (auto row : page->rows<account>()) { sum += row.get<&account::cents>(); }
        }
        std::cout << "killed and opened again: " << sum << " of " << all_cents << " cents\n";
        if (sum != all_cents && b.accounts.pages() > 0) { return 1; }
    }
} catch (std::exception const& e) {
    std::cerr << "transfer: " << e.what() << '\n';
    return 1;
}
