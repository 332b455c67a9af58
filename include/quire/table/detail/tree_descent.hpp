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

#include <quire/table/detail/leaf_run.hpp>
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

/// Whether tasks can wait for the pages of a file: its pool's latch pins.
template <class File>
concept fetching = requires(File const& file) { file.fetch(page_no{}); };

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

    using leaf_slot = guard_slot<typename file_type::template read_guard<btree_page>>;
    [[nodiscard]] static node_view view_of(leaf_slot const& leaf) {
        return node_view{leaf.value().operator->()->bytes()};
    }

    /// Latches the leaf that `goal` leads to.
    void hold_leaf(leaf_slot& leaf, tree_goal const& goal) const {
        no_run none;
        hold_leaf_for(leaf, goal, none);
    }
    /// Likewise, and lists in `run` the leaves that follow.
    void hold_leaf(leaf_slot& leaf, tree_goal const& goal, leaf_run& run) const {
        hold_leaf_for(leaf, goal, run);
    }
    /// Likewise, for one who goes on behind a leaf, to its high fence: the next leaf of `run`, if
    /// that is the right one.
    void hold_next_leaf(leaf_slot& leaf, tree_goal const& goal, leaf_run& run) const {
        if (auto const next = run.next()) {
            read_ahead(run);
            if (reach(leaf, next, goal)) { return; }
            leaf.reset();
            run.end();
        }
        hold_leaf(leaf, goal, run);
    }
    /// `fn(leaf)` with the leaf that `goal` leads to, under its latch.
    template <class Fn>
    auto with_leaf(tree_goal const& goal, Fn fn) const {
        leaf_slot leaf;
        hold_leaf(leaf, goal);
        return fn(view_of(leaf));
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
        leaf_run run;
        for (bool more = true; more;) {
            if constexpr (std::same_as<Pages, outside_of_changes>) {
                leaf_slot leaf;
                hold_next_leaf(leaf, {next.bytes()}, run);
                more = look(view_of(leaf));
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

    static constexpr int turns_max = 8;

    /// How far a descent has come.
    struct way {
        page_no page;  ///< the next to look at, or the one that it was for
        bool has_arrived = false;
        bool is_lost = false;
        std::size_t steps = 0;

        [[nodiscard]] bool is_under_way() const noexcept { return !has_arrived && !is_lost; }
    };
    /// One step down to the leaf of `goal`. Errors: those that do not pass.
    void go_on(way& to, tree_goal const& goal) const {
        outside_of_changes none;
        no_run lists_none;
        try {
            follow(to, look_at(none, to.page, goal, 0, lists_none), 0);
        } catch (error const& why) {
            lose(to, why);
        }
    }
    /// Expects: `why` is being handled. Errors: `why`, if it does not pass.
    void lose(way& to, error const& why) const {
        if (!is_passing(why, to.page)) { throw; }
        to.is_lost = true;
    }
    /// Latches the page that a descent came to; whether it is right.
    [[nodiscard]] bool reach(leaf_slot& leaf, std::optional<page_no> no,
                             tree_goal const& goal) const {
        if (!no) { return false; }
        try {
            leaf.emplace(store_.file(), *no);
            return is_right(view_of(leaf), goal, 0);
        } catch (error const& why) {
            if (!is_passing(why, *no)) { throw; }
            return false;
        }
    }

    Store& store_;
    page_no root_;
    std::uint32_t tree_;

private:
    static constexpr std::chrono::nanoseconds short_wait = std::chrono::microseconds{200};
    /// What a look at a node found.
    struct step {
        enum class kind : std::uint8_t { here, down, lost, too_low } what;
        page_no child;
        std::size_t level;
    };

    /// For a descent that lists no leaves.
    struct no_run {};

    template <class Run>
    void hold_leaf_for(leaf_slot& leaf, tree_goal const& goal, Run& run) const {
        outside_of_changes none;
        for (int turn = 0; turn < turns_max; ++turn) {
            auto const no = descend(none, goal, 0, run);
            if constexpr (std::same_as<Run, leaf_run>) { read_ahead(run); }
            if (reach(leaf, no, goal)) { return; }
            leaf.reset();  // a splitter may wait for it, with what the next descent looks at
        }
        leaf.emplace(store_.file(), root_);
        for (auto level = view_of(leaf).level(); level > 0; --level) {
            auto const here = view_of(leaf);
            require_right(here, goal, level);
            leaf.value().advance(store_.file(), child_towards(here, goal));
        }
        require_right(view_of(leaf), goal, 0);
    }
    void read_ahead(leaf_run& run) const {
        auto const leaves = run.to_read();
        if (!leaves.empty()) { static_cast<void>(store_.file().prefetch(leaves)); }
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
    void follow(way& to, step const& found, std::size_t level) const noexcept {
        if (is_end(found, to.page)) {
            to.has_arrived = true;
        } else if (found.what != step::kind::down || ++to.steps > node::level_max) {
            to.is_lost = true;
        } else {
            to.page = found.child;
            to.has_arrived = found.level == level + 1;
        }
    }
    /// The node of `level` that `goal` leads to, without a latch: the one that latches it asks
    /// whether it is right, so it is not looked at here. Nothing when the way was lost.
    template <class Changes>
    [[nodiscard]] std::optional<page_no> descend(Changes& changes, tree_goal const& goal,
                                                 std::size_t level) const {
        no_run none;
        return descend(changes, goal, level, none);
    }
    template <class Changes, class Run>
    [[nodiscard]] std::optional<page_no> descend(Changes& changes, tree_goal const& goal,
                                                 std::size_t level, Run& run) const {
        way to{root_};
        while (to.is_under_way()) {
            try {
                follow(to, look_at(changes, to.page, goal, level, run), level);
            } catch (error const& why) {
                lose(to, why);
            }
        }
        if (to.is_lost) { return std::nullopt; }
        return to.page;
    }
    [[nodiscard]] step look_at(outside_of_changes, page_no no, tree_goal const& goal,
                               std::size_t level, leaf_run& run) const {
        // It writes to `run`, which no other thread sees. Each look empties it first, so one that
        // is repeated, or throws, leaves nothing.
        return store_.file().template optimistic_read<btree_page>(no, [&](auto const& page) {
            auto const room = run.room();
            auto const found = look(page, goal, level);
            if (found.what == step::kind::down && found.level == 1) {
                run.begin(page.children_behind(goal.key, room));
            }
            return found;
        });
    }
    template <class Changes>
    [[nodiscard]] step look_at(Changes& changes, page_no no, tree_goal const& goal,
                               std::size_t level, no_run&) const {
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
