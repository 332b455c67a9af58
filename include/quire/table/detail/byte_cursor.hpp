// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_cursor: a place in a tree of bytes, which goes both ways and holds nothing: no latch, no
/// page. It has copies of the key and of the value that it shows. See btree_cursor.hpp, which shows
/// them as values of types, and table_cursor.hpp, which shows the rows that they lead to.
///
/// It remembers the leaf, and the leaf's version (page_version.hpp): while that is the same, the
/// next key is the next entry. Otherwise the step looks for its key from the root.
///
/// In a change it looks for its key from the root each time, in the pages as the change has them.

#include <quire/borrow/loan.hpp>
#include <quire/table/detail/byte_tree.hpp>
#include <quire/table/detail/tree_key.hpp>

#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI::detail {

enum class seek : std::uint8_t { from, behind_fence, above, below, last, none };

/// Lends a copy, which its owner changes. Its own copies lend nothing yet.
class movable_lender : public lender {
public:
    movable_lender() noexcept = default;
    movable_lender(movable_lender const&) noexcept : lender{} {}
    movable_lender(movable_lender&& other) noexcept : lender{} { other.expect_unlent(); }
    movable_lender& operator=(movable_lender const&) noexcept {
        expect_unlent();
        return *this;
    }
    movable_lender& operator=(movable_lender&& other) noexcept {
        expect_unlent();
        other.expect_unlent();
        return *this;
    }
    ~movable_lender() = default;
};

/// The entry that a cursor shows, and how it finds the next one in a leaf.
template <class Tree, class Pages>
class shown_entry {
    using place = typename Tree::node_view::place;

public:
    /// Whether it shows an entry: not behind the last one, nor before the first.
    [[nodiscard]] bool shows() const noexcept { return shows_; }
    [[nodiscard]] key_bytes key() const noexcept { return keys_[at_].bytes(); }
    [[nodiscard]] std::span<std::byte const> value() const noexcept { return value_; }

protected:
    using node_view = typename Tree::node_view;

    shown_entry(Tree const& tree, Pages& pages, key_bytes key) : tree_{&tree}, pages_{pages} {
        keys_[0].take(key);
    }

    [[nodiscard]] static bool is_back(seek how) noexcept {
        return how == seek::last || how == seek::below;
    }
    /// Whether there is nothing to look for.
    [[nodiscard]] bool is_over(seek how) const noexcept {
        return how == seek::none || (how == seek::below && key().empty());
    }
    /// Where the leaf is in which to look.
    [[nodiscard]] tree_goal goal(seek how) const noexcept {
        return {.key = key(),
                .behind_all = how == seek::last,
                .to = how == seek::below ? side::before : side::from};
    }
    /// Shows the entry that is looked for, or takes the fence behind which to look on; false where
    /// the tree ends.
    [[nodiscard]] bool look_in(node_view const& node, seek& how) {
        auto const count = node.count();
        auto const where = how == seek::last ? place{count, false} : node.find(key());
        if (is_back(how)) {
            if (where.position > 0) { return show(node, where.position - 1, how); }
            how = seek::below;
            shown().take(node.low());
            return true;
        }
        auto const first = where.position + (where.found && how == seek::above ? 1U : 0U);
        if (first < count) { return show(node, first, how); }
        how = seek::behind_fence;
        return shown().take_high(node);
    }
    [[nodiscard]] bool show(node_view const& node, std::size_t position, seek how) {
        auto& next = keys_[1 - at_];
        next.take(node, position);
        auto const order = compare_keys(next.bytes(), key());
        if (how == seek::above ? order <= 0 : how == seek::below ? order >= 0
                                            : how != seek::last && order < 0) {
            node.corrupt("order of keys");  // else a loop over a damaged leaf has no end
        }
        take_value(node, node.stored(position));
        at_ = 1 - at_;
        position_ = position;
        return shows_ = true;
    }
    [[nodiscard]] auto& shown() noexcept { return keys_[at_]; }

    Tree const* tree_;
    [[no_unique_address]] pages_of_cursor<Pages> pages_;
    bool shows_ = false;
    std::size_t position_ = 0;  ///< in its leaf

private:
    void take_value(node_view const& node, typename Tree::stored_value const& stored) {
        if (!stored.overflows) { return value_.assign(stored.bytes.begin(), stored.bytes.end()); }
        auto&& pages = pages_();
        static_cast<void>(tree_->whole_value(pages, node, stored, value_));
    }

    /// The key that it shows, or looks for, and room for the next one.
    std::array<kept_key<Tree::key_size_max>, 2> keys_;
    std::size_t at_ = 0;
    std::vector<std::byte> value_;
};

/// In a change: each step goes down from the root, and the change holds the leaf from then on.
template <class Tree, class Pages = outside_of_changes>
class byte_cursor : public shown_entry<Tree, Pages> {
public:
    byte_cursor(Tree const& tree, Pages& changes, key_bytes key, seek how)
        : shown_entry<Tree, Pages>{tree, changes, key} {
        go(how);
    }

    /// To the next entry above, or below. Expects: it shows one.
    void next() { go(seek::above); }
    void previous() { go(seek::below); }

private:
    void go(seek how) {
        this->shows_ = false;
        bool more = true;
        while (more && !this->shows_ && !this->is_over(how)) {
            more = this->tree_->with_leaf_in(
                this->pages_(), this->goal(how),
                [&](auto const& leaf) { return this->look_in(leaf, how); });
        }
    }
};

/// Outside of changes: it remembers its leaf.
template <class Tree>
class byte_cursor<Tree, outside_of_changes> : public shown_entry<Tree, outside_of_changes> {
    using base = shown_entry<Tree, outside_of_changes>;
    using leaf_slot = typename Tree::leaf_slot;
    using base::position_;
    using base::shown;
    using base::shows_;
    using base::tree_;

public:
    byte_cursor(Tree const& tree, outside_of_changes& none, key_bytes key, seek how)
        : base{tree, none, key} {
        go(how);
    }

    /// To the next entry above, or below. Expects: it shows one.
    void next() { go(seek::above); }
    void previous() { go(seek::below); }

private:
    void go(seek how) {
        shows_ = false;
        leaf_slot leaf;
        if ((how == seek::above || how == seek::below) && is_as_shown(leaf)) {
            if (show_neighbour(leaf, how)) { return; }
        } else {
            run_.end();
        }
        while (!shows_ && look(leaf, how)) {}
    }
    /// Latches the leaf that was shown last; whether it is as it was.
    [[nodiscard]] bool is_as_shown(leaf_slot& leaf) const {
        if (seen_ == page_version{}) { return false; }
        try {
            leaf.emplace(tree_->store().file(), page_);
            return leaf.value().version() == seen_;
        } catch (error const&) {
            return false;  // it may be gone; the descent finds out, and what else is wrong
        }
    }
    /// The entry beside the one that was shown. False where the leaf ends: then it takes the fence.
    [[nodiscard]] bool show_neighbour(leaf_slot const& leaf, seek& how) {
        auto const node = Tree::view_of(leaf);
        if (how == seek::above) {
            if (position_ + 1 < node.count()) { return this->show(node, position_ + 1, how); }
            how = shown().take_high(node) ? seek::behind_fence : seek::none;
        } else {
            if (position_ > 0) { return this->show(node, position_ - 1, how); }
            shown().take(node.low());
        }
        return false;
    }
    /// Looks in the leaf where the entry is that is looked for; false where the tree ends.
    [[nodiscard]] bool look(leaf_slot& leaf, seek& how) {
        leaf.reset();
        if (this->is_over(how)) { return false; }
        auto const goal = this->goal(how);
        if (this->is_back(how)) {
            tree_->hold_leaf(leaf, goal);
        } else if (how == seek::behind_fence) {
            tree_->hold_next_leaf(leaf, goal, run_);
        } else {
            tree_->hold_leaf(leaf, goal, run_);
        }
        bool const more = this->look_in(Tree::view_of(leaf), how);
        if (shows_) {
            page_ = leaf.value().page_no();
            seen_ = leaf.value().version();
        }
        return more;
    }

    page_no page_;       ///< the leaf in which it was found,
    page_version seen_;  ///< as it was then
    leaf_run run_;
};

}  // namespace quire::inline QUIRE_ABI::detail
