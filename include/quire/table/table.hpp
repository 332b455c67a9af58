// SPDX-License-Identifier: BSL-1.0
#pragma once

/// table: rows of one struct in a file, with indexes over their members.
///
///     quire::catalog db{pool, file};
///     quire::table<order, quire::unique<&order::id>, quire::indexed<&order::customer>>
///         orders{db, "orders"};
///     quire::record_id const at = orders.insert({4711, "Ada", 9.5});
///     orders.find<&order::id>(4711, [](auto const& row) { ... row.template get<...>() ... });
///     orders.scan<&order::customer>("A", "B", [](quire::record_id id, auto const& row) { ... });
///     orders.update(at, [](order& o) { o.amount += 1; });
///     orders.erase<&order::id>(4711);                             // or by the row's id: erase(at)
///
/// A table without indexes is a heap file: heap_file<order>. Rows are values of any type with a
/// value_codec; those of a table with indexes are described structs. Table and indexes are found in
/// the catalog by their names ("orders", "orders.id", "orders.customer"), and made where they are
/// new. A table is opened with the indexes that it was made with, in any order; with others it is
/// catalog_mismatch. For other indexes its rows are copied into another table.
///
/// One operation is whole or not at all, with all indexes: in memory always, and after a crash if
/// the file is logged. In a logged file, with a `change` of the caller's as its first argument it
/// is a part of that change, which sees what it wrote, and which holds the pages, also those that
/// it read: a scan of a large table in a change wants a large pool. Inside of a change only calls
/// that take it are made. Otherwise each operation is one of its own, and several are no snapshot.
/// Without a log a crash can leave rows and indexes that do not agree; `check` finds that, and an
/// entry that leads to no such row is passed over by those who read.
///
/// What is lent to a function is valid while it runs, under the latch of the row's page: it does
/// not use the pool, and copies what it wants to keep. A function takes the row, or the row's id
/// and the row; where there may be several rows it may return false to end the walk.
///
/// About how much room each page has the catalog remembers, and writes when it is closed.
///
/// Ids are record_id.hpp's. A walk tells of each row once that is there all the time; by an index:
/// if its key does not change meanwhile.
///
/// Limits: row_size_max (a page less 53 bytes); a key as in btree.hpp, less the 8 bytes of an id
/// where it is not unique.
///
/// Threads: any number, at any time; one object for one table. It ends before its catalog. Who
/// inserts a row takes a page that nobody else has, and waits for others only where no such page
/// has room, and the file cannot grow at once.
/// Errors: those of reading and changing pages, duplicate_key, tuple_too_large, bad_key; then
/// nothing has changed. Whatever a page contains, it is at worst an error: corrupt_page, or what is
/// said of a page that a damaged one leads to (wrong_page_kind, page_out_of_range, row_mismatch).
/// Expects: this thread holds no guard of the pool.
/// Cost: a row is one page, or two if it moved, and each index one page per level.

#include <quire/table/detail/index_set.hpp>
#include <quire/table/detail/row_writes.hpp>
#include <quire/table/detail/table_check.hpp>
#include <quire/table/detail/table_steps.hpp>
#include <quire/table/table_cursor.hpp>

namespace quire::inline QUIRE_ABI {

/// Of rows without a value_codec: an error that says what they need.
template <class Pool, class Row, class... Indexes>
class basic_table {
    static_assert(sizeof(Row) == 0,
                  "describe the rows of a table with BOOST_DESCRIBE_STRUCT, in the struct's own "
                  "namespace; rows of another type have a value_codec (table/value_codec.hpp)");

public:
    basic_table(catalog<Pool>&, std::string_view) {}
};

/// A table, of any pool: see the note of this header.
template <class Pool, tree_value Row, class... Indexes>
class basic_table<Pool, Row, Indexes...> : immovable {
    using store_type = catalog<Pool>;
    using heap_type = detail::record_heap<store_type>;
    using change_type = quire::change<Pool>;
    using rows = value_codec<Row>;
    template <class Declared>
    using index_type =
        detail::table_index<store_type, typename detail::declared_index<Row, Declared>::type>;
    template <auto... Members>
    using key_over = typename detail::key_over<Members...>::type;
    using indexes_type = detail::index_set<index_type<Indexes>...>;
    using outside = detail::outside_of_changes;

    template <class Pages, auto... Members>
    using cursor = table_cursor<Row, heap_type, std::remove_cvref_t<decltype(
        std::declval<indexes_type const&>().template over<Members...>())>, Pages>;

public:
    static constexpr std::size_t row_size_max = heap_type::row_size_max;

    /// Errors: catalog_mismatch (the name is that of something else, or of a table with other rows
    /// or other indexes), those of the catalog.
    basic_table(store_type& db, std::string_view name)
        : heap_{db.template part<heap_type>(root_of(db, name))}, indexes_{db, name} {}

    // Writing

    /// Adds a row. Errors: duplicate_key.
    record_id insert(Row const& row) {
        return writes().insert(own_steps(), row);
    }
    record_id insert(change_type& changes, Row const& row) {
        return writes().insert(steps_in(changes), row);
    }
    /// `fn(Row&)` with a copy of the row, which is written back; it may run several times, and does
    /// not use the table, whose pages are held. Whether there is such a row.
    /// Errors: duplicate_key, those of `fn`.
    template <class Fn>
        requires std::invocable<Fn&, Row&>
    bool update(record_id id, Fn&& fn) {
        return writes().update(own_steps(), id, fn);
    }
    template <class Fn>
        requires std::invocable<Fn&, Row&>
    bool update(change_type& changes, record_id id, Fn&& fn) {
        return writes().update(steps_in(changes), id, fn);
    }
    /// Whether there was such a row.
    bool erase(record_id id) {
        return writes().erase(own_steps(), id);
    }
    bool erase(change_type& changes, record_id id) {
        return writes().erase(steps_in(changes), id);
    }

    // By the key of a unique index: the row that has it when it is written

    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0) && std::invocable<Fn&, Row&>
    bool update(key_over<Members...> const& key, Fn&& fn) {
        return index<Members...>().with_row_of(outside{}, heap_, key, [&](record_id id, auto is) {
            return writes().update(own_steps(), id, fn, is);
        });
    }
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0) && std::invocable<Fn&, Row&>
    bool update(change_type& changes, key_over<Members...> const& key, Fn&& fn) {
        return index<Members...>().with_row_of(changes, heap_, key, [&](record_id id, auto is) {
            return writes().update(steps_in(changes), id, fn, is);
        });
    }
    template <auto... Members>
        requires(sizeof...(Members) > 0)
    bool erase(key_over<Members...> const& key) {
        return index<Members...>().with_row_of(outside{}, heap_, key, [&](record_id id, auto is) {
            return writes().erase(own_steps(), id, is);
        });
    }
    template <auto... Members>
        requires(sizeof...(Members) > 0)
    bool erase(change_type& changes, key_over<Members...> const& key) {
        return index<Members...>().with_row_of(changes, heap_, key, [&](record_id id, auto is) {
            return writes().erase(steps_in(changes), id, is);
        });
    }

    // Reading

    /// `fn(row)` with the row of that id, lent. Whether there is one.
    template <class Fn>
    bool read(record_id id, Fn&& fn) const {
        return heap_.read(outside{}, id, teller(id, fn));
    }
    template <class Fn>
    bool read(change_type& changes, record_id id, Fn&& fn) const {
        return heap_.read(changes, id, teller(id, fn));
    }
    /// The row, a copy.
    [[nodiscard]] std::optional<Row> load(record_id id) const {
        return load_by(outside{}, id);
    }
    [[nodiscard]] std::optional<Row> load(change_type& changes, record_id id) const {
        return load_by(changes, id);
    }
    /// `fn(id, row)` for each row, in no order.
    template <class Fn>
    void scan(Fn&& fn) const {
        heap_.scan(telling(fn));
    }
    template <class Fn>
    void scan(change_type& changes, Fn&& fn) const {
        heap_.scan_in(changes, telling(fn));
    }

    // By an index. `Members` are those of its declaration.

    /// `fn(row)` for each row with that key. How many there are.
    template <auto... Members, class Fn>
    std::size_t find(key_over<Members...> const& key, Fn&& fn) const {
        return find_by<Members...>(outside{}, key, fn);
    }
    template <auto... Members, class Fn>
    std::size_t find(change_type& changes, key_over<Members...> const& key, Fn&& fn) const {
        return find_by<Members...>(changes, key, fn);
    }
    /// The id of a row with that key, if there is one.
    template <auto... Members>
    [[nodiscard]] std::optional<record_id> id_of(key_over<Members...> const& key) const {
        return id_by<Members...>(outside{}, key);
    }
    template <auto... Members>
    [[nodiscard]] std::optional<record_id> id_of(change_type& changes,
                                                 key_over<Members...> const& key) const {
        return id_by<Members...>(changes, key);
    }
    /// `fn(id, row)` for each row whose key is `from` or above, and below `to`, by their keys.
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan(key_over<Members...> const& from, key_over<Members...> const& to, Fn&& fn) const {
        index<Members...>().for_each_row(outside{}, heap_, &from, &to, false, telling(fn));
    }
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan(change_type& changes, key_over<Members...> const& from,
              key_over<Members...> const& to, Fn&& fn) const {
        index<Members...>().for_each_row(changes, heap_, &from, &to, false, telling(fn));
    }
    /// Of all rows, by their keys.
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan(Fn&& fn) const {
        index<Members...>().for_each_row(outside{}, heap_, nullptr, nullptr, false, telling(fn));
    }
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan(change_type& changes, Fn&& fn) const {
        index<Members...>().for_each_row(changes, heap_, nullptr, nullptr, false, telling(fn));
    }

    /// `fn(id, row)` for each row whose key is `from` or above, or below `to`, by their keys.
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan_from(key_over<Members...> const& from, Fn&& fn) const {
        index<Members...>().for_each_row(outside{}, heap_, &from, nullptr, false, telling(fn));
    }
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan_from(change_type& changes, key_over<Members...> const& from, Fn&& fn) const {
        index<Members...>().for_each_row(changes, heap_, &from, nullptr, false, telling(fn));
    }
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan_below(key_over<Members...> const& to, Fn&& fn) const {
        index<Members...>().for_each_row(outside{}, heap_, nullptr, &to, false, telling(fn));
    }
    template <auto... Members, class Fn>
        requires(sizeof...(Members) > 0)
    void scan_below(change_type& changes, key_over<Members...> const& to, Fn&& fn) const {
        index<Members...>().for_each_row(changes, heap_, nullptr, &to, false, telling(fn));
    }
    /// A cursor (table_cursor.hpp) at the first row by that index, or at the last: false where
    /// there is none.
    template <auto... Members>
    [[nodiscard]] auto first() const {
        return cursor_at<Members...>(outside{}, {}, detail::seek::from);
    }
    template <auto... Members>
    [[nodiscard]] auto first(change_type& changes) const {
        return cursor_at<Members...>(changes, {}, detail::seek::from);
    }
    template <auto... Members>
    [[nodiscard]] auto last() const {
        return cursor_at<Members...>(outside{}, {}, detail::seek::last);
    }
    template <auto... Members>
    [[nodiscard]] auto last(change_type& changes) const {
        return cursor_at<Members...>(changes, {}, detail::seek::last);
    }
    /// At the first row whose key is `key` or above.
    template <auto... Members>
    [[nodiscard]] auto lower_bound(key_over<Members...> const& key) const {
        auto const from = index<Members...>().lowest_entry_of(key);
        return cursor_at<Members...>(outside{}, from.bytes(), detail::seek::from);
    }
    template <auto... Members>
    [[nodiscard]] auto lower_bound(change_type& changes, key_over<Members...> const& key) const {
        auto const from = index<Members...>().lowest_entry_of(key);
        return cursor_at<Members...>(changes, from.bytes(), detail::seek::from);
    }

    // As a whole

    /// What is wrong in the table and its indexes, and where they do not agree, for people;
    /// `reached` gets their pages (catalog::check wants them). Throws for the disk and for memory,
    /// not for content. Cost: reads every page, and each row by each index.
    /// Expects: nobody writes meanwhile.
    [[nodiscard]] findings check(std::set<page_no>& reached) const {
        detail::table_check<heap_type, Row> all{heap_, reached};
        all.run_heap();
        indexes_.for_each([&](auto const& index) { all.run_index(index); });
        return all.take();
    }
    [[nodiscard]] findings check() const {
        std::set<page_no> reached;
        return check(reached);
    }
    /// Pages of rows.
    [[nodiscard]] std::size_t pages() const noexcept { return heap_.pages(); }
    /// Looks at every page for room that is not known: worth it after a crash that followed many
    /// erasures. Errors: those of reading, for pages that changes hold timed_out, too; then the
    /// others are as known as before.
    void find_room() { heap_.find_room(); }

private:
    [[nodiscard]] static root_entry root_of(store_type& db, std::string_view name) {
        auto const make = [&](auto& changes, page_no no, std::uint32_t number) {
            auto page = changes.template format<heap_directory_page>(db.file(), no);
            heap_type::begin(page->bytes(), number);
        };
        auto declared = std::string{rows::name()};
        if (sizeof...(Indexes) > 0) { declared += " by " + indexes_type::names(); }
        return db.root(name, root_kind::heap_file, declared, make);
    }

    [[nodiscard]] auto own_steps() noexcept {
        return detail::own_steps<heap_type, indexes_type>{heap_, indexes_};
    }
    [[nodiscard]] auto steps_in(change_type& changes) noexcept {
        return detail::part_steps<heap_type, indexes_type, change_type>{heap_, indexes_, changes};
    }
    [[nodiscard]] auto writes() noexcept {
        return detail::row_writes<Row, heap_type, indexes_type>{heap_, indexes_};
    }
    template <auto... Members>
    [[nodiscard]] auto const& index() const noexcept {
        return indexes_.template over<Members...>();
    }

    template <auto... Members, class Pages>
    [[nodiscard]] auto cursor_at(Pages&& pages, detail::key_bytes from, detail::seek how) const {
        return cursor<std::remove_reference_t<Pages>, Members...>{heap_, index<Members...>(),
                                                                  pages, from, how};
    }

    /// Whether to go on.
    template <class Fn>
    static bool tell(Fn& fn, record_id id, detail::key_bytes row) {
        auto const& lent = rows::lend(row);
        return detail::show_row(fn, id, lent);
    }
    template <class Fn>
    [[nodiscard]] static auto teller(record_id id, Fn& fn) {
        return [id, &fn](detail::key_bytes row) { static_cast<void>(tell(fn, id, row)); };
    }
    template <class Fn>
    [[nodiscard]] static auto telling(Fn& fn) {
        return [&fn](record_id id, detail::key_bytes row) { return tell(fn, id, row); };
    }
    template <auto... Members, class Pages, class Fn>
    std::size_t find_by(Pages&& pages, key_over<Members...> const& key, Fn& fn) const {
        std::size_t count = 0;
        index<Members...>().for_each_row(pages, heap_, &key, &key, true,
                                         [&](record_id id, detail::key_bytes row) {
                                             ++count;
                                             return tell(fn, id, row);
                                         });
        return count;
    }
    template <auto... Members, class Pages>
    [[nodiscard]] std::optional<record_id> id_by(Pages&& pages,
                                                 key_over<Members...> const& key) const {
        std::optional<record_id> found;
        auto const note = [&](record_id id, auto const&) {
            found = id;
            return false;
        };
        find_by<Members...>(pages, key, note);
        return found;
    }
    template <class Pages>
    [[nodiscard]] std::optional<Row> load_by(Pages&& pages, record_id id) const {
        std::optional<Row> copy;
        heap_.read(pages, id, [&](detail::key_bytes row) { copy = rows::decode(row); });
        return copy;
    }

    heap_type& heap_;
    indexes_type indexes_;
};

/// Over the default pool.
template <class Row, class... Indexes>
using table = basic_table<buffer_pool<>, Row, Indexes...>;
/// A table without indexes.
template <class Row, class Pool = buffer_pool<>>
using heap_file = basic_table<Pool, Row>;

}  // namespace quire::inline QUIRE_ABI
