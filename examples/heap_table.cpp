// SPDX-License-Identifier: BSL-1.0

/// heap_table: accounts in a table with two indexes. Rows are found by their number and by their
/// owner, and a transfer changes two of them in one change: both, or neither.

#include <quire/quire.hpp>
#include <quire/table/table.hpp>

#include <filesystem>
#include <iostream>
#include <stdexcept>

//! [table]
struct account {
    std::uint32_t number;
    std::string owner;
    std::int64_t cents;
};
BOOST_DESCRIBE_STRUCT(account, (), (number, owner, cents))

using accounts =
    quire::table<account, quire::unique<&account::number>, quire::indexed<&account::owner>>;

void transfer(quire::buffer_pool<>& pool, accounts& all, std::uint32_t from, std::uint32_t to,
              std::int64_t cents) {
    pool.change([&](quire::change<>& change) {  // both rows and their indexes, or nothing
        auto const payer = all.id_of<&account::number>(change, from).value();
        auto const payee = all.id_of<&account::number>(change, to).value();
        all.update(change, payee, [&](account& one) { one.cents += cents; });
        all.update(change, payer, [&](account& one) {
            if (one.cents < cents) { throw std::runtime_error{"not enough money"}; }
            one.cents -= cents;
        });
    });
}
//! [table]

int main() try {
    std::filesystem::remove("bank.db");
    std::filesystem::remove("bank.log");
    //! [open]
    quire::redo_log<> log{"bank.log"};
    quire::buffer_pool<> pool{{.frames = 256}, log};
    quire::catalog db{pool, pool.open("bank.db", quire::open_mode::create_new, {.logged = true})};
    accounts all{db, "accounts"};
    all.insert({0, "Ada", 100});
    //! [open]
    for (std::uint32_t number = 1; number < 1000; ++number) {
        all.insert({number, number % 2 == 0 ? "Grace" : "Ada", 100});
    }
    transfer(pool, all, 7, 8, 60);
    try {
        transfer(pool, all, 7, 8, 60);
    } catch (std::runtime_error const& e) { std::cout << e.what() << ": nothing has changed\n"; }
    try {
        all.insert({7, "Barbara", 0});
    } catch (quire::error const& e) { std::cout << e.what() << '\n'; }

    std::int64_t sum = 0;
    all.find<&account::owner>("Ada", [&](auto const& row) {
        sum += row.template get<&account::cents>();
    });
    std::cout << "Ada has " << sum << " cents\n";
    all.scan<&account::number>(6U, 9U, [](auto const& row) {
        auto const& [number, owner, cents] = row;
        std::cout << number << ' ' << owner << ' ' << cents << '\n';
    });
    bool const whole = all.check().empty() && sum == 501 * 100 - 60;
    db.close();
    return whole ? 0 : 1;
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
