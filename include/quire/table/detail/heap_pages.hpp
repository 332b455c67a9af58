// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_pages: the pages of a heap file: which there are, and which one is inserted into.
///
/// The directory (heap_directory.hpp) lists the record pages (record_page.hpp). They come in
/// groups, up to 64 and 128 KiB at once, and remain. One thread makes a group, and others that find
/// no page with room wait for it. Once that has happened, the next group is made while pages of the
/// last one are there, unless the last attempt failed. The thread that makes it waits as one
/// without room would: for frames, or for a change that grows.
///
/// Where a row is inserted. free_space.hpp has the hints, and kept_pages.hpp the page into which a
/// thread inserted last, which it keeps: so threads do not wait for each other. A page whose room
/// turns out to be another, or that is none of this heap file, is noted so, and another one is
/// taken. A page from which something goes is noted, too: both under its latch, so the last who
/// saw it tells.
///
/// What a change of the caller's fills or empties may be undone, and others would wait for it. Such
/// pages are only doubted, and looked at again before the file grows, by the change, too.
///
/// Hints are read from the directory when the heap file is opened, and written by `save_room`, and
/// to the last directory page whenever the file grows. After a crash they are as old as that: a
/// page that is fuller is found out when it is used; one with more room, by the next erasure there
/// or by `find_room`.
///
/// `Store` is a catalog.

#include <quire/table/detail/free_space.hpp>
#include <quire/table/detail/heap_directory.hpp>
#include <quire/table/detail/kept_pages.hpp>
#include <quire/table/detail/outside_of_changes.hpp>
#include <quire/table/record_page.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class heap_pages : public heap_directory<Store> {
    using base = heap_directory<Store>;

protected:
    using base::number_;
    using base::store_;

public:
    using base::for_each_directory;
    using base::page_size;
    using typename base::directory_view;
    using page_view = record_page<std::byte const, page_size>;

    /// Errors: those of reading, corrupt_page.
    heap_pages(Store& store, root_entry const& where) : base{store, where} {
        for_each_directory([&](page_no no, directory_view const& page) {
            this->note_last_directory(no);
            for (std::size_t i = 0; i < page.count(); ++i) {
                space_.add(page[i].page, page[i].room);
            }
            return true;
        });
    }

    /// Pages of rows.
    [[nodiscard]] std::size_t pages() const noexcept { return space_.pages(); }

    /// `fn(page)` if page `no` is one of this heap file's. `Pages` is a change, or
    /// outside_of_changes. Errors: corrupt_page, those of reading and of `fn`.
    template <class Pages, class Fn>
    void visit(Pages& pages, page_no no, Fn fn, access_options const& how = by_default) const {
        bool is_there = false;
        auto const tell = [&](page_view const& page) {
            is_there = true;
            if (page.heap() == number_) { fn(page); }
        };
        try {
            if constexpr (std::same_as<Pages, outside_of_changes>) {
                auto const guard = store_.file().template read<record_page>(no, how);
                tell(page_view{guard->bytes()});
            } else {
                auto const held = pages.template read<record_page>(store_.file(), no, how);
                tell(page_view{held.view().bytes()});
            }
        } catch (error const& why) {
            if (is_there || !is_another_page(why)) { throw; }
        }
    }

    // Growing

    /// Adds up to `wanted` pages, in a change. Errors: those of catalog::allocate.
    template <class Changes>
    void grow(Changes& changes, std::size_t wanted, std::vector<page_no>& added) {
        added.clear();
        added.reserve(wanted);
        auto const last = this->hold_last_directory(changes);
        auto const room = directory_view::capacity - count_in(changes, last);
        std::optional<page_no> fresh;
        if (room == 0) {
            auto page = store_.template allocate<heap_directory_page>(changes);
            page->set_heap(number_);
            fresh = page.page_no();
        }
        auto const count = std::min(wanted, fresh ? directory_view::capacity : room);
        while (added.size() < count) {
            auto page = store_.template allocate<record_page>(changes);
            page->set_heap(number_);
            added.push_back(page.page_no());
        }
        // From here on nothing fails.
        auto const lists = fresh.value_or(last);
        auto page = changes.template write<heap_directory_page>(store_.file(), lists);
        for (auto const no : added) { page->add({no, empty_room()}); }
        note_room_in(page->bytes());
        if (!fresh) { return; }
        auto before = changes.template write<heap_directory_page>(store_.file(), last);
        before->set_next(*fresh);
    }
    /// In a change of its own. By one page where there is no room for a group: in the file, the
    /// pool or the log.
    void grow_alone(std::size_t size) {
        std::unique_lock alone{growing_, std::try_to_lock};
        if (!alone) {
            has_waited_ = true;
            alone.lock();
        }
        if (space_.has(room_wanted(size))) { return; }
        outside_of_changes none;
        if (finds_again(none, size)) { return; }
        auto const group = group_now();
        try {
            grow_by(group);
            groups_fit_ = true;
        } catch (error const&) {
            groups_fit_ = false;
            if (group == 1) { throw; }
            grow_by(1);
        }
    }
    /// The next group, once threads have waited for one. No error: who needs a page will meet it.
    /// It is not tried again before a group was made.
    /// Expects: as `grow_alone`, this thread holds no guard of the pool.
    void grow_early() {
        if (!has_waited_ || !groups_fit_ || space_.empty_pages() >= group_now()) { return; }
        std::unique_lock const alone{growing_, std::try_to_lock};
        if (!alone) { return; }
        try {
            outside_of_changes none;
            if (!finds_again(none, record_size_max)) { grow_by(group_now()); }
        } catch (error const&) { groups_fit_ = false; }
    }
    /// In a change of the caller's: a page that is its own until the commit; or nothing, if one
    /// was found that has room.
    template <class Changes>
    [[nodiscard]] std::optional<page_no> grow_in(Changes& changes, std::size_t size) {
        if (finds_again(changes, size)) { return std::nullopt; }
        std::vector<page_no> added;
        grow(changes, 1, added);
        space_.add(added.front(), 0);
        return added.front();
    }

    // Which page is inserted into

    /// A page that is this thread's as long as this lives, and then kept for its next row.
    class target : immovable {
    public:
        /// `may_be_undone`: what was put there before, too.
        target(heap_pages& heap, page_no no, bool may_be_undone) noexcept
            : heap_{heap}, no_{no}, may_be_undone_{may_be_undone} {}
        [[nodiscard]] page_no page() const noexcept { return no_; }
        /// Notes, under its latch, that `free` bytes are no room for a record of that size.
        void is_full_for(std::size_t record_size, std::size_t free) {
            if (may_be_undone_) { heap_.space_.doubt(no_); }
            heap_.space_.set(no_, room_noted(free, record_size));
        }
        /// It is not kept.
        void give_back() noexcept { is_mine_ = false; }
        ~target() {
            if (is_mine_) { heap_.keep({no_, may_be_undone_}); }
        }

    private:
        heap_pages& heap_;
        page_no no_;
        bool may_be_undone_;
        bool is_mine_ = true;
    };
    /// A page for a record of `size` bytes: the one that this thread kept, or one with room. It is
    /// no other thread's until a `target` of it ends.
    /// `grow(size)` returns a new one, or adds some and returns nothing; `prepare()` comes before a
    /// page is looked for.
    template <class Prepare, class Grow>
    [[nodiscard]] page_no choose(std::size_t size, Prepare prepare, Grow grow) {
        if (auto const kept = kept_.take(kept_pages::this_thread())) { return kept->no; }
        prepare();
        auto const room = room_wanted(size);
        while (true) {
            if (auto const found = space_.take(room)) { return *found; }
            if (std::optional<page_no> const made = grow(size)) { return *made; }
        }
    }

    // Hints

    /// Notes that a change that may be undone does something to a page.
    void doubt(page_no no) { space_.doubt(no); }
    /// Notes the room of a page from which something went; for whom wants to put a record of some
    /// size there.
    template <class Pages>
    void note_room(Pages& pages, page_no no, std::size_t record_size = 0,
                   access_options const& how = by_default) {
        try {
            auto const note = [&](page_view const& page) {
                space_.set(no, room_noted(page.free_space(), record_size));
            };
            visit(pages, no, note, how);
        } catch (error const& why) {
            if (!is_about_content(why.kind())) { throw; }
            space_.set(no, 0);
        }
    }
    /// Looks at every page, and notes its room. Errors: those of reading.
    void find_room() {
        std::vector<page_no> listed;
        for_each_directory([&](page_no, directory_view const& page) {
            for (std::size_t i = 0; i < page.count(); ++i) { listed.push_back(page[i].page); }
            return true;
        });
        outside_of_changes none;
        for (auto const no : listed) {
            space_.add(no, 0);
            note_room(none, no);
        }
    }
    /// The file is closed without hints, too.
    void before_close() {
        try {
            save_room();
        } catch (error const&) {}
    }
    /// Writes the hints into the directory, in changes of their own. Errors: those of a change.
    void save_room() {
        kept_.take_all([&](kept_pages::page const& one) { space_.set(one.no, unknown_room); });
        while (auto const one = space_.take_doubted()) { space_.set(one.value(), unknown_room); }
        std::vector<page_no> news;
        for_each_directory([&](page_no no, directory_view const& page) {
            for (std::size_t i = 0; i < page.count(); ++i) {
                if (space_.room(page[i].page).value_or(page[i].room) != page[i].room) {
                    news.push_back(no);
                    break;
                }
            }
            return true;
        });
        for (auto const no : news) {
            store_.in_one_change([&](auto& changes) {
                auto page = changes.template write<heap_directory_page>(store_.file(), no);
                note_room_in(page->bytes());
            });
        }
    }

protected:
    /// What a page with just that much room is noted with, so that it is found.
    [[nodiscard]] static free_space::room_type room_wanted(std::size_t record_size) noexcept {
        return std::max<free_space::room_type>(free_space::room_of(record_size, page_size), 1);
    }
    /// What is noted of `free` bytes: less than is wanted for the record if it does not fit there.
    [[nodiscard]] static free_space::room_type room_noted(std::size_t free,
                                                          std::size_t record_size) noexcept {
        auto const room = free_space::room_of(free, page_size);
        if (free >= record_size) { return room; }
        return std::min(room, static_cast<free_space::room_type>(room_wanted(record_size) - 1));
    }

    free_space space_{empty_room()};

private:
    static constexpr free_space::room_type unknown_room = 255;  ///< it will turn out
    static constexpr std::size_t group_max =
        std::clamp<std::size_t>((std::size_t{1} << 17) / page_size, 1, 64);

    static constexpr std::size_t record_size_max =
        page_view::size_of(record_form::moved_here, page_view::row_size_max);
    [[nodiscard]] static constexpr free_space::room_type empty_room() noexcept {
        return free_space::room_of(record_size_max, page_size);
    }
    /// Whether what a page number led to is no page of rows, and no more is wrong.
    [[nodiscard]] static bool is_another_page(error const& why) noexcept {
        return why.code() == errc::wrong_page_kind || why.code() == errc::page_out_of_range ||
               why.code() == errc::blank_page;
    }
    template <class Changes>
    [[nodiscard]] std::size_t count_in(Changes& changes, page_no no) const {
        auto const page = changes.template read<heap_directory_page>(store_.file(), no);
        return page->count();
    }
    /// Whether there is a page with room for a record after a look at those that are doubted. One
    /// that a change holds it sees as it has it, and that stays doubted. What others change now is
    /// not waited for. Some such pages are passed over each time, in turn.
    template <class Pages>
    [[nodiscard]] bool finds_again(Pages& pages, std::size_t size) {
        constexpr std::size_t passed_max = 64;
        constexpr std::size_t cost_of_an_error = 8;
        std::optional<page_no> first_passed;
        for (std::size_t passed = 0; passed < passed_max;) {
            auto one = space_.take_doubted();
            if (!one) { return false; }
            auto const no = one.value();
            bool const goes_round = no == first_passed;
            auto const pass = [&](std::size_t cost) {
                space_.doubt(std::move(one));
                passed += goes_round ? passed_max : cost;
                if (!first_passed) { first_passed = no; }
            };
            if (is_held(pages, no)) {
                pass(1);
                note_room(pages, no, size);
            } else {
                try {
                    outside_of_changes none;
                    note_room(none, no, size, {.wait_max = std::chrono::nanoseconds{1}});
                } catch (error const& why) {  // for whoever needs this page
                    pass(cost_of_an_error);
                    if (why.code() != errc::timed_out) { return false; }
                } catch (...) {
                    pass(cost_of_an_error);
                    throw;
                }
            }
            if (space_.has(room_wanted(size))) { return true; }
        }
        return false;
    }
    template <class Pages>
    [[nodiscard]] bool is_held(Pages& pages, page_no no) const noexcept {
        if constexpr (std::same_as<Pages, outside_of_changes>) {
            return false;
        } else {
            return pages.holds(store_.file(), no);
        }
    }
    void grow_by(std::size_t group) {
        std::vector<page_no> added;
        page_no last;
        store_.in_one_change([&](auto& changes) {
            last = this->hold_last_directory(changes);
            grow(changes, group, added);
        });
        this->note_last_directory(last);
        for (auto const no : added) { space_.add(no, empty_room()); }
    }
    void note_room_in(std::span<std::byte, page_size> bytes) const {
        heap_directory_page<std::byte, page_size> const page{bytes};
        space_.for_each_of(
            page.count(), [&](std::size_t i) { return page[i].page; },
            [&](std::size_t i, free_space::room_type room) { page.set(i, {page[i].page, room}); });
    }
    [[nodiscard]] std::size_t group_now() const noexcept {
        return std::clamp<std::size_t>(pages() / 8, 1, group_max);
    }

    void keep(kept_pages::page const& one) noexcept {
        auto const other = kept_.keep(kept_pages::this_thread(), one);
        if (!other) { return; }
        if (other->may_be_undone) {
            try {
                return space_.doubt(other->no);
            } catch (std::bad_alloc const&) {}  // others may wait for it, rather than lose its room
        }
        space_.set(other->no, unknown_room);
    }

    kept_pages kept_;
    std::mutex growing_;
    std::atomic<bool> has_waited_{false};  ///< a thread, for a group
    std::atomic<bool> groups_fit_{true};   ///< the last one did
};

}  // namespace quire::inline QUIRE_ABI::detail
