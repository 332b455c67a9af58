// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_room: how much room the pages of a heap file have, as far as that is known: hints.
///
///   noted      in free_space.hpp, under the page's latch, so the last who saw a page tells
///   doubted    after a change of the caller's, which may be undone, or when others had the page:
///              it would be waited for. Such a page is looked at again before the file grows
///              (`finds_again`)
///   kept       by the thread that inserted there last (kept_pages.hpp)
///
/// Hints are read from the directory when the heap file is opened, and written by `save_room`, and
/// to the last directory page whenever the file grows. After a crash they are as old as that: a
/// page that is fuller is found out when it is used; one with more room, by the next erasure there
/// or by `find_room`.
///
/// `Store` is a catalog. Threads: any.

#include <quire/table/detail/free_space.hpp>
#include <quire/table/detail/heap_directory.hpp>
#include <quire/table/detail/kept_pages.hpp>
#include <quire/table/detail/outside_of_changes.hpp>
#include <quire/table/record_page.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class heap_room : public heap_directory<Store> {
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
    heap_room(Store& store, root_entry const& where) : base{store, where} {
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

    /// Notes that something goes from a page in a change that may be undone.
    void note_room_made(page_no no) { space_.doubt(no, true); }
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
            if (!space_.room(no)) { space_.add(no, unknown_room); }
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
        while (auto const one = space_.take_doubted()) { space_.set(one.key(), unknown_room); }
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
    static constexpr page_no first_map = allocation_page<std::byte const, page_size>::first_map;
    static constexpr std::size_t record_size_max =
        page_view::size_of(record_form::moved_here, page_view::row_size_max);
    [[nodiscard]] static constexpr free_space::room_type empty_room() noexcept {
        return free_space::room_of(record_size_max, page_size);
    }
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
    /// Worth another look by the change that left it.
    [[nodiscard]] static bool is_much(std::size_t free) noexcept { return free >= page_size / 8; }
    void keep(kept_pages::page const& one) noexcept {
        auto const other = kept_.keep(kept_pages::this_thread(), one);
        if (!other) { return; }
        if (other->may_be_undone) {
            try {
                return space_.doubt(other->no, true);
            } catch (std::bad_alloc const&) {}  // it may be looked at in vain
        }
        space_.set(other->no, unknown_room);
    }
    void note_room_in(std::span<std::byte, page_size> bytes) const {
        heap_directory_page<std::byte, page_size> const page{bytes};
        space_.for_each_of(
            page.count(), [&](std::size_t i) { return page[i].page; },
            [&](std::size_t i, free_space::room_type room) { page.set(i, {page[i].page, room}); });
    }
    static constexpr std::size_t passed_max = 64;     ///< before the file grows
    static constexpr std::size_t cost_of_a_look = 8;  ///< in vain, in pages passed over
    /// What a look at doubted pages finds.
    struct found_again {
        bool by_a_hint = false;            ///< some page is noted with room
        std::optional<page_no> its_own{};  ///< one that the change holds, and where it made room
        std::optional<page_no> taken{};    ///< one that others have, if it found no room

        explicit operator bool() const noexcept { return by_a_hint || its_own; }
    };
    /// How much room page `no` has; 0 if that cannot be told now.
    template <class Pages>
    [[nodiscard]] std::size_t free_now(Pages& pages, page_no no) const {
        if (is_held(pages, no)) { return free_in(pages, no); }
        try {
            outside_of_changes none;
            return free_in(none, no, without_waiting);
        } catch (error const&) { return 0; }
    }
    /// What growth would wait for: a page that another change has to its end. Each one that grows
    /// has the last directory page, and each one that takes a page of the file its first allocation
    /// page.
    template <class Pages>
    [[nodiscard]] std::optional<page_no> others_grow(
        Pages& pages, access_options const& how = without_waiting) const {
        for (auto const no : {this->last_directory(), first_map}) {
            if (is_taken(pages, no, how)) { return no; }
        }
        return std::nullopt;
    }
    /// Until others do not have page `no`. Errors: timed_out.
    void wait_for(page_no no) const {
        try {
            [[maybe_unused]] auto const page = store_.file().read(no);
        } catch (error const& why) {  // others are for whoever needs it
            if (why.code() == errc::timed_out) { throw; }
        }
    }
    /// Whether others have page `no` now, not only to read it.
    template <class Pages>
    [[nodiscard]] bool is_taken(Pages& pages, page_no no,
                                access_options const& how = without_waiting) const {
        if (is_held(pages, no)) { return false; }
        try {
            [[maybe_unused]] auto const page = store_.file().read(no, how);
        } catch (error const& why) { return why.code() == errc::timed_out; }
        return false;
    }
    /// Whether a look at page `no` is not waited for: the change has it now; or it is a page of
    /// another kind, as that look will tell.
    template <class Changes>
    [[nodiscard]] bool try_hold(Changes& changes, page_no no) const {
        try {
            return changes.try_hold(store_.file(), no);
        } catch (error const& why) {
            if (!is_another_page(why)) { throw; }
            return true;
        }
    }
    /// Whether there is room for a record. Doubted pages are looked at, in turn, until there is.
    /// What others change now is not waited for, and what the change holds it sees for itself
    /// alone: such pages stay doubted, and are passed over, at most `max`. A look at one of them
    /// counts as `cost_of_a_look`.
    template <class Pages>
    [[nodiscard]] found_again finds_again(Pages& pages, std::size_t size,
                                          std::size_t max = passed_max) {
        std::optional<page_no> first_passed;
        std::optional<page_no> taken;
        bool is_made = false;
        for (std::size_t passed = 0; passed < max;) {
            auto one = space_.take_doubted();
            if (!one) { break; }
            auto const no = one.key();
            bool const goes_round = no == first_passed;
            auto const pass = [&](std::size_t cost) {
                space_.doubt(std::move(one));
                passed += goes_round ? max : cost;
                if (!first_passed) { first_passed = no; }
            };
            bool const is_mine = is_held(pages, no);
            bool const is_there = no.value() < store_.file().pages();
            if (!is_mine && !is_there) {  // an open change makes it, or an undone one did
                is_made = is_made || others_grow(pages);
                if (!is_made && no.value() >= store_.file().pages()) { continue; }
            }
            if (is_mine ? !one.mapped() : !is_there) {
                pass(1);
                continue;
            }
            if (is_mine) {
                auto const free = free_in(pages, no);
                one.mapped() = free >= size || is_much(free);
                pass(cost_of_a_look);
                if (free < size) { continue; }
                space_.set(no, 0);
                return {.its_own = no};
            }
            try {
                outside_of_changes none;
                note_room(none, no, size, without_waiting);
            } catch (error const& why) {  // for whoever needs this page
                pass(cost_of_a_look);
                if (why.code() != errc::timed_out) { break; }
                taken = no;
            } catch (...) {
                pass(cost_of_a_look);
                throw;
            }
            if (space_.has(room_wanted(size))) { return {.by_a_hint = true}; }
        }
        return {.taken = taken};
    }

    free_space space_{empty_room()};
    kept_pages kept_;

private:
    static constexpr free_space::room_type unknown_room = 255;  ///< it will turn out

    /// Whether what a page number led to is no page of rows, and no more is wrong.
    [[nodiscard]] static bool is_another_page(error const& why) noexcept {
        return why.code() == errc::wrong_page_kind || why.code() == errc::page_out_of_range ||
               why.code() == errc::blank_page;
    }
    template <class Pages>
    [[nodiscard]] std::size_t free_in(Pages& pages, page_no no,
                                      access_options const& how = by_default) const {
        std::size_t free = 0;
        try {
            visit(pages, no, [&](page_view const& page) { free = page.free_space(); }, how);
        } catch (error const& why) {
            if (!is_about_content(why.kind())) { throw; }
        }
        return free;
    }
    template <class Pages>
    [[nodiscard]] bool is_held(Pages& pages, page_no no) const noexcept {
        if constexpr (std::same_as<Pages, outside_of_changes>) {
            return false;
        } else {
            return pages.holds(store_.file(), no);
        }
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
