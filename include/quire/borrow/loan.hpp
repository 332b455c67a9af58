// SPDX-License-Identifier: BSL-1.0
#pragma once

/// loan: what a page has lent, as compilers and checked builds follow it.
///
/// A page view lends parts of its page: tuples, rows, ranges, bytes. A part must end before the
/// page is changed, since a change may move it, and before the page's guard ends. Two empty
/// members of every page view stand for that. `lent`: something is lent for reading or as rows.
/// `lent_mutable`: raw mutable bytes are lent, which nothing may alias. Clang follows them at
/// compile time (attributes.hpp). A checked build counts the loans at run time, and sees those that
/// no compiler follows, behind a call, an alias or a container:
///
///   - a row, a tuple or a text ends with the next change of its page, though its name may live on:
///     using it after that stops the program, and so does one that mutable bytes were lent after;
///   - a range, a page by another name, and anything from which a std::span, a std::string_view or
///     an iterator was taken, keep the page from being changed as long as they live: the change
///     itself stops the program;
///   - with something lent, used or not, no guard ends; with one of its pages named, no change.
///
/// A page kind of your own is derived from page_view (page_view.hpp), which is a `quire::lender`.
/// It lends by functions with QUIRE_LENDS or QUIRE_LENDS_ALONE whose borrowers keep a
/// `quire::borrow`, and begins each function that moves bytes, marked QUIRE_CHANGES, with
/// `expect_unlent()`, or a page_change (page/page_change.hpp). All of it is empty in other builds.
///
/// Why both a count and an epoch: an epoch reports a stale part only when that part itself is used,
/// so what leads past it (a span, a view, an iterator) must be counted. A count alone would refuse
/// a change after the last use of a row, which is right, and which Rust accepts. Not followed are
///   - a codec's view that keeps no borrow (tuple_codec.hpp);
///   - what was taken from a text, from bytes or from a row that has ended since: a std::span or a
///     std::string_view (`unguarded_view`, `unguarded_load`, one that a closure of `with_view` has
///     stored), an iterator. After the guard's end the address sanitizer reports its use, since the
///     frame is poisoned. Under the same guard, after an update in place, nothing does;
///   - a pointer or a reference to a part, or to the view that a guard's `->` is of, kept in
///     a class, a task or a std::ranges view. The address sanitizer reports one that is used after
///     what it points to has ended; that of a guard's view shows the guard's next page.
///
/// Threads: a page view may be read from several threads at once, so the count is atomic.

#include <quire/base/contract.hpp>
#include <quire/base/immovable.hpp>

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
#include <atomic>   // std::atomic
#include <cstdint>  // std::uint32_t
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
struct use_with_view_or_unguarded_view;
struct use_with_span_or_unguarded_span;
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

/// How many parts of a page are lent, and how.
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
        QUIRE_EXPECTS(here().parts_.load(std::memory_order_relaxed) == 0, rule);
    }
    void expect_alone(char const* rule) const noexcept {
        expect_none(rule);
        QUIRE_EXPECTS(here().joined_.load(std::memory_order_relaxed) == 0, rule);
    }
    /// Ends every loan that need not be kept.
    void change(char const* rule) const noexcept {
        here().update([&](lending_state& now) {
            QUIRE_EXPECTS(now.kept == 0, rule);
            now.epoch += is_alone(now.epoch) ? 1 : 2;
        });
    }
    /// A part is lent and kept. Returns the epoch of the loan.
    [[nodiscard]] std::uint32_t add(lending how) const noexcept {
        here().parts_.fetch_add(1, std::memory_order_relaxed);
        return here().update([&](lending_state& now) {
            bool const alone = how == lending::alone;
            QUIRE_EXPECTS(alone ? now.kept == 0 : now.kept >= 0, lent_alone);
            if (alone == is_alone(now.epoch)) {
                now.epoch += alone ? 2 : 0;
            } else {
                ++now.epoch;
            }
            now.kept = alone ? kept_alone : now.kept + 1;
        });
    }
    /// A part that is lent is no longer kept: the next change ends it.
    void let_end(lending how) const noexcept {
        static_cast<void>(here().update([&](lending_state& now) {
            now.kept = how == lending::alone ? 0 : now.kept - 1;
        }));
    }
    /// And kept again. Expects: `is_current(epoch)`.
    void keep(lending how) const noexcept {
        static_cast<void>(here().update([&](lending_state& now) {
            now.kept = how == lending::alone ? kept_alone : now.kept + 1;
        }));
    }
    void add_copy() const noexcept { here().parts_.fetch_add(1, std::memory_order_relaxed); }
    void remove() const noexcept { here().parts_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] bool is_current(std::uint32_t epoch) const noexcept {
        return here().state_.load(std::memory_order_relaxed).epoch == epoch;
    }

private:
    static constexpr std::int32_t kept_alone = -1;
    static constexpr char const* lent_alone = "mutable bytes of a page are lent alone";
    /// One word, so that threads that read one view agree about it.
    struct lending_state {
        std::uint32_t epoch = 0;  ///< of the loans that have not ended; odd: of mutable bytes
        std::int32_t kept = 0;    ///< loans that keep the page from being changed
    };
    [[nodiscard]] static bool is_alone(std::uint32_t epoch) noexcept { return epoch % 2 == 1; }

    template <class Fn>
    std::uint32_t update(Fn fn) const noexcept {
        auto before = state_.load(std::memory_order_relaxed);
        for (;;) {
            auto now = before;
            fn(now);
            if (state_.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
                return now.epoch;
            }
        }
    }
    [[nodiscard]] loan_account const& here() const noexcept {
        return shared_with_ == nullptr ? *this : *shared_with_;
    }
    void leave() noexcept {
        if (shared_with_ != nullptr) {
            shared_with_->joined_.fetch_sub(1, std::memory_order_relaxed);
        }
    }
    mutable std::atomic<lending_state> state_{};
    mutable std::atomic<int> parts_{0};
    mutable std::atomic<int> joined_{0};  // views that use this account, too
    loan_account const* shared_with_ = nullptr;
};

#else

struct loan_account {
    void join(loan_account const&) const noexcept {}
    void expect_none(char const*) const noexcept {}
    void expect_alone(char const*) const noexcept {}
    void change(char const*) const noexcept {}
};

#endif

}  // namespace detail

/// Base of a page view.
class lender : immovable {
public:
    [[no_unique_address]] page_loan lent;
    [[no_unique_address]] mutable_loan lent_mutable;

    /// To be called before bytes of the page move.
    void expect_unlent() const noexcept {
        account_.change("a page is changed only while no row, tuple or range of it is lent");
    }
    /// For guards: before the page is let go.
    void expect_all_ended(char const* rule) const noexcept { account_.expect_none(rule); }

    /// For changes: likewise, and no page of theirs has a name any more.
    void expect_unnamed(char const* rule) const noexcept { account_.expect_alone(rule); }

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
///
/// The lender is not changed meanwhile, unless the borrower says, by `until_change`, that a change
/// may end it; then it calls `expect_current` at each use, and `keep` before it gives away what it
/// cannot follow.
class borrow {
public:
    borrow() noexcept = default;  ///< no known lender: nothing is counted

#if defined(QUIRE_CHECKED) && QUIRE_CHECKED
    borrow(lender const& from, lending how) noexcept
        : account_{&from.account_}, epoch_{account_->add(how)}, how_{how} {}
    /// A copy counts as one more part. Of mutable bytes there is none, unless a change may end it.
    borrow(borrow const& other) noexcept
        : account_{other.account_},
          epoch_{other.epoch_},
          how_{other.how_},
          kept_{other.kept_.load(std::memory_order_relaxed)} {
        if (account_ == nullptr) { return; }
        if (kept_.load(std::memory_order_relaxed)) {
            epoch_ = account_->add(how_);
        } else {
            account_->add_copy();
        }
    }
    borrow(borrow&& other) noexcept
        : account_{std::exchange(other.account_, nullptr)},
          epoch_{other.epoch_},
          how_{other.how_},
          kept_{other.kept_.load(std::memory_order_relaxed)} {}
    borrow& operator=(borrow other) noexcept {
        std::swap(account_, other.account_);
        std::swap(epoch_, other.epoch_);
        std::swap(how_, other.how_);
        other.kept_ = kept_.exchange(other.kept_);
        return *this;
    }
    ~borrow() {
        if (account_ == nullptr) { return; }
        if (kept_) { account_->let_end(how_); }
        account_->remove();
    }

    void until_change() noexcept {
        if (account_ != nullptr && kept_.exchange(false)) { account_->let_end(how_); }
    }
    void expect_current() const noexcept {
        QUIRE_EXPECTS(account_ == nullptr || account_->is_current(epoch_),
                      "what a page lends is used only until the page is next changed, or lent for "
                      "changes");
    }
    void keep() const noexcept { static_cast<void>(keep_and_tell()); }

private:
    friend class kept_for_now;
    /// Whether it was not kept before.
    [[nodiscard]] bool keep_and_tell() const noexcept {
        expect_current();
        bool const is_new = account_ != nullptr && !kept_.exchange(true);
        if (is_new) { account_->keep(how_); }
        return is_new;
    }
    void let_end_again() const noexcept {
        if (kept_.exchange(false)) { account_->let_end(how_); }
    }

    detail::loan_account const* account_ = nullptr;
    std::uint32_t epoch_ = 0;
    lending how_ = lending::shared;
    mutable std::atomic<bool> kept_{true};
#else
    borrow(lender const&, lending) noexcept {}
    void until_change() const noexcept {}
    void expect_current() const noexcept {}
    void keep() const noexcept {}

private:
    friend class kept_for_now;
    [[nodiscard]] bool keep_and_tell() const noexcept { return false; }
    void let_end_again() const noexcept {}
#endif
};

/// Keeps a borrow as long as it lives: while a function is lent what cannot be followed.
class kept_for_now : immovable {
public:
    explicit kept_for_now(borrow const& part) noexcept
        : part_{part}, is_new_{part.keep_and_tell()} {}
    ~kept_for_now() {
        if (is_new_) { part_.let_end_again(); }
    }

private:
    borrow const& part_;
    bool const is_new_;
};

}  // namespace quire::inline QUIRE_ABI
