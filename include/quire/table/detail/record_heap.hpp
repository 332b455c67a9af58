// SPDX-License-Identifier: BSL-1.0
#pragma once

/// record_heap: a heap file over rows that are bytes. table.hpp is its typed face, and
/// heap_pages.hpp has the pages.
///
/// Where a row is. At its id, unless it outgrew its page: then its address is there, and the row is
/// where that says, under its id. The address is changed with the row, so one hop is enough. Who
/// writes to a row holds the page of its id first. Who reads holds one page at a time, and looks at
/// the id again when the row was not where its address said.
///
/// Writing has two steps in one change: `hold`, `hold_room`, `can_replace` acquire pages and may
/// fail; then `put`, `replace`, `move`, `erase` change bytes, and do not fail.
///
/// `Store` is a catalog.

#include <quire/table/detail/heap_pages.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Store>
class record_heap : public heap_pages<Store> {
    using base = heap_pages<Store>;
    using base::number_;
    using base::store_;

public:
    using base::visit;
    using typename base::directory_view;
    using typename base::page_view;
    using typename base::target;
    static constexpr std::size_t row_size_max = page_view::row_size_max;

    using base::base;

    // Reading. `Pages` is a change that holds what it reads, or outside_of_changes.

    /// `fn(row)` with the bytes of the row, under its page's latch. Whether there is one.
    /// Errors: corrupt_page (its address leads nowhere), those of reading and of `fn`.
    template <class Pages, class Fn>
    bool read(Pages&& pages, record_id id, Fn&& fn) const {
        for (int turn = 0; turn < turns_max; ++turn) {
            auto const away = tell(pages, id, id, fn);
            if (!away) { return true; }
            if (*away == id) { return false; }
            if (!tell(pages, *away, id, fn)) { return true; }
        }
        leads_nowhere(id);
    }
    /// `fn(id, row)` for each row, until it returns false. The pages are read ahead. Rows that are
    /// there all the time are told of once.
    template <class Fn>
    void scan(Fn&& fn) const {
        typename base::walk directory{*this};
        std::vector<page_no> listed;
        std::vector<record_id> away;
        std::size_t next = 0;
        bool is_over = false;
        auto const numbers = [&]() -> std::optional<page_no> {
            if (away.size() > away_max) { return std::nullopt; }
            while (!is_over && next == listed.size()) {
                listed.clear();
                next = 0;
                is_over = !directory.next([&](page_no, directory_view const& page) {
                    for (std::size_t i = 0; i < page.count(); ++i) {
                        listed.push_back(page[i].page);
                    }
                });
            }
            return is_over ? std::nullopt : std::optional{listed[next++]};
        };
        do {
            away.clear();
        } while (scan_pages(numbers, away, fn) && scan_rows(outside_of_changes{}, away, fn) &&
                 !is_over);
    }
    /// Likewise as a change has them, which holds the pages from then on.
    template <class Changes, class Fn>
    void scan_in(Changes& changes, Fn&& fn) const {
        std::vector<page_no> listed;
        std::vector<record_id> away;
        this->for_each_directory_in(changes, [&](directory_view const& page) {
            listed.clear();
            away.clear();
            for (std::size_t i = 0; i < page.count(); ++i) { listed.push_back(page[i].page); }
            for (auto const no : listed) {
                auto const held = changes.template read<record_page>(store_.file(), no);
                if (!scan_page(no, page_view{held.view().bytes()}, away, fn)) { return false; }
            }
            return scan_rows(changes, away, fn);
        });
    }

    // Writing, first step. Pages that are asked for are held by the change from then on.

    /// Where a row is.
    struct location {
        record_id id;
        record_id now;  ///< the same, unless it moved
        [[nodiscard]] bool has_moved() const noexcept { return id != now; }
        [[nodiscard]] record_form form() const noexcept {
            return has_moved() ? record_form::moved_here : record_form::row;
        }
    };
    /// Nothing if there is no such row. Errors: corrupt_page, those of changes.write.
    template <class Changes>
    [[nodiscard]] std::optional<location> hold(Changes& changes, record_id id) const {
        std::optional<record_id> now;
        visit(changes, id.page, [&](page_view const& page) {
            auto const found = page.find(id.slot);
            if (!found || found->form == record_form::moved_here) { return; }
            if (found->form == record_form::moved_away && found->other == id) { leads_nowhere(id); }
            now = found->form == record_form::row ? id : found->other;
        });
        if (!now || *now == id) { return now ? std::optional{location{id, id}} : std::nullopt; }
        bool is_there = false;
        visit(changes, now->page, [&](page_view const& page) {
            auto const found = page.find(now->slot);
            is_there = found && found->form == record_form::moved_here && found->other == id;
        });
        if (!is_there) { leads_nowhere(id); }
        return location{id, *now};
    }
    /// `fn(row)` with the bytes of a row that is held.
    template <class Changes, class Fn>
    auto with_row(Changes& changes, location const& where, Fn fn) const {
        auto const page = changes.template read<record_page>(store_.file(), where.now.page);
        return fn(page_view{page.view().bytes()}.find(where.now.slot)->row);
    }
    /// Whether `size` bytes can replace a row that is held where it lies.
    template <class Changes>
    [[nodiscard]] bool can_replace(Changes& changes, location const& where,
                                   std::size_t size) const {
        auto const page = changes.template read<record_page>(store_.file(), where.now.page);
        return page_view{page.view().bytes()}.can_hold(where.now.slot,
                                                       page_view::size_of(where.form(), size));
    }
    /// The place in `where` for a new row of `size` bytes. Nothing if there is no room, if others
    /// have that page, or if it is none of this heap file; then, or after an error of that page but
    /// conflict, another one is taken next. A page that was held only for that look is let go.
    template <class Changes>
    [[nodiscard]] std::optional<record_id> hold_room(Changes& changes, target& where,
                                                     record_form form, std::size_t size) const {
        std::optional<record_id> found;
        auto const whole = page_view::size_of(form, size);
        bool const was_held = changes.holds(store_.file(), where.page());
        try {
            if (!was_held && !where.is_the_last() && !this->try_hold(changes, where.page())) {
                where.give_back_taken();
                return std::nullopt;
            }
            visit(changes, where.page(), [&](page_view const& page) {
                if (auto const room = page.room_for(whole)) {
                    found = record_id{where.page(), *room};
                } else {
                    where.note_full_for(whole, page.free_space(), was_held);
                }
            });
        } catch (error const& why) {
            if (!was_held) { changes.let_go(store_.file(), where.page()); }
            if (is_about_content(why.kind())) {
                where.give_back();
            } else if (why.code() != errc::conflict) {
                where.give_back_unseen();
            }
            throw;
        }
        if (!found) {
            where.give_back();
            if (!was_held) { changes.let_go(store_.file(), where.page()); }
        }
        return found;
    }

    // Writing, second step. Expects: the first one allows it.

    template <class Changes, class Write>
    void put(Changes& changes, record_id at, std::size_t size, Write const& write) const {
        put_record(changes, at, record_form::row, at, size, write);
    }
    template <class Changes, class Write>
    void replace(Changes& changes, location const& where, std::size_t size,
                 Write const& write) const {
        put_record(changes, where.now, where.form(), where.id, size, write);
    }
    template <class Changes, class Write>
    void move(Changes& changes, location const& where, record_id to, std::size_t size,
              Write const& write) const {
        put_record(changes, to, record_form::moved_here, where.id, size, write);
        if (where.has_moved()) { erase_record(changes, where.now); }
        auto page = changes.template write<record_page>(store_.file(), where.id.page);
        page->put_address(where.id.slot, to);
    }
    template <class Changes>
    void erase(Changes& changes, location const& where) {
        if (where.has_moved()) { erase_record(changes, where.now); }
        erase_record(changes, where.id);
    }

private:
    static constexpr int turns_max = 100;
    static constexpr std::size_t away_max = 4096;  ///< rows that a scan keeps for later

    [[noreturn]] void leads_nowhere(record_id id) const {
        throw store_.file().slot().failure(errc::corrupt_page, "find a row",
                                           store_.file().id_of(id.page), 0,
                                           "its address leads nowhere");
    }

    /// `fn(row)` if the row of `id` is at `at`, and then nothing. Else the address that is there,
    /// or `at` when there is none.
    template <class Pages, class Fn>
    std::optional<record_id> tell(Pages& pages, record_id at, record_id id, Fn& fn) const {
        std::optional<record_id> away = at;
        auto const wanted = at == id ? record_form::row : record_form::moved_here;
        visit(pages, at.page, [&](page_view const& page) {
            auto const found = page.find(at.slot);
            if (!found) { return; }
            if (found->form == wanted && (at == id || found->other == id)) {
                away.reset();
                fn(found->row);
            } else if (at == id && found->form == record_form::moved_away) {
                away = found->other;
            }
        });
        return away;
    }

    template <class Numbers, class Fn>
    [[nodiscard]] bool scan_pages(Numbers const& numbers, std::vector<record_id>& away,
                                  Fn& fn) const {
        auto pages = store_.file().template read_stream<record_page>(numbers, {}, this->pages());
        while (auto* const guard = pages.next()) {
            page_view const page{(*guard)->bytes()};
            if (!scan_page(guard->page_no(), page, away, fn)) { return false; }
        }
        return true;
    }
    template <class Fn>
    [[nodiscard]] bool scan_page(page_no no, page_view const& page, std::vector<record_id>& away,
                                 Fn& fn) const {
        if (page.heap() != number_) { page.corrupt("heap file"); }
        return page.for_each([&](slot_id at, auto const& found) {
            if (found.form == record_form::row) { return fn(record_id{no, at}, found.row); }
            if (found.form == record_form::moved_away) { away.push_back({no, at}); }
            return true;
        });
    }
    /// Those that moved, by their ids: so none is told of twice, or left out.
    template <class Pages, class Fn>
    [[nodiscard]] bool scan_rows(Pages&& pages, std::vector<record_id> const& away,
                                 Fn& fn) const {
        for (auto const id : away) {
            bool goes_on = true;
            read(pages, id, [&](std::span<std::byte const> row) { goes_on = fn(id, row); });
            if (!goes_on) { return false; }
        }
        return true;
    }

    template <class Changes, class Write>
    void put_record(Changes& changes, record_id at, record_form form, record_id other,
                    std::size_t size, Write const& write) const {
        auto page = changes.template write<record_page>(store_.file(), at.page);
        bool const done = page->put(at.slot, form, other, size, write);
        QUIRE_EXPECTS(done, "a page has the room that it said it has");
    }
    template <class Changes>
    void erase_record(Changes& changes, record_id at) const {
        auto page = changes.template write<record_page>(store_.file(), at.page);
        page->erase(at.slot);
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
