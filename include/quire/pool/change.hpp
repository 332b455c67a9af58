// SPDX-License-Identifier: BSL-1.0
#pragma once

/// change: several pages of logged files change together or not at all: in memory, and after a
/// crash.
///
///     quire::redo_log<> log{"orders.log"};
///     quire::buffer_pool<> pool{{.frames = 4096}, log};
///     auto orders = pool.open("orders.db", quire::open_mode::open_or_create, {.logged = true});
///
///     auto const at = pool.change([&](quire::change<>& change) {     // may run several times
///         auto from = change.write<quire::heap_page>(orders, 3);
///         auto to = change.write<quire::heap_page>(orders, 7);
///         ...                                                        // throws? as before
///     });
///     log.sync(at);                                                  // now it is durable
///
/// A change holds each of its pages exclusively, also those that it only reads, until it is
/// committed or undone. `write`, `read`, `append` and `format` return a page of the change: a small
/// thing, of which there may be several for one page; all end before the change does. Clang and
/// checked builds follow them. A function of yours that returns one is marked
/// QUIRE_PASSES_ON(change.lent).
///
/// Whole or not at all. An exception that leaves the function, from wherever, undoes the change:
/// every page is byte for byte as before, and what was appended is gone. After a crash the change
/// is whole or absent, and present if a sync covered it; and none is there without those before it.
/// Others see a change when it is committed, before it is durable. With a failed log (log_failed) a
/// commit is refused and undone; a failed `sync` means that a crash may show the change or not.
///
/// Conflicts. A change that has a page in hand does not wait for the next one: after some tenths of
/// a millisecond it is undone, waits for that page with nothing in hand, and runs again. After
/// eight such attempts it may wait, as the only one of its pool. So changes wait for each other in
/// no circle, whatever the order of their pages. A function for `buffer_pool::change` therefore may
/// run several times, and changes nothing outside that it does not set anew.
///
/// What is logged. Pages are compared with what they were: the bytes that differ go into the log,
/// and the whole page if that is its first change since a checkpoint began. So all page kinds can
/// be changed, by raw spans, too; it costs a copy and a comparison of each page.
///
/// The log belongs to its files. Opened without it, with another log, with an older copy of it, or
/// by another name, a file that was not closed is what its pages say: what only the log has is not
/// there, and no error tells (file_options::logged). A file of tables tells most of it
/// (table/catalog.hpp).
///
/// Without `buffer_pool::change`, in whose place the caller then answers errc::conflict:
///     quire::change change{pool};
///     ...
///     auto const at = change.commit();                        // else its end undoes it
///
/// Threads: one. That thread holds no guard of the pool when it begins (a checkpoint may come first
/// and wait for pages); it asks for no page of the change in another way, and opens and closes no
/// file while it holds some.
/// Cost: no allocation when changes of the size have been made before.

#include <quire/pool/buffer_pool.hpp>
#include <quire/pool/detail/changed_pages.hpp>

namespace quire::inline QUIRE_ABI {

/// A page of a change, lent as a write guard lends one: `page->` makes it changed, unless it was
/// taken by `read`.
template <class Core, template <class, std::size_t> class View,
          detail::access Mode = detail::access::exclusive>
    requires page_kind<View, Core::page_size>
class QUIRE_BORROWER QUIRE_OWNER
    [[nodiscard("a page of a change is used by its name")]] changed_page : immovable {
    using held_page = typename detail::changed_pages<Core>::page;
    static constexpr bool is_for_changes = Mode == detail::access::exclusive;

public:
    using view_type = detail::guard_view<View, std::byte, Core::page_size>;
    using const_view_type = detail::guard_view<View, std::byte const, Core::page_size>;

    /// For changes.
    changed_page(detail::changed_pages<Core>& of_change, Core& core,
                 held_page& page) noexcept QUIRE_UNSEEN
        : pages_{of_change},
          page_{page},
          bytes_{core.frames.bytes(page.at)},
          view_(detail::view_of<view_type>(bytes_, page_no())),
          const_view_(detail::view_of<const_view_type>(std::span<std::byte const, size>{bytes_},
                                                       page_no())) {
        view_.join(page.account);
        const_view_.join(page.account);
        view_.frame_is_mine();
    }
    changed_page(changed_page const&)
        QUIRE_REFUSED("a page of a change stays where it is named; ask the change for it again");
    QUIRE_ENDS_LOAN_UNLENT(changed_page, (*this)->lent, (*this)->lent_mutable)

    [[nodiscard]] view_type* operator->() & noexcept QUIRE_LIFETIMEBOUND
        requires is_for_changes
    {
        return lend();
    }
    /// The page by a name of its own, for changes: nothing else of it is lent meanwhile.
    [[nodiscard]] lent_page<view_type> operator*() & noexcept QUIRE_LIFETIMEBOUND
        requires is_for_changes
    QUIRE_LENDS_PAGE_ALONE(*this) {
        return detail::lend_page<view_type>(*lend(), lending::alone, bytes_, page_no());
    }
    [[nodiscard]] const_view_type const* operator->() const& noexcept QUIRE_LIFETIMEBOUND {
        return &const_view_;
    }
    [[nodiscard]] lent_page<const_view_type> operator*() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_LENDS_PAGE(*this) {
        return view();
    }
    /// The page by a name of its own, for reading: this does not make it changed.
    [[nodiscard]] lent_page<const_view_type> view() const& noexcept QUIRE_LIFETIMEBOUND
        QUIRE_LENDS_PAGE(*this) {
        return detail::lend_page<const_view_type>(const_view_, lending::shared,
                                                  std::span<std::byte const, size>{bytes_},
                                                  page_no());
    }
    name_the_page_first* operator->() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_page_first operator*() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    name_the_page_first view() const&& QUIRE_REFUSED_ON_TEMPORARIES;

    [[nodiscard]] page_id id() const noexcept { return page_.id; }
    /// The page's number in its file.
    [[nodiscard]] quire::page_no page_no() const noexcept { return page_.id.page(); }

private:
    static constexpr std::size_t size = Core::page_size;

    [[nodiscard]] view_type* lend() noexcept {
        pages_.lend(page_);
        return &view_;
    }

    detail::changed_pages<Core>& pages_;
    held_page& page_;
    std::span<std::byte, size> bytes_;
    view_type view_;
    const_view_type const_view_;
};

template <class Pool = buffer_pool<>>
class [[nodiscard("a change is committed, or undone at its end: name it")]] change : immovable {
    using core_type = typename Pool::core_type;
    using file_type = typename Pool::file;
    using pages_type = detail::changed_pages<core_type>;
    using held_page = typename pages_type::page;
    template <template <class, std::size_t> class View>
    using page = changed_page<core_type, View>;
    template <template <class, std::size_t> class View>
    using page_to_read = changed_page<core_type, View, detail::access::shared>;

public:
    [[no_unique_address]] page_loan lent;  ///< its pages that have names, for clang

    /// Errors: bad_option (the pool has no log), those of a checkpoint, log_full, out_of_memory.
    /// Expects: this thread holds no guard of the pool.
    explicit change(Pool& pool) : change{pool, first_room, false} {}
    ~change() {
        if (core_.memory().inherited()) { return; }
        pages_->undo();
        if (pages_->is_large()) { pages_.reset(); }
        at_work().changes.take_back(promised_, std::move(pages_));
    }

    /// Page `no` of a logged file, for changes. Errors: as paged_file::write, conflict, bad_option
    /// (the file is not logged).
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, core_type::page_size>
    [[nodiscard]] page<View> write(file_type const& file, page_no no,
                                   access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        return page<View>(*pages_, core_, held<View>(file, no, how));
    }
    /// Page `no`, only to be read: as this change leaves it. The page is held like any other.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, core_type::page_size>
    [[nodiscard]] page_to_read<View> read(file_type const& file, page_no no,
                                          access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        return page_to_read<View>(*pages_, core_, held<View>(file, no, how));
    }
    /// A new page at the file's end, formatted. No other thread appends to the file before this
    /// change ends. Errors: as paged_file::append, conflict, bad_option.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, core_type::page_size>
    [[nodiscard]] page<View> append(file_type const& file,
                                    access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        require_logged(file, "append");
        auto& made = take(file, file.id_of(file.pages()), how, [&](access_options const& mine) {
            return &pages_->append(file.slot(), file.number(), mine,
                                   detail::kind_of<View, core_type::page_size>());
        });
        return page<View>(*pages_, core_, made);
    }
    /// Page `no`, made a fresh one whatever it holds. Errors: as paged_file::format, conflict,
    /// bad_option.
    template <template <class, std::size_t> class View = raw_page>
        requires page_kind<View, core_type::page_size>
    [[nodiscard]] page<View> format(file_type const& file, page_no no,
                                    access_options const& how = {}) QUIRE_LIFETIMEBOUND
        QUIRE_PASSES_ON(this->lent) {
        require_logged(file, "format");
        auto const kind = detail::kind_of<View, core_type::page_size>();
        if (auto* const mine = pages_->find(file.id_of(no))) {
            pages_->format_again(*mine, kind);
            return page<View>(*pages_, core_, *mine);
        }
        auto& made = take(file, file.id_of(no), how, [&](access_options const& mine) {
            return &pages_->format(file.slot(), file.id_of(no), mine, kind);
        });
        return page<View>(*pages_, core_, made);
    }

    /// Takes page `no` as `read` and `write` do, unless others have it now: then false, and the
    /// change goes on. Errors: as write, except timed_out; conflict, if one came before.
    [[nodiscard]] bool try_hold(file_type const& file, page_no no) {
        if (refused_) { throw file.slot().failure(errc::conflict, "change", file.id_of(no)); }
        if (holds(file, no)) { return true; }
        require_changes(file);
        return typed([&] { return pages_->try_latch(file.slot(), file.id_of(no)); });
    }
    /// Whether the change has page `no` already: then it is given again, and not waited for.
    [[nodiscard]] bool holds(file_type const& file, page_no no) const noexcept {
        return pages_->find(file.id_of(no)) != nullptr;
    }
    /// Lets go of page `no`, which was not changed and is not named any more: others need not wait
    /// for the commit. Nothing happens to a page that was changed.
    void let_go(file_type const& file, page_no no) noexcept {
        pages_->let_go_unchanged(file.id_of(no));
    }

    /// Everything, or with an error nothing. The LSN with which it is durable. Errors: conflict (it
    /// came before, and was caught), log_full, log_failed, out_of_memory.
    /// Expects: none of the change's pages is named any more.
    std::uint64_t commit() QUIRE_UNLENT(this->lent) {
        QUIRE_EXPECTS(!over_, "a change is committed once");
        if (refused_) { throw error{errc::conflict, "commit a change"}; }
        auto const at = typed([&] { return pages_->commit(promised_, needed_); });
        over_ = true;
        return at;
    }

    /// For buffer_pool::change.
    template <class Fn>
    static std::uint64_t run(Pool& pool, Fn& fn) {
        static_assert(std::is_void_v<std::invoke_result_t<Fn&, change&>>,
                      "the function of a change returns nothing: it may run several times");
        pool.require_log("change pages");
        auto room = first_room;
        for (int attempt = 1;; ++attempt) {
            std::unique_lock<std::mutex> alone;
            bool const may_wait = attempt > attempts_max;
            if (may_wait) {
                alone = std::unique_lock{log_of(pool).changes.only_one_waits};
            }
            change one{pool, room, may_wait};
            try {
                fn(one);
                return one.commit();
            } catch (error const& why) {
                if (!one.again(why, room)) { throw; }
            }
            one.wait_for_what_was_refused();
        }
    }

private:
    static constexpr int attempts_max = 8;
    static constexpr std::uint64_t first_room = 4;  // blocks of the log
    static constexpr std::chrono::nanoseconds short_wait = std::chrono::microseconds{200};

    change(Pool& pool, std::uint64_t room, bool may_wait)
        : core_{pool.core_}, may_wait_{may_wait} {
        pool.require_log("change pages");
        core_.require_own_process("change pages");
        core_.expect_holds_nothing("a thread that begins a change holds no guard of the pool");
        typed([&] {
            pages_ = std::static_pointer_cast<pages_type>(at_work().promise_room(room));
            promised_ = room;
            if (pages_ == nullptr) { make_pages(); }
        });
    }
    void make_pages() {
        try {
            pages_ = std::make_shared<pages_type>(core_);
        } catch (...) {
            at_work().changes.take_back(promised_, nullptr);
            throw;
        }
    }

    [[nodiscard]] static auto& log_of(Pool& pool) noexcept {
        return detail::logged_pool<core_type>::of(pool.core_);
    }
    [[nodiscard]] auto& at_work() const noexcept {
        return detail::logged_pool<core_type>::of(core_);
    }
    template <class Act>
    static decltype(auto) typed(Act act) {
        try {
            return act();
        } catch (std::bad_alloc const&) {
            throw error{errc::out_of_memory, "change pages"};
        }
    }
    void require_logged(file_type const& file, char const* operation) const {
        QUIRE_EXPECTS(!over_, "a change has pages until it is committed");
        QUIRE_EXPECTS(&file.core() == &core_, "the files of a change are files of its pool");
        auto const log_number = file.slot().log_number.load(std::memory_order_relaxed);
        if (log_number == 0 || log_number == detail::left_its_log) [[unlikely]] {
            bool const leaves = log_number != 0;
            throw file.slot().failure(leaves ? errc::in_use : errc::bad_option, operation,
                                      file.number(), 0,
                                      leaves ? detail::leaving : "a change is of logged files");
        }
    }

    void require_changes(file_type const& file) const {
        require_logged(file, "change");
        core_.require_writable(file.slot(), file.number(), "change", detail::writing_by::changes);
    }
    /// Page `no`, latched by this change before or now, of the kind of `View`.
    template <template <class, std::size_t> class View>
    [[nodiscard]] held_page& held(file_type const& file, page_no no, access_options const& how) {
        auto const id = file.id_of(no);
        auto* found = pages_->find(id);
        bool const is_new = found == nullptr;
        if (is_new) {
            require_changes(file);
            found = &take(file, id, how, [&](access_options const& mine) {
                return &pages_->latch(file.slot(), id, mine);
            });
        }
        using view = View<std::byte const, core_type::page_size>;
        std::span<std::byte const, core_type::page_size> const bytes =
            core_.frames.bytes(found->at);
        if (!detail::accepted_by<view>(bytes, no)) {
            if (is_new) { pages_->drop_last(); }
            throw file.slot().failure(errc::wrong_page_kind, "change", id);
        }
        return *found;
    }
    /// `act(how)`, which latches a page: with a page in hand already only for a moment.
    template <class Act>
    [[nodiscard]] held_page& take(file_type const& file, page_id id, access_options how, Act act) {
        if (refused_) { throw file.slot().failure(errc::conflict, "change", id); }
        bool const waits = may_wait_ || pages_->empty();
        if (!waits) { how.wait_max = short_wait; }
        return *typed([&] {
            try {
                return act(how);
            } catch (error const& why) {
                if (waits || why.code() != errc::timed_out) { throw; }
                refused_.emplace(file);
                refused_page_ = id;
                throw file.slot().failure(errc::conflict, "change", id);
            }
        });
    }

    /// Whether the function is to run again, with `room` blocks of the log.
    [[nodiscard]] bool again(error const& why, std::uint64_t& room) const noexcept {
        if (refused_) { return true; }
        bool const too_small = why.code() == errc::log_full && needed_ > room;
        if (too_small) { room = needed_; }
        return too_small;
    }
    /// With nothing in hand.
    void wait_for_what_was_refused() {
        pages_->undo();
        if (!refused_) { return; }
        try {
            if (refused_->slot().has_page(refused_page_.page())) {
                auto const at = core_.template enter<detail::access::shared>(
                    refused_->slot(), refused_page_, refused_page_.page(), {}, "change");
                core_.template leave<detail::access::shared>(at, refused_page_);
            } else {
                detail::file_latch const appended{
                    core_,    refused_->slot(), refused_->slot().grow, core_.deadline_of({}),
                    "append", refused_->number()};
            }
        } catch (error const&) {}  // the next attempt meets it, too
    }

    core_type& core_;
    std::shared_ptr<pages_type> pages_;
    bool const may_wait_;
    std::uint64_t promised_ = 0;  ///< blocks of the log
    std::uint64_t needed_ = 0;
    bool over_ = false;
    std::optional<file_type> refused_;  ///< with it a change only ends
    page_id refused_page_;
};

template <class Pool>
change(Pool&) -> change<Pool>;

}  // namespace quire::inline QUIRE_ABI
