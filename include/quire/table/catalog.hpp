// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog: a file with trees in it: the names they have, and which pages are in use.
///
///     auto file = pool.open("orders.db", quire::open_mode::open_or_create, {.logged = true});
///     quire::catalog db{pool, file};
///     quire::btree<std::uint64_t, std::uint64_t> counts{db, "counts"};
///
/// It makes pages 0 and 1 of an empty file, or looks whether they are what they should be. All
/// other pages belong to it as well: they are given out by `allocate` and taken back by `free`.
///
/// Logged and unlogged files. In a logged file every operation is a change (pool/change.hpp): whole
/// or absent, in memory and after a crash. In an unlogged file it is whole in memory; after a crash
/// the file has what was written of it, in any combination of pages. Then `was_closed()` was false
/// at opening: `check` of the catalog and of each tree says whether something is wrong.
///
/// Pages that were freed are given out before the file grows, once the change that freed them is
/// committed: until then its allocation page is held. An operation latches allocation pages after
/// all others, except for the page that it gets from one. The number of the first allocation page
/// with a free bit is kept in memory: a hint, but never behind a page that is free.
///
/// Lifetime: the pool and the file outlive it; trees made with it end before. One catalog of a file
/// at a time.
/// Threads: any number, except for `close` and `check`, which want the file at rest.

#include <quire/table/allocation_page.hpp>
#include <quire/table/catalog_page.hpp>
#include <quire/table/finding.hpp>
#include <quire/table/free_page.hpp>
#include <quire/table/unlogged_change.hpp>

#include <atomic>  // std::atomic
#include <set>     // std::set
#include <string>  // std::string

namespace quire::inline QUIRE_ABI {

template <class Pool>
class catalog : immovable {
    using map_view = allocation_page<std::byte const, Pool::page_size>;

public:
    using file_type = typename Pool::file;
    static constexpr std::size_t page_size = Pool::page_size;

    /// What a name stands for.
    struct root {
        std::uint32_t number;
        page_no page;
    };

    /// Errors: catalog_mismatch (the file has another page size), those of reading and changing.
    /// Expects: this thread holds no guard of the pool.
    catalog(Pool& pool, file_type const& file) : pool_{pool}, file_{file} {
        if (file.pages() == 0) { create(); }
        {
            auto const page = file.template read<catalog_page>(0);
            if (page->page_size() != page_size) {
                throw error{errc::catalog_mismatch,
                            "open a catalog of pages of " + std::to_string(page->page_size()) +
                                " bytes in a pool of pages of " + std::to_string(page_size)};
            }
            was_closed_ = page->is_closed();
        }
        if (file.is_logged() || !was_closed_) { return; }
        try {
            mark(false);
        } catch (error const& why) {  // a file that is only read stays as it is
            if (why.kind() != errc::read_only) { throw; }
        }
    }

    [[nodiscard]] file_type const& file() const noexcept { return file_; }
    [[nodiscard]] Pool& pool() const noexcept { return pool_; }
    /// Whether the file had been closed by `close`, or is new. A logged file need not be.
    [[nodiscard]] bool was_closed() const noexcept { return was_closed_; }

    /// Writes everything, and notes in the file that nothing is missing. The catalog and its trees
    /// are not used afterwards. Errors: as paged_file::flush.
    void close() {
        if (file_.is_logged()) { return file_.flush(); }
        file_.flush();
        mark(true);
    }

    /// `fn(changes)` as one operation: a change if the file is logged (then it may run several
    /// times), else an unlogged_change.
    template <class Fn>
    void in_one_change(Fn&& fn) const {
        quire::in_one_change(pool_, file_, fn);
    }

    /// What `name` stands for. Where it is new, a page is allocated as `View`, and `make(page,
    /// number)` puts the beginning there, in the same change.
    /// Errors: catalog_mismatch (another kind or schema has the name), tuple_too_large (page 0 has
    /// no room for one more name), bad_option (the name is empty).
    template <template <class, std::size_t> class View, class Make>
    [[nodiscard]] root find_or_make(root_kind kind, std::string_view name, std::string_view schema,
                                    Make make) {
        if (name.empty()) { throw error{errc::bad_option, "an empty name in a catalog"}; }
        std::optional<root> found;
        {
            auto const page = file_.template read<catalog_page>(0);
            found = find(*page.operator->(), kind, name, schema);
        }
        if (!found) {
            in_one_change([&](auto& changes) {
                auto page = changes.template write<catalog_page>(file_, 0);
                found = find(page.view(), kind, name, schema);
                if (found) { return; }
                auto const number = page.view().next_number();
                auto first = allocate<View>(changes);
                found = root{number, first.page_no()};
                if (!page->add(kind, first.page_no(), name, schema)) {
                    free(changes, first.page_no());
                    throw error{errc::tuple_too_large, "add a name to the catalog",
                                file_.id_of(0)};
                }
                make(first, number);
            });
        }
        return *found;
    }

    /// A fresh page, formatted as `View`, in use from the commit on: a free one, or a new one at
    /// the file's end. Errors: those of appending.
    template <template <class, std::size_t> class View, class Changes>
    [[nodiscard]] auto allocate(Changes& changes) {
        page_no no = find_free(changes);
        if (no.value() == 0) { no = grow(changes); }
        auto const map_no = map_view::page_of(no);
        auto map = changes.template write<allocation_page>(file_, map_no);
        static_cast<void>(changes.template format<View>(file_, no));
        map->set(map_view::bit_of(no), true);  // last: until here an error leaves the page free
        return changes.template write<View>(file_, no);
    }

    /// Gives page `no` back. It is free for others when the change is committed.
    /// Errors: corrupt_page when it is not in use, or one of the catalog's own.
    template <class Changes>
    void free(Changes& changes, page_no no) {
        bool const is_there = no.value() < file_.pages() || changes.holds(file_, no);
        if (no.value() == 0 || !is_there || map_view::is_at(no)) {
            throw error{errc::corrupt_page, "free a page that is none", file_.id_of(no)};
        }
        auto const map_no = map_view::page_of(no);
        auto map = changes.template write<allocation_page>(file_, map_no);
        if (!map.view().is_used(map_view::bit_of(no))) {
            throw error{errc::corrupt_page, "free a page that is free", file_.id_of(no)};
        }
        static_cast<void>(changes.template format<free_page>(file_, no));
        map->set(map_view::bit_of(no), false);
        auto hint = first_map_.load(std::memory_order_relaxed);
        while (map_no.value() < hint &&
               !first_map_.compare_exchange_weak(hint, map_no.value())) {}
    }

    /// What is wrong with page 0 and with the allocation pages: each page that is not in use is
    /// free and says so, those in use are among `reached` and the other way round. Give it what the
    /// checks of all trees have reached. Throws for the disk and for memory, not for content.
    [[nodiscard]] findings check(std::set<page_no> const& reached) const {
        findings found;
        note(found, 0, [&] {
            auto const page = file_.template read<catalog_page>(0);
            page->validate();
        });
        for (std::uint64_t first = 1; first < file_.pages(); first += map_view::pages_covered) {
            note(found, first, [&] { check_map(first, reached, found); });
        }
        return found;
    }
    /// `fn()`; an error of content becomes a finding.
    template <class Fn>
    static void note(findings& found, page_no no, Fn fn) {
        try {
            fn();
        } catch (error const& why) {
            auto const code = why.kind();
            if (code != errc::corrupt_page && code != errc::blank_page &&
                code != errc::wrong_page_kind && code != errc::page_out_of_range) {
                throw;
            }
            found.push_back({no, why.what()});
        }
    }

private:
    void create() {
        in_one_change([&](auto& changes) {
            static_cast<void>(changes.template append<catalog_page>(file_));
            static_cast<void>(changes.template append<allocation_page>(file_));
        });
        if (!file_.is_logged()) { mark(true); }
    }
    void mark(bool closed) {
        in_one_change([&](auto& changes) {
            auto page = changes.template write<catalog_page>(file_, 0);
            page->set_closed(closed);
        });
        file_.flush();
    }

    template <class Page>
    [[nodiscard]] std::optional<root> find(Page const& page, root_kind kind, std::string_view name,
                                           std::string_view schema) const {
        auto const there = page.find(name);
        if (!there) { return std::nullopt; }
        if (there->kind != kind || there->schema != schema) {
            throw error{errc::catalog_mismatch,
                        "'" + std::string{name} + "' is " + said(there->kind, there->schema) +
                            ", not " + said(kind, schema),
                        file_.id_of(0)};
        }
        return root{there->number, there->page};
    }
    [[nodiscard]] static std::string said(root_kind kind, std::string_view schema) {
        return std::string{kind == root_kind::btree ? "a tree" : "a heap file"} + " of " +
               std::string{schema};
    }

    /// A page that is free, its allocation page held. 0 when there is none, the last one held.
    template <class Changes>
    [[nodiscard]] page_no find_free(Changes& changes) {
        for (auto map_no = first_map_.load(std::memory_order_relaxed); map_no < file_.pages();) {
            bool const had = changes.holds(file_, map_no);
            {
                auto const map = changes.template read<allocation_page>(file_, map_no);
                auto const left = file_.pages() - map_no;
                auto const end = left < map_view::pages_covered ? left : map_view::pages_covered;
                auto const bit = map.view().first_free(end);
                if (bit) { return map_no + *bit; }
                // The last one stays held while the file grows: else another thread would find the
                // new page free, and wait for it with the allocation page in hand.
                if (left <= map_view::pages_covered) { return 0; }
                auto expected = map_no;  // under the latch: no page is freed here meanwhile
                first_map_.compare_exchange_strong(expected, map_no + map_view::pages_covered);
            }
            if (!had) { changes.let_go(file_, map_no); }
            map_no += map_view::pages_covered;
        }
        return 0;
    }
    /// A page at the file's end; where an allocation page belongs there, the one behind it.
    template <class Changes>
    [[nodiscard]] page_no grow(Changes& changes) {
        page_no no = changes.template append<free_page>(file_).page_no();
        if (map_view::is_at(no)) {
            static_cast<void>(changes.template format<allocation_page>(file_, no));
            no = changes.template append<free_page>(file_).page_no();
        }
        return no;
    }

    void check_map(page_no map_no, std::set<page_no> const& reached, findings& found) const {
        std::vector<bool> used;
        {
            auto const map = file_.template read<allocation_page>(map_no);
            map->validate();
            for (std::size_t bit = 0; bit < map_view::pages_covered; ++bit) {
                used.push_back(map->is_used(bit));
            }
        }
        for (std::size_t bit = 1; bit < used.size(); ++bit) {
            page_no const no = map_no.value() + bit;
            if (no.value() >= file_.pages()) {
                if (used[bit]) { found.push_back({no, "in use, behind the file's end"}); }
            } else if (used[bit] != reached.contains(no)) {
                found.push_back({no, used[bit] ? "in use, and part of nothing"
                                               : "part of something, and not in use"});
            } else if (!used[bit]) {
                note(found, no, [&] {
                    auto const page = file_.template read<free_page>(no);
                    page->validate();
                });
            }
        }
    }

    Pool& pool_;
    file_type file_;
    bool was_closed_ = false;
    std::atomic<std::uint64_t> first_map_ = 1;
};

template <class Pool>
catalog(Pool&, typename Pool::file const&) -> catalog<Pool>;

}  // namespace quire::inline QUIRE_ABI
