// SPDX-License-Identifier: BSL-1.0

/// own_index: B+trees with keys of the program's own. Orders are kept by their number, and found by
/// customer, the latest first; both trees change together or not at all.

#include <quire/quire.hpp>
#include <quire/table/btree.hpp>

#include <filesystem>
#include <iostream>

//! [index]
struct order {
    std::string customer;
    std::uint32_t day;
    double amount;
};
BOOST_DESCRIBE_STRUCT(order, (), (customer, day, amount))

struct latest_first {  // a day whose keys descend
    std::uint32_t day;
};
template <>
struct quire::key_codec<latest_first> {
    static void write(key_writer& to, latest_first key) {
        key_codec<std::uint32_t>::write(to, ~key.day);
    }
    static latest_first read(key_reader& from) { return {~key_codec<std::uint32_t>::read(from)}; }
    static std::string name() { return "latest_first"; }
};
using by_customer = std::tuple<std::string, latest_first, std::uint64_t>;

struct shop {
    quire::redo_log<> log{"shop.log"};
    quire::buffer_pool<> pool{{.frames = 64}, log};
    quire::catalog<quire::buffer_pool<>> db{
        pool, pool.open("shop.db", quire::open_mode::open_or_create, {.logged = true})};
    quire::btree<std::uint64_t, order> orders{db, "orders"};
    quire::btree<by_customer, std::monostate> customers{db, "customers"};
};

void add(shop& s, std::uint64_t number, order const& one) {
    s.pool.change([&](quire::change<>& change) {  // both trees, or neither
        s.orders.put(change, number, one);
        s.customers.put(change, {one.customer, {one.day}, number}, {});
    });
}
//! [index]

int main() {
    std::filesystem::remove("shop.db");
    std::filesystem::remove("shop.log");
    shop s;
    add(s, 4711, {"Grace", 20'100, 12.5});
    add(s, 4712, {"Ada", 20'101, 9.5});
    add(s, 4713, {"Ada", 20'105, 3.25});
    add(s, 4714, {"Adam", 20'102, 7.0});

    std::cout << "Ada's orders, the latest first:\n";
    double sum = 0;
    s.customers.scan({"Ada", {~0U}, 0}, {"Ada", {0}, ~0ULL}, [&](auto const& key, std::monostate) {
        s.orders.get(std::get<2>(key), [&](auto const& row) {
            auto const amount = row.template get<&order::amount>();
            std::cout << "  " << std::get<2>(key) << ": " << amount << '\n';
            sum += amount;
        });
    });
    bool const is_sound = s.orders.check().empty() && s.customers.check().empty();
    std::cout << (is_sound ? "the trees are sound\n" : "the trees are damaged\n");
    s.db.close();
    return is_sound && sum == 12.75 ? 0 : 1;
}
