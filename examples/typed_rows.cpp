// SPDX-License-Identifier: BSL-1.0

/// typed_rows: what a row can hold besides numbers and strings. A catalogue of books: a base, a
/// struct inside, an enum, an array, a date, a byte string; a key and a limit.

#include <quire/quire.hpp>

#include <chrono>
#include <iostream>
#include <vector>

enum class state : std::uint8_t { shelved, lent, lost };
// Any other value of the enum: reading it is an error, inserting or setting it stops the program.
BOOST_DESCRIBE_ENUM(state, shelved, lent, lost)

struct place {
    std::uint16_t room;
    std::uint16_t board;
};
BOOST_DESCRIBE_STRUCT(place, (), (room, board))

struct entity {
    std::int64_t id;
};
BOOST_DESCRIBE_STRUCT(entity, (), (id))

struct book : entity {
    std::string title;
    std::array<char, 13> isbn;
    place at;  // in the row itself: 4 bytes
    state now;
    std::optional<std::chrono::sys_time<std::chrono::duration<std::int64_t>>> due;
    std::vector<std::byte> cover;  // read as std::span<std::byte const>
};
BOOST_DESCRIBE_STRUCT(book, (entity), (title, isbn, at, now, due, cover))

template <>
inline constexpr auto quire::row_options<book> =
    quire::options_of<book>(quire::key<&book::id>, quire::max_bytes<&book::title, 200>);

int main() try {
    using schema = quire::schema<book>;
    static_assert(schema::text == "id:i64,title:string,isbn:c8[13],at:{room:u16,board:u16},now:u8,"
                                  "due:time<i64,1/1>?,cover:bytes");
    std::cout << "schema " << std::hex << schema::fingerprint << std::dec << ", key "
              << schema::member<schema::key_index>::name << '\n';

    quire::buffer_pool<> pool{{.frames = 64}};
    auto file = pool.open("books.db", quire::open_mode::create_or_replace);
    auto page = file.append<quire::heap_page>();
    page->insert(book{{1}, "Flatland", {}, {4, 2}, state::shelved, {}, {}}).value();
    auto const slot = page->insert(book{{2}, "Emma", {}, {4, 3}, state::lost, {}, {}}).value();
    //! [in_place]
    page->row<book>(slot).set<&book::at>({.room = 1, .board = 7});  // in place, of fixed width

    for (auto const& [id, title, isbn, at, now, due, cover] : page->rows<book>()) {
        std::cout << id << ' ' << title << ", room " << at.room << (due ? ", lent\n" : "\n");
    }
    //! [in_place]
    page->insert(book{{3}, std::string(201, 'x'), {}, {}, {}, {}, {}}).value();  // throws
} catch (quire::error const& e) {
    std::cout << e.what() << '\n';
    return e.code() == quire::errc::tuple_too_large ? 0 : 1;
}
