// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tree_descent: the way from the root of a B+tree to a node, without latches.
///
/// A descent looks at each node without its latch (paged_file::optimistic_read) and asks three
/// things of it: is it of this tree, of the level that is looked for or above, and do its fences
/// hold the key? A node that says so is right, however the descent came there (btree_page.hpp, I5).
/// One that does not was split, merged or freed meanwhile, and the descent starts again from the
/// root, whose page never changes. After a few such turns it goes down with latches, each node held
/// until the next one is: that always arrives, and then what is wrong is an error.
///
/// The node itself is latched, and asked the same: keys and values are looked at under its latch.
/// A page that turned out to be the wrong one is let go before another is latched. A change asks
/// itself for the pages that it has: a thread must not wait for itself. For a node that another
/// thread changes it waits by its own rules, with conflicts, not by a look.

#include <quire/table/detail/outside_of_changes.hpp>
#include <quire/table/detail/tree_key.hpp>
#include <quire/table/unlogged_change.hpp>

#include <chrono>    // std::chrono::microseconds
#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

/// Which of two neighbours a key leads to: the one that begins with it, or the one before.
enum class side : bool { from, before };

/// Where a descent goes: to a key, or behind all keys.
struct tree_goal {
    key_bytes key;
    bool behind_all = false;
    side to = side::from;
};

template <class Store>
class tree_descent {
protected:
    using file_type = typename Store::file_type;
    static constexpr std::size_t page_size = Store::page_size;
    using node = btree_page<std::byte, page_size>;

public:
    using node_view = btree_page<std::byte const, page_size>;

    tree_descent(Store& store, page_no root, std::uint32_t tree) noexcept
        : store_{store}, root_{root}, tree_{tree} {}

    [[nodiscard]] Store& store() const noexcept { return store_; }
    [[nodiscard]] page_no root() const noexcept { return root_; }
    [[nodiscard]] std::uint32_t number() const noexcept { return tree_; }

    /// `fn(leaf)` with the leaf that `goal` leads to, under its latch.
    template <class Fn>
    auto with_leaf(tree_goal const& goal, Fn fn) const {
        using guard_type = typename file_type::template read_guard<btree_page>;
        guard_slot<guard_type> leaf;
        outside_of_changes none;
        for (int turn = 0; turn < turns_max; ++turn) {
            if (reach(leaf, descend(none, goal, 0), goal)) { return fn(view_of_leaf(leaf)); }
            leaf.reset();  // a splitter may wait for it, with what the next descent looks at
        }
        leaf.emplace(store_.file(), root_);
        for (auto level = view_of_leaf(leaf).level(); level > 0; --level) {
            auto const here = view_of_leaf(leaf);
            require_right(here, goal, level);
            leaf.value().advance(store_.file(), child_towards(here, goal));
        }
        require_right(view_of_leaf(leaf), goal, 0);
        return fn(view_of_leaf(leaf));
    }
    /// Likewise in a change of the caller's, which holds the leaf from then on.
    template <class Changes, class Fn>
    auto with_leaf_in(Changes& changes, tree_goal const& goal, Fn fn) const {
        auto const leaf = latch(changes, goal, 0);
        return fn(node_view{leaf.view().bytes()});
    }

    /// `fn(leaf, first)` for each leaf that has keys from `from` on, with the position of the first
    /// of them, under the leaf's latch, until it returns false. What others do meanwhile is seen or
    /// not, but no key is seen twice, and none that is there all the time is left out.
    /// `Pages` is a change, which holds the leaves from then on, or outside_of_changes.
    template <class Pages, class Fn>
    void walk(Pages& pages, key_bytes from, Fn fn) const {
        kept_key<node::key_size_max> next{from};
        auto const look = [&](auto const& leaf) {
            bool const goes_on = fn(leaf, leaf.find(next.bytes()).position);
            return goes_on && next.take_high(leaf);
        };
        for (bool more = true; more;) {
            if constexpr (std::same_as<Pages, outside_of_changes>) {
                more = with_leaf({next.bytes()}, look);
            } else {
                more = with_leaf_in(pages, {next.bytes()}, look);
            }
        }
    }

protected:
    /// The node of `level` that `goal` leads to, held by the change.
    template <class Changes>
    [[nodiscard]] auto latch(Changes& changes, tree_goal const& goal, std::size_t level) const
        QUIRE_PASSES_ON(changes.lent) {
        return changes.template write<btree_page>(store_.file(), find(changes, goal, level));
    }
    template <class Changes>
    [[nodiscard]] page_no find(Changes& changes, tree_goal const& goal, std::size_t level) const {
        for (int turn = 0; turn < turns_max; ++turn) {
            auto const no = descend(changes, goal, level);
            if (!no) { continue; }
            bool const had = changes.holds(store_.file(), *no);
            try {
                {
                    auto const page = changes.template read<btree_page>(store_.file(), *no);
                    auto const now = look(node_view{page.view().bytes()}, goal, level);
                    if (is_end(now, *no)) { return *no; }
                }
                if (!had) { changes.let_go(store_.file(), *no); }
            } catch (error const& why) {
                if (!is_passing(why, *no)) { throw; }
                if (!had) { changes.let_go(store_.file(), *no); }
            }
        }
        return find_with_latches(changes, goal, level);
    }
    /// From the root down, each node held until the next one is.
    template <class Changes>
    [[nodiscard]] page_no find_with_latches(Changes& changes, tree_goal const& goal,
                                            std::size_t level) const {
        page_no no = root_;
        page_no above;
        bool has_above = false;
        for (std::optional<std::size_t> expected;;) {
            bool const had = changes.holds(store_.file(), no);
            step next{};
            {
                auto const page = changes.template read<btree_page>(store_.file(), no);
                node_view const here{page.view().bytes()};
                require_right(here, goal, expected.value_or(here.level()));
                expected = here.level() - 1;
                next = look(here, goal, level);
            }
            if (has_above) { changes.let_go(store_.file(), above); }
            if (is_end(next, no)) { return no; }
            has_above = !had;
            above = no;
            no = next.child;
        }
    }

    void require_mine(node_view const& page, std::size_t level) const {
        if (page.tree() != tree_ || page.level() != level) { page.corrupt("tree or level"); }
    }

    void require_right(node_view const& page, tree_goal const& goal, std::size_t level) const {
        if (page.level() > node::level_max) { page.corrupt("level"); }
        if (!is_right(page, goal, level)) { page.corrupt("tree, level or fences"); }
    }

    Store& store_;
    page_no root_;
    std::uint32_t tree_;

private:
    static constexpr int turns_max = 8;
    static constexpr std::chrono::nanoseconds short_wait = std::chrono::microseconds{200};
    /// What a look at a node found.
    struct step {
        enum class kind : std::uint8_t { here, down, lost, too_low } what;
        page_no child;
        std::size_t level;
    };

    template <class Slot>
    [[nodiscard]] static node_view view_of_leaf(Slot const& leaf) {
        return node_view{leaf.value().operator->()->bytes()};
    }
    /// Latches the page that a descent came to; whether it is right.
    template <class Slot>
    [[nodiscard]] bool reach(Slot& leaf, std::optional<page_no> no, tree_goal const& goal) const {
        if (!no) { return false; }
        try {
            leaf.emplace(store_.file(), *no);
            return is_right(view_of_leaf(leaf), goal, 0);
        } catch (error const& why) {
            if (!is_passing(why, *no)) { throw; }
            return false;
        }
    }

    template <class Node>
    [[nodiscard]] bool is_right(Node const& page, tree_goal const& goal, std::size_t level) const {
        if (page.tree() != tree_ || page.level() != level) { return false; }
        if (goal.behind_all) { return !page.has_high(); }
        return goal.to == side::from ? page.holds(goal.key) : page.holds_before(goal.key);
    }
    template <class Node>
    [[nodiscard]] static page_no child_towards(Node const& page, tree_goal const& goal) {
        if (goal.behind_all) { return page.child(page.count() - 1); }
        return page.child(goal.to == side::from ? page.child_for(goal.key)
                                                : page.child_before(goal.key));
    }
    template <class Node>
    [[nodiscard]] step look(Node const& page, tree_goal const& goal, std::size_t level) const {
        auto const here = page.level();
        if (here < level) { return {step::kind::too_low, {}, here}; }
        if (here > level && goal.to == side::from && !goal.behind_all) {  // what most look for
            auto const child = page.tree() == tree_ ? page.child_of(goal.key) : std::nullopt;
            return child ? step{step::kind::down, *child, here} : step{step::kind::lost, {}, here};
        }
        if (!is_right(page, goal, here)) { return {step::kind::lost, {}, here}; }
        if (here == level) { return {step::kind::here, {}, here}; }
        return {step::kind::down, child_towards(page, goal), here};
    }

    /// Whether a page that a descent was led to may be right again in the next turn.
    [[nodiscard]] bool is_passing(error const& why, page_no no) const noexcept {
        auto const code = why.kind();
        return no != root_ && (code == errc::wrong_page_kind || code == errc::corrupt_page ||
                               code == errc::page_out_of_range || code == errc::blank_page);
    }

    /// Whether page `no` is what a descent was for; for a level above the root's that is the root.
    [[nodiscard]] bool is_end(step const& found, page_no no) const noexcept {
        return found.what == step::kind::here ||
               (found.what == step::kind::too_low && no == root_);
    }
    /// The node of `level` that `goal` leads to, without a latch: the one that latches it asks
    /// whether it is right, so it is not looked at here. Nothing when the way was lost.
    template <class Changes>
    [[nodiscard]] std::optional<page_no> descend(Changes& changes, tree_goal const& goal,
                                                 std::size_t level) const {
        page_no no = root_;
        for (std::size_t depth = 0; depth <= node::level_max; ++depth) {
            try {
                step const next = look_at(changes, no, goal, level);
                if (is_end(next, no)) { return no; }
                if (next.what != step::kind::down) { return std::nullopt; }
                no = next.child;
                if (next.level == level + 1) { return no; }
            } catch (error const& why) {
                if (!is_passing(why, no)) { throw; }
                return std::nullopt;
            }
        }
        return std::nullopt;
    }
    template <class Changes>
    [[nodiscard]] step look_at(Changes& changes, page_no no, tree_goal const& goal,
                               std::size_t level) const {
        auto const see = [&](auto const& page) { return look(page, goal, level); };
        if constexpr (std::same_as<Changes, outside_of_changes>) {
            return store_.file().template optimistic_read<btree_page>(no, see);
        } else {
            if (!changes.holds(store_.file(), no)) {
                try {
                    return store_.file().template optimistic_read<btree_page>(
                        no, see, {.wait_max = short_wait});
                } catch (error const& why) {
                    if (why.kind() != errc::timed_out) { throw; }
                }
                // Another thread changes it. The change waits by its own rules: in no circle.
                step found{};
                {
                    auto const page = changes.template read<btree_page>(store_.file(), no);
                    found = see(node_view{page.view().bytes()});
                }
                changes.let_go(store_.file(), no);
                return found;
            }
            auto const page = changes.template read<btree_page>(store_.file(), no);
            return see(node_view{page.view().bytes()});
        }
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
