// SPDX-License-Identifier: BSL-1.0
#pragma once

/// byte_cursor: a place in a tree of bytes, which goes both ways and holds nothing: no latch, no
/// page. It has copies of the key and of the value that it shows. See btree_cursor.hpp, which shows
/// them as values of types, and table_cursor.hpp, which shows the rows that they lead to.
///
/// It remembers the leaf, and the leaf's version (page_version.hpp): while that is the same, the
/// next key is the next entry. Otherwise the step looks for its key from the root.

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

template <class Tree>
class byte_cursor {
    using leaf_slot = typename Tree::leaf_slot;
    using place = typename Tree::node_view::place;
    using step = seek;

public:
    byte_cursor(Tree const& tree, key_bytes key, seek how) : tree_{&tree} {
        keys_[at_].take(key);
        go(how);
    }

    /// Whether it shows an entry: not behind the last one, nor before the first.
    [[nodiscard]] bool shows() const noexcept { return shows_; }
    [[nodiscard]] key_bytes key() const noexcept { return keys_[at_].bytes(); }
    [[nodiscard]] std::span<std::byte const> value() const noexcept { return value_; }

    /// To the next entry above, or below. Expects: it shows one.
    void next() { go(seek::above); }
    void previous() { go(seek::below); }

private:
    void go(step how) {
        shows_ = false;
        leaf_slot leaf;
        if ((how == step::above || how == step::below) && is_as_shown(leaf)) {
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
    [[nodiscard]] bool show_neighbour(leaf_slot const& leaf, step& how) {
        auto const node = Tree::view_of(leaf);
        if (how == step::above) {
            if (position_ + 1 < node.count()) { return show(leaf, position_ + 1, how); }
            how = shown().take_high(node) ? step::behind_fence : step::none;
        } else {
            if (position_ > 0) { return show(leaf, position_ - 1, how); }
            shown().take(node.low());
        }
        return false;
    }
    /// Shows the entry that is looked for, or takes the fence behind which to look on; false where
    /// the tree ends.
    [[nodiscard]] bool look(leaf_slot& leaf, step& how) {
        leaf.reset();
        bool const is_back = how == step::last || how == step::below;
        if (how == step::none || (how == step::below && shown().bytes().empty())) { return false; }
        tree_goal const goal{
            .key = shown().bytes(),
            .behind_all = how == step::last,
            .to = how == step::below ? side::before : side::from};
        if (is_back) {
            tree_->hold_leaf(leaf, goal);
        } else if (how == step::behind_fence) {
            tree_->hold_next_leaf(leaf, goal, run_);
        } else {
            tree_->hold_leaf(leaf, goal, run_);
        }
        auto const node = Tree::view_of(leaf);
        auto const count = node.count();
        auto const where = how == step::last ? place{count, false} : node.find(goal.key);
        if (is_back) {
            if (where.position > 0) { return show(leaf, where.position - 1, how); }
            how = step::below;
            shown().take(node.low());
            return true;
        }
        auto const first = where.position + (where.found && how == step::above ? 1U : 0U);
        if (first < count) { return show(leaf, first, how); }
        how = step::behind_fence;
        return shown().take_high(node);
    }
    [[nodiscard]] bool show(leaf_slot const& leaf, std::size_t position, step how) {
        auto const node = Tree::view_of(leaf);
        auto& next = keys_[1 - at_];
        next.take(node, position);
        auto const order = compare_keys(next.bytes(), shown().bytes());
        if (how == step::above ? order <= 0 : how == step::below ? order >= 0
                                            : how != step::last && order < 0) {
            node.corrupt("order of keys");  // else a loop over a damaged leaf has no end
        }
        auto const value = node.value(position);
        value_.assign(value.begin(), value.end());
        at_ = 1 - at_;
        page_ = leaf.value().page_no();
        seen_ = leaf.value().version();
        position_ = position;
        return shows_ = true;
    }
    [[nodiscard]] auto& shown() noexcept { return keys_[at_]; }

    Tree const* tree_;
    /// The key that it shows, or looks for, and room for the next one.
    std::array<kept_key<Tree::key_size_max>, 2> keys_;
    std::size_t at_ = 0;
    std::vector<std::byte> value_;
    bool shows_ = false;
    page_no page_;             ///< the leaf that it was found in,
    page_version seen_;        ///< as it was then,
    std::size_t position_ = 0; ///< and where there
    leaf_run run_;
};

}  // namespace quire::inline QUIRE_ABI::detail
