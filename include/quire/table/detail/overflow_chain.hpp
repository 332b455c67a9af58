// SPDX-License-Identifier: BSL-1.0
#pragma once

/// overflow_chain: a value that is too large for a leaf, in pages of its own (overflow_page.hpp).
///
/// The leaf then has 14 bytes in place of the value (overflow_place.hpp).
///
/// Who reads or changes the value holds the leaf that leads to it, so its pages are those of the
/// value as the leaf has it: latches are taken leaf before chain, allocation page last. A new value
/// gets new pages, and the old ones are freed by the change that makes the leaf lead to the new.
///
/// Pages that a list names are read ahead all at once; the first one of a value is waited for.

#include <quire/base/page_seal.hpp>
#include <quire/pool/task.hpp>
#include <quire/table/detail/outside_of_changes.hpp>
#include <quire/table/detail/overflow_place.hpp>
#include <quire/table/finding.hpp>
#include <quire/table/overflow_page.hpp>

#include <algorithm>  // std::find, std::min
#include <array>      // std::array
#include <new>        // std::bad_alloc
#include <vector>     // std::vector

namespace quire::inline QUIRE_ABI::detail {

/// Numbers of pages. Errors: out_of_memory.
class page_list {
public:
    /// Then so many may be added, which cannot fail.
    void reserve(std::size_t count) {
        try {
            pages_.reserve(count);
        } catch (std::bad_alloc const&) { throw error{errc::out_of_memory, "list pages"}; }
    }
    void add(page_no no) {
        if (pages_.size() == pages_.capacity()) { reserve(2 * pages_.size() + 1); }
        pages_.push_back(no);
    }
    [[nodiscard]] std::span<page_no const> pages() const noexcept { return pages_; }

private:
    std::vector<page_no> pages_;
};

/// The chains of a tree. `Store` is a catalog; `Pages` a change, or outside_of_changes.
template <class Store>
class overflow_chain {
    static constexpr std::size_t page_size = Store::page_size;
    using view = overflow_page<std::byte const, page_size>;
    using list_type = std::array<page_no, view::list_size>;

public:
    overflow_chain(Store& store, std::uint32_t tree) noexcept : store_{store}, tree_{tree} {}

    /// Writes a value into new pages; where it is. After an error the pages are free again.
    /// Expects: 1 to value_size_max bytes. Errors: those of catalog::allocate, out_of_memory.
    template <class Changes>
    [[nodiscard]] overflow_place write(Changes& changes, key_bytes value) const {
        auto const count = view::pages_for(value.size());
        page_list made;
        made.reserve(count);
        try {
            for (std::size_t i = 0; i < count; ++i) {
                auto const page = store_.template allocate<overflow_page>(changes);
                made.add(page.page_no());
            }
        } catch (...) {
            give_back(changes, made);
            throw;
        }
        overflow_place const where{value.size(), crc32c(value), made.pages().front()};
        fill(changes, made.pages(), value, where.checksum);
        return where;
    }
    /// `fn(number, page, part)` for each page, with what it has of the value, until it returns
    /// false. Errors: corrupt_page, those of reading.
    template <class Pages, class Fn>
    void for_each(Pages& pages, overflow_place const& where, Fn fn) const {
        list_type list{};
        auto no = where.first;
        auto const count = view::pages_for(where.size);
        auto left = where.size;
        bool goes_on = true;
        for (std::size_t position = 0; position < count && goes_on; ++position) {
            with_page(pages, no, [&](view const& page) {
                if (!is_of(where, page, position)) { page.corrupt("tree, position or checksum"); }
                auto const part = std::min(left, view::room_at(position));
                left -= part;
                if (view::has_list(position)) {
                    take_list(page, list);
                    if (left > 0) { read_ahead(list); }
                }
                goes_on = fn(no, page, key_bytes{page.bytes_of_value().first(part)});
                if (left > 0 && next(list, position).value() == 0) { page.corrupt("end of chain"); }
            });
            no = next(list, position);
        }
    }
    /// The value, in place of what is in `into`. Errors: as for_each, out_of_memory.
    template <class Pages>
    void read(Pages& pages, overflow_place const& where, std::vector<std::byte>& into) const {
        try {
            into.clear();  // then no bytes are moved
            into.reserve(std::min<std::uint64_t>(where.size, store_.file().pages() * page_size));
            for_each(pages, where, [&](page_no, view const&, key_bytes part) {
                into.insert(into.end(), part.begin(), part.end());
                return true;
            });
        } catch (std::bad_alloc const&) { throw error{errc::out_of_memory, "read a value"}; }
    }
    /// For a task: reads the pages that are not resident; other tasks run meanwhile. They may be
    /// gone again when it is done, or those of another value: it has not looked under a latch.
    [[nodiscard]] task<void> async_read(overflow_place where) const {
        list_type list{};
        auto no = where.first;
        auto const count = view::pages_for(where.size);
        for (std::size_t position = 0; position < count && no.value() != 0; ++position) {
            try {
                auto const held = co_await store_.file().fetch(no);
                auto const guard = store_.file().template read<overflow_page>(no);
                view const page{guard->bytes()};
                if (!is_of(where, page, position)) { co_return; }
                if (view::has_list(position)) {
                    take_list(page, list);
                    read_ahead(list);
                }
            } catch (error const& why) {
                if (!is_about_content(why.kind())) { throw; }
                co_return;  // who looks under the latch finds out
            }
            no = next(list, position);
        }
    }
    /// Holds all pages, so that `free` cannot fail. Errors: as for_each, catalog::hold_to_free.
    template <class Changes>
    void hold_to_free(Changes& changes, overflow_place const& where, page_list& held) const {
        for_each(changes, where, [&](page_no no, view const&, key_bytes) {
            held.add(no);
            return true;
        });
        for (auto const no : held.pages()) { store_.hold_to_free(changes, no); }
    }
    template <class Changes>
    void free(Changes& changes, page_list const& held) const {
        for (auto const no : held.pages()) { store_.free(changes, no); }
    }

private:
    [[nodiscard]] bool is_of(overflow_place const& where, view const& page,
                             std::size_t position) const noexcept {
        return page.tree() == tree_ && page.position() == position &&
               page.checksum() == where.checksum;
    }
    /// The page behind that at `position`, of the list that was taken last.
    [[nodiscard]] static page_no next(list_type const& list, std::size_t position) noexcept {
        return list[position % view::list_size];
    }
    static void take_list(view const& page, list_type& list) noexcept {
        for (std::size_t i = 0; i < list.size(); ++i) { list[i] = page.listed(i); }
    }
    void read_ahead(list_type const& list) const {
        auto const* const end = std::find(list.data(), list.data() + list.size(), page_no{});
        static_cast<void>(store_.file().prefetch(std::span{list.data(), end}));
    }
    template <class Pages, class Fn>
    void with_page(Pages& pages, page_no no, Fn fn) const {
        auto const& file = store_.file();
        try {
            look_at(pages, no, fn);
        } catch (error const& why) {
            auto const kind = why.kind();
            bool const is_no_page_of_it = is_about_content(kind) || kind == errc::held_here;
            if (!is_no_page_of_it || kind == errc::corrupt_page) { throw; }
            throw file.slot().failure(errc::corrupt_page, "read a value", file.id_of(no), 0,
                                      "its chain leads to a page that is none of it");
        }
    }
    template <class Pages, class Fn>
    void look_at(Pages& pages, page_no no, Fn& fn) const {
        auto const& file = store_.file();
        if constexpr (std::same_as<Pages, outside_of_changes>) {
            auto const page = file.template read<overflow_page>(no);
            fn(view{page->bytes()});
        } else {
            bool const had = pages.holds(file, no);
            {
                auto const page = pages.template read<overflow_page>(file, no);
                fn(view{page.view().bytes()});
            }
            if (!had) { pages.let_go(file, no); }
        }
    }
    template <class Changes>
    void fill(Changes& changes, std::span<page_no const> made, key_bytes value,
              std::uint32_t checksum) const {
        for (std::size_t position = 0; position < made.size(); ++position) {
            auto page = changes.template write<overflow_page>(store_.file(), made[position]);
            overflow_page<std::byte, page_size> const to{page->bytes()};
            to.begin(tree_, position, checksum);
            if (view::has_list(position)) {
                auto const behind = made.subspan(position + 1);
                auto const count = std::min(behind.size(), view::list_size);
                for (std::size_t i = 0; i < count; ++i) { to.list(i, behind[i]); }
            }
            auto const part = std::min(value.size(), view::room_at(position));
            to.put(value.first(part));
            value = value.subspan(part);
        }
    }
    /// What a change has taken in vain. In one that cannot go on it is undone with the change.
    template <class Changes>
    void give_back(Changes& changes, page_list const& made) const noexcept {
        try {
            free(changes, made);
        } catch (error const&) {}
    }

    Store& store_;
    std::uint32_t tree_;
};

}  // namespace quire::inline QUIRE_ABI::detail
