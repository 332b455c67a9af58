// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_pages: the pages of a heap file: which there are, and which one is inserted into.
///
/// The directory (heap_directory_page.hpp), a chain that begins at the root, lists the record pages
/// (record_page.hpp). They come in groups, up to 64 and 128 KiB at once, and remain. One thread
/// makes a group, and others that find no page with room wait for it. Once that has happened, the
/// next group is made while pages of the last one are there, unless the last attempt failed. The
/// thread that makes it waits as one without room would: for frames, or for a change that grows.
///
/// Where a row is inserted. free_space.hpp has the hints. A thread that inserts keeps the page for
/// its next row (`target`), so threads do not wait for each other. A page whose room turns out to
/// be another, or that is none of this heap file, is noted so, and another one is taken. Hints are
/// read from the directory when the heap file is opened, and written by `save_room`, and to the
/// last directory page whenever the file grows. After a crash they are as old as that: a page that
/// is fuller is found out when it is used; one with more room, by the next erasure there or by
/// `find_room`.
///
/// `Store` is a catalog.

#include <quire/table/catalog.hpp>
#include <quire/table/detail/free_space.hpp>
#include <quire/table/detail/outside_of_changes.hpp>
#include <quire/table/heap_directory_page.hpp>
#include <quire/table/record_page.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class heap_pages : immovable {
protected:
    using file_type = typename Store::file_type;

public:
    static constexpr std::size_t page_size = Store::page_size;
    using page_view = record_page<std::byte const, page_size>;
    using directory_view = heap_directory_page<std::byte const, page_size>;

    /// Errors: those of reading, corrupt_page.
    heap_pages(Store& store, root_entry const& where)
        : store_{store}, root_{where.page}, number_{where.number} {
        for (auto& one : kept_) { one.page = nothing_kept; }
        for_each_directory([&](page_no no, directory_view const& page) {
            last_directory_ = no;
            for (std::size_t i = 0; i < page.count(); ++i) {
                space_.add(page[i].page, page[i].room);
            }
            return true;
        });
    }

    /// Makes a fresh page the root of an empty heap file.
    static void begin(std::span<std::byte, page_size> root, std::uint32_t number) noexcept {
        heap_directory_page<std::byte, page_size>{root}.set_heap(number);
    }

    [[nodiscard]] Store& store() const noexcept { return store_; }
    [[nodiscard]] page_no root() const noexcept { return root_; }
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    /// Pages of rows.
    [[nodiscard]] std::size_t pages() const noexcept { return space_.pages(); }

    /// `fn(no, page)` for each directory page, under its latch, then `after()` without one; until
    /// one of them returns false. Errors: corrupt_page (the chain has no end), those of reading.
    template <class Fn, class After>
    void for_each_directory(Fn fn, After after) const {
        page_no no = root_;
        for (std::uint64_t seen = 0; seen <= store_.file().pages(); ++seen) {
            page_no next;
            {
                auto const guard = store_.file().template read<heap_directory_page>(no);
                directory_view const page{guard->bytes()};
                if (page.heap() != number_) { page.corrupt("heap file of a directory page"); }
                next = page.next();
                if (!fn(no, page)) { return; }
            }
            if (!after() || next.value() == 0) { return; }
            no = next;
        }
        has_no_end();
    }
    template <class Fn>
    void for_each_directory(Fn fn) const {
        for_each_directory(fn, [] { return true; });
    }
    /// `fn(page)` for each directory page as a change has it, until it returns false.
    template <class Changes, class Fn>
    void for_each_directory_in(Changes& changes, Fn fn) const {
        page_no no = root_;
        for (std::uint64_t seen = 0; seen <= store_.file().pages(); ++seen) {
            auto const held = changes.template read<heap_directory_page>(store_.file(), no);
            directory_view const page{held.view().bytes()};
            if (page.heap() != number_) { page.corrupt("heap file of a directory page"); }
            if (!fn(page) || page.next().value() == 0) { return; }
            no = page.next();
        }
        has_no_end();
    }
    /// `fn(page)` if page `no` is one of this heap file's. `Pages` is a change, or
    /// outside_of_changes. Errors: corrupt_page, those of reading and of `fn`.
    template <class Pages, class Fn>
    void visit(Pages& pages, page_no no, Fn fn) const {
        bool is_there = false;
        auto const tell = [&](page_view const& page) {
            is_there = true;
            if (page.heap() == number_) { fn(page); }
        };
        try {
            if constexpr (std::same_as<Pages, outside_of_changes>) {
                auto const guard = store_.file().template read<record_page>(no);
                tell(page_view{guard->bytes()});
            } else {
                auto const held = pages.template read<record_page>(store_.file(), no);
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
        auto const last = hold_last_directory(changes);
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
    void grow_alone(free_space::room_type room) {
        std::unique_lock alone{growing_, std::try_to_lock};
        if (!alone) {
            has_waited_ = true;
            alone.lock();
        }
        if (space_.has(room)) { return; }
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
            grow_by(group_now());
        } catch (error const&) { groups_fit_ = false; }
    }
    /// In a change of the caller's: a page that is its own until the commit.
    template <class Changes>
    [[nodiscard]] page_no grow_in(Changes& changes) {
        std::vector<page_no> added;
        grow(changes, 1, added);
        space_.add(added.front(), 0);
        return added.front();
    }

    // Which page is inserted into

    /// A page that is this thread's as long as this lives.
    class target : immovable {
    public:
        target(heap_pages& heap, page_no no) noexcept : heap_{heap}, no_{no} {}
        [[nodiscard]] page_no page() const noexcept { return no_; }
        /// Whether its room is another than was noted: then it is not kept.
        void turns_out(std::optional<free_space::room_type> room) noexcept { room_ = room; }
        ~target() {
            if (room_) {
                heap_.space_.set(no_, *room_);
            } else {
                heap_.keep(no_);
            }
        }

    private:
        heap_pages& heap_;
        page_no no_;
        std::optional<free_space::room_type> room_;
    };
    /// A page for a record of `size` bytes: the one that this thread kept, or one with room. It is
    /// no other thread's until a `target` of it ends.
    /// `grow(room)` returns a new one, or adds some and returns nothing; `prepare()` comes before a
    /// page is looked for.
    template <class Prepare, class Grow>
    [[nodiscard]] page_no choose(std::size_t size, Prepare prepare, Grow grow) {
        auto const kept = mine().exchange(nothing_kept, std::memory_order_relaxed);
        if (kept != nothing_kept) { return kept; }
        prepare();
        auto const room = room_wanted(size);
        while (true) {
            if (auto const found = space_.take(room)) { return *found; }
            if (std::optional<page_no> const made = grow(room)) { return *made; }
        }
    }

    // Hints

    /// Notes the room of a page from which something was erased.
    template <class Pages>
    void note_room(Pages& pages, page_no no) {
        try {
            visit(pages, no, [&](page_view const& page) {
                space_.set(no, free_space::room_of(page.free_space(), page_size));
            });
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
    /// Writes the hints into the directory, in changes of their own. Errors: those of a change.
    void save_room() {
        for (auto& one : kept_) {
            auto const no = one.page.exchange(nothing_kept, std::memory_order_relaxed);
            if (no != nothing_kept) { space_.set(no, unknown_room); }
        }
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
    /// In 256ths, rounded up; at most what an empty page is noted with.
    [[nodiscard]] static free_space::room_type room_wanted(std::size_t record_size) noexcept {
        auto const room = (record_size * 256 + page_size - 1) / page_size;
        return static_cast<free_space::room_type>(std::min<std::size_t>(room, empty_room()));
    }

    Store& store_;
    page_no const root_;
    std::uint32_t const number_;

private:
    static constexpr std::uint64_t nothing_kept = ~std::uint64_t{0};
    static constexpr free_space::room_type unknown_room = 255;  ///< it will turn out
    static constexpr std::size_t group_max =
        std::clamp<std::size_t>((std::size_t{1} << 17) / page_size, 1, 64);
    struct alignas(64) kept_page {
        std::atomic<std::uint64_t> page;
    };

    [[nodiscard]] static constexpr free_space::room_type empty_room() noexcept {
        return free_space::room_of(
            page_view::size_of(record_form::moved_here, page_view::row_size_max), page_size);
    }
    /// Whether what a page number led to is no page of rows, and no more is wrong.
    [[nodiscard]] static bool is_another_page(error const& why) noexcept {
        return why.code() == errc::wrong_page_kind || why.code() == errc::page_out_of_range ||
               why.code() == errc::blank_page;
    }
    [[noreturn]] void has_no_end() const {
        throw store_.file().slot().failure(errc::corrupt_page, "read the directory of a heap file",
                                           store_.file().id_of(root_), 0, "it has no end");
    }

    template <class Changes>
    [[nodiscard]] std::size_t count_in(Changes& changes, page_no no) const {
        auto const page = changes.template read<heap_directory_page>(store_.file(), no);
        return page->count();
    }
    /// Others may have appended some since this one was noted.
    template <class Changes>
    [[nodiscard]] page_no hold_last_directory(Changes& changes) const {
        page_no no = last_directory_.load(std::memory_order_relaxed);
        for (std::uint64_t seen = 0; seen <= store_.file().pages(); ++seen) {
            page_no next;
            {
                auto const page = changes.template read<heap_directory_page>(store_.file(), no);
                if (page->heap() != number_) { page->corrupt("heap file of a directory page"); }
                next = page->next();
            }
            if (next.value() == 0) { return no; }
            changes.let_go(store_.file(), no);
            no = next;
        }
        has_no_end();
    }
    void grow_by(std::size_t group) {
        std::vector<page_no> added;
        page_no last;
        store_.in_one_change([&](auto& changes) {
            last = hold_last_directory(changes);
            grow(changes, group, added);
        });
        last_directory_ = last;
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

    [[nodiscard]] std::atomic<std::uint64_t>& mine() noexcept {
        auto const thread = reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
        return kept_[(thread * 0x9E3779B97F4A7C15ULL) >> 58].page;
    }
    void keep(page_no no) noexcept {
        auto const before = mine().exchange(no.value(), std::memory_order_relaxed);
        if (before != nothing_kept) { space_.set(before, unknown_room); }
    }

    free_space space_{empty_room()};
    std::array<kept_page, 64> kept_;
    std::atomic<page_no> last_directory_;
    std::mutex growing_;
    std::atomic<bool> has_waited_{false};  ///< a thread, for a group
    std::atomic<bool> groups_fit_{true};   ///< the last one did
};

}  // namespace quire::inline QUIRE_ABI::detail
