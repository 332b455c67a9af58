// SPDX-License-Identifier: BSL-1.0
#pragma once

/// table_check: a walk over every page of a table and of its indexes, which lists what is wrong.
///
/// Each directory page and each record page is valid, of this heap file, and reached once; each
/// address leads to a row that moved there, and no such row is without its address; each row is one
/// of its type. Each tree is whole (tree_check.hpp), each of its entries leads to a row with that
/// key, and there are as many entries as rows: so no row is without its entry.

#include <quire/table/detail/record_heap.hpp>
#include <quire/table/detail/table_index.hpp>

#include <map>  // std::map

namespace quire::inline QUIRE_ABI::detail {

template <class Heap, class Row>
class table_check {
    using page_view = typename Heap::page_view;

public:
    table_check(Heap const& heap, std::set<page_no>& reached) : heap_{heap}, reached_{reached} {}

    void run_heap() {
        for (auto const no : list_pages()) { check_page(no); }
        compare_addresses();
    }
    /// After run_heap.
    template <class Index>
    void run_index(Index const& index) {
        auto const tree = tree_check{index.tree(), reached_}.run();
        found_.insert(found_.end(), tree.begin(), tree.end());
        std::uint64_t entries = 0;
        bool const all = look(index.tree().root(), [&] {
            outside_of_changes none;
            index.for_each(none, {}, nullptr, [&](key_bytes entry, record_id id) {
                ++entries;
                look(id.page, [&] { check_entry(index, entry, id); });
                return true;
            });
        });
        if (all && entries != rows_) {
            add(index.tree().root(), "an index of " + std::to_string(entries) + " entries for " +
                                         std::to_string(rows_) + " rows");
        }
    }
    [[nodiscard]] findings take() { return std::move(found_); }

private:
    void add(page_no page, std::string text) { found_.push_back({page, std::move(text)}); }
    void add(record_id id, char const* text) {
        add(id.page, "slot " + std::to_string(id.slot.value()) + ": " + text);
    }
    /// `fn()`, whose errors of content are a finding. Whether there was none.
    template <class Fn>
    bool look(page_no page, Fn fn) {
        try {
            fn();
            return true;
        } catch (error const& why) {
            if (!is_about_content(why.kind()) && why.kind() != errc::row_mismatch) { throw; }
            add(page, why.what());
            return false;
        }
    }
    bool reach(page_no no) {
        if (reached_.insert(no).second) { return true; }
        add(no, "reached twice");
        return false;
    }

    [[nodiscard]] std::vector<page_no> list_pages() {
        std::vector<page_no> pages;
        look(heap_.root(), [&] {
            heap_.for_each_directory([&](page_no no, auto const& page) {
                if (!reach(no)) { return false; }
                look(no, [&] { page.validate(); });
                for (std::size_t i = 0; i < page.count(); ++i) { pages.push_back(page[i].page); }
                return true;
            });
        });
        return pages;
    }
    void check_page(page_no no) {
        if (!reach(no)) { return; }
        look(no, [&] {
            auto const guard = heap_.store().file().template read<record_page>(no);
            page_view const page{guard->bytes()};
            page.validate();
            if (page.heap() != heap_.number()) { page.corrupt("heap file"); }
            for (std::size_t i = 0; i < page.slot_count(); ++i) {
                auto const found = page.find(slot_id{i});
                if (found) { look(no, [&] { check_record({no, slot_id{i}}, *found); }); }
            }
        });
    }
    void check_record(record_id at, typename page_view::record const& found) {
        if (found.form == record_form::moved_away) {
            if (!away_.emplace(found.other, at).second) {
                add(at, "its address is another row's, too");
            }
            return;
        }
        ++rows_;
        if (found.form == record_form::moved_here) { here_.emplace(at, found.other); }
        static_cast<void>(value_codec<Row>::decode(found.row));
    }
    void compare_addresses() {
        for (auto const& [address, id] : away_) {
            auto const there = here_.find(address);
            if (there == here_.end() || there->second != id) {
                add(id, "its row is not where its address says");
            }
        }
        for (auto const& [address, id] : here_) {
            auto const away = away_.find(address);
            if (away == away_.end() || away->second != id) {
                add(address, "a row that moved here, and whose id does not say so");
            }
        }
    }
    template <class Index>
    void check_entry(Index const& index, key_bytes entry, record_id id) {
        bool is_right = false;
        outside_of_changes none;
        heap_.read(none, id, [&](key_bytes row) {
            is_right = index.is_entry_of(value_codec<Row>::lend(row), id, entry);
        });
        if (!is_right) { add(id, "an entry of an index leads here, and not to its row"); }
    }

    Heap const& heap_;
    std::set<page_no>& reached_;
    findings found_;
    std::map<record_id, record_id> away_;  ///< by address
    std::map<record_id, record_id> here_;
    std::uint64_t rows_ = 0;
};

}  // namespace quire::inline QUIRE_ABI::detail
