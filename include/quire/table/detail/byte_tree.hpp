// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_tree: a B+tree over keys and values that are bytes. btree.hpp is its typed face.
///
/// Reading is tree_descent.hpp, splits and merges are tree_growth.hpp. Here entries are written:
/// the leaf is latched, and changed when nothing can fail any more. If it has no room, nothing has
/// changed; the caller makes room and tries again.
///
/// A value that is too large to stand in a leaf beside its key (stands_apart) gets overflow pages
/// in the same change (overflow_chain.hpp). Whoever reads or writes it holds the leaf.
///
/// `Store` is a catalog.

#include <quire/table/detail/overflow_chain.hpp>
#include <quire/table/detail/tree_growth.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class byte_tree : public tree_growth<Store> {
    using base = tree_growth<Store>;
    using base::is_thin;
    using base::latch;
    using base::make_room_for;
    using base::page_size;
    using base::root_;
    using base::store_;
    using base::tree_;
    using typename base::node;

public:
    using base::sizes;
    using typename base::leaf_slot;
    using typename base::node_view;
    using stored_value = typename node_view::stored_value;
    static constexpr std::size_t key_size_max = node::key_size_max;
    static constexpr std::size_t entry_size_max = node::entry_size_max;
    static constexpr std::size_t value_size_max = overflow_place::value_size_max;

    /// What an attempt to write came to.
    enum class outcome : std::uint8_t { done, there_already, full };

    /// `fixed`: if they are fixed, new leaves have a block of entries.
    byte_tree(Store& store, page_no root, std::uint32_t tree, entry_sizes fixed = {}) noexcept
        : base{store, root, tree, fixed}, chain_{store, tree} {}

    /// Makes a fresh node the root of an empty tree.
    static void begin(std::span<std::byte, page_size> root, std::uint32_t tree,
                      entry_sizes fixed) noexcept {
        node{root}.reset(tree, 0, {}, {}, false, fixed);
    }
    /// Whether a value gets overflow pages.
    [[nodiscard]] static constexpr bool stands_apart(std::size_t key_size,
                                                     std::size_t value_size) noexcept {
        return value_size > entry_size_max || key_size > entry_size_max - value_size;
    }

    // Values. `Pages` is a change, or outside_of_changes.

    /// `fn(value)` with the bytes of the value of `key`, under the leaf's latch, or with nothing.
    template <class Pages, class Fn>
    auto with_value(Pages& pages, key_bytes key, Fn fn) const {
        auto const look = [&](node_view const& leaf) {
            return show(pages, leaf, leaf.value_of(key), fn);
        };
        if constexpr (std::same_as<Pages, outside_of_changes>) {
            return base::with_leaf({key}, look);
        } else {
            return base::with_leaf_in(pages, {key}, look);
        }
    }
    /// For a task: likewise; other tasks run while a page is read. Each page is pinned while it is
    /// looked at, so that no look reads.
    template <class Fn>
    [[nodiscard]] auto async_with_value(kept_key<key_size_max> key, Fn fn) const
        -> task<std::invoke_result_t<Fn&, std::optional<key_bytes>>> {
        outside_of_changes none;
        tree_goal const goal{key.bytes()};
        bool has_chain = false;
        for (int turn = 0; turn < base::turns_max; ++turn) {
            typename base::way to{root_};
            while (to.is_under_way()) {
                try {
                    auto const held = co_await store_.file().fetch(to.page);
                    base::go_on(to, goal);
                } catch (error const& why) {
                    base::lose(to, why);
                }
            }
            if (to.is_lost) { continue; }
            leaf_slot leaf;
            bool is_there = false;
            try {
                auto const held = co_await store_.file().fetch(to.page);
                is_there = base::reach(leaf, to.page, goal);
            } catch (error const& why) {
                base::lose(to, why);
            }
            if (!is_there) { continue; }
            auto const seen = base::view_of(leaf);
            auto const found = seen.value_of(goal.key);
            if (!found || !found->overflows || has_chain) {
                co_return show(none, seen, found, fn);
            }
            auto const where = place_in(seen, *found);
            leaf.reset();
            co_await chain_.async_read(where);
            has_chain = true;
        }
        co_return with_value(none, goal.key, std::move(fn));
    }
    /// The bytes of a value, in its leaf, which is held, or gathered in `room`.
    /// Errors: corrupt_page, those of reading, out_of_memory.
    template <class Pages>
    [[nodiscard]] key_bytes whole_value(Pages& pages, node_view const& leaf,
                                        stored_value const& stored,
                                        std::vector<std::byte>& room) const {
        if (stored.overflows) [[unlikely]] { gather(pages, leaf, stored, room); }
        return stored.overflows ? key_bytes{room} : stored.bytes;
    }
    /// `fn(number, page, part)` for each overflow page of a value that has some.
    template <class Fn>
    void for_each_overflow_page(overflow_place const& where, Fn fn) const {
        outside_of_changes none;
        chain_.for_each(none, where, fn);
    }

    // Writing. `write(std::span<std::byte> out)` writes the value.

    /// Inserts, or replaces if it may.
    template <class Changes, class Write>
    [[nodiscard]] outcome try_put(Changes& changes, key_bytes key, std::size_t value_size,
                                  Write const& write, bool replaces) const {
        auto leaf = latch(changes, {key}, 0);
        node_view const seen{leaf.view().bytes()};
        auto const where = seen.find(key);
        if (where.found && !replaces) { return outcome::there_already; }
        return put(changes, leaf, where, key, value_size, write);
    }
    /// Inserts a key behind all others: there_already if it is not.
    template <class Changes, class Write>
    [[nodiscard]] outcome try_append(Changes& changes, key_bytes key, std::size_t value_size,
                                     Write const& write) const {
        auto leaf = latch(changes, {key}, 0);
        node_view const seen{leaf.view().bytes()};
        auto const where = seen.find(key);
        if (where.found || where.position < seen.count()) { return outcome::there_already; }
        kept_key<key_size_max> next{key};
        for (bool more = next.take_high(seen); more;) {  // what an erasure left empty
            auto const behind = latch(changes, {next.bytes()}, 0);
            node_view const other{behind.view().bytes()};
            if (other.count() > 0) { return outcome::there_already; }
            more = next.take_high(other);
        }
        return put(changes, leaf, where, key, value_size, write);
    }
    /// Whether the last leaf is empty; its low fence.
    template <class Changes>
    [[nodiscard]] bool is_empty_at_end(Changes& changes, kept_key<key_size_max>& low) const {
        auto const leaf = latch(changes, {.key = {}, .behind_all = true}, 0);
        node_view const seen{leaf.view().bytes()};
        low.take(seen.low());
        if (sizes().are_fixed() && low.bytes().size() > sizes().key) { seen.corrupt("low fence"); }
        return seen.count() == 0;
    }
    /// Whether the key was there; `thin`: whether its leaf is to be merged.
    template <class Changes>
    [[nodiscard]] bool try_erase(Changes& changes, key_bytes key, bool& thin) const {
        auto leaf = latch(changes, {key}, 0);
        node_view const seen{leaf.view().bytes()};
        auto const where = seen.find(key);
        if (!where.found) { return false; }
        bool const leaves_little = is_thin(seen, seen.size_at(where.position));
        page_list old;
        hold_old_value(changes, seen, where, old);
        leaf->erase(where.position);
        chain_.free(changes, old);
        thin = leaves_little && leaf.page_no() != root_;
        return true;
    }

    /// A leaf that a change holds, and what a key finds there.
    struct held_leaf {
        page_no page;
        bool found;
        bool has_room;  ///< for the key as a new one
        bool is_thin;   ///< once the key is erased: its leaf is to be merged
    };
    /// Holds the leaf of `key`, so that `put_held` and `erase_held` cannot fail.
    template <class Changes>
    [[nodiscard]] held_leaf hold(Changes& changes, key_bytes key, std::size_t value_size) const {
        auto const leaf = latch(changes, {key}, 0);
        node_view const seen{leaf.view().bytes()};
        if (seen.prefix_size() > key.size()) { seen.corrupt("prefix_length"); }
        auto const here = seen.sizes();
        if (here.are_fixed() && here != entry_sizes{.key = key.size(), .value = value_size}) {
            seen.corrupt("sizes of the block");
        }
        auto const where = seen.find(key);
        auto const size = seen.size_of(key.size(), value_size);
        return {.page = leaf.page_no(),
                .found = where.found,
                .has_room = seen.used() + size <= page_size,
                .is_thin = where.found && leaf.page_no() != root_ &&
                           is_thin(seen, seen.size_at(where.position))};
    }
    /// Before two edits of one leaf: what is wrong there must not come out between them.
    template <class Changes>
    void validate_held(Changes& changes, held_leaf const& leaf) const {
        auto const page = changes.template read<btree_page>(store_.file(), leaf.page);
        page->validate();
    }
    /// The value of a key that was found.
    template <class Changes, class Fn>
    auto with_held(Changes& changes, held_leaf const& leaf, key_bytes key, Fn fn) const {
        auto const page = changes.template read<btree_page>(store_.file(), leaf.page);
        node_view const seen{page.view().bytes()};
        return fn(seen.value(seen.find(key).position));
    }
    /// Inserts the key, or replaces its value. Expects: it has room; a value that is replaced has
    /// the same size.
    template <class Changes, class Write>
    void put_held(Changes& changes, held_leaf const& leaf, key_bytes key, std::size_t value_size,
                  Write const& write) const {
        auto page = changes.template write<btree_page>(store_.file(), leaf.page);
        node const here{page->bytes()};
        auto const where = here.find(key);
        bool const done = where.found ? here.replace(where.position, value_size, write)
                                      : here.insert(where.position, key, value_size, write);
        QUIRE_EXPECTS(done, "a leaf has the room that it said it has");
    }
    /// Expects: the key was found.
    template <class Changes>
    void erase_held(Changes& changes, held_leaf const& leaf, key_bytes key) const {
        auto page = changes.template write<btree_page>(store_.file(), leaf.page);
        page->erase(std::as_const(page)->find(key).position);
    }

    // Room for an entry that found none, in the leaf of its key (tree_growth.hpp).

    /// In changes of their own.
    void make_room(key_bytes key, std::size_t value_size) const {
        make_room_by([&](auto act) { store_.in_one_change(act); }, key, value_size);
    }
    /// In a change of the caller's.
    template <class Changes>
    void make_room_in(Changes& changes, key_bytes key, std::size_t value_size) const {
        make_room_by([&](auto act) { act(changes); }, key, value_size);
    }
    template <class Run>
    void make_room_by(Run const& run, key_bytes key, std::size_t value_size) const {
        auto const stored = stored_size(key.size(), value_size);
        make_room_for(key, node::entry_overhead + key.size() + stored, run);
    }

private:
    /// Of a value, in the leaf.
    [[nodiscard]] static constexpr std::size_t stored_size(std::size_t key_size,
                                                           std::size_t value_size) noexcept {
        return stands_apart(key_size, value_size) ? overflow_place::stored_size : value_size;
    }
    template <class Pages, class Fn>
    auto show(Pages& pages, node_view const& leaf, std::optional<stored_value> const& found,
              Fn& fn) const {
        if (!found) { return fn(std::optional<key_bytes>{}); }
        if (found->overflows) [[unlikely]] { return show_apart(pages, leaf, *found, fn); }
        return fn(std::optional<key_bytes>{found->bytes});
    }
    template <class Pages>
    [[gnu::noinline]] void gather(Pages& pages, node_view const& leaf, stored_value const& stored,
                                  std::vector<std::byte>& room) const {
        chain_.read(pages, place_in(leaf, stored), room);
    }
    template <class Pages, class Fn>
    [[gnu::noinline]] auto show_apart(Pages& pages, node_view const& leaf,
                                      stored_value const& found, Fn& fn) const {
        std::vector<std::byte> room;
        return fn(std::optional{whole_value(pages, leaf, found, room)});
    }
    /// Expects: `stored` overflows.
    [[nodiscard]] static overflow_place place_in(node_view const& leaf,
                                                 stored_value const& stored) {
        auto const where = overflow_place::load(stored.bytes);
        if (!where) { leaf.corrupt("place of a value"); }
        return *where;
    }
    /// The overflow pages of the value that `where` found, if it has some.
    template <class Changes>
    void hold_old_value(Changes& changes, node_view const& leaf, key_place where,
                        page_list& held) const {
        if (!where.found) { return; }
        auto const old = leaf.stored(where.position);
        if (old.overflows) { chain_.hold_to_free(changes, place_in(leaf, old), held); }
    }

    /// Where `key` is, or is to be inserted.
    template <class Changes, class Leaf, class Write>
    [[nodiscard]] outcome put(Changes& changes, Leaf& leaf, key_place where, key_bytes key,
                              std::size_t value_size, Write const& write) const {
        node_view const seen{leaf.view().bytes()};
        bool const apart = stands_apart(key.size(), value_size);
        if (apart || (where.found && seen.stored(where.position).overflows)) [[unlikely]] {
            return put_with_chain(changes, leaf, where, key, value_size, write);
        }
        bool const done = edit(leaf, where, key, value_size, write, false);
        return done ? outcome::done : outcome::full;
    }
    /// Likewise, when the old value or the new one has overflow pages.
    template <class Changes, class Leaf, class Write>
    [[nodiscard, gnu::noinline]] outcome put_with_chain(Changes& changes, Leaf& leaf,
                                                        key_place where, key_bytes key,
                                                        std::size_t value_size,
                                                        Write const& write) const {
        node_view const seen{leaf.view().bytes()};
        seen.validate();  // what is wrong there must not come out between the pages
        auto const freed = where.found ? seen.size_at(where.position) : 0;
        auto const added = seen.size_of(key.size(), stored_size(key.size(), value_size));
        if (seen.used() - freed + added > page_size) { return outcome::full; }
        page_list old;
        hold_old_value(changes, seen, where, old);
        bool done = false;
        if (stands_apart(key.size(), value_size)) {
            auto const place = write_chain(changes, value_size, write);
            done = edit(leaf, where, key, overflow_place::stored_size,
                        [&](std::span<std::byte> out) { place.store(out); }, true);
        } else {
            done = edit(leaf, where, key, value_size, write, false);
        }
        QUIRE_EXPECTS(done, "a leaf has the room that it said it has");
        chain_.free(changes, old);
        return outcome::done;
    }
    template <class Leaf, class Write>
    [[nodiscard]] static bool edit(Leaf& leaf, key_place where, key_bytes key, std::size_t size,
                                   Write const& write, bool overflows) {
        node const page{leaf->bytes()};
        return where.found ? page.replace(where.position, size, write, overflows)
                           : page.insert(where.position, key, size, write, overflows);
    }
    template <class Changes, class Write>
    [[nodiscard]] overflow_place write_chain(Changes& changes, std::size_t size,
                                             Write const& write) const {
        std::vector<std::byte> bytes;
        try {
            bytes.resize(size);
        } catch (std::bad_alloc const&) { throw error{errc::out_of_memory, "write a value"}; }
        write(std::span{bytes});
        return chain_.write(changes, bytes);
    }

    overflow_chain<Store> chain_;
};

}  // namespace quire::inline QUIRE_ABI::detail
