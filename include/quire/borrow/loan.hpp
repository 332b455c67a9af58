// SPDX-License-Identifier: BSL-1.0
#pragma once

/// loan: what a page has lent, as compilers and checked builds follow it.
///
/// A page view lends parts of its page: tuples, rows, ranges, bytes. A part must end before the
/// page is changed, since a change may move it, and before the page's guard ends. Two empty
/// members of every page view stand for that. `lent`: something is lent for reading or as rows.
/// `lent_mutable`: raw mutable bytes are lent, which nothing may alias. Clang follows them at
/// compile time (attributes.hpp). A checked build counts the loans at run time. It also sees loans
/// that no compiler follows, behind a call, an alias or a container, and stops the program at the
/// change itself, before anything is stale.
///
/// A part lives as long as its name, even when it is not used again. Where the page is changed
/// later in the same block, a brace ends the part before:
///
///     { auto row = page->row<user>(slot); sum += row.get<&user::balance>().value_or(0); }
///     page->erase(slot);
///
/// A view of your own has `quire::lender` as a public base, lends by functions with QUIRE_LENDS or
/// QUIRE_LENDS_ALONE whose borrowers keep a `quire::borrow`, and begins each function that moves
/// bytes, marked QUIRE_CHANGES, with `expect_unlent()`, or a page_change (page/page_change.hpp).
/// All of it is empty in other builds.
///
/// Why counts and no epochs: an epoch detects a stale view only if it is used, and only then; the
/// count reports the line that would make it stale. Not counted are a std::string_view taken from a
/// column_text, a span from byte_view::span(), iterators of these, and a codec's view that keeps no
/// borrow (tuple_codec.hpp).
///
/// Threads: a page view may be read from several threads at once, so the count is atomic.

#include <quire/base/contract.hpp>
#include <quire/base/immovable.hpp>

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
#include <atomic>   // std::atomic
#include <utility>  // std::exchange
#endif

namespace quire::inline QUIRE_ABI {

/// Result types of overloads that are refused: g++ prints them in its first line.
struct the_page_is_shared;
struct name_the_guard_first;
struct fill_a_guard_slot_instead;
struct name_the_page_first;
struct name_the_view_first;
struct name_the_row_first;
struct name_the_text_first;
struct name_the_column_first;
struct load_a_struct_that_owns;
struct say_the_type_of_the_row;
struct a_slot_is_a_slot_id;

/// Stand for "something of this page is lent".
struct QUIRE_LOAN("loan") page_loan {};
struct QUIRE_LOAN("mutable loan") mutable_loan {};

/// Whether a borrow shares the page with others.
enum class lending : bool { shared, alone };

namespace detail {

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED

/// How many parts of a page are lent.
class loan_account : immovable {
public:
    ~loan_account() {  // a joined account is checked by the other view
        QUIRE_EXPECTS(parts_.load(std::memory_order_relaxed) == 0,
                      "rows, tuples and ranges of a page end before its view does");
        QUIRE_EXPECTS(joined_.load(std::memory_order_relaxed) == 0,
                      "a view that is made from another view of the page ends before that");
        leave();
    }

    /// From now on both views use the other's account: two views of one page under one guard. This
    /// one ends first.
    void join(loan_account const& other) noexcept {
        leave();
        shared_with_ = other.shared_with_ != nullptr ? other.shared_with_ : &other;
        shared_with_->joined_.fetch_add(1, std::memory_order_relaxed);
    }
    void expect_none(char const* rule) const noexcept {
        QUIRE_EXPECTS(parts().load(std::memory_order_relaxed) == 0, rule);
    }
    void add(lending how) const noexcept {
        int now = parts().load(std::memory_order_relaxed);
        do {
            QUIRE_EXPECTS(how == lending::alone ? now == 0 : now >= 0,
                          "mutable bytes of a page are lent alone");
        } while (!parts().compare_exchange_weak(now, how == lending::alone ? alone : now + 1,
                                                std::memory_order_relaxed));
    }
    void remove(lending how) const noexcept {
        parts().fetch_sub(how == lending::alone ? alone : 1, std::memory_order_relaxed);
    }

private:
    static constexpr int alone = -1;
    [[nodiscard]] std::atomic<int>& parts() const noexcept {
        return shared_with_ == nullptr ? parts_ : shared_with_->parts_;
    }
    void leave() noexcept {
        if (shared_with_ != nullptr) {
            shared_with_->joined_.fetch_sub(1, std::memory_order_relaxed);
        }
    }
    mutable std::atomic<int> parts_{0};
    mutable std::atomic<int> joined_{0};  // views that use this account, too
    loan_account const* shared_with_ = nullptr;
};

#else

struct loan_account {
    void join(loan_account const&) const noexcept {}
    void expect_none(char const*) const noexcept {}
};

#endif

}  // namespace detail

/// Base of a page view.
class lender : immovable {
public:
    [[no_unique_address]] page_loan lent;
    [[no_unique_address]] mutable_loan lent_mutable;

    /// To be called before bytes of the page move, and before its guard ends.
    void expect_unlent(char const* rule = "a page is changed only while no row, tuple or range of "
                                          "it is lent") const noexcept {
        account_.expect_none(rule);
    }

    /// Two views of the same page are one lender: for guards, and for the const view that is made
    /// from a mutable one. This one ends before the other.
    void join(lender const& other) noexcept { account_.join(other.account_); }
    /// For guards: the page is in a frame that no other thread may touch now, so bytes that have no
    /// meaning may be poisoned.
    void frame_is_mine() noexcept {
#if defined(QUIRE_ASAN)
        poisons_ = true;
#endif
    }
    /// For page_change: whether this is the outermost change (changes may be nested).
#if defined(QUIRE_ASAN)
    [[nodiscard]] bool begin_change() const noexcept { return changes_++ == 0 && poisons_; }
    [[nodiscard]] bool end_change() const noexcept { return --changes_ == 0 && poisons_; }
#else
    [[nodiscard]] bool begin_change() const noexcept { return false; }
    [[nodiscard]] bool end_change() const noexcept { return false; }
#endif

private:
    friend class borrow;
    [[no_unique_address]] detail::loan_account account_;
#if defined(QUIRE_ASAN)
    bool poisons_ = false;
    mutable int changes_ = 0;
#endif
};

/// What a borrower keeps of its lender: as long as it lives, a part is lent.
class borrow {
public:
    borrow() noexcept = default;  ///< no known lender: nothing is counted

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
    borrow(lender const& from, lending how) noexcept : account_{&from.account_}, how_{how} {
        account_->add(how_);
    }
    /// A copy counts as one more part, which `lending::alone` forbids: such a borrow is moved.
    borrow(borrow const& other) noexcept : account_{other.account_}, how_{other.how_} {
        if (account_ != nullptr) { account_->add(how_); }
    }
    borrow(borrow&& other) noexcept
        : account_{std::exchange(other.account_, nullptr)}, how_{other.how_} {}
    borrow& operator=(borrow other) noexcept {
        std::swap(account_, other.account_);
        std::swap(how_, other.how_);
        return *this;
    }
    ~borrow() {
        if (account_ != nullptr) { account_->remove(how_); }
    }

private:
    detail::loan_account const* account_ = nullptr;
    lending how_ = lending::shared;
#else
    borrow(lender const&, lending) noexcept {}
#endif
};

}  // namespace quire::inline QUIRE_ABI
