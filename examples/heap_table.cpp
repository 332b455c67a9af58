// SPDX-License-Identifier: BSL-1.0

/// heap_table: the rows of one struct in a file. Page 0 says which struct that is, the other pages
/// keep the rows. A row's id is its page and slot; a row that outgrows its page gets a new id.

#include <quire/quire.hpp>

#include <iostream>
#include <stdexcept>

using quire::heap_page;

struct row_id {
    std::uint64_t page;
    quire::slot_id slot;
};

/// The only row of page 0.
struct table_head {
    std::uint64_t fingerprint;
};
BOOST_DESCRIBE_STRUCT(table_head, (), (fingerprint))

//! [table]
/// For one thread at a time: update has two steps, and another thread must not act between them.
template <class Row>
class heap_table {
public:
    using file_type = quire::buffer_pool<>::file;
    using row = quire::row_view<Row, std::byte const>;  // for closures: `auto` needs `.template`
    using schema = quire::schema<Row>;

    explicit heap_table(file_type const& file) : file_{file} {
        if (file_.pages() == 0) {
            auto fresh = file_.append<heap_page>();
            fresh->insert(table_head{schema::fingerprint}).value();
        }
        auto page = file_.read<heap_page>(0);
        if (page->row<table_head>(quire::slot_id{0}).get<&table_head::fingerprint>() !=
            schema::fingerprint) {
            throw std::runtime_error{file_.path() + " keeps rows of another struct"};
        }
    }

    /// Inserts into the last page, else into a new one. Space that `erase` frees in other pages is
    /// not used again: that would need a list of these pages.
    row_id insert(Row const& value) {
        if (auto const last = file_.pages() - 1; last > 0) {
            auto page = file_.write<heap_page>(last);
            if (auto const slot = page->insert(value)) { return {last, *slot}; }
        }  // the guard ends before another page is requested
        auto page = file_.append<heap_page>();
        return {page.page_no().value(), page->insert(value).value()};
    }
    [[nodiscard]] Row load(row_id at) const {
        auto page = file_.read<heap_page>(at.page);
        return page->row<Row>(at.slot).load();
    }
    /// Calls `fn(Row&)`, writes the row back and returns its id: a new id if the page has no room.
    template <class Fn>
    row_id update(row_id at, Fn fn) {
        Row value;
        {
            auto page = file_.write<heap_page>(at.page);
            value = page->row<Row>(at.slot).load();
            fn(value);
            if (page->update(at.slot, value)) { return at; }
        }  // insert may need this page too, and would wait for this guard
        auto const moved = insert(value);
        erase(at);  // last: after an error there are two copies of the row, and not none
        return moved;
    }
    bool erase(row_id at) {
        auto page = file_.write<heap_page>(at.page);
        return page->erase(at.slot);
    }

    /// Calls `fn(id, row)` for every row, under the page's guard: fn must not change the table.
    template <class Fn>
    void for_each(Fn fn) const {
        for (std::uint64_t no = 1; no < file_.pages(); ++no) {
            auto page = file_.read<heap_page>(no);
            for (row const each : page->rows<Row>()) { fn(row_id{no, each.slot()}, each); }
        }
    }
    /// The first row whose key (row_options) is `key`. Every page is read: there is no index.
    template <class Key>
    [[nodiscard]] std::optional<row_id> find(Key const& key) const {
        std::optional<row_id> found;
        for_each([&](row_id at, row const& each) {
            if (!found && each.template get<schema::key_index>() == key) { found = at; }
        });
        return found;
    }

private:
    file_type file_;
};
//! [table]

struct guest {
    std::int64_t id;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(guest, (), (id, name))
template <>
inline constexpr auto quire::row_options<guest> = quire::options_of<guest>(quire::key<&guest::id>);

int main() try {
    quire::buffer_pool<> pool{{.frames = 64}};
    {
        auto file = pool.open("guests.db", quire::open_mode::create_or_replace);
        heap_table<guest> guests{file};
        for (std::int64_t id = 0; id < 1000; ++id) { guests.insert({id, "a guest"}); }
        auto const seven = guests.find(7).value();
        auto const now = guests.update(seven, [](guest& g) { g.name.assign(3000, 'x'); });
        std::cout << "from page " << seven.page << " to page " << now.page << '\n';
        guests.erase(guests.find(8).value());
        file.close();
    }
    auto file = pool.open("guests.db", quire::open_mode::read_write);
    heap_table<guest> guests{file};
    std::size_t letters = 0;
    guests.for_each([&](row_id, heap_table<guest>::row const& each) {
        letters += each.get<&guest::name>().size();
    });
    std::cout << letters << " letters\n";
    bool const found = !guests.find(8) && guests.load(guests.find(7).value()).name.size() == 3000;
    try {
        heap_table<table_head>{file};
    } catch (std::runtime_error const& e) {
        std::cout << e.what() << '\n';
        return found && letters == 998 * 7 + 3000 ? 0 : 1;
    }
    return 1;
} catch (quire::error const& e) {
    std::cerr << e.what() << '\n';
    return 1;
}
