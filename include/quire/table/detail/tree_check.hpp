// SPDX-License-Identifier: BSL-1.0
#pragma once

/// tree_check: a walk over every page of a tree, which lists what is wrong.
///
/// Each node validates, is of the tree and of the level that its parent says, and has the fences
/// that the parent has for it; no page is reached twice. Below a node that is wrong nothing is
/// looked at: what it says of its children means nothing. Overflow pages are walked along, too.

#include <quire/table/catalog.hpp>
#include <quire/table/detail/byte_tree.hpp>
#include <quire/table/detail/tree_key.hpp>

#include <set>     // std::set
#include <vector>  // std::vector

namespace quire::inline QUIRE_ABI {

/// What a tree consists of.
struct btree_stats {
    std::size_t levels = 0;
    std::uint64_t inner_pages = 0;
    std::uint64_t leaf_pages = 0;
    std::uint64_t overflow_pages = 0;
    std::uint64_t entries = 0;     ///< keys with a value
    std::uint64_t used_bytes = 0;  ///< of all inner pages and leaves, headers included
};

namespace detail {

template <class Tree>
class tree_check {
    using node_view = typename Tree::node_view;
    using bytes = std::vector<std::byte>;

public:
    tree_check(Tree const& tree, std::set<page_no>& reached) : tree_{tree}, reached_{reached} {}

    [[nodiscard]] findings run() {
        visit({.page = tree_.root(), .low = {}, .high = {}, .has_high = false}, std::nullopt);
        return std::move(found_);
    }
    [[nodiscard]] btree_stats stats() const noexcept { return stats_; }

private:
    /// A node as its parent tells of it.
    struct expected {
        page_no page;
        bytes low;
        bytes high;
        bool has_high = false;
    };

    void visit(expected const& what, std::optional<std::size_t> level) {
        if (!reached_.insert(what.page).second) {
            found_.push_back({what.page, "reached twice"});
            return;
        }
        std::vector<expected> children;
        std::vector<overflow_place> values;
        std::size_t here = 0;
        try {
            auto const guard = tree_.store().file().template read<btree_page>(what.page);
            node_view const page{guard->bytes()};
            page.validate();
            require(page, what, level);
            here = page.level();
            count(page);
            here > 0 ? list(page, what, children) : list(page, values);
        } catch (error const& why) {
            if (!is_about_content(why.kind())) { throw; }
            found_.push_back({what.page, why.what()});
        }
        for (auto const& child : children) { visit(child, here - 1); }
        for (auto const& value : values) { visit(value); }
    }
    /// The overflow pages of a value.
    void visit(overflow_place const& value) {
        try {
            tree_.for_each_overflow_page(value, [&](page_no no, auto const& page, key_bytes) {
                if (!reached_.insert(no).second) {
                    found_.push_back({no, "reached twice"});
                    return false;  // and so would be all behind it, for each value that leads here
                }
                page.validate();
                ++stats_.overflow_pages;
                return true;
            });
        } catch (error const& why) {
            if (!is_about_content(why.kind())) { throw; }
            found_.push_back({value.first, why.what()});
        }
    }
    static void require(node_view const& page, expected const& what,
                        std::optional<std::size_t> level, std::uint32_t tree) {
        if (page.tree() != tree) { page.corrupt("tree"); }
        if (level && page.level() != *level) { page.corrupt("level"); }
        if (compare_keys(page.low(), what.low) != 0) { page.corrupt("low fence"); }
        if (page.has_high() != what.has_high || compare_keys(page.high(), what.high) != 0) {
            page.corrupt("high fence");
        }
    }
    void require(node_view const& page, expected const& what, std::optional<std::size_t> level) {
        require(page, what, level, tree_.number());
    }
    void count(node_view const& page) noexcept {
        if (page.level() + 1 > stats_.levels) { stats_.levels = page.level() + 1; }
        stats_.used_bytes += page.used();
        if (page.level() > 0) {
            ++stats_.inner_pages;
        } else {
            ++stats_.leaf_pages;
            stats_.entries += page.count();
        }
    }
    static void list(node_view const& leaf, std::vector<overflow_place>& values) {
        leaf.for_each(0, [&](auto const& one) {
            if (one.overflows) { values.push_back(*overflow_place::load(one.value)); }
            return true;
        });
    }
    static void list(node_view const& page, expected const& what, std::vector<expected>& children) {
        std::size_t const count = page.count();
        std::array<std::byte, node_view::key_size_max> key;
        for (std::size_t i = 0; i < count; ++i) {
            auto const size = page.copy_key(i, key);
            bytes low(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(size));
            if (i > 0) {
                children.back().high = low;
                children.back().has_high = true;
            }
            children.push_back({page.child(i), std::move(low), what.high, what.has_high});
        }
    }

    Tree const& tree_;
    std::set<page_no>& reached_;
    findings found_;
    btree_stats stats_;
};

}  // namespace detail
}  // namespace quire::inline QUIRE_ABI
