// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tree_growth: how a B+tree gets nodes and loses them. byte_tree.hpp writes their entries.
///
/// What does not fit first makes room: the leaf is split as a change of its own, which holds the
/// parent, the node and a new page; a parent without room is split first, in the same way. So
/// nothing more is held than that, and a split is never undone. The root keeps its page: when it is
/// full, its content moves into a new child. A node that uses less than 40 % of its page, or of its
/// block, is merged with a neighbour, if both then leave a tenth free, or one of them is empty.
///
/// Latches are taken parent before child, allocation page last. Two children of one parent are
/// latched in any order, since whoever wants a second one has the parent. In a change of the
/// caller's everything belongs to that change, splits included.
///
/// Whole in memory without a log as well: each step acquires its pages first, which may fail, and
/// then changes bytes, which cannot.
///
/// `Run`, of all that have one, is a function that runs `act(change)` in a change: one of its own,
/// or the caller's.

#include <quire/table/detail/node_split.hpp>
#include <quire/table/detail/tree_descent.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class tree_growth : public tree_descent<Store> {
    using base = tree_descent<Store>;

protected:
    using base::latch;
    using base::page_size;
    using base::require_mine;
    using base::require_right;
    using base::root_;
    using base::store_;
    using base::tree_;
    using typename base::node;

public:
    using typename base::node_view;

    /// `sizes`: if they are fixed, new leaves have a block of entries.
    tree_growth(Store& store, page_no root, std::uint32_t tree, entry_sizes sizes) noexcept
        : base{store, root, tree}, sizes_{sizes} {}

    [[nodiscard]] entry_sizes sizes() const noexcept { return sizes_; }

    /// Makes the last leaf, which is empty, one of what `fill(node)` puts there, from `low` on and
    /// below `high`; an empty one follows it. False if it is not empty, not the last, or has
    /// another low fence: then nothing has changed.
    template <class Run, class Fill>
    [[nodiscard]] bool append_leaf(Run const& run, key_bytes low, key_bytes high,
                                   Fill const& fill) const {
        for (;;) {
            auto result = split_result::again;
            bool is_empty = true;
            run([&](auto& changes) {
                is_empty = true;
                result = try_append_leaf(changes, low, high, fill, is_empty);
            });
            if (result == split_result::done) { return is_empty; }
            if (result == split_result::parent_is_full) {
                make_room_at(1, high, largest_child, run);
            }
        }
    }
    /// Merges the leaf of `key` with a neighbour if both have room in one page, and so upward.
    void shrink(key_bytes key) const {
        for (std::size_t level = 0; level <= node::level_max; ++level) {
            bool more = false;
            store_.in_one_change([&](auto& changes) { more = merge(changes, key, level); });
            if (!more) { return; }
        }
    }
    /// Likewise in a change of the caller's, after an erasure there, which is done: if a node
    /// cannot be merged now, a later erasure will do it. Errors: conflict.
    template <class Changes>
    void shrink_in(Changes& changes, key_bytes key) const {
        try {
            for (std::size_t level = 0; merge(changes, key, level); ++level) {}
        } catch (error const& why) {
            if (why.kind() == errc::conflict) { throw; }
        }
    }

protected:
    /// Splits the leaf of `key` until it has room for an entry of `size` bytes, and first what is
    /// above it and full.
    template <class Run>
    void make_room_for(key_bytes key, std::size_t size, Run const& run) const {
        make_room_at(0, key, size, run);
    }
    /// Whether less than two fifths are in use once `erased` bytes are not: of the page, or of the
    /// block.
    [[nodiscard]] static bool is_thin(node_view const& page, std::size_t erased = 0) {
        auto const sizes = page.sizes();
        auto const beside = sizes.are_fixed() ? node::used_by(0, sizes) : 0;
        auto const used = page.used();
        return used < beside + erased || used - beside - erased < (page_size - beside) * 2 / 5;
    }

private:
    /// What an entry of an inner node takes at most.
    static constexpr std::size_t largest_child =
        node::entry_overhead + node::key_size_max + node::child_size;

    enum class split_result : std::uint8_t { done, again, parent_is_full };

    template <class Run>
    void make_room_at(std::size_t level, key_bytes key, std::size_t size, Run const& run) const {
        auto result = split_result::again;
        while (result != split_result::done) {
            run([&](auto& changes) { result = split(changes, key, level, size); });
            if (result == split_result::parent_is_full) {
                make_room_at(level + 1, key, largest_child, run);
            }
        }
    }
    /// Splits the node of `level` on the way to `key`, unless it has `size` bytes free. A root gets
    /// a child first.
    template <class Changes>
    [[nodiscard]] split_result split(Changes& changes, key_bytes key, std::size_t level,
                                     std::size_t size) const {
        auto parent = latch(changes, {key}, level + 1);
        node_view const above{parent.view().bytes()};
        if (above.level() <= level) {
            if (above.level() < level || above.used() + size <= page_size) {
                return split_result::done;
            }
            grow(changes, parent);
            return split_result::again;
        }
        std::size_t const position = above.child_for(key);
        auto child = changes.template write<btree_page>(store_.file(), above.child(position));
        node_view const full{child.view().bytes()};
        require_right(full, {key}, level);
        if (full.used() + size <= page_size) { return split_result::done; }
        node_split<page_size> const halves{full, key};
        auto const wanted = above.size_of(halves.fence().size(), node::child_size);
        if (above.used() + wanted > page_size) { return split_result::parent_is_full; }
        require_place(above, position + 1, halves.fence());
        auto fresh = store_.template allocate<btree_page>(changes);
        halves.apply(node{child->bytes()}, node{fresh->bytes()});
        bool const done = node{parent->bytes()}.insert_child(position + 1, halves.fence(),
                                                             fresh.page_no());
        QUIRE_EXPECTS(done, "a node has the room that it said it has");
        return split_result::done;
    }
    /// Whether `fence` belongs at `position` of an inner node that has room: what is wrong there
    /// must not come out when the child is cut. `used` has looked at all slots. Since the node is
    /// searchable, a search finds afterwards what it found before. To validate the node took a
    /// tenth of an insertion.
    static void require_place(node_view const& page, std::size_t position, key_bytes fence) {
        if (!page.is_searchable()) { page.corrupt("order of keys"); }
        auto const where = page.find(fence);
        if (where.found || where.position != position || !page.holds(fence) ||
            page.prefix_size() > fence.size()) {
            page.corrupt("place of a fence");
        }
    }
    template <class Changes, class Fill>
    [[nodiscard]] split_result try_append_leaf(Changes& changes, key_bytes low, key_bytes high,
                                               Fill const& fill, bool& is_empty) const {
        auto parent = latch(changes, {low}, 1);
        node_view const above{parent.view().bytes()};
        if (above.level() == 0) {  // the root
            is_empty = above.count() == 0 && low.empty();
            if (!is_empty) { return split_result::done; }
            grow(changes, parent);
            return split_result::again;
        }
        auto const position = above.child_for(low);
        auto child = changes.template write<btree_page>(store_.file(), above.child(position));
        node_view const last{child.view().bytes()};
        require_right(last, {low}, 0);
        is_empty = last.count() == 0 && !last.has_high() && compare_keys(last.low(), low) == 0;
        if (!is_empty) { return split_result::done; }
        auto const wanted = above.size_of(high.size(), node::child_size);
        if (above.used() + wanted > page_size) { return split_result::parent_is_full; }
        require_place(above, position + 1, high);
        auto fresh = store_.template allocate<btree_page>(changes);
        bool const done = node{parent->bytes()}.insert_child(position + 1, high, fresh.page_no());
        QUIRE_EXPECTS(done, "a node has the room that it said it has");
        node{fresh->bytes()}.reset(tree_, 0, high, {}, false, sizes_);
        node{child->bytes()}.reset(tree_, 0, low, high, true, sizes_);
        fill(node{child->bytes()});
        return split_result::done;
    }
    /// The root's content moves into a new child.
    template <class Changes, class Page>
    void grow(Changes& changes, Page& root) const {
        node_view const before{root.view().bytes()};
        if (before.level() >= node::level_max) { before.corrupt("level"); }
        auto fresh = store_.template allocate<btree_page>(changes);
        node const child{fresh->bytes()};
        child.take(before);
        node const top{root->bytes()};
        top.reset(tree_, before.level() + 1, {}, {}, false);
        bool const done = top.insert_child(0, {}, fresh.page_no());
        QUIRE_EXPECTS(done, "an empty node has room");
    }

    /// Merges the node of `level` on the way to `key` with a neighbour, if one of them is thin and
    /// both have room in one page. A root with one child takes that child's content. Whether
    /// something changed.
    template <class Changes>
    [[nodiscard]] bool merge(Changes& changes, key_bytes key, std::size_t level) const {
        auto parent = latch(changes, {key}, level + 1);
        node_view const above{parent.view().bytes()};
        std::size_t const count = above.count();
        if (above.level() <= level) {
            return above.level() > 0 && count == 1 && collapse(changes, parent);
        }
        std::size_t const position = above.child_for(key);
        return (position + 1 < count && join(changes, parent, position, level)) ||
               (position > 0 && join(changes, parent, position - 1, level));
    }
    /// Moves the content of the child behind `first` into that one, if one of both is thin and they
    /// have room in one page.
    template <class Changes, class Page>
    [[nodiscard]] bool join(Changes& changes, Page& parent, std::size_t first,
                            std::size_t level) const {
        node_view const above{parent.view().bytes()};
        auto const right_no = above.child(first + 1);
        auto left = changes.template write<btree_page>(store_.file(), above.child(first));
        node_merge<page_size> both;
        {
            auto const right = changes.template read<btree_page>(store_.file(), right_no);
            node_view const one{left.view().bytes()};
            node_view const other{right.view().bytes()};
            require_mine(one, level);
            require_mine(other, level);
            bool const one_is_empty = one.count() == 0 || other.count() == 0;
            if (!one_is_empty && !is_thin(one) && !is_thin(other)) { return false; }
            if (!both.make(one, other, one_is_empty ? 0 : page_size / 10)) { return false; }
        }
        store_.hold_to_free(changes, right_no);
        node{left->bytes()}.take(both.image());
        node{parent->bytes()}.erase(first + 1);
        store_.free(changes, right_no);
        return true;
    }
    template <class Changes, class Page>
    [[nodiscard]] bool collapse(Changes& changes, Page& root) const {
        node_view const above{root.view().bytes()};
        auto const only = above.child(0);
        std::array<std::byte, page_size> bytes;
        {
            auto const child = changes.template read<btree_page>(store_.file(), only);
            node_view const below{child.view().bytes()};
            require_mine(below, above.level() - 1);
            if (below.has_high() || !below.low().empty()) { below.corrupt("fences"); }
            std::copy_n(below.bytes().data(), page_size, bytes.data());
        }
        store_.hold_to_free(changes, only);
        node{root->bytes()}.take(node{bytes});
        store_.free(changes, only);
        return true;
    }

    entry_sizes sizes_;
};

}  // namespace quire::inline QUIRE_ABI::detail
