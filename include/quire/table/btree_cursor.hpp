// SPDX-License-Identifier: BSL-1.0
#pragma once

/// btree_cursor: a place in a tree, which goes both ways.
///
///     for (auto at = orders.lower_bound("47"); at; at.next()) { use(at.key(), at.value()); }
///     for (auto at = orders.last(); at; at.previous()) { ... }
///
/// It has a copy of the key and of the value, and holds nothing: no latch, no page. So others write
/// meanwhile, and so may the loop itself, erasing what the cursor shows, too. Each step looks for
/// the next key above the one it shows, or below: no key is shown twice, and none that is there all
/// the time is left out.
///
/// `value()` is lent from that copy as a page lends a row (borrow/loan.hpp): it ends before the
/// cursor goes on, is assigned or moved from, or ends. In checked builds one that is used after
/// that stops the program. clang 22 reports rows and bytes, though no texts. A copy of a cursor
/// lends for itself.
///
/// Lifetime: the tree outlives it. Threads: one at a time.
/// Cost: a step is a descent; no allocation once it has shown a value as long.

#include <quire/table/catalog.hpp>
#include <quire/table/detail/byte_tree.hpp>
#include <quire/table/detail/tree_key.hpp>
#include <quire/table/value_codec.hpp>

#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI {

namespace detail {

enum class seek : std::uint8_t { from, above, below, last };

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

public:
    /// For the tree.
    btree_cursor(tree_type const& tree, detail::key_bytes key, detail::seek how) : tree_{&tree} {
        key_.take(key);
        go(how);
    }

    /// Whether it shows a key: not behind the last one, nor before the first.
    [[nodiscard]] explicit operator bool() const noexcept { return shows_; }
    /// Expects: it shows a key. Errors: corrupt_page.
    [[nodiscard]] Key key() const {
        QUIRE_EXPECTS(shows_, "a cursor that is asked for a key shows one");
        return detail::decoded_key<Key>(key_.bytes());
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
        for (bool more = true; more;) {
            detail::tree_goal const goal{
                .key = key_.bytes(),
                .behind_all = how == step::last,
                .to = how == step::below ? detail::side::before : detail::side::from};
            if (how == step::below && goal.key.empty()) { return; }
            more = tree_->with_leaf(goal, [&](auto const& leaf) { return look(leaf, how); });
        }
    }
    /// Takes the entry that is looked for, or the fence behind which to look on; whether there.
    template <class Leaf>
    [[nodiscard]] bool look(Leaf const& leaf, step& how) {
        auto const where = how == step::last
                               ? typename Leaf::place{leaf.count(), false}
                               : leaf.find(key_.bytes());
        if (how == step::last || how == step::below) {
            if (where.position > 0) { return show(leaf, where.position - 1, how); }
            how = step::below;
            key_.take(leaf.low());
            return true;
        }
        auto const position = where.position + (where.found && how == step::above ? 1U : 0U);
        if (position < leaf.count()) { return show(leaf, position, how); }
        how = step::from;
        return key_.take_high(leaf);
    }
    template <class Leaf>
    [[nodiscard]] bool show(Leaf const& leaf, std::size_t position, step how) {
        auto const before = key_;
        key_.take(leaf, position);
        auto const order = detail::compare_keys(key_.bytes(), before.bytes());
        if (how == step::from ? order < 0 : how == step::above ? order <= 0
                                          : how == step::below && order >= 0) {
            leaf.corrupt("order of keys");  // else a loop over a damaged leaf has no end
        }
        auto const value = leaf.value(position);
        value_.assign(value.begin(), value.end());
        shows_ = true;
        return false;
    }

    tree_type const* tree_;
    detail::kept_key<tree_type::key_size_max> key_;
    std::vector<std::byte> value_;
    bool shows_ = false;
};

}  // namespace quire::inline QUIRE_ABI
