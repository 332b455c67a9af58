// SPDX-License-Identifier: BSL-1.0
#pragma once

/// live_range: a walk over the live slots of a slotted page, in the order of their numbers.
///
/// `Layout` is a slotted layout, `Item` says what a step gives: the slot's number, or a typed view
/// of its tuple. Each `*` makes a new item and returns a prvalue, so immovable views work:
///
///     for (auto row : page.rows<user>()) ...
///
/// The range is immovable, like all that is lent. Its iterators are ordinary: they hold the page's
/// span and a number, and in checked builds a part of the loan. They read the page at each step, so
/// a page that changed under them gives an error or other slots, never an invalid access.
/// Redirects are skipped: their tuples have slots of their own, so a walk gives no tuple twice.
///
/// A walk over tuples prefetches their memory when it begins. Tuples lie from the end of the page
/// downward, and the processor that was measured prefetches upward only: without this a walk over a
/// page that is not in the nearest caches takes twice as long (bench/README.md, "copy").
///
/// Errors: `++` and begin() throw errc::corrupt_page at a line pointer that contradicts the page.

#include <quire/base/fetch_line.hpp>
#include <quire/borrow/byte_view.hpp>
#include <quire/page/line_pointer.hpp>

#include <iterator>  // std::default_sentinel_t
#include <utility>    // std::declval

namespace quire::inline QUIRE_ABI {

namespace detail {

/// The item that is the slot's number.
struct slot_item {
    template <class Layout>
    [[nodiscard]] slot_id operator()(Layout const&, slot_id slot, borrow const&) const noexcept {
        return slot;
    }
};

/// Prefetches the last 4 KiB of `bytes`, which have the tuples that a walk gives first.
template <class Byte, std::size_t Size>
void prefetch_tuples(std::span<Byte, Size> bytes) noexcept {
    constexpr std::size_t line = 64;
    for (auto at = (Size > 4096 ? Size - 4096 : 0); at < Size; at += line) {
        fetch_line(bytes.data() + at);
    }
}

}  // namespace detail

template <class Layout, class Item>
class QUIRE_BORROWER QUIRE_POINTER live_range : immovable {
public:
    live_range(Layout layout, lender const& from) noexcept QUIRE_UNSEEN
        : layout_{layout}, borrow_{from, lending::shared} {}
    live_range(live_range const&) QUIRE_REFUSED_TO_MOVE;
    QUIRE_ENDS_LOAN(live_range)
    void operator&() const QUIRE_REFUSED_ADDRESS;

    class iterator {
    public:
        using value_type =
            decltype(Item{}(std::declval<Layout const&>(), slot_id{}, std::declval<borrow>()));
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        /// Expects: not at the end.
        [[nodiscard]] value_type operator*() const {
            return Item{}(layout_, slot_id{slot_}, borrow_);
        }
        iterator& operator++() {
            slot_ = layout_.next_live(slot_ + 1);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(iterator const& it, std::default_sentinel_t) noexcept {
            return it.slot_ == Layout::no_slot;
        }

    private:
        friend class live_range;
        iterator(Layout layout, borrow const& from)
            : layout_{layout}, borrow_{from} {
            if constexpr (!std::same_as<Item, detail::slot_item>) {
                detail::prefetch_tuples(layout.bytes());
            }
            slot_ = layout.next_live(0);
        }
        Layout layout_;
        std::size_t slot_;
        [[no_unique_address]] borrow borrow_;
    };

    [[nodiscard]] iterator begin() const& QUIRE_LIFETIMEBOUND {
        return iterator{layout_, borrow_};
    }
    name_the_view_first begin() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    [[nodiscard]] std::default_sentinel_t end() const& noexcept { return {}; }
    name_the_view_first end() const&& QUIRE_REFUSED_ON_TEMPORARIES;

private:
    Layout layout_;
    [[no_unique_address]] borrow borrow_;
};

}  // namespace quire::inline QUIRE_ABI
