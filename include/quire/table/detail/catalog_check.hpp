// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog_check: compares the catalog with its chain of names, the allocation pages, and the kinds
/// of all pages of a file.
///
/// One page is latched at a time, or page 0 and one of its chain of names; allocation pages are
/// copied. So a check waits for others in no circle; but what they change meanwhile may look wrong.

#include <quire/table/allocation_page.hpp>
#include <quire/table/detail/blank_page.hpp>
#include <quire/table/detail/name_chain.hpp>
#include <quire/table/finding.hpp>
#include <quire/table/free_page.hpp>

#include <map>     // std::map
#include <memory>  // std::unique_ptr
#include <set>     // std::set

namespace quire::inline QUIRE_ABI::detail {

template <class File, std::size_t PageSize>
class catalog_check {
    using map_type = allocation_page<std::byte const, PageSize>;

public:
    /// `reached`: the pages that belong to something; nullptr when that is not known.
    catalog_check(File const& file, std::set<page_no> const* reached)
        : file_{file}, reached_{reached}, bytes_{std::make_unique<std::byte[]>(PageSize)} {}

    [[nodiscard]] findings run() {
        auto const roots = check_names();
        for (page_no map = map_type::first_map; map.value() < file_.pages();
             map = map.value() + map_type::bit_count) {
            check_map(map, roots);
        }
        return std::move(found_);
    }

private:
    void add(page_no page, std::string text) { found_.push_back({page, std::move(text)}); }
    /// `fn()`, whose errors of content are a finding. Whether there was none.
    template <class Fn>
    bool look(page_no page, Fn fn) {
        try {
            fn();
            return true;
        } catch (error const& why) {
            if (!is_about_content(why.kind())) { throw; }
            add(page, why.what());
            return false;
        }
    }
    /// Page 0 and its chain. The pages of the roots that are in range.
    [[nodiscard]] std::vector<page_no> check_names() {
        std::vector<page_no> roots;
        look(0, [&] {
            auto const first = file_.template read<catalog_page>(0);
            name_chain<File, PageSize> const chain{file_};
            chain.for_each_page(*first.operator->(), [&](auto const& names, page_no no) {
                if (no.value() != 0) { chain_.insert(no); }
                check_page_of_names(names, no, first->next_number(), roots);
                return true;
            });
        });
        for (auto const root : roots) {
            if (chain_.contains(root)) { add(root, "the page of a root has names, too"); }
        }
        return roots;
    }
    template <class Names>
    void check_page_of_names(Names const& names, page_no no, std::uint32_t next_number,
                             std::vector<page_no>& roots) {
        look(no, [&] {
            names.validate();
            if (names.own_number() != no) { add(no, "its own number is another"); }
        });
        std::size_t slots = 0;
        look(no, [&] { slots = names.slot_count(); });
        for (std::size_t i = 0; i < slots; ++i) {
            look(no, [&] {
                auto const root = names.entry(slot_id{i});
                if (!root) { return; }
                check_root(*root, std::string{names.name(root->slot)}, no, next_number);
                if (is_none(root->page)) {
                    add(no, "root " + std::to_string(root->number) + " is at page " +
                                std::to_string(root->page.value()) + ", which is none");
                } else {
                    roots.push_back(root->page);
                }
            });
        }
    }
    /// What one page of names cannot know.
    void check_root(root_entry const& root, std::string const& name, page_no no,
                    std::uint32_t next_number) {
        auto const number = "root " + std::to_string(root.number);
        if (no.value() != 0 && root.number >= next_number) {
            add(no, number + " has a number that was not given yet");
        }
        if (auto const other = pages_of_numbers_.emplace(root.number, no).first->second;
            other != no) {
            add(no, number + " is in page " + std::to_string(other.value()) + ", too");
        }
        if (auto const other = pages_of_names_.emplace(name, no).first->second; other != no) {
            add(no, "the name of " + number + " is in page " + std::to_string(other.value()) +
                        ", too");
        }
    }
    [[nodiscard]] bool is_none(page_no root) const {
        return root.value() == 0 || root.value() >= file_.pages() || map_type::is_map(root);
    }
    void check_map(page_no no, std::vector<page_no> const& roots) {
        bool is_blank = false;
        if (!look(no, [&] { is_blank = !copy_map(no); })) { return; }
        auto const before = found_.size();
        map_type const map{std::span<std::byte const, PageSize>{bytes_.get(), PageSize}};
        look(no, [&] {
            map.validate();
            if (map.own_number() != no) { add(no, "its own number is another"); }
        });
        auto const pages = std::min<std::uint64_t>(map_type::bit_count, file_.pages() - no.value());
        for (std::size_t bit = 1; bit < pages; ++bit) {
            check_page(no.value() + bit, map.is_used(bit));
        }
        for (std::size_t bit = pages; bit < map_type::bit_count; ++bit) {
            if (map.is_used(bit)) {
                add(no, "page " + std::to_string(no.value() + bit) +
                            " is marked as used, behind the file's end");
            }
        }
        for (auto const root : roots) {
            if (map_type::map_of(root) == no && !map.is_used(map_type::bit_of(root))) {
                add(root, "the page of a root is marked as free");
            }
        }
        for (auto const names : chain_) {
            if (map_type::map_of(names) == no && !map.is_used(map_type::bit_of(names))) {
                add(names, "a page of names is marked as free");
            }
        }
        if (is_blank && found_.size() > before) {
            add(no, "the allocation page is blank, and not all of its pages are free");
        }
    }
    /// False, and one with nothing in use, for a blank page: what it means
    /// (detail/page_allocator.hpp, I5).
    bool copy_map(page_no no) {
        std::span<std::byte, PageSize> const bytes{bytes_.get(), PageSize};
        try {
            auto const map = file_.template read<allocation_page>(no);
            map->copy_to(bytes);
            return true;
        } catch (error const& why) {
            if (!is_blank(file_, no, why)) { throw; }
            map_type::format(bytes, no);
            return false;
        }
    }
    void check_page(page_no no, bool used) {
        bool const has_names = chain_.contains(no);
        if (has_names && reached_ != nullptr && reached_->contains(no)) {
            add(no, "a page of names, and part of something else");
        } else if (reached_ != nullptr && used != (has_names || reached_->contains(no))) {
            add(no, used ? "marked as used, and part of nothing"
                         : "part of something, and marked as free");
        }
        try {
            auto const page = file_.read(no);
            auto const bytes = page->bytes();
            auto const all = bytes.unguarded_span().template first<PageSize>();
            free_page<std::byte const, PageSize> const free{all};
            if (!free.accepts(all)) {
                if (!used && !all_zero(all)) { add(no, "marked as free, and not formatted so"); }
            } else if (used) {
                add(no, "marked as used, and formatted free");
            } else {
                free.validate();
            }
        } catch (error const& why) {
            if (!is_about_content(why.kind())) { throw; }
            if (used || why.kind() != errc::blank_page) { add(no, why.what()); }
        }
    }

    File const& file_;
    std::set<page_no> const* reached_;
    std::unique_ptr<std::byte[]> bytes_;  ///< of an allocation page
    std::set<page_no> chain_;             ///< pages of names
    std::map<std::uint32_t, page_no> pages_of_numbers_;
    std::map<std::string, page_no> pages_of_names_;
    findings found_;
};

}  // namespace quire::inline QUIRE_ABI::detail
