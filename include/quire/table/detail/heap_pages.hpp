// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_pages: the pages of a heap file: which there are, and which one is inserted into.
///
/// Where a row is inserted: into the page that the thread keeps, or one with room (heap_room.hpp).
/// Threads have pages of their own. A page whose room turns out to be another, or that is none of
/// this heap file, is noted so, and another one is taken. So it is where others have the page at
/// that moment, a change or readers. What is waited for is only what nothing stands in for:
///
///   a change that grows       when no page has room that others do not have
///   a page that others have   when the file cannot grow either
///
/// The directory (heap_directory.hpp) lists the record pages (record_page.hpp). They come in
/// groups, up to 64 and 128 KiB at once, and remain. One thread makes a group, and others that find
/// no page with room wait for it. Once that has happened, the next group is made while pages of the
/// last one are there, unless the last attempt failed, or a change that grows is open.
///
/// `Store` is a catalog.

#include <quire/table/detail/heap_room.hpp>

#include <mutex>    // std::mutex
#include <utility>  // std::exchange

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class heap_pages : public heap_room<Store> {
    using base = heap_room<Store>;
    using base::cost_of_a_look;
    using base::empty_room;
    using base::is_much;
    using base::kept_;
    using base::page_size;
    using base::room_noted;
    using base::room_wanted;

protected:
    using base::number_;
    using base::space_;
    using base::store_;

public:
    using base::base;
    using base::pages;
    using typename base::directory_view;
    using typename base::page_view;

    // Which page is inserted into

    /// What a row is put into: a page that is this thread's until it is given back, or this ends;
    /// then it is kept for the next row.
    class target : immovable {
    public:
        /// `may_be_undone`: this is for a change of the caller's.
        target(heap_pages& heap, bool may_be_undone) noexcept
            : heap_{heap}, may_be_undone_{may_be_undone} {}
        ~target() {
            if (has_page_) { heap_.keep({no_, may_be_undone_}); }
        }
        [[nodiscard]] bool has_page() const noexcept { return has_page_; }
        [[nodiscard]] page_no page() const noexcept { return no_; }
        /// Whether it is to be waited for: there is no other one.
        [[nodiscard]] bool is_the_last() const noexcept { return is_the_last_; }

        void take(page_no no) noexcept {
            no_ = no;
            has_page_ = true;
            is_the_last_ = false;
        }
        /// To wait for it. Afterwards others may have made room elsewhere.
        void take_last(page_no no) noexcept {
            take(no);
            is_the_last_ = true;
            if (++lasts_ < lasts_max) {
                refused_ = 0;
                rounds_ = 0;
                has_asked_all_ = false;
            }
        }
        /// Notes, under its latch, that `free` bytes are no room for a record of that size. If the
        /// change `was_there` before, it may be full of what may be undone.
        void note_full_for(std::size_t record_size, std::size_t free, bool was_there) {
            bool const is_doubted = may_be_undone_ && was_there;
            if (is_doubted) { heap_.space_.doubt(no_, is_much(free)); }
            heap_.space_.set(no_, is_doubted ? 0 : room_noted(free, record_size));
        }
        /// It is not kept.
        void give_back() noexcept { has_page_ = false; }
        /// Nor does anybody know its room.
        void give_back_unseen() {
            give_back();
            heap_.space_.doubt(no_);
        }
        /// Nor is it waited for: others have it.
        void give_back_taken() {
            give_back_unseen();
            taken_ = no_;
            if (!was_looked_for_) { return; }
            if (refused_ > 0 && no_ <= last_refused_) { ++rounds_; }
            last_refused_ = no_;
            ++refused_;
        }

    private:
        friend heap_pages;
        static constexpr int refused_max = 8;
        static constexpr int lasts_max = 8;
        static constexpr int waits_max = 8;

        /// All doubted pages have had their turns, in the order of their numbers.
        [[nodiscard]] bool has_gone_round() const noexcept { return rounds_ >= 2; }

        heap_pages& heap_;
        page_no no_;
        bool may_be_undone_;
        bool has_page_ = false;
        bool is_the_last_ = false;
        bool has_asked_all_ = false;  ///< threads, for the pages that they keep
        int waits_ = 0;               ///< for changes that grow
        int lasts_ = 0;               ///< pages that were the last
        // A page that is read may be looked at, and not taken. So it may be found again and again.
        bool was_looked_for_ = false;   ///< among doubted pages
        int refused_ = 0;               ///< pages, of those
        page_no last_refused_;          ///< of them
        int rounds_ = 0;                ///< begun, of them
        std::optional<page_no> taken_;  ///< the last one that others had
    };
    /// A page for a record of `size` bytes: the one that this thread kept, or one with room. It is
    /// no other thread's as long as `where` has it.
    /// `grow(size)` adds pages, or finds some, or gives `where` one; `prepare()` comes before a
    /// page is looked for.
    template <class Prepare, class Grow>
    void choose(target& where, std::size_t size, Prepare prepare, Grow grow) {
        where.was_looked_for_ = false;
        if (where.has_page()) { return; }
        if (auto const kept = kept_.take(kept_pages::this_thread())) {
            return where.take(kept->no);
        }
        prepare();
        auto const room = room_wanted(size);
        while (!where.has_page()) {
            if (auto const found = space_.take(room)) { return where.take(*found); }
            where.was_looked_for_ = true;
            grow(size);
        }
    }

    // Growing

    /// Adds up to `wanted` pages, in a change. Errors: those of catalog::allocate.
    template <class Changes>
    void grow(Changes& changes, std::size_t wanted, std::vector<page_no>& added) {
        added.clear();
        added.reserve(wanted);
        bool const had_map = changes.holds(store_.file(), base::first_map);
        auto const last = this->hold_last_directory(changes);
        std::optional<page_no> fresh;
        try {
            auto room = directory_view::capacity - count_in(changes, last.no);
            if (room == 0) {
                auto page = store_.template allocate<heap_directory_page>(changes);
                page->set_heap(number_);
                fresh = page.page_no();
                room = directory_view::capacity;
            }
            auto const count = std::min(wanted, room);
            while (added.size() < count) {
                auto page = store_.template allocate<record_page>(changes);
                page->set_heap(number_);
                added.push_back(page.page_no());
            }
        } catch (...) {  // a change of the caller's may go on
            if (fresh && store_.is_logged()) { store_.free(changes, *fresh); }
            if (!last.was_held) { changes.let_go(store_.file(), last.no); }
            bool const has_some = fresh || !added.empty() ||
                                  changes.holds(store_.file(), store_.file().pages());
            if (!had_map && !has_some) { changes.let_go(store_.file(), base::first_map); }
            throw;
        }
        // From here on nothing fails.
        auto const lists = fresh.value_or(last.no);
        auto page = changes.template write<heap_directory_page>(store_.file(), lists);
        this->note_room_in(page->bytes());
        for (auto const no : added) { page->add({no, empty_room()}); }
        if (!fresh) { return; }
        auto before = changes.template write<heap_directory_page>(store_.file(), last.no);
        before->set_next(*fresh);
    }
    /// In a change of its own. Others that grow wait for that; but all wait together for a change
    /// of somebody's that grows, at first.
    void grow_alone(target& where, std::size_t size) {
        std::unique_lock alone{growing_, std::try_to_lock};
        if (!alone) {
            has_waited_ = true;
            alone.lock();
        }
        if (space_.has(room_wanted(size))) { return; }
        outside_of_changes none;
        if (finds_room_first(none, where, size)) { return; }
        auto const taken = this->others_grow(none, for_a_moment);
        if (!taken || where.waits_ == target::waits_max) { return grow_now(where, size); }
        if (finds_room_anywhere(none, where, size)) { return; }
        alone.unlock();
        ++where.waits_;
        this->wait_for(*taken);
    }
    /// The next group, once threads have waited for one. No error: who needs a page will meet it.
    /// It is not tried again before a group was made. A change that grows is not waited for.
    /// Expects: as `grow_alone`, this thread holds no guard of the pool.
    void grow_early() {
        if (!has_waited_ || !groups_fit_ || space_.empty_pages() >= group_now()) { return; }
        std::unique_lock const alone{growing_, std::try_to_lock};
        if (!alone) { return; }
        try {
            outside_of_changes none;
            if (this->others_grow(none)) { return; }
            if (!this->finds_again(none, base::record_size_max)) { grow_by(group_now()); }
        } catch (error const&) { groups_fit_ = false; }
    }
    /// In a change of the caller's: by a page that is its own until the commit.
    template <class Changes>
    void grow_in(Changes& changes, target& where, std::size_t size) {
        if (finds_room_first(changes, where, size) ||
            (this->others_grow(changes, for_a_moment) &&
             finds_room_anywhere(changes, where, size))) {
            return;
        }
        std::vector<page_no> added;
        try {
            grow(changes, 1, added);
        } catch (error const& why) {
            if (why.code() == errc::conflict || !finds_room_at_last(changes, where, size, why)) {
                throw;
            }
            return;
        }
        space_.add(added.front(), 0);
        where.take(added.front());
    }

private:
    /// By one page where there is no room for a group: in the file, the pool or the log.
    void grow_now(target& where, std::size_t size) {
        if (auto const group = group_now(); group > 1) {
            try {
                grow_by(group);
                groups_fit_ = true;
                return;
            } catch (error const& why) {
                groups_fit_ = false;
                if (why.code() == errc::timed_out) { throw; }
            }
        }
        try {
            grow_by(1);
        } catch (error const& why) {
            outside_of_changes none;
            if (!finds_room_at_last(none, where, size, why)) { throw; }
        }
    }
    /// Looks for room before the file grows. Whether there is some, or `where` has a page.
    template <class Changes>
    [[nodiscard]] bool finds_room_first(Changes& changes, target& where, std::size_t size) {
        return where.refused_ < target::refused_max &&
               looks_again(changes, where, size, base::passed_max);
    }
    /// Likewise before a change that grows is waited for: passes over no doubted page, and over
    /// none that another thread keeps; once, as they keep some all the time.
    template <class Changes>
    [[nodiscard]] bool finds_room_anywhere(Changes& changes, target& where, std::size_t size) {
        if (!where.has_gone_round() && looks_again(changes, where, size, all_there_are())) {
            return true;
        }
        if (std::exchange(where.has_asked_all_, true)) { return false; }
        auto const kept = kept_.take_one([&](kept_pages::page const& one) {
            if (!this->is_taken(changes, one.no)) {
                return this->free_now(changes, one.no) >= size;
            }
            where.taken_ = one.no;
            return false;
        });
        if (kept) { where.take(kept->no); }
        return kept.has_value();
    }
    /// Likewise when the file cannot grow: then at last it is a page that others have.
    template <class Changes>
    [[nodiscard]] bool finds_room_at_last(Changes& changes, target& where, std::size_t size,
                                          error const& why) {
        if (finds_room_anywhere(changes, where, size)) { return true; }
        auto const taken = std::exchange(where.taken_, std::nullopt);
        if (!taken || why.code() == errc::timed_out) { return false; }
        where.take_last(*taken);
        return true;
    }
    template <class Changes>
    [[nodiscard]] bool looks_again(Changes& changes, target& where, std::size_t size,
                                   std::size_t max) {
        auto const found = this->finds_again(changes, size, max);
        if (found.its_own) { where.take(*found.its_own); }
        if (found.taken) { where.taken_ = found.taken; }
        return static_cast<bool>(found);
    }

    /// Most changes end sooner: then it costs more to look at pages than to wait.
    static constexpr access_options for_a_moment{.wait_max = std::chrono::microseconds{200}};
    static constexpr std::size_t group_max =
        std::clamp<std::size_t>((std::size_t{1} << 17) / page_size, 1, 64);

    template <class Changes>
    [[nodiscard]] std::size_t count_in(Changes& changes, page_no no) const {
        auto const page = changes.template read<heap_directory_page>(store_.file(), no);
        return page->count();
    }
    void grow_by(std::size_t group) {
        std::vector<page_no> added;
        store_.in_one_change([&](auto& changes) { grow(changes, group, added); });
        for (auto const no : added) { space_.add(no, empty_room()); }
    }
    [[nodiscard]] std::size_t all_there_are() const noexcept { return pages() * cost_of_a_look; }
    [[nodiscard]] std::size_t group_now() const noexcept {
        return std::clamp<std::size_t>(pages() / 8, 1, group_max);
    }

    std::mutex growing_;
    std::atomic<bool> has_waited_{false};  ///< a thread, for one that grows
    std::atomic<bool> groups_fit_{true};   ///< the last one did
};

}  // namespace quire::inline QUIRE_ABI::detail
