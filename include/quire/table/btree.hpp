// SPDX-License-Identifier: BSL-1.0
#pragma once

/// btree: an ordered map in a file: keys in their order, one value each.
///
///     quire::catalog db{pool, file};
///     quire::btree<std::string, order> orders{db, "orders"};
///     orders.insert("4711", {1, "Ada", 9.5});
///     orders.get("4711", [](auto const& row) { std::cout << row.template get<&order::name>(); });
///     orders.scan("4", "5", [](std::string const& key, auto const& row) { ... });
///     for (auto at = orders.first(); at; at.next()) { std::cout << at.key() << '\n'; }
///     orders.append_sorted(more);                       // ascending pairs, a leaf at a time
///     auto const found = co_await orders.async_find("4711");               // in a quire::task
///
/// Keys: key_codec.hpp, values: value_codec.hpp. The tree is found in the catalog by its name, and
/// made where it is new.
///
/// One operation is whole or not at all: in memory always, and after a crash if the file is logged.
/// With a `change` of the caller's as its first argument it is a part of that change, which sees
/// what it wrote; the change then holds the leaves that it looked at, and after a split or a merge
/// the nodes above and the allocation pages: other splits of the file wait for it. Inside of a
/// change every call gets it. Otherwise each operation is one of its own, and several are no
/// snapshot.
///
/// What `get` and `scan` lend lies in the leaf, and is valid while the function runs, under the
/// leaf's latch: the function does not use the pool, and copies what it wants to keep.
///
/// A value that has, with its key, more than entry_size_max bytes (about a quarter of a page)
/// stands apart, in overflow pages. What is lent of it then is a copy: one allocation more. To put,
/// replace or erase it takes frames for all its pages at once, old and new: else it is
/// no_free_frame. Where the file is logged, all these pages, and a few beside them, take at most
/// half of the log's buffer and a quarter of the log: else it is log_full. A buffer has 1 MiB
/// unless redo_log_options says more: so values of 200 KB can always be replaced. After these
/// errors nothing has changed. Without a log the time grows with the square of the number of pages:
/// 0.2 s for 32 MiB, seconds for 128 MiB.
///
/// Limits: a key has at most key_size_max bytes (about an eighth of a page), a value at most 4 GiB
/// less one byte (value_size_max), a described row 65,535 bytes: beyond that it is tuple_too_large,
/// and nothing has changed. The number of levels is bounded by 40.
///
/// Threads: any number, at any time. Readers take no latch above the leaf; splits hold the parent,
/// the node and a new page, and block nobody elsewhere. Scans and cursors that go on read leaves
/// ahead; a task that waits for a page keeps no other task waiting.
/// Errors: those of reading and changing pages. Whatever a page contains, it is at worst
/// corrupt_page, and where two leaves lead to one overflow page, also timed_out.
/// Expects: this thread holds no guard of the pool.
/// Cost: one page per level and operation; nothing is allocated, except by what decodes, for values
/// that stand apart, by tasks and by append_sorted.

#include <quire/table/btree_cursor.hpp>
#include <quire/table/catalog.hpp>
#include <quire/table/detail/tree_builder.hpp>
#include <quire/table/detail/tree_check.hpp>
#include <quire/table/value_codec.hpp>

#include <ranges>  // std::ranges::input_range

namespace quire::inline QUIRE_ABI {

template <tree_key Key, tree_value Value, class Pool = buffer_pool<>>
class btree : immovable {
    using tree_type = detail::byte_tree<catalog<Pool>>;
    using encoded = detail::encoded_key<Key, tree_type::key_size_max>;
    using value_bytes = std::optional<detail::key_bytes>;
    using kept = detail::kept_key<tree_type::key_size_max>;
    using outcome = typename tree_type::outcome;
    using key_bytes = detail::key_bytes;
    using change_type = quire::change<Pool>;

public:
    using cursor = btree_cursor<Key, Value, Pool>;
    using cursor_in_change = btree_cursor<Key, Value, Pool, change_type>;
    static constexpr std::size_t key_size_max = tree_type::key_size_max;
    static constexpr std::size_t value_size_max = tree_type::value_size_max;
    /// Of a key and a value that stand in a leaf together.
    static constexpr std::size_t entry_size_max = tree_type::entry_size_max;

    /// Errors: catalog_mismatch (the name is another tree's, or that of something else), those of
    /// the catalog.
    btree(catalog<Pool>& db, std::string_view name) : btree{db, root_of(db, name)} {}

    // Reading

    /// `fn(value)` with the value of `key`, lent. Whether there is one.
    template <class Fn>
    bool get(Key const& key, Fn&& fn) const {
        detail::outside_of_changes none;
        encoded const wanted{key};
        return tree_.with_value(none, wanted.bytes(),
                                [&](value_bytes value) { return show(value, fn); });
    }
    template <class Fn>
    bool get(change_type& changes, Key const& key, Fn&& fn) const {
        encoded const wanted{key};
        return tree_.with_value(changes, wanted.bytes(),
                                [&](value_bytes value) { return show(value, fn); });
    }
    /// The value of `key`, a copy.
    [[nodiscard]] std::optional<Value> find(Key const& key) const {
        detail::outside_of_changes none;
        encoded const wanted{key};
        return tree_.with_value(none, wanted.bytes(), &copy);
    }
    [[nodiscard]] std::optional<Value> find(change_type& changes, Key const& key) const {
        encoded const wanted{key};
        return tree_.with_value(changes, wanted.bytes(), &copy);
    }
    [[nodiscard]] bool contains(Key const& key) const {
        encoded const wanted{key};
        return tree_.with_leaf({wanted.bytes()}, [&](auto const& leaf) {
            return leaf.find(wanted.bytes()).found;
        });
    }
    [[nodiscard]] bool contains(change_type& changes, Key const& key) const {
        encoded const wanted{key};
        return tree_.with_leaf_in(changes, {wanted.bytes()}, [&](auto const& leaf) {
            return leaf.find(wanted.bytes()).found;
        });
    }

    /// For a task (pool/task.hpp): `co_await tree.async_get(key, fn)` is `get`, and
    /// `co_await tree.async_find(key)` is `find`; other tasks run while a page is read. A task has
    /// copies of the key and of `fn`. Needs a latch that can pin a page.
    /// Errors: as `get`, at the co_await; those of the key at once. Lifetime: the tree outlives the
    /// task. Cost: an allocation.
    template <class Fn>
    [[nodiscard]] task<bool> async_get(Key const& key, Fn fn) const
        requires detail::fetching<typename Pool::file>
    {
        encoded const wanted{key};
        return tree_.async_with_value(
            kept{wanted.bytes()}, [fn](value_bytes value) mutable { return show(value, fn); });
    }
    [[nodiscard]] task<std::optional<Value>> async_find(Key const& key) const
        requires detail::fetching<typename Pool::file>
    {
        encoded const wanted{key};
        return tree_.async_with_value(kept{wanted.bytes()}, &copy);
    }

    // Writing

    /// Adds a key that is not there yet; false if it is, and then its value stays.
    bool insert(Key const& key, Value const& value) { return put(key, value, false); }
    bool insert(change_type& changes, Key const& key, Value const& value) {
        return put_in(changes, key, value, false);
    }
    /// Adds a key, or replaces its value.
    void put(Key const& key, Value const& value) { put(key, value, true); }
    void put(change_type& changes, Key const& key, Value const& value) {
        put_in(changes, key, value, true);
    }
    /// Adds entries whose keys ascend, behind all that are there: a range of pairs. Leaves are made
    /// whole, which is faster than one by one, `fill` full (from 0 to 1; less than 1 leaves room
    /// for keys that come between). Each leaf is a change of its own. After an error some of the
    /// first entries of the range are there, in a change of the caller's until that is undone.
    /// Errors: bad_key (a key is not above all others), bad_option (`fill`), those of `insert` and
    /// of the range.
    /// Cost: a buffer of about a page.
    template <std::ranges::input_range Entries>
    void append_sorted(Entries&& entries, double fill = 0.9) {
        append(entries, fill, [this](auto act) { tree_.store().in_one_change(act); });
    }
    template <std::ranges::input_range Entries>
    void append_sorted(change_type& changes, Entries&& entries, double fill = 0.9) {
        append(entries, fill, [&changes](auto act) { act(changes); });
    }
    /// Removes a key. Whether it was there.
    bool erase(Key const& key) {
        encoded const wanted{key};
        bool was_there = false;
        bool thin = false;
        tree_.store().in_one_change([&](auto& changes) {
            thin = false;
            was_there = tree_.try_erase(changes, wanted.bytes(), thin);
        });
        if (thin) { tidy(wanted.bytes()); }
        return was_there;
    }
    bool erase(change_type& changes, Key const& key) {
        encoded const wanted{key};
        bool thin = false;
        bool const was_there = tree_.try_erase(changes, wanted.bytes(), thin);
        if (thin) { tree_.shrink_in(changes, wanted.bytes()); }
        return was_there;
    }

    // In order

    /// `fn(key, value)` for each key from `from` on, below `to`; until it returns false, if it
    /// returns something. A leaf at a time: what others do meanwhile is seen or not, but no key is
    /// seen twice, and none that is there all the time is left out.
    template <class Fn>
    void scan(Key const& from, Key const& to, Fn&& fn) const {
        detail::outside_of_changes none;
        encoded const first{from};
        encoded const end{to};
        walk(none, first.bytes(), end.bytes(), true, fn);
    }
    template <class Fn>
    void scan(change_type& changes, Key const& from, Key const& to, Fn&& fn) const {
        encoded const first{from};
        encoded const end{to};
        walk(changes, first.bytes(), end.bytes(), true, fn);
    }
    template <class Fn>
    void scan(Fn&& fn) const {
        detail::outside_of_changes none;
        walk(none, {}, {}, false, fn);
    }
    template <class Fn>
    void scan(change_type& changes, Fn&& fn) const {
        walk(changes, {}, {}, false, fn);
    }
    /// A cursor at the first key, or at the last: false where there is none.
    [[nodiscard]] cursor first() const { return cursor_at({}, detail::seek::from); }
    [[nodiscard]] cursor_in_change first(change_type& changes) const {
        return {tree_, changes, {}, detail::seek::from};
    }
    [[nodiscard]] cursor last() const { return cursor_at({}, detail::seek::last); }
    [[nodiscard]] cursor_in_change last(change_type& changes) const {
        return {tree_, changes, {}, detail::seek::last};
    }
    /// At the first key that is `key` or above.
    [[nodiscard]] cursor lower_bound(Key const& key) const {
        encoded const wanted{key};
        return cursor_at(wanted.bytes(), detail::seek::from);
    }
    [[nodiscard]] cursor_in_change lower_bound(change_type& changes, Key const& key) const {
        encoded const wanted{key};
        return {tree_, changes, wanted.bytes(), detail::seek::from};
    }

    // As a whole

    /// What is wrong in the tree, for people; `reached` gets its pages (catalog::check wants them).
    /// Throws for the disk and for memory, not for content. Expects: nobody writes meanwhile.
    [[nodiscard]] findings check(std::set<page_no>& reached) const {
        return detail::tree_check{tree_, reached}.run();
    }
    [[nodiscard]] findings check() const {
        std::set<page_no> reached;
        return check(reached);
    }
    /// Pages, entries and levels. Cost: reads every page. Expects: nobody writes meanwhile.
    [[nodiscard]] btree_stats stats() const {
        std::set<page_no> reached;
        detail::tree_check all{tree_, reached};
        static_cast<void>(all.run());
        return all.stats();
    }

private:
    using node = btree_page<std::byte, Pool::page_size>;
    static constexpr auto sizes =
        detail::sizes_of_entries<node::block_entry_max, key_size_max>(
            detail::key_size<Key>(), detail::fixed_size_of<value_codec<Value>>());

    btree(catalog<Pool>& db, root_entry const& where)
        : tree_{db, where.page, where.number, sizes} {}
    [[nodiscard]] static root_entry root_of(catalog<Pool>& db, std::string_view name) {
        auto const schema = key_codec<Key>::name() + ":" + value_codec<Value>::name();
        auto const make = [&](auto& changes, page_no no, std::uint32_t number) {
            auto page = changes.template format<btree_page>(db.file(), no);
            tree_type::begin(page->bytes(), number, sizes);
        };
        return db.root(name, root_kind::btree, schema, make);
    }

    template <class Fn>
    [[nodiscard]] static bool show(value_bytes const& found, Fn& fn) {
        if (!found) { return false; }
        using lent = decltype(value_codec<Value>::lend(*found));
        static_assert(std::invocable<Fn&, lent const&>,
                      "get calls fn with a value that is lent: [](auto const& value) { ... }");
        if constexpr (std::invocable<Fn&, lent const&>) {
            static_assert(
                std::is_void_v<std::invoke_result_t<Fn&, lent const&>>,
                "what get lends ends with fn: fn copies what it keeps, and returns nothing");
            fn(std::as_const(static_cast<lent const&>(value_codec<Value>::lend(*found))));
        }
        return true;
    }
    [[nodiscard]] static std::optional<Value> copy(value_bytes found) {
        if (!found) { return std::nullopt; }
        return value_codec<Value>::decode(*found);
    }

    /// Errors: tuple_too_large; bad_option (a codec whose fixed_size is not that of the value).
    [[nodiscard]] static std::size_t size_of(Value const& value) {
        auto const size = value_codec<Value>::size(value);
        if (size > value_size_max) {
            throw error{errc::tuple_too_large, "a value of a tree",
                        {.why = std::to_string(size) + " bytes, at most " +
                                std::to_string(value_size_max)}};
        }
        constexpr auto wanted = detail::fixed_size_of<value_codec<Value>>();
        if (wanted && size != *wanted) {
            throw error{errc::bad_option, "a value of a tree",
                        {.why = std::to_string(size) + " bytes, but its codec says that all have " +
                                std::to_string(*wanted)}};
        }
        return size;
    }
    [[nodiscard]] static auto writer_of(Value const& value) noexcept {
        return [&value](std::span<std::byte> out) { value_codec<Value>::encode(value, out); };
    }
    bool put(Key const& key, Value const& value, bool replaces) {
        encoded const wanted{key};
        auto const size = size_of(value);
        while (true) {
            auto result = outcome::full;
            tree_.store().in_one_change([&](auto& changes) {
                result = tree_.try_put(changes, wanted.bytes(), size, writer_of(value), replaces);
            });
            if (result != outcome::full) { return result == outcome::done; }
            tree_.make_room(wanted.bytes(), size);
        }
    }
    bool put_in(change_type& changes, Key const& key, Value const& value, bool replaces) {
        encoded const wanted{key};
        auto const size = size_of(value);
        while (true) {
            auto const result =
                tree_.try_put(changes, wanted.bytes(), size, writer_of(value), replaces);
            if (result != outcome::full) { return result == outcome::done; }
            tree_.make_room_in(changes, wanted.bytes(), size);
        }
    }

    template <class Entries, class Run>
    void append(Entries& entries, double fill, Run run) {
        if (!(fill >= 0 && fill <= 1)) {
            throw error{errc::bad_option, "append to a tree", {.why = "fill lies between 0 and 1"}};
        }
        detail::tree_builder all{tree_, std::move(run), fill};
        for (auto const& [key, value] : entries) {
            encoded const wanted{key};
            all.add(wanted.bytes(), size_of(value), writer_of(value));
        }
        all.finish();
    }

    /// What was erased is erased: if the leaf cannot be merged now, a later erasure will do it.
    void tidy(key_bytes key) const {
        try {
            tree_.shrink(key);
        } catch (error const&) {}
    }

    [[nodiscard]] cursor cursor_at(key_bytes key, detail::seek how) const {
        detail::outside_of_changes none;
        return {tree_, none, key, how};
    }
    template <class Pages, class Fn>
    void walk(Pages& pages, key_bytes from, key_bytes to, bool has_end, Fn& fn) const {
        std::vector<std::byte> room;
        tree_.walk(pages, from, [&](auto const& leaf, std::size_t position) {
            bool const ends_here = has_end && leaf.is_below_high(to);
            bool goes_on = true;
            detail::kept_key<key_size_max> key;
            key.begin(leaf);
            leaf.for_each(position, [&](auto const& one) {
                if (one.key.empty()) { key.complete(one.suffix); }
                key_bytes const whole = one.key.empty() ? key.bytes() : one.key;
                goes_on = !(ends_here && detail::compare_keys(whole, to) >= 0) &&
                          tell(fn, whole,
                               tree_.whole_value(pages, leaf, {one.value, one.overflows}, room));
                return goes_on;
            });
            return goes_on;
        });
    }
    template <class Fn>
    [[nodiscard]] static bool tell(Fn& fn, key_bytes key, std::span<std::byte const> value) {
        auto const decoded = detail::decoded_key<Key>(key);
        auto const& lent = value_codec<Value>::lend(value);
        constexpr bool is_callable = std::invocable<Fn&, Key const&, decltype(lent)>;
        static_assert(is_callable, "scan calls fn with a key and a value that is lent: "
                                   "[](Key const& key, auto const& value) { ... }");
        if constexpr (!is_callable) {
            return false;
        } else if constexpr (std::is_void_v<decltype(fn(decoded, lent))>) {
            fn(decoded, lent);
            return true;
        } else {
            return static_cast<bool>(fn(decoded, lent));
        }
    }

    tree_type tree_;
};

}  // namespace quire::inline QUIRE_ABI
