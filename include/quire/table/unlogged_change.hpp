// SPDX-License-Identifier: BSL-1.0
#pragma once

/// unlogged_change: the pages that one operation on a file without a log holds until it is over.
///
///     quire::in_one_change(pool, file, [&](auto& pages) {    // logged or not
///         auto left = pages.template write<leaf>(file, 3);
///         auto right = pages.template append<leaf>(file);    // first every page
///         split(*left, *right);                              // then their bytes
///     });
///
/// It has the functions of quire::change (pool/change.hpp), so that code which is a template over
/// its changes serves files of both sorts. Each page is latched exclusively, also one that is only
/// read, and stays so until `commit` or the end: other threads see all of the operation, or nothing
/// of it. A page that was latched or read, and not lent for changes, stays clean.
///
/// No undo. What was changed stays changed, whatever is thrown afterwards. So an operation first
/// acquires every page it needs, which may throw, and nothing has changed yet; then it changes
/// bytes, which cannot fail. `append` and `format` change their page at once:
///   - An appended page remains in the file as it was formatted. The catalog finds it again if it
///     is a free page (table/free_page.hpp).
///   - A formatted page has lost what it had.
///   - A function given to `take_back_unless_committed` is called when the change ends without
///     `commit`. By this, pages that catalog::allocate gave to a failed operation are free again.
/// No crash safety: a crash leaves each page as it was last written, or as it is in the file.
///
/// Deadlock: it waits for a page with others in hand. Operations that take their pages in one order
/// wait for each other in no circle; any others wait until errc::timed_out. Operations of a catalog
/// (catalog.hpp) may take them in any order: there a change that has changed nothing yet lets go of
/// all, waits for the page with nothing in hand, and runs again.
///
/// Threads: one. That thread asks for no page of the change in another way.
/// Cost: those of one write guard a page; a search among the pages held, for each page that is
/// asked for. No allocation up to 8 pages; one for each page more.

#include <quire/base/poison.hpp>
#include <quire/pool/change.hpp>
#include <quire/table/unlogged_page.hpp>

#include <array>     // std::array
#include <chrono>    // std::chrono::microseconds
#include <memory>    // std::unique_ptr
#include <mutex>     // std::mutex
#include <optional>  // std::optional
#include <vector>    // std::vector

namespace quire::inline QUIRE_ABI {

template <class Pool = buffer_pool<>>
class [[nodiscard("an unlogged change holds its pages as long as it lives: name it")]]
unlogged_change : immovable {
    using file_type = typename Pool::file;
    using held_type = detail::unlogged_held<Pool>;
    static constexpr std::size_t size = Pool::page_size;
    template <template <class, std::size_t> class View>
    using page = unlogged_page<Pool, View, true>;
    template <template <class, std::size_t> class View>
    using page_to_read = unlogged_page<Pool, View, false>;

public:
    using take_back_type = typename held_type::take_back_type;

    [[no_unique_address]] page_loan lent;  ///< its pages that have names, for clang

    explicit unlogged_change(Pool&) noexcept {}
    /// One that waits for a page with others in hand, or one that does not as long as it has
    /// changed nothing: after a moment that is errc::conflict, and it only ends then.
    unlogged_change(Pool&, bool waits) noexcept : waits_{waits} {}
    /// Without `commit` before: what is to be taken back is. Then the pages are let go.
    ~unlogged_change() {
        for (std::size_t i = 0; i < count_; ++i) {
            auto& one = at(i);
            if (one.take_back != nullptr) { one.take_back(one.take_back_of, *this, one.id.page()); }
        }
        let_go();
    }

    /// Page `no`, for changes. Errors: as paged_file::write.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, size>
    [[nodiscard]] page<View> write(file_type const& file, page_no no,
                                   access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        return page<View>(held<View>(file, no, how));
    }
    /// Page `no`, only to be read: as this change has it. The page is held like any other.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, size>
    [[nodiscard]] page_to_read<View> read(file_type const& file, page_no no,
                                          access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        return page_to_read<View>(held<View>(file, no, how));
    }
    /// A new page at the file's end, formatted. It remains, whatever becomes of this change.
    /// Errors: as paged_file::append.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, size>
    [[nodiscard]] page<View> append(file_type const& file,
                                    access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        held_type& one = room();
        one.fill([&] { return file.template append<raw_page>(how); });
        take(one);
        return formatted<View>(file, one);
    }
    /// Page `no`, made a fresh one whatever it holds. Errors: as paged_file::format.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, size>
    [[nodiscard]] page<View> format(file_type const& file, page_no no,
                                    access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        if (auto* const mine = find(file.id_of(no))) { return formatted<View>(file, *mine); }
        held_type& one = room();
        one.fill([&] { return file.template format<raw_page>(no, how); });
        take(one);
        return formatted<View>(file, one);
    }

    /// Takes page `no` as `read` and `write` do, unless others have it now: then false, and the
    /// change goes on. Errors: as write, except timed_out; conflict, if one came before.
    [[nodiscard]] bool try_hold(file_type const& file, page_no no) {
        if (refused_) { throw file.slot().failure(errc::conflict, "change", file.id_of(no)); }
        if (holds(file, no)) { return true; }
        held_type& one = room();
        try {
            one.fill([&] { return file.template write<raw_page>(no, without_waiting); });
        } catch (error const& why) {
            if (why.code() != errc::timed_out) { throw; }
            return false;
        }
        take(one);
        return true;
    }
    /// Lets go of page `no`, which was not changed and is not named any more, so that others need
    /// not wait for the commit. Nothing happens to a page that was changed.
    void let_go(file_type const& file, page_no no) noexcept {
        auto* const one = find(file.id_of(no));
        if (one == nullptr || one->is_lent) { return; }
        one->account.expect_unnamed(detail::unlogged_change_ends_unlent);
        one->drop();
    }

    /// Whether the change has page `no` already: then `write`, `read` and `format` wait for nothing
    /// and fail only with wrong_page_kind.
    [[nodiscard]] bool holds(file_type const& file, page_no no) const noexcept {
        return find(file.id_of(no)) != nullptr;
    }

    /// If this change ends without `commit`, `take_back(of, *this, no)` is called while it still
    /// holds its pages. The function throws nothing.
    /// Expects: it holds page `no`.
    void take_back_unless_committed(file_type const& file, page_no no, void const* of,
                                    take_back_type take_back) noexcept {
        auto* const one = find(file.id_of(no));
        QUIRE_EXPECTS(one != nullptr, "what a change takes back is a page that it holds");
        one->take_back_of = of;
        one->take_back = take_back;
    }

    /// Lets the pages go. 0: there is no log, in which this were durable at a number.
    /// Expects: none of the change's pages is named any more.
    std::uint64_t commit() noexcept QUIRE_UNLENT(this->lent) {
        QUIRE_EXPECTS(!over_, "a change is committed once");
        over_ = true;
        let_go();
        return 0;
    }

    /// For catalog::in_one_change: `fn(pages)` and the commit, again after a conflict. After eight
    /// attempts it waits, as the only one of those that share `only_one_waits`.
    template <class Fn>
    static void run(Pool& pool, std::mutex& only_one_waits, Fn& fn) {
        static_assert(std::is_void_v<std::invoke_result_t<Fn&, unlogged_change&>>,
                      "the function of a change returns nothing: it may run several times");
        for (int attempt = 1;; ++attempt) {
            std::unique_lock<std::mutex> alone;
            bool const waits = attempt > attempts_max;
            if (waits) { alone = std::unique_lock{only_one_waits}; }
            unlogged_change pages{pool, waits};
            try {
                fn(pages);
                if (!pages.refused_) {
                    pages.commit();
                    return;
                }
            } catch (error const&) {
                if (!pages.refused_) { throw; }
            }
            pages.wait_for_what_was_refused();
        }
    }

private:
    static constexpr std::size_t first_pages = 8;
    static constexpr int attempts_max = 8;
    static constexpr std::chrono::nanoseconds short_wait = std::chrono::microseconds{200};

    [[nodiscard]] held_type& at(std::size_t i) noexcept {
        return i < first_pages ? first_[i] : *more_[i - first_pages];
    }
    [[nodiscard]] held_type* find(page_id id) const noexcept {
        auto& pages = const_cast<unlogged_change&>(*this);
        for (std::size_t i = 0; i < count_; ++i) {
            if (pages.at(i).id == id) { return &pages.at(i); }
        }
        return nullptr;
    }
    /// Of a page to come. It is in use when count_ says so.
    [[nodiscard]] held_type& room() {
        QUIRE_EXPECTS(!over_, "a change has pages until it is committed");
        for (std::size_t i = 0; i < count_; ++i) {
            if (at(i).id == page_id::none()) { return at(i); }  // it was let go
        }
        if (count_ == first_pages + more_.size()) {
            try {
                more_.push_back(std::make_unique<held_type>());
            } catch (std::bad_alloc const&) {
                throw error{errc::out_of_memory, "change pages"};
            }
        }
        return at(count_);
    }
    void take(held_type const& one) noexcept {
        if (count_ < first_pages + more_.size() && &one == &at(count_)) { ++count_; }
    }
    template <template <class, std::size_t> class View>
    [[nodiscard]] held_type& held(file_type const& file, page_no no, access_options const& how) {
        auto* found = find(file.id_of(no));
        bool const is_new = found == nullptr;
        if (is_new) {
            found = &room();
            latch(*found, file, no, how);
        }
        std::span<std::byte const, size> const bytes{found->bytes, size};
        if (!detail::accepted_by<View<std::byte const, size>>(bytes, no)) {
            if (is_new) { found->drop(); }
            throw file.slot().failure(errc::wrong_page_kind, "change", file.id_of(no));
        }
        if (is_new) { take(*found); }
        return *found;
    }
    /// Whether it has pages, and has changed none of them.
    [[nodiscard]] bool can_begin_again() const noexcept {
        auto& pages = const_cast<unlogged_change&>(*this);
        bool holds_some = false;
        for (std::size_t i = 0; i < count_; ++i) {
            if (pages.at(i).is_lent) { return false; }
            holds_some = holds_some || pages.at(i).id != page_id::none();
        }
        return holds_some;
    }
    void latch(held_type& into, file_type const& file, page_no no, access_options how) {
        if (refused_) { throw file.slot().failure(errc::conflict, "change", file.id_of(no)); }
        bool const waits = waits_ || !can_begin_again();
        if (!waits) { how.wait_max = short_wait; }
        try {
            into.fill([&] { return file.template write<raw_page>(no, how); });
        } catch (error const& why) {
            if (waits || why.code() != errc::timed_out) { throw; }
            refused_.emplace(file);
            refused_page_ = no;
            throw file.slot().failure(errc::conflict, "change", file.id_of(no));
        }
    }
    /// With nothing in hand.
    void wait_for_what_was_refused() {
        let_go();
        try {
            [[maybe_unused]] auto const seen = refused_->read(refused_page_);
        } catch (error const&) {}  // the next attempt meets it, too
    }
    /// The page, made one of its kind anew. It throws nothing.
    template <template <class, std::size_t> class View>
    [[nodiscard]] page<View> formatted(file_type const& file, held_type& one) noexcept {
        one.account.expect_unlent();
        one.lend();
        std::span<std::byte, size> const bytes{one.bytes, size};
        unpoison(bytes);
        std::memset(bytes.data(), 0, size);
        View<std::byte, size>::format(bytes, one.id.page());
        file.slot().begin_seal(bytes, one.id, [&] {
            return detail::accepted_by<View<std::byte const, size>>(
                std::span<std::byte const, size>{bytes}, one.id.page());
        });
        return page<View>(one);
    }
    void let_go() noexcept {
        for (std::size_t i = 0; i < count_; ++i) {
            at(i).account.expect_unnamed(detail::unlogged_change_ends_unlent);
        }
        for (; count_ > 0; --count_) { at(count_ - 1).guard.reset(); }
    }

    std::array<held_type, first_pages> first_;
    std::vector<std::unique_ptr<held_type>> more_;
    std::size_t count_ = 0;
    bool over_ = false;
    bool waits_ = true;
    std::optional<file_type> refused_;  ///< with it a change only ends
    page_no refused_page_;
};

template <class Pool>
unlogged_change(Pool&) -> unlogged_change<Pool>;

/// `fn(pages)` with a change of the pool if the file is logged, so possibly several times, else
/// with an unlogged change; then it is committed. `fn` returns nothing, and serves both types. The
/// LSN with which it is durable, 0 of a file without a log.
/// Errors: those of `fn`; of a logged file those of buffer_pool::change, too.
/// Expects: this thread holds no guard of the pool.
template <class Pool, class Fn>
std::uint64_t in_one_change(Pool& pool, typename Pool::file const& file, Fn&& fn) {
    if (file.is_logged()) {
        return pool.change([&](change<Pool>& pages) { fn(pages); });
    }
    unlogged_change<Pool> pages{pool};
    static_assert(std::is_void_v<std::invoke_result_t<Fn&, unlogged_change<Pool>&>>,
                  "the function of a change returns nothing: it may run several times");
    fn(pages);
    return pages.commit();
}

}  // namespace quire::inline QUIRE_ABI
