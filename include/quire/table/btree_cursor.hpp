// SPDX-License-Identifier: BSL-1.0
#pragma once

/// btree_cursor: a place in a tree, which goes both ways.
///
///     for (auto at = orders.lower_bound("47"); at; at.next()) { use(at.key(), at.value()); }
///     for (auto at = orders.last(); at; at.previous()) { ... }
///
/// It has a copy of the key and of the value, and holds nothing: no latch, no page. So others write
/// meanwhile, and so may the loop itself, erasing what the cursor shows, too. Each step shows the
/// next key above the one it shows, or below: no key is shown twice, and none that is there all the
/// time is left out.
///
/// It remembers the leaf, and the leaf's version (page_version.hpp): while that is the same, the
/// next key is the next entry. Otherwise the step looks for its key from the root.
///
/// `value()` is lent from that copy as a page lends a row (borrow/loan.hpp): it ends before the
/// cursor goes on, is assigned or moved from, or ends. In checked builds one that is used after
/// that stops the program. clang 22 reports rows and bytes, though no texts. A copy of a cursor
/// lends for itself.
///
/// Lifetime: the tree outlives it. Threads: one at a time.
/// Cost: a step reads a page, a hit mostly; a descent where the leaf has changed, and for each leaf
/// that `previous` comes to. `next` reads leaves ahead (detail/leaf_run.hpp). No allocation once it
/// has shown a value as long.

#include <quire/table/catalog.hpp>
#include <quire/table/detail/byte_tree.hpp>
#include <quire/table/detail/tree_key.hpp>
#include <quire/table/value_codec.hpp>

#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI {

namespace detail {

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

/// Whether what stands for a Value keeps its loan.
template <class Value>
concept lent_with_loan = requires(std::span<std::byte const> bytes, borrow const& from) {
    value_codec<Value>::lend(bytes, from);
};
/// And whether clang follows it, which does not follow texts.
template <class Value>
concept lent_to_borrower =
    lent_with_loan<Value> &&
    !std::same_as<decltype(value_codec<Value>::lend({}, borrow{})), column_text>;

}  // namespace detail

template <class Key, class Value, class Pool>
class btree_cursor : public detail::movable_lender {
    using tree_type = detail::byte_tree<catalog<Pool>>;
    using leaf_slot = typename tree_type::leaf_slot;
    using place = typename tree_type::node_view::place;

public:
    /// For the tree.
    btree_cursor(tree_type const& tree, detail::key_bytes key, detail::seek how) : tree_{&tree} {
        keys_[at_].take(key);
        go(how);
    }

    /// Whether it shows a key: not behind the last one, nor before the first.
    [[nodiscard]] explicit operator bool() const noexcept { return shows_; }
    /// Expects: it shows a key. Errors: corrupt_page.
    [[nodiscard]] Key key() const {
        QUIRE_EXPECTS(shows_, "a cursor that is asked for a key shows one");
        return detail::decoded_key<Key>(keys_[at_].bytes());
    }
    /// The value as it was when the cursor came here, lent from a copy: until the cursor goes on.
    /// Expects: it shows a key. Errors: as value_codec.
    [[nodiscard]] auto value() const& QUIRE_LIFETIMEBOUND
        requires(!detail::lent_to_borrower<Value>)
    {
        return lend();
    }
    [[nodiscard]] auto value() const& QUIRE_LIFETIMEBOUND
        requires detail::lent_to_borrower<Value>
    QUIRE_LENDS { return lend(); }
    void value() const&& = delete;

    /// To the next key above, or below. Expects: it shows a key. Errors: those of reading.
    void next() QUIRE_CHANGES {
        expect_unlent();
        QUIRE_EXPECTS(shows_, "a cursor that goes on shows a key");
        go(detail::seek::above);
    }
    void previous() QUIRE_CHANGES {
        expect_unlent();
        QUIRE_EXPECTS(shows_, "a cursor that goes back shows a key");
        go(detail::seek::below);
    }

private:
    using step = detail::seek;

    [[nodiscard]] auto lend() const QUIRE_UNSEEN {
        QUIRE_EXPECTS(shows_, "a cursor that is asked for a value shows one");
        if constexpr (detail::lent_with_loan<Value>) {
            return value_codec<Value>::lend(value_, borrow{*this, lending::shared});
        } else {
            return value_codec<Value>::lend(value_);
        }
    }
    void go(step how) {
        shows_ = false;
        leaf_slot leaf;
        if ((how == step::above || how == step::below) && is_as_shown(leaf)) {
            if (show_neighbour(leaf, how)) { return; }
        } else {
            run_.end();
        }
        while (!shows_ && seek(leaf, how)) {}
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
        auto const node = tree_type::view_of(leaf);
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
    [[nodiscard]] bool seek(leaf_slot& leaf, step& how) {
        leaf.reset();
        bool const is_back = how == step::last || how == step::below;
        if (how == step::none || (how == step::below && shown().bytes().empty())) { return false; }
        detail::tree_goal const goal{
            .key = shown().bytes(),
            .behind_all = how == step::last,
            .to = how == step::below ? detail::side::before : detail::side::from};
        if (is_back) {
            tree_->hold_leaf(leaf, goal);
        } else if (how == step::behind_fence) {
            tree_->hold_next_leaf(leaf, goal, run_);
        } else {
            tree_->hold_leaf(leaf, goal, run_);
        }
        auto const node = tree_type::view_of(leaf);
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
        auto const node = tree_type::view_of(leaf);
        auto& next = keys_[1 - at_];
        next.take(node, position);
        auto const order = detail::compare_keys(next.bytes(), shown().bytes());
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

    tree_type const* tree_;
    /// The key that it shows, or looks for, and room for the next one.
    std::array<detail::kept_key<tree_type::key_size_max>, 2> keys_;
    std::size_t at_ = 0;
    std::vector<std::byte> value_;
    bool shows_ = false;
    page_no page_;             ///< the leaf that it was found in,
    page_version seen_;        ///< as it was then,
    std::size_t position_ = 0; ///< and where there
    detail::leaf_run run_;
};

}  // namespace quire::inline QUIRE_ABI
