// SPDX-License-Identifier: BSL-1.0
#pragma once

/// catalog_check: compares the catalog, the allocation pages, and the kinds of all pages of a file.
///
/// One page is latched at a time; allocation pages are copied. So a check waits for others in no
/// circle; but what they change meanwhile may look wrong.

#include <quire/table/allocation_page.hpp>
#include <quire/table/catalog_page.hpp>
#include <quire/table/finding.hpp>
#include <quire/table/free_page.hpp>

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
    /// The pages of the roots that are in range.
    [[nodiscard]] std::vector<page_no> check_names() {
        std::vector<page_no> roots;
        look(0, [&] {
            auto const names = file_.template read<catalog_page>(0);
            look(0, [&] { names->validate(); });
            for (std::size_t i = 0; i < names->slot_count(); ++i) {
                look(0, [&] {
                    auto const root = names->entry(slot_id{i});
                    if (!root) { return; }
                    if (root->page.value() == 0 || root->page.value() >= file_.pages() ||
                        map_type::is_map(root->page)) {
                        add(0, "root " + std::to_string(root->number) + " is at page " +
                                   std::to_string(root->page.value()) + ", which is none");
                    } else {
                        roots.push_back(root->page);
                    }
                });
            }
        });
        return roots;
    }
    void check_map(page_no no, std::vector<page_no> const& roots) {
        if (!look(no, [&] { copy_map(no); })) { return; }
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
    }
    void copy_map(page_no no) {
        auto const map = file_.template read<allocation_page>(no);
        map->copy_to(std::span<std::byte, PageSize>{bytes_.get(), PageSize});
    }
    void check_page(page_no no, bool used) {
        if (reached_ != nullptr && used != reached_->contains(no)) {
            add(no, used ? "marked as used, and part of nothing"
                         : "part of something, and marked as free");
        }
        try {
            auto const page = file_.read(no);
            auto const bytes = page->bytes();
            auto const all = bytes.unguarded_span().template first<PageSize>();
            free_page<std::byte const, PageSize> const free{all};
            if (!free.accepts(all)) {
                if (!used) { add(no, "marked as free, and not formatted so"); }
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
    findings found_;
};

}  // namespace quire::inline QUIRE_ABI::detail
