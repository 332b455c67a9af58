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
/// Where a row is inserted: into the page that the thread keeps, or one with room (heap_room.hpp).
/// A page whose room turns out to be another, or that is none of this heap file, is noted so, and
/// another one is taken. Threads have pages of their own; so they seldom wait for each other.
///
/// `Store` is a catalog.

#include <quire/table/detail/heap_room.hpp>

#include <mutex>  // std::mutex

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
        try {
            while (added.size() < count) {
                auto page = store_.template allocate<record_page>(changes);
                page->set_heap(number_);
                added.push_back(page.page_no());
            }
        } catch (...) {  // a change of the caller's may go on
            if (fresh && store_.is_logged()) { store_.free(changes, *fresh); }
            throw;
        }
        // From here on nothing fails.
        auto const lists = fresh.value_or(last);
        auto page = changes.template write<heap_directory_page>(store_.file(), lists);
        for (auto const no : added) { page->add({no, empty_room()}); }
        this->note_room_in(page->bytes());
        if (!fresh) { return; }
        auto before = changes.template write<heap_directory_page>(store_.file(), last);
        before->set_next(*fresh);
    }
    /// In a change of its own. By one page where there is no room for a group: in the file, the
    /// pool or the log. Others that grow wait for that.
    void grow_alone(std::size_t size) {
        std::unique_lock alone{growing_, std::try_to_lock};
        if (!alone) {
            has_waited_ = true;
            alone.lock();
        }
        if (space_.has(room_wanted(size))) { return; }
        outside_of_changes none;
        if (this->finds_again(none, size)) { return; }
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
        } catch (error const&) {
            if (!this->finds_again(none, size, all_there_are())) { throw; }
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
            if (!this->finds_again(none, base::record_size_max)) { grow_by(group_now()); }
        } catch (error const&) { groups_fit_ = false; }
    }
    /// In a change of the caller's: a page that is its own until the commit; or nothing, if one
    /// was found that has room.
    template <class Changes>
    [[nodiscard]] std::optional<page_no> grow_in(Changes& changes, std::size_t size) {
        if (auto const found = this->finds_again(changes, size)) { return found.its_own; }
        std::vector<page_no> added;
        try {
            grow(changes, 1, added);
        } catch (error const& why) {
            if (why.code() == errc::conflict) { throw; }
            if (auto const found = this->finds_again(changes, size, all_there_are())) {
                return found.its_own;
            }
            throw;
        }
        space_.add(added.front(), 0);
        return added.front();
    }

    // Which page is inserted into

    /// A page that is this thread's as long as this lives, and then kept for its next row.
    class target : immovable {
    public:
        /// `may_be_undone`: this is for a change of the caller's.
        target(heap_pages& heap, page_no no, bool may_be_undone) noexcept
            : heap_{heap}, no_{no}, may_be_undone_{may_be_undone} {}
        [[nodiscard]] page_no page() const noexcept { return no_; }
        /// Notes, under its latch, that `free` bytes are no room for a record of that size. If the
        /// change `was_there` before, it may be full of what may be undone.
        void is_full_for(std::size_t record_size, std::size_t free, bool was_there) {
            bool const is_doubted = may_be_undone_ && was_there;
            if (is_doubted) { heap_.space_.doubt(no_, is_much(free)); }
            heap_.space_.set(no_, is_doubted ? 0 : room_noted(free, record_size));
        }
        /// It is not kept.
        void give_back() noexcept { is_mine_ = false; }
        /// Nor does anybody know its room.
        void give_back_unseen() {
            give_back();
            heap_.space_.doubt(no_);
        }
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

private:
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
    /// Before growth fails for want of room, no doubted page is passed over.
    [[nodiscard]] std::size_t all_there_are() const noexcept { return pages() * cost_of_a_look; }
    [[nodiscard]] std::size_t group_now() const noexcept {
        return std::clamp<std::size_t>(pages() / 8, 1, group_max);
    }

    std::mutex growing_;
    std::atomic<bool> has_waited_{false};  ///< a thread, for a group
    std::atomic<bool> groups_fit_{true};   ///< the last one did
};

}  // namespace quire::inline QUIRE_ABI::detail
