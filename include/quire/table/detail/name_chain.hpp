// SPDX-License-Identifier: BSL-1.0
#pragma once

/// name_chain: the roots of a file by name: those of page 0, then those of the chain that begins
/// there (names_page.hpp).
///
/// Invariants
///   I1. Who changes the chain, or adds a root, has page 0 for writing before, and until the end of
///       its change. So a thread that has page 0 sees a chain that nobody else changes.
///   I2. Pages of the chain are latched after page 0, one at a time, except by a change that adds.
///   I3. A chain that comes back to a page, or leads to none, or to a page of another kind, is
///       corrupt_page: no walk is endless.
///
/// A new root goes to the first page that has room for it. If none has, the chain gets a page at
/// its end, which is linked when the root is in it.

#include <quire/table/catalog_page.hpp>
#include <quire/table/names_page.hpp>

#include <set>      // std::set
#include <string>   // std::string
#include <utility>  // std::as_const

namespace quire::inline QUIRE_ABI::detail {

template <class File, std::size_t PageSize>
class name_chain {
    using first_type = catalog_page<std::byte const, PageSize>;

public:
    /// A root, and the text that belongs to it.
    struct found_root {
        root_entry entry;
        std::string schema;
    };
    explicit name_chain(File const& file) noexcept : file_{file} {}

    /// `fn(names, no)` of page 0, which the caller holds, and of the others, until it is false.
    /// Errors: those of `fn`, of reading, corrupt_page (I3).
    template <class Fn>
    void for_each_page(first_type const& first, Fn fn) const {
        if (!fn(first, page_no{0})) { return; }
        std::set<page_no> passed;
        for (page_no no = first.next(); no.value() != 0;) {
            if (!passed.insert(no).second) { refuse(no, "the chain of names comes back to it"); }
            no = visit(no, fn);
        }
    }
    /// The root of that name, if there is one.
    [[nodiscard]] std::optional<found_root> find(first_type const& first,
                                                 std::string_view name) const {
        std::optional<found_root> found;
        for_each_page(first, [&](auto const& names, page_no) {
            auto const entry = names.find(name);
            if (entry) { found.emplace(*entry, std::string{names.schema(entry->slot)}); }
            return !found;
        });
        return found;
    }
    /// Makes a root: `make(pages, page, number)` formats its page. All that can fail comes before
    /// a byte of names changes: so a change without a log is whole or not at all, too.
    /// Errors: those of `make`, of taking pages, corrupt_page.
    /// Expects: `first` is page 0 of the change; no root has the name, and its texts fit into an
    /// empty page.
    template <class Changes, class First, class Allocator, class Make>
    root_entry add(Changes& pages, First& first, Allocator& allocator, std::string_view name,
                   root_kind kind, std::string_view schema, Make& make) const {
        auto const& before = *std::as_const(first).operator->();
        auto const [last, is_full] = place_for(before, name.size() + schema.size());
        if (last.value() != 0) { auto const held = pages.template write<names_page>(file_, last); }
        auto const number = before.number_to_give();
        auto const page = allocator.take(pages);
        auto const where = is_full ? allocator.take(pages) : last;
        make(pages, page, number);
        if (is_full) { auto const made = pages.template format<names_page>(file_, where); }
        root_entry const root{.slot = {}, .number = number, .kind = kind, .page = page};
        auto const added = with_page(pages, first, where, [&](auto& names) {
            auto const found = names.add(root, name, schema) ? names.find(name) : std::nullopt;
            if (!found) { refuse(where, "it has less room than it says"); }
            return *found;
        });
        if (is_full) { with_page(pages, first, last, [&](auto& names) { names.set_next(where); }); }
        first->set_number_given();
        return added;
    }

private:
    /// Where a root is added.
    struct place {
        page_no page;          ///< where there is room, or the last page
        bool is_full = false;  ///< there is room nowhere
    };
    [[nodiscard]] place place_for(first_type const& first, std::size_t text_size) const {
        place where;
        for_each_page(first, [&](auto const& names, page_no no) {
            where = {.page = no, .is_full = !names.has_room(text_size)};
            return where.is_full;
        });
        return where;
    }
    /// `fn` of a page that the change holds.
    template <class Changes, class First, class Fn>
    auto with_page(Changes& pages, First& first, page_no no, Fn fn) const {
        if (no.value() == 0) { return fn(*first.operator->()); }
        auto names = pages.template write<names_page>(file_, no);
        return fn(*names.operator->());
    }
    /// `fn` of one page. The next page's number; 0 also when it is false.
    template <class Fn>
    [[nodiscard]] page_no visit(page_no no, Fn& fn) const {
        try {
            auto const names = file_.template read<names_page>(no);
            return fn(*names.operator->(), no) ? names->next() : page_no{0};
        } catch (error const& why) {
            if (why.kind() == errc::page_out_of_range || why.kind() == errc::wrong_page_kind ||
                why.kind() == errc::blank_page) {
                refuse(no, "the chain of names leads to it, and it is none of them");
            }
            throw;
        }
    }
    [[noreturn]] void refuse(page_no no, char const* why) const {
        throw file_.slot().failure(errc::corrupt_page, "find a root", file_.id_of(no), 0, why);
    }

    File const& file_;
};

}  // namespace quire::inline QUIRE_ABI::detail
