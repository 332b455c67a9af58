// SPDX-License-Identifier: BSL-1.0
#pragma once

/// guard: owns a page's latch, and lends a view of the page for exactly as long.
///
/// A guard *is* the access: while it lives the page stays in its frame, readers share it, a writer
/// has it alone. It holds a view of the page and lends it by address, `guard->tuple(slot)`; what
/// is borrowed must end before the guard does.
///
/// Guards are immovable: they are returned as prvalues, and then stay. Instead of moves they have
///   transfer()              hands the page to the guard that it returns; this one is over
///   advance(file, no)       latches the next page, then lets this one go: hand over hand. It is
///                           of the same kind; two guards descend from one kind to another
///   downgrade()             makes exclusive access shared, with no other writer in between
///   guard_slot<Guard>       room for a guard that is made later, or several times
///
/// Invariants
///   I1. A guard that is not over has its frame latched in its mode, and the frame holds `id()`.
///   I2. A page counts as modified from the moment a write guard first lends mutable bytes, and
///       again when the guard ends; a write guard that only ever lent `view()` leaves it clean. One
///       that has lent mutable bytes and advances has lent the next page, too: code that kept the
///       view's address looks at that one now.
///
/// With -Wconsumed (clang) using a guard that is over is a warning; with -Wthread-safety (clang 21
/// and later) so is ending one while something of its page is lent. A checked build stops the
/// program at either (borrow/loan.hpp).
///
/// Threads: a guard ends in the thread that made it. A thread must not ask for a page it holds: a
/// write would wait for itself, and is errc::held_here, or at the latest errc::timed_out.
/// Cost: one atomic operation to begin, one to end; nothing in between.

#include <quire/borrow/lent_page.hpp>
#include <quire/borrow/owned.hpp>
#include <quire/pool/detail/file_ref.hpp>
#include <quire/pool/detail/guard_view.hpp>
#include <quire/pool/detail/page_maker.hpp>
#include <quire/pool/guard_slot.hpp>
#include <quire/pool/page_version.hpp>

namespace quire::inline QUIRE_ABI {

template <class Core, template <class, std::size_t> class View>
    requires page_kind<View, Core::page_size>
class write_guard;

template <class Core, template <class, std::size_t> class View, class Numbers>
    requires page_kind<View, Core::page_size>
class page_stream;

namespace detail {

/// A page by a name of its own, lent by `view`.
template <class View, class Bytes>
[[nodiscard]] lent_page<View> lend_page(View const& view, lending how, Bytes bytes,
                                        page_no no) noexcept {
    if constexpr (view_asks_number<View, Bytes>) {
        return lent_page<View>{view, how, bytes, no};
    } else {
        return lent_page<View>{view, how, bytes};
    }
}

/// A latched page: what both guards are made of.
template <class Core, access Mode>
class latched_page : immovable {
public:
    using place = typename Core::place;

    latched_page(Core& core, place const& at, page_id id) noexcept
        : core_{&core}, at_{at}, id_{id} {}
    latched_page(latched_page& other) noexcept  // takes over
        : core_{std::exchange(other.core_, nullptr)}, at_{other.at_}, id_{other.id_} {
        QUIRE_EXPECTS(core_ != nullptr, "a guard is not used after release or transfer");
    }

    [[nodiscard]] bool held() const noexcept { return core_ != nullptr; }
    [[nodiscard]] Core& core() const noexcept {
        QUIRE_EXPECTS(core_ != nullptr, "a guard is not used after release or transfer");
        return *core_;
    }
    [[nodiscard]] page_id id() const noexcept { return id_; }
    [[nodiscard]] auto& frame() const noexcept {
        static_cast<void>(core());
        return *at_.header;
    }
    /// A view of the page, for its guard.
    template <class View>
    [[nodiscard]] View view() const {
        return view_of<View>(core().frames.bytes(at_), id_.page());
    }
    /// The page, by a name of its own, lent by `view`.
    template <class View>
    [[nodiscard]] lent_page<View> lend(View const& view, lending how) const noexcept {
        return lend_page<View>(view, how, core().frames.bytes(at_), id_.page());
    }
    [[nodiscard]] page_version version() const noexcept {
        return {at_.number(), frame().version.load(std::memory_order_relaxed)};
    }
    [[gnu::always_inline]] void modified() const noexcept { core().modified(at_, id_); }

    [[gnu::always_inline]] void release() noexcept {
        core().template leave<Mode>(at_, id_);
        core_ = nullptr;
    }
    /// Exclusive to shared, with no other writer in between; this one is over.
    [[nodiscard]] latched_page<Core, access::shared> downgrade() noexcept {
        auto& core = this->core();
        core.frames.unpoison(at_.number());  // the view's free gap, too
        frame().latch.downgrade();
        core_ = nullptr;
        return {core, at_, id_};
    }
    /// Lets this page go and holds another, which is latched already.
    void replace(Core& core, place const& at, page_id id) noexcept {
        release();
        at.header->entered();  // it may be the same page, whose mark is gone
        core_ = &core;
        at_ = at;
        id_ = id;
    }

    /// Latches page `no`, if it says it is of the kind of `View`.
    template <class View>
    [[nodiscard]] static place enter(file_ref<Core> const& file, quire::page_no no,
                                     access_options const& how) {
        auto& core = file.core();
        auto const id = file.id_of(no);
        auto const at = core.template enter<Mode>(file.slot_open_or_not(), id, no, how);
        if (!accepted_by<View>(core.frames.bytes(at), no)) [[unlikely]] {
            core.template leave<Mode>(at, id);
            throw file.slot_open_or_not().failure(errc::wrong_page_kind, "read", id);
        }
        return at;
    }

private:
    Core* core_;
    place at_;
    page_id id_;
};

inline constexpr char const* guard_ends_unlent =
    "a guard ends, or goes on, only while no row, tuple or range of its page is lent";

/// Views hold a span and nothing else: those that look elsewhere are made again in place. The first
/// is made first, and ends last.
template <class Page, class View, class... Others>
void look_at(Page const& page, View& view, Others&... others) noexcept {
    (others.~Others(), ...);
    view.~View();
    ::new (static_cast<void*>(&view)) View(page.template view<View>());
    (::new (static_cast<void*>(&others)) Others(page.template view<Others>()), ...);
}

}  // namespace detail

/// Shared access to a page. `guard->` lends the const view.
template <class Core, template <class, std::size_t> class View>
    requires page_kind<View, Core::page_size>
class QUIRE_TYPESTATE QUIRE_OWNER
    [[nodiscard("a guard holds its page as long as it lives: name it")]] read_guard : immovable {
public:
    using view_type = detail::guard_view<View, std::byte const, Core::page_size>;

    /// Reads page `no` of `file` if it is not resident. Errors: see paged_file::read.
    read_guard(detail::file_ref<Core> const& file, quire::page_no no,
               access_options const& how = by_default)
        : page_{file.core(), page_type::template enter<view_type>(file, no, how),
                file.id_of(no)},
          view_(page_.template view<view_type>()) {}
    read_guard(read_guard const&)
        QUIRE_REFUSED("a guard stays where it is made: transfer() hands its page on, a guard_slot "
                      "keeps it for later");
    fill_a_guard_slot_instead operator=(read_guard const&) QUIRE_REFUSED_TO_ASSIGN;
    QUIRE_SURELY_INITIALIZED_BEGIN
    [[gnu::always_inline]] ~read_guard() QUIRE_UNLENT((*this)->lent) {
        if (page_.held()) { release(); }
    }
    QUIRE_SURELY_INITIALIZED_END

    [[nodiscard]] view_type const* operator->() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_WHEN_HELD {
        static_cast<void>(page_.core());
        return &view_;
    }
    /// The page by a name of its own.
    [[nodiscard]] lent_page<view_type> operator*() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_WHEN_HELD QUIRE_LENDS_PAGE(*this) {
        return page_.template lend<view_type>(*operator->(), lending::shared);
    }
    name_the_guard_first* operator->() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_guard_first operator*() const&& QUIRE_REFUSED_ON_TEMPORARIES;

    [[nodiscard]] page_id id() const noexcept { return page_.id(); }
    /// The page's number in its file.
    [[nodiscard]] quire::page_no page_no() const noexcept { return page_.id().page(); }
    /// For telling later whether the page is still as it is now: see paged_file::write_unchanged.
    [[nodiscard]] page_version version() const noexcept QUIRE_WHEN_HELD {
        return page_.version();
    }

    /// Ends the access early. Expects: it has not ended.
    [[gnu::always_inline]] void release() noexcept QUIRE_GIVES_UP QUIRE_UNLENT((*this)->lent) {
        view_.expect_all_ended(detail::guard_ends_unlent);
        page_.release();
    }
    /// Hands the page over; this guard is over.
    [[nodiscard]] read_guard transfer() noexcept QUIRE_GIVES_UP QUIRE_UNLENT((*this)->lent) {
        view_.expect_all_ended(detail::guard_ends_unlent);
        return read_guard{page_};
    }
    /// Latches page `no`, then lets this one go. If that throws, this one is still held.
    void advance(detail::file_ref<Core> const& file, quire::page_no no,
                 access_options const& how = {})
        QUIRE_WHEN_HELD QUIRE_UNLENT((*this)->lent) {
        view_.expect_all_ended(detail::guard_ends_unlent);
        page_.replace(file.core(), page_type::template enter<view_type>(file, no, how),
                      file.id_of(no));
        detail::look_at(page_, view_);
    }

private:
    friend class write_guard<Core, View>;
    template <class AnyCore, template <class, std::size_t> class AnyView, class Numbers>
        requires page_kind<AnyView, AnyCore::page_size>
    friend class page_stream;
    using page_type = detail::latched_page<Core, detail::access::shared>;
    explicit read_guard(page_type& other) noexcept
        : page_{other}, view_(page_.template view<view_type>()) {}

    page_type page_;
    view_type view_;
};

/// Exclusive access to a page. `guard->` lends the mutable view, and makes the page modified, also
/// by a `guard->slot_count()`; `guard.view()` lends the const one, and does not.
template <class Core, template <class, std::size_t> class View>
    requires page_kind<View, Core::page_size>
class QUIRE_TYPESTATE QUIRE_OWNER
    [[nodiscard("a guard holds its page as long as it lives: name it")]] write_guard : immovable {
public:
    using view_type = detail::guard_view<View, std::byte, Core::page_size>;
    using const_view_type = detail::guard_view<View, std::byte const, Core::page_size>;

    /// Reads page `no` of `file` if it is not resident. Errors: see paged_file::write.
    write_guard(detail::file_ref<Core> const& file, quire::page_no no,
                access_options const& how = by_default)
        : page_{writable_core(file), page_type::template enter<const_view_type>(file, no, how),
                file.id_of(no)},
          view_(page_.template view<view_type>()),
          const_view_(page_.template view<const_view_type>()) {
        prepare_views();
    }
    /// For the pool: a page that was just made.
    explicit write_guard(detail::made_page<Core> const& made) noexcept
        : page_{made.core, made.at, made.page},
          view_(page_.template view<view_type>()),
          const_view_(page_.template view<const_view_type>()) {
        prepare_views();
    }
    write_guard(write_guard const&)
        QUIRE_REFUSED("a guard stays where it is made: transfer() hands its page on, a guard_slot "
                      "keeps it for later");
    fill_a_guard_slot_instead operator=(write_guard const&) QUIRE_REFUSED_TO_ASSIGN;
    QUIRE_SURELY_INITIALIZED_BEGIN
    [[gnu::always_inline]] ~write_guard()
        QUIRE_UNLENT((*this)->lent, (*this)->lent_mutable) {
        if (page_.held()) { release(); }
    }
    QUIRE_SURELY_INITIALIZED_END

    [[nodiscard]] view_type* operator->() & noexcept QUIRE_LIFETIMEBOUND QUIRE_WHEN_HELD {
        return lend();
    }
    /// The page by a name of its own, for changes: nothing else of it is lent meanwhile.
    [[nodiscard]] lent_page<view_type> operator*() & noexcept QUIRE_LIFETIMEBOUND QUIRE_WHEN_HELD
        QUIRE_LENDS_PAGE_ALONE(*this) {
        return page_.template lend<view_type>(*lend(), lending::alone);
    }
    [[nodiscard]] const_view_type const* operator->() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_WHEN_HELD {
        static_cast<void>(page_.core());
        return &const_view_;
    }
    [[nodiscard]] lent_page<const_view_type> operator*() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_WHEN_HELD QUIRE_LENDS_PAGE(*this) {
        return view();
    }
    /// The page by a name of its own, for reading: this does not make it modified.
    [[nodiscard]] lent_page<const_view_type> view() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_WHEN_HELD QUIRE_LENDS_PAGE(*this) {
        return page_.template lend<const_view_type>(const_view_, lending::shared);
    }
    name_the_guard_first* operator->() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_guard_first operator*() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_guard_first view() const&& QUIRE_REFUSED_ON_TEMPORARIES;

    [[nodiscard]] page_id id() const noexcept { return page_.id(); }
    /// The page's number in its file.
    [[nodiscard]] quire::page_no page_no() const noexcept { return page_.id().page(); }
    /// For telling later whether the page is still as it is now: see paged_file::write_unchanged.
    [[nodiscard]] page_version version() const noexcept QUIRE_WHEN_HELD {
        return page_.version();
    }

    /// The change made under this guard is in the log at `lsn` (1 to 2^63 - 1): it is not written
    /// before the pool's log hook has covered it. A page kind that keeps an LSN (`set_lsn`) gets
    /// it, too, if it is the highest.
    void logged(std::uint64_t lsn) noexcept QUIRE_WHEN_HELD {
        QUIRE_EXPECTS(lsn > 0 && lsn < std::uint64_t{1} << 63,
                      "a log sequence number lies between 1 and 2^63 - 1");
        static_cast<void>(lend());
        if (page_.frame().logged(lsn)) {
            if constexpr (requires { view_.set_lsn(lsn); }) { view_.set_lsn(lsn); }
        }
    }

    /// Ends the access early. Expects: it has not ended.
    [[gnu::always_inline]] void release() noexcept QUIRE_GIVES_UP
        QUIRE_UNLENT((*this)->lent, (*this)->lent_mutable) {
        view_.expect_all_ended(detail::guard_ends_unlent);
        if (std::exchange(lent_, false)) { page_.modified(); }
        page_.release();
    }
    /// Hands the page over; this guard is over.
    [[nodiscard]] write_guard transfer() noexcept QUIRE_GIVES_UP
        QUIRE_UNLENT((*this)->lent, (*this)->lent_mutable) {
        view_.expect_all_ended(detail::guard_ends_unlent);
        return write_guard{page_, lent_};
    }
    /// Makes this shared access, with no other writer in between; this guard is over.
    [[nodiscard]] read_guard<Core, View> downgrade() noexcept
        requires downgradable<typename Core::latch_type>
    QUIRE_GIVES_UP QUIRE_UNLENT((*this)->lent, (*this)->lent_mutable) {
        view_.expect_all_ended(detail::guard_ends_unlent);
        if (std::exchange(lent_, false)) { page_.modified(); }
        auto shared = page_.downgrade();
        return read_guard<Core, View>{shared};
    }
    /// Latches page `no`, then lets this one go. If that throws, this one is still held.
    void advance(detail::file_ref<Core> const& file, quire::page_no no,
                 access_options const& how = {})
        QUIRE_WHEN_HELD QUIRE_UNLENT((*this)->lent, (*this)->lent_mutable) {
        view_.expect_all_ended(detail::guard_ends_unlent);
        auto& core = writable_core(file);
        auto const next = page_type::template enter<const_view_type>(file, no, how);
        if (lent_) { page_.modified(); }
        page_.replace(core, next, file.id_of(no));
        if (lent_) { page_.modified(); }
        detail::look_at(page_, view_, const_view_);
        prepare_views();
    }

private:
    using page_type = detail::latched_page<Core, detail::access::exclusive>;

    write_guard(page_type& other, bool& lent) noexcept
        : page_{other},
          view_(page_.template view<view_type>()),
          const_view_(page_.template view<const_view_type>()),
          lent_{std::exchange(lent, false)} {
        prepare_views();
    }
    [[nodiscard]] static Core& writable_core(detail::file_ref<Core> const& file) {
        file.core().require_writable(file.slot_open_or_not(), file.number(), "write");
        return file.core();
    }

    void prepare_views() noexcept {
        const_view_.join(view_);
        view_.frame_is_mine();
    }

    [[gnu::always_inline]] view_type* lend() noexcept {
        static_cast<void>(page_.core());
        if (!lent_) {
            lent_ = true;
            page_.modified();
        }
        return &view_;
    }

    page_type page_;
    view_type view_;
    const_view_type const_view_;
    bool lent_ = false;
};

/// A guard owns its page: a closure that was lent one page may return the guard of another.
template <class Core, template <class, std::size_t> class View>
inline constexpr bool owns_its_values<read_guard<Core, View>> = true;
template <class Core, template <class, std::size_t> class View>
inline constexpr bool owns_its_values<write_guard<Core, View>> = true;

}  // namespace quire::inline QUIRE_ABI
