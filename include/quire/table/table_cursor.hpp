// SPDX-License-Identifier: BSL-1.0
#pragma once

/// table_cursor: a place among the rows of a table, by one of its indexes, which goes both ways.
///
///     for (auto at = orders.lower_bound<&order::customer>("A"); at; at.next()) {
///         use(at.id(), at.row().template get<&order::amount>());
///     }
///
/// It has a copy of the row and holds nothing: no latch, no page. So others write meanwhile, and so
/// may the loop itself, also to the row that the cursor shows. Each step shows the row of the next
/// entry above, or below: no row is shown twice, and none that is there all the time is left out,
/// if its key does not change meanwhile.
///
/// A cursor of a change (`orders.first<&order::customer>(change)`) shows the rows as the change has
/// them, its own writes among them. The change holds the pages that the cursor was in, and outlives
/// it.
///
/// `row()` is lent from that copy: it ends before the cursor goes on, is assigned or moved from, or
/// ends. In checked builds one that is used after that stops the program. A copy of a cursor lends
/// for itself.
///
/// Lifetime: the table outlives it. Threads: one at a time.
/// Cost: a step is one of the index (btree_cursor.hpp) and one page of rows; the row is copied. A
/// walk that only looks at rows copies nothing with `scan`.

#include <quire/table/btree_cursor.hpp>
#include <quire/table/detail/outside_of_changes.hpp>
#include <quire/table/record_id.hpp>

namespace quire::inline QUIRE_ABI {

template <class Row, class Heap, class Index, class Pages = detail::outside_of_changes>
class table_cursor : public detail::movable_lender {
    using tree_type = std::remove_cvref_t<decltype(std::declval<Index const&>().tree())>;

public:
    /// For the table.
    table_cursor(Heap const& heap, Index const& index, Pages& pages, detail::key_bytes from,
                 detail::seek how)
        : heap_{&heap}, pages_{pages}, at_{index.tree(), pages, from, how} {
        copy_row(how == detail::seek::last);
    }

    /// Whether it shows a row: not behind the last one, nor before the first.
    [[nodiscard]] explicit operator bool() const noexcept { return at_.shows(); }
    /// Expects, of both: it shows a row.
    [[nodiscard]] record_id id() const noexcept {
        QUIRE_EXPECTS(at_.shows(), "a cursor that is asked for an id shows a row");
        return id_;
    }
    /// The row as it was when the cursor came here, lent from a copy: until the cursor goes on.
    [[nodiscard]] auto row() const& QUIRE_LIFETIMEBOUND
        requires(!detail::lent_to_borrower<Row>)
    {
        return lend();
    }
    [[nodiscard]] auto row() const& QUIRE_LIFETIMEBOUND
        requires detail::lent_to_borrower<Row>
    QUIRE_LENDS { return lend(); }
    void row() const&& = delete;

    /// To the row of the next entry above, or below. Expects: it shows a row. Errors: those of
    /// reading, corrupt_page.
    void next() QUIRE_CHANGES {
        expect_unlent();
        QUIRE_EXPECTS(at_.shows(), "a cursor that goes on shows a row");
        at_.next();
        copy_row(false);
    }
    void previous() QUIRE_CHANGES {
        expect_unlent();
        QUIRE_EXPECTS(at_.shows(), "a cursor that goes back shows a row");
        at_.previous();
        copy_row(true);
    }

private:
    [[nodiscard]] auto lend() const QUIRE_UNSEEN {
        QUIRE_EXPECTS(at_.shows(), "a cursor that is asked for a row shows one");
        if constexpr (detail::lent_with_loan<Row>) {
            return value_codec<Row>::lend(row_, borrow{*this, lending::shared});
        } else {
            return value_codec<Row>::lend(row_);
        }
    }
    /// Of the entry here, or else of the next one that leads to its row.
    void copy_row(bool is_back) {
        auto&& pages = pages_();
        for (; at_.shows(); is_back ? at_.previous() : at_.next()) {
            id_ = Index::id_of(at_.key(), at_.value());
            bool const is_there = Index::with_row(
                pages, *heap_, at_.key(), id_,
                [&](detail::key_bytes row) { row_.assign(row.begin(), row.end()); });
            if (is_there) { return; }
        }
    }

    Heap const* heap_;
    [[no_unique_address]] detail::pages_of_cursor<Pages> pages_;
    detail::byte_cursor<tree_type, Pages> at_;
    record_id id_;
    std::vector<std::byte> row_;
};

}  // namespace quire::inline QUIRE_ABI
