// SPDX-License-Identifier: BSL-1.0

/// users: the first program. Rows of a described struct, from a file to the text of a column and
/// back, without a copy in between.

#include <quire/quire.hpp>

#include <iostream>

//! [struct]
struct user { std::int64_t id; std::string name; };
BOOST_DESCRIBE_STRUCT(user, (), (id, name))
//! [struct]

int main() try {
    //! [program]
    quire::buffer_pool<> pool{{.frames = 4096}};  // 16 MiB of 4 KiB pages
    auto file = pool.open("users.db", quire::open_mode::create_or_replace);  // O_DIRECT
    {
        auto page = file.append<quire::heap_page>();  // exclusive guard on a new page
        page->insert(user{1, "Ada"}).value();  // the slot, or nullopt when the page is full
        page->insert(user{2, "Grace"}).value();
    }  // the guard ends: its latch is released, the page is dirty
    file.flush();  // written and synced; errors are thrown here
    auto page = file.read<quire::heap_page>(0);  // shared guard; page->erase(...) does not compile
    for (auto row : page->rows<user>()) { std::cout << row.get<&user::name>() << '\n'; }  // no copy
    //! [program]
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
