// SPDX-License-Identifier: BSL-1.0
#pragma once

/// page_allocator: takes pages of a file for use, and makes them free again, in a change.
///
/// The bits of the allocation pages (table/allocation_page.hpp) say which pages are used. A page
/// whose bit is clear is a free page (table/free_page.hpp), or blank. Free pages are taken before
/// the file grows.
///
/// Invariants
///   I1. Page 1, the first allocation page, is the gate: a change has it before it asks for any
///       other allocation page, and keeps it until its end, unless it has neither taken nor freed
///       a page. So changes wait for each other in no circle here, and bits are read as some change
///       left them.
///   I2. A page that a change made free is taken by another only after the commit: the gate and the
///       page are held until then.
///   I3. No page below `hint_`, except allocation pages, was free when `hint_` was last raised, and
///       it is lowered to a page that becomes free. It is raised only by a change that has just got
///       the gate, to what others committed: so an undone change loses no free page. It is read and
///       written under the gate.
///   I4. A page is taken only if it is a free page, or blank: a bit that is wrong after a crash of
///       a file without a log hands out no page that may be in use.
///   I5. A later allocation page that is blank says that none of its pages is used: a crash left it
///       and what comes behind it as room at the end. It is made, under the gate, when the first of
///       them is taken. The gate itself is made when the catalog is opened.
///
/// Whole or not without a log, too: nothing changes before all pages are held, except that a blank
/// one is made free. When the change ends without a commit, what was taken becomes free again
/// (unlogged_change.hpp). What was made free stays so: `hold_to_free` acquires, so that `free`,
/// done last, cannot fail.

#include <quire/table/allocation_page.hpp>
#include <quire/table/detail/blank_page.hpp>
#include <quire/table/free_page.hpp>
#include <quire/table/unlogged_change.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <class Pool>
class page_allocator : immovable {
    using file_type = typename Pool::file;
    using map_type = allocation_page<std::byte const, Pool::page_size>;

public:
    explicit page_allocator(file_type const& file) noexcept : file_{file} {}

    /// Whether page 1 is blank, as it is if a crash came before it was written.
    /// Errors: wrong_page_kind; blank_page, where no crash explains it.
    [[nodiscard]] bool lacks_gate(bool was_closed) const {
        try {
            auto const gate = file_.template read<allocation_page>(map_type::first_map);
            return false;
        } catch (error const& why) {
            if (was_closed || !is_blank(file_, map_type::first_map, why)) { throw; }
            return true;
        }
    }
    /// Expects: no other thread uses the file.
    template <class Changes>
    void make_gate(Changes& pages) {
        make_map(pages, map_type::first_map);
    }
    /// The file is one of a catalog, which can use what a crash leaves of its room.
    void let_grow_ahead() noexcept {
        file_.slot().grows_ahead.store(true, std::memory_order_relaxed);
    }

    /// A page that is in use from now on, held by the change, formatted free.
    template <class Changes>
    [[nodiscard]] page_no take(Changes& pages) {
        bool const has_gate = pages.holds(file_, map_type::first_map);
        hold_gate(pages);
        auto const end = end_of(pages);
        auto const found = find_free(pages, end);
        if (!has_gate) { hint_ = found ? found->value() : end; }
        if (found) { hold_free_page(pages, *found); }
        auto const no = found ? *found : grow(pages);
        hold_or_make<allocation_page>(pages, map_type::map_of(no));
        auto map = pages.template write<allocation_page>(file_, map_type::map_of(no));
        map->set_used(map_type::bit_of(no));
        if constexpr (requires { pages.take_back_unless_committed(file_, no, this, nullptr); }) {
            pages.take_back_unless_committed(file_, no, this, &take_back);
        }
        return no;
    }

    /// Acquires what `free` needs. Errors: corrupt_page, of a page that is none to be freed.
    template <class Changes>
    void hold_to_free(Changes& pages, page_no no) {
        if (no.value() == 0 || map_type::is_map(no)) { refuse(no, "it is never free"); }
        if (!pages.holds(file_, no)) { hold<raw_page>(pages, no); }
        hold_gate(pages);
        auto const map = pages.template read<allocation_page>(file_, map_type::map_of(no));
        if (!map->is_used(map_type::bit_of(no))) { refuse(no, "it is free"); }
    }
    template <class Changes>
    void free(Changes& pages, page_no no) {
        hold_to_free(pages, no);
        make_free(pages, no);
    }

private:
    template <template <class, std::size_t> class View, class Changes>
    void hold(Changes& pages, page_no no) {
        [[maybe_unused]] auto const page = pages.template write<View>(file_, no);
    }
    /// Page `no`, held; a blank one is made one of the kind. Expects: the change has the gate.
    template <template <class, std::size_t> class View, class Changes>
    void hold_or_make(Changes& pages, page_no no) {
        try {
            hold<View>(pages, no);
        } catch (error const& why) {
            if (pages.holds(file_, no) || !is_blank(file_, no, why)) { throw; }
            [[maybe_unused]] auto const page = pages.template format<View>(file_, no);
        }
    }
    template <class Changes>
    void hold_gate(Changes& pages) {
        hold<allocation_page>(pages, map_type::first_map);
    }
    [[noreturn]] void refuse(page_no no, char const* why) const {
        throw file_.slot().failure(errc::corrupt_page, "free a page", file_.id_of(no), 0, why);
    }

    /// The end of the file, as this change has it: with the pages that it has appended, which it
    /// holds, each one. They may be many: so this asks for few of them.
    template <class Changes>
    [[nodiscard]] std::uint64_t end_of(Changes const& pages) const noexcept {
        auto end = file_.pages();
        std::uint64_t step = 1;
        while (pages.holds(file_, end + step - 1)) { step *= 2; }
        for (; step > 0; step /= 2) {
            if (pages.holds(file_, end + step - 1)) { end += step; }
        }
        return end;
    }
    /// The first free page from the hint on, before page `end`.
    template <class Changes>
    [[nodiscard]] std::optional<page_no> find_free(Changes& pages, std::uint64_t end) const {
        for (auto no = hint_; no < end;) {
            auto const map_no = map_type::map_of(no);
            auto const found = find_in(pages, map_no, map_type::bit_of(no), end - map_no.value());
            if (found) { return map_no.value() + *found; }
            no = map_no.value() + map_type::bit_count;
        }
        return std::nullopt;
    }
    /// Only looks: a change does not keep every allocation page that was searched in vain. No other
    /// thread changes one meanwhile, since this one has the gate.
    template <class Changes>
    [[nodiscard]] std::optional<std::size_t> find_in(Changes& pages, page_no map_no,
                                                     std::size_t from, std::uint64_t end) const {
        if (pages.holds(file_, map_no)) {
            auto const map = pages.template read<allocation_page>(file_, map_no);
            return map->first_free(from, end);
        }
        try {
            auto const map = file_.template read<allocation_page>(map_no);
            return map->first_free(from, end);
        } catch (error const& why) {
            if (!is_blank(file_, map_no, why)) { throw; }
        }
        auto const first = std::max<std::size_t>(from, 1);  // bit 0 is its own
        bool const is_there = first < std::min<std::uint64_t>(end, map_type::bit_count);
        return is_there ? std::optional{first} : std::nullopt;
    }
    /// Errors: corrupt_page, of a page that is no free page (I4).
    template <class Changes>
    void hold_free_page(Changes& pages, page_no no) {
        try {
            hold_or_make<free_page>(pages, no);
        } catch (error const& why) {
            if (why.code() != errc::wrong_page_kind) { throw; }
            throw file_.slot().failure(errc::corrupt_page, "allocate a page", file_.id_of(no), 0,
                                       "its bit says that it is free, its kind does not");
        }
    }
    /// A new page at the file's end, formatted free; an allocation page comes before it in places.
    template <class Changes>
    [[nodiscard]] page_no grow(Changes& pages) {
        for (;;) {
            auto const page = pages.template append<free_page>(file_);
            auto const no = page.page_no();
            if (!map_type::is_map(no)) { return no; }
            make_map(pages, no);
        }
    }
    template <class Changes>
    void make_map(Changes& pages, page_no no) {
        [[maybe_unused]] auto const map = pages.template format<allocation_page>(file_, no);
    }
    /// Expects: the change holds the page, its allocation page and the gate.
    template <class Changes>
    void make_free(Changes& pages, page_no no) const {
        { [[maybe_unused]] auto const page = pages.template format<free_page>(file_, no); }
        auto map = pages.template write<allocation_page>(file_, map_type::map_of(no));
        map->set_free(map_type::bit_of(no));
        hint_ = std::min(hint_, no.value());
    }
    static void take_back(void const* of, unlogged_change<Pool>& pages, page_no no) {
        static_cast<page_allocator const*>(of)->make_free(pages, no);
    }

    file_type file_;
    mutable std::uint64_t hint_ = 2;
};

}  // namespace quire::inline QUIRE_ABI::detail
