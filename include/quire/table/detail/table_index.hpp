// SPDX-License-Identifier: BSL-1.0
#pragma once

/// table_index: one index of a table: a tree that leads from keys to the ids of rows.
///
/// A unique index maps a key to an id. Another one has the id behind the key, in its keys, and maps
/// them to nothing: so there, too, each entry is one key, and entries of equal keys are in the
/// order of their ids.
///
/// Writing has two steps in one change, as in record_heap.hpp: `prepare` acquires pages and may
/// fail; then `apply` changes bytes, and does not fail.
///
/// What an index says is a hint until the row has said the same: between both, another thread may
/// have changed the row, or given its id to another.

#include <quire/table/detail/byte_tree.hpp>
#include <quire/table/detail/tree_check.hpp>
#include <quire/table/index_declaration.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// Copies of entries.
class kept_entries {
public:
    void clear() noexcept {
        keys_.clear();
        ids_.clear();
    }
    [[nodiscard]] bool empty() const noexcept { return ids_.empty(); }
    void add(key_bytes key, record_id id) {
        keys_.insert(keys_.end(), key.begin(), key.end());
        ids_.push_back({keys_.size(), id});
    }
    /// `fn(entry, id)` for each, until it returns false; then false.
    template <class Fn>
    [[nodiscard]] bool tell(Fn& fn) const {
        std::size_t begin = 0;
        for (auto const& one : ids_) {
            if (!fn(key_bytes{keys_}.subspan(begin, one.end - begin), one.id)) { return false; }
            begin = one.end;
        }
        return true;
    }

private:
    struct entry {
        std::size_t end;
        record_id id;
    };
    std::vector<std::byte> keys_;
    std::vector<entry> ids_;
};

template <class Store, class Format>
class table_index : immovable {
    using tree_type = byte_tree<Store>;
    using kept = kept_key<tree_type::key_size_max>;

public:
    using key_type = typename Format::key_type;
    using format = Format;

    /// The index of the table of that name: the root "table.member". Errors: those of
    /// catalog::root.
    table_index(Store& db, std::string_view table) : table_index{db, table, root_of(db, table)} {}

    [[nodiscard]] tree_type const& tree() const noexcept { return tree_; }
    /// "index customer,day of table orders", for messages.
    [[nodiscard]] std::string description() const {
        return "index " + Format::name() + " of table " + table_;
    }

    // Writing

    /// What an operation on one row does to the index. It may be used again and again.
    struct edit {
        kept before, after;
        typename tree_type::held_leaf leaf_before{}, leaf_after{};
        bool erases = false;
        bool adds = false;
        record_id id;
    };
    /// `before` and `after`: the row, or nullptr where there is none. Errors: bad_key,
    /// tuple_too_large.
    template <class Row>
    void plan(edit& work, Row const* before, Row const* after, record_id id) const {
        if (before != nullptr) { encode_stored(work.before, *before, id); }
        if (after != nullptr) { encode(work.after, Format::key_of(*after), id); }
        bool const is_same = before != nullptr && after != nullptr &&
                             compare_keys(work.before.bytes(), work.after.bytes()) == 0;
        work.erases = before != nullptr && !is_same;
        work.adds = after != nullptr && !is_same;
        work.id = id;
    }
    /// Holds the leaves. False if the new key has no room in its leaf.
    /// Errors: duplicate_key, those of changes.write.
    template <class Changes>
    [[nodiscard]] bool prepare(Changes& changes, edit& work) const {
        if (work.erases) {
            work.leaf_before = tree_.hold(changes, work.before.bytes(), value_size);
            work.erases = work.leaf_before.found && leads_to(changes, work);
        }
        if (!work.adds) { return true; }
        work.leaf_after = tree_.hold(changes, work.after.bytes(), value_size);
        if (Format::is_unique && work.leaf_after.found) { refuse(); }
        if (work.erases && work.leaf_before.page == work.leaf_after.page) {
            tree_.validate_held(changes, work.leaf_after);
        }
        return work.leaf_after.has_room;
    }
    template <class Changes>
    void apply(Changes& changes, edit const& work) const {
        if (work.erases) { tree_.erase_held(changes, work.leaf_before, work.before.bytes()); }
        if (!work.adds) { return; }
        tree_.put_held(changes, work.leaf_after, work.after.bytes(), value_size,
                       [&](std::span<std::byte> out) {
                           if (!out.empty()) { store_le(out.data(), work.id.bits()); }
                       });
    }
    /// Where `prepare` said that there is no room, in changes of its own or in one of the caller's.
    void make_room(edit const& work) const { tree_.make_room(work.after.bytes(), value_size); }
    template <class Changes>
    void make_room_in(Changes& changes, edit const& work) const {
        tree_.make_room_in(changes, work.after.bytes(), value_size);
    }
    /// After `apply`: merges the leaf that became thin. Likewise.
    void tidy(edit const& work) const {
        if (work.erases && work.leaf_before.is_thin) { tree_.shrink(work.before.bytes()); }
    }
    template <class Changes>
    void tidy_in(Changes& changes, edit const& work) const {
        if (work.erases && work.leaf_before.is_thin) {
            tree_.shrink_in(changes, work.before.bytes());
        }
    }

    // Reading. `Pages` is a change, or outside_of_changes.

    /// `fn(entry, id)` for the entries from `from` on, below `to`, in their order, until it returns
    /// false; never under a latch.
    template <class Pages, class Fn>
    void for_each(Pages& pages, key_bytes from, kept const* to, Fn fn) const {
        kept next{from};
        kept_entries some;
        for (bool more = true; more;) {
            some.clear();
            more = false;
            tree_.walk(pages, next.bytes(), [&](auto const& leaf, std::size_t position) {
                for (auto const count = leaf.count(); position < count; ++position) {
                    kept key;
                    key.take(leaf, position);
                    if (to != nullptr && compare_keys(key.bytes(), to->bytes()) >= 0) {
                        return false;
                    }
                    some.add(key.bytes(), id_of(key.bytes(), leaf.value(position)));
                }
                if (some.empty()) { return true; }
                more = next.take_high(leaf);
                return false;
            });
            if (!some.tell(fn)) { return; }
        }
    }
    /// `fn(id, row)` for each row whose key is `from` or above, and below `to` or also equal to it,
    /// by their keys, until it returns false.
    template <class Pages, class Heap, class Fn>
    void for_each_row(Pages&& pages, Heap const& heap, key_type const* from, key_type const* to,
                      bool also_equal, Fn fn) const {
        kept first;
        kept end;
        if (from != nullptr) { encode(first, *from, {}); }
        if constexpr (Format::is_unique) {
            if (from == to && from != nullptr) { return row_of(pages, heap, first.bytes(), fn); }
        }
        if (to != nullptr) { encode(end, *to, also_equal ? behind_all : record_id{}); }
        for_each(pages, first.bytes(), to == nullptr ? nullptr : &end,
                 [&](key_bytes entry, record_id id) {
                     bool more = true;
                     with_row(pages, heap, entry, id,
                              [&](key_bytes row) { more = fn(id, row); });
                     return more;
                 });
    }
    /// `act(id, is)` with the row of a unique key, until it is done: `is(row)` says whether a row
    /// that a change holds has the key still. Whether there is one.
    template <class Pages, class Heap, class Act>
    bool with_row_of(Pages&& pages, Heap const& heap, key_type const& key, Act act) const {
        static_assert(Format::is_unique,
                      "a row is changed or erased by its key in a quire::unique index: by another "
                      "index find the rows, and use their ids");
        auto const entry = lowest_entry_of(key);
        while (true) {
            std::optional<record_id> found;
            auto const note = [&](record_id id, key_bytes) {
                found = id;
                return false;
            };
            row_of(pages, heap, entry.bytes(), note);
            if (!found) { return false; }
            if (act(*found, [&](key_bytes row) { return is_row_of(row, *found, entry.bytes()); })) {
                return true;
            }
        }
    }
    /// The entry of a key. Errors: bad_key, tuple_too_large.
    void encode(kept& into, key_type const& key, record_id id) const {
        std::array<std::byte, tree_type::key_size_max> room;
        try {
            key_writer to{room};
            Format::write(to, key, id);
            into.take(to.written());
        } catch (error const& why) {
            refuse_key(why, description(), tree_type::key_size_max - id_size,
                       [&](key_writer& to) { Format::write_key(to, key); });
        }
        auto const size = into.bytes().size();
        if (sizes.are_fixed() && size != sizes.key) {
            refuse_size(size - id_size, sizes.key - id_size, description());
        }
    }
    /// Whether a row that is lent has that entry.
    template <class Lent>
    [[nodiscard]] static bool is_entry_of(Lent const& row, record_id id, key_bytes entry) {
        std::array<std::byte, tree_type::key_size_max> room;
        key_writer to{room};
        try {
            Format::write_of(to, row, id);
        } catch (error const& why) {
            if (!has_no_key(why)) { throw; }
            return false;
        }
        return compare_keys(to.written(), entry) == 0;
    }

    [[nodiscard]] static bool is_row_of(key_bytes row, record_id id, key_bytes entry) {
        return is_entry_of(Format::lend(row), id, entry);
    }

    /// The id in an entry. Errors: corrupt_page.
    [[nodiscard]] static record_id id_of([[maybe_unused]] key_bytes key,
                                         std::span<std::byte const> value) {
        if constexpr (Format::is_unique) {
            return value_codec<record_id>::decode(value);
        } else {
            if (key.size() < 8) { throw error{errc::corrupt_page, "an entry of an index"}; }
            key_reader from{key.last(8)};
            return key_codec<record_id>::read(from);
        }
    }
    /// `fn(row)` with the row of an entry, if it is still that row. Whether it is.
    template <class Pages, class Heap, class Fn>
    static bool with_row(Pages& pages, Heap const& heap, key_bytes entry, record_id id, Fn fn) {
        bool is_right = false;
        heap.read(pages, id, [&](key_bytes row) {
            is_right = is_row_of(row, id, entry);
            if (is_right) { fn(row); }
        });
        return is_right;
    }
    /// Where the entries of a key begin.
    [[nodiscard]] kept lowest_entry_of(key_type const& key) const {
        kept first;
        encode(first, key, {});
        return first;
    }

private:
    static constexpr record_id behind_all{page_no::max, slot_id{0xFFFF}};
    static constexpr std::size_t value_size = Format::is_unique ? 8 : 0;
    static constexpr std::size_t id_size = Format::is_unique ? 0 : 8;  ///< behind a key
    static constexpr auto sizes =
        sizes_of_entries<tree_type::node_view::block_entry_max, tree_type::key_size_max>(
            Format::is_unique ? key_size<key_type>()
                              : key_size<std::pair<key_type, record_id>>(),
            value_size);

    table_index(Store& db, std::string_view table, root_entry const& where)
        : tree_{db, where.page, where.number, sizes}, table_{table} {}
    [[nodiscard]] static root_entry root_of(Store& db, std::string_view table) {
        auto const name = std::string{table} + "." + Format::name();
        auto const make = [&](auto& changes, page_no no, std::uint32_t number) {
            auto page = changes.template format<btree_page>(db.file(), no);
            tree_type::begin(page->bytes(), number, sizes);
        };
        return db.root(name, root_kind::btree, Format::schema_name(), make);
    }

    /// Of a row whose bytes no insertion wrote.
    [[nodiscard]] static bool has_no_key(error const& why) noexcept {
        return why.code() == errc::tuple_too_large || why.code() == errc::bad_key;
    }
    template <class Row>
    void encode_stored(kept& into, Row const& row, record_id id) const {
        try {
            encode(into, Format::key_of(row), id);
        } catch (error const& why) {
            if (!has_no_key(why)) { throw; }
            throw error{errc::corrupt_page, "a row without a key in " + description(),
                        page_id{file_no::unknown, id.page}};
        }
    }
    template <class Pages>
    [[nodiscard]] std::optional<record_id> find(Pages& pages, key_bytes key) const {
        std::optional<record_id> found;
        tree_.walk(pages, key, [&](auto const& leaf, std::size_t position) {
            if (leaf.find(key).found) { found = id_of(key, leaf.value(position)); }
            return false;
        });
        return found;
    }
    /// The row of a unique key. An entry that twice led to no such row is one that a crash left.
    template <class Pages, class Heap, class Fn>
    void row_of(Pages& pages, Heap const& heap, key_bytes entry, Fn const& fn) const {
        std::optional<record_id> last;
        while (auto const id = find(pages, entry)) {
            bool const told = with_row(pages, heap, entry, *id,
                                       [&](key_bytes row) { static_cast<void>(fn(*id, row)); });
            if (told || id == last) { return; }
            last = id;
        }
    }
    template <class Changes>
    [[nodiscard]] bool leads_to(Changes& changes, edit const& work) const {
        return tree_.with_held(changes, work.leaf_before, work.before.bytes(),
                               [&](std::span<std::byte const> value) {
                                   return id_of(work.before.bytes(), value) == work.id;
                               });
    }
    [[noreturn]] void refuse() const {
        throw error{errc::duplicate_key, "unique " + description()};
    }

    tree_type tree_;
    std::string table_;  ///< its name
};

}  // namespace quire::inline QUIRE_ABI::detail
