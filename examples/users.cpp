// SPDX-License-Identifier: BSL-1.0

/// users: the first program. Rows of a described struct, from a file to the text of a column and
/// back, without a copy in between.

#include <quire/quire.hpp>

#include <iostream>

//! [struct]
struct user {
    std::int64_t id;
    std::string name;
    std::optional<double> balance;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, name, balance))
//! [struct]

int main() try {
    //! [program]
    quire::buffer_pool<> pool{{.frames = 4096}};  // 16 MiB of 4 KiB pages
    auto file = pool.open("users.db", quire::open_mode::create_or_replace);  // O_DIRECT

    quire::slot_id ada;
    {
        auto page = file.append<quire::heap_page>();  // exclusive guard on a new page
        ada = page->insert(user{1, "Ada", 9.5}).value();  // nullopt when the page is full
        page->insert(user{2, "Grace", std::nullopt}).value();
    }  // guard ends: latch released, page dirty
    file.flush();  // written and synced; errors are thrown here

    {
        auto page = file.read<quire::heap_page>(0);  // shared guard
        for (auto row : page->rows<user>()) {
            std::cout << row.get<&user::name>() << '\n';  // in the frame, not copied
        }
        // page->erase(ada);  does not compile: the page is shared
    }
    {
        auto page = file.write<quire::heap_page>(0);
        auto row = page->row<user>(ada);
        row.set<&user::balance>(12.25);  // in place
    }
    file.close();
    //! [program]
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
