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
/// A cursor of a change (`orders.first(change)`) shows what the change has, its own writes among
/// them. Each step goes down from the root, and nothing is read ahead. The change holds the leaves
/// that the cursor was in, and outlives it.
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
#include <quire/table/detail/byte_cursor.hpp>
#include <quire/table/value_codec.hpp>

namespace quire::inline QUIRE_ABI {

namespace detail {

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

template <class Key, class Value, class Pool, class Pages = detail::outside_of_changes>
class btree_cursor : public detail::movable_lender {
    using tree_type = detail::byte_tree<catalog<Pool>>;

public:
    /// For the tree.
    btree_cursor(tree_type const& tree, Pages& pages, detail::key_bytes key, detail::seek how)
        : at_{tree, pages, key, how} {}

    /// Whether it shows a key: not behind the last one, nor before the first.
    [[nodiscard]] explicit operator bool() const noexcept { return at_.shows(); }
    /// Expects: it shows a key. Errors: corrupt_page.
    [[nodiscard]] Key key() const {
        QUIRE_EXPECTS(at_.shows(), "a cursor that is asked for a key shows one");
        return detail::decoded_key<Key>(at_.key());
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
        QUIRE_EXPECTS(at_.shows(), "a cursor that goes on shows a key");
        at_.next();
    }
    void previous() QUIRE_CHANGES {
        expect_unlent();
        QUIRE_EXPECTS(at_.shows(), "a cursor that goes back shows a key");
        at_.previous();
    }

private:
    [[nodiscard]] auto lend() const QUIRE_UNSEEN {
        QUIRE_EXPECTS(at_.shows(), "a cursor that is asked for a value shows one");
        if constexpr (detail::lent_with_loan<Value>) {
            return value_codec<Value>::lend(at_.value(), borrow{*this, lending::shared});
        } else {
            return value_codec<Value>::lend(at_.value());
        }
    }

    detail::byte_cursor<tree_type, Pages> at_;
};

}  // namespace quire::inline QUIRE_ABI
