// SPDX-License-Identifier: BSL-1.0
#pragma once

/// node_split: one node becomes two, or two become one. Pages only: btree.hpp latches them and
/// tells the parent.
///
/// A node is split between two entries. What separates them, the fence of both halves, is the
/// shortest key that is above the left entries and not above the right ones; in an inner node it is
/// the right one's first key. Entries behind the last one, in ascending order, are what most trees
/// get: a node at the right edge that gets one keeps all it has, and the new node begins empty.
///
/// Both images are built aside, and the nodes are validated first: the pages change when nothing
/// can fail any more.

#include <quire/table/btree_page.hpp>

#include <algorithm>  // std::copy_n
#include <array>      // std::array

namespace quire::inline QUIRE_ABI::detail {

/// Where a node is divided, and the fence between the halves.
template <std::size_t PageSize>
class node_split {
    using node = btree_page<std::byte, PageSize>;
    using node_view = btree_page<std::byte const, PageSize>;

public:
    /// For an entry with `key` that found no room in `from`.
    /// Errors: errc::corrupt_page.
    node_split(node_view const& from, key_bytes key) {
        from.validate();
        std::size_t const count = from.count();
        bool const is_last = !from.has_high() && from.find(key).position == count;
        if (!is_last || !try_at_end(from, key, count)) { divide(from, count); }
    }

    /// The first entry that goes to the right.
    [[nodiscard]] std::size_t position() const noexcept { return position_; }
    [[nodiscard]] key_bytes fence() const noexcept { return {fence_.data(), fence_size_}; }

    /// Makes `left`, which is as it was when this was made, its left half, and `right` the other.
    void apply(node const& left, node const& right) const {
        std::array<std::byte, PageSize> bytes;
        std::array<std::byte, node::key_size_max> low;
        std::array<std::byte, node::key_size_max> high;
        key_bytes const lowest = copied(left.low(), low);
        key_bytes const highest = copied(left.high(), high);
        bool const has_high = left.has_high();
        auto const tree = left.tree();
        auto const level = left.level();
        auto const sizes = left.sizes();
        std::size_t const count = left.count();

        std::copy_n(left.bytes().data(), PageSize, bytes.data());
        node const image{bytes};
        right.reset(tree, level, fence(), highest, has_high, sizes);
        bool fits = append(right, image, position_, count);
        left.reset(tree, level, lowest, fence(), true, sizes);
        fits = append(left, image, 0, position_) && fits;
        QUIRE_EXPECTS(fits, "the halves of a node fit into a page each");
    }

    /// Appends entries [first, last) of `from` to `to`, whose fences hold them. False when there is
    /// no room for all.
    [[nodiscard]] static bool append(node const& to, node_view const& from, std::size_t first,
                                     std::size_t last) {
        if (first >= last || to.append_block(from, first, last)) { return true; }
        std::array<std::byte, node::key_size_max> key;
        std::size_t const prefix = from.copy_prefix(key);
        std::size_t at = to.count();
        bool fits = true;
        from.for_each(first, [&](auto const& one) {
            std::size_t const size = prefix + one.suffix.size();
            std::copy_n(one.suffix.data(), one.suffix.size(), key.data() + prefix);
            auto const write = [&one](std::span<std::byte> out) {
                std::copy_n(one.value.data(), one.value.size(), out.data());
            };
            fits = to.insert(at, {key.data(), size}, one.value.size(), write, one.overflows);
            ++at;
            return fits && ++first < last;
        });
        return fits;
    }
    /// `from`, moved to `to`; what it is then.
    [[nodiscard]] static key_bytes copied(key_bytes from,
                                          std::array<std::byte, node::key_size_max>& to) {
        std::size_t const size = from.size() < to.size() ? from.size() : to.size();
        std::copy_n(from.data(), size, to.data());
        return {to.data(), size};
    }

private:
    /// A leaf keeps all its entries, or all but the last where the new fence finds no room beside
    /// them; an inner node all but the last.
    [[nodiscard]] bool try_at_end(node_view const& from, key_bytes key, std::size_t count) {
        if (count < 2) { return false; }
        if (from.level() == 0) {
            set_fence(from, count - 1, key);
            position_ = count;
            // With a high fence keys have a prefix, which the node need not repeat.
            auto const saved = count * common_prefix(from.low(), fence());
            bool const has_block = from.sizes().are_fixed();
            if (has_block || from.used() + fence_size_ <= PageSize + saved) { return true; }
        }
        position_ = count - 1;
        set_fence_before(from, position_);
        return true;
    }
    void divide(node_view const& from, std::size_t count) {
        std::size_t sum = 0;
        from.for_each(0, [&](auto const& one) { return sum += size_of(one), true; });
        std::size_t left = 0;
        position_ = 0;
        from.for_each(0, [&](auto const& one) {
            if (position_ + 1 >= count || (position_ > 0 && left + size_of(one) / 2 >= sum / 2)) {
                return false;
            }
            left += size_of(one);
            ++position_;
            return true;
        });
        if (position_ == 0) { from.corrupt("a node of one entry is full"); }
        set_fence_before(from, position_);
    }
    [[nodiscard]] static std::size_t size_of(typename node_view::parts const& one) noexcept {
        return node_view::entry_overhead + one.suffix.size() + one.value.size();
    }
    /// What separates the entry at `position` from those before it.
    void set_fence_before(node_view const& from, std::size_t position) {
        std::array<std::byte, node::key_size_max> right;
        std::size_t const size = from.copy_key(position, right);
        if (from.level() > 0) {
            fence_ = right;
            fence_size_ = size;
        } else {
            set_fence(from, position - 1, {right.data(), size});
        }
    }
    /// The shortest key above that of `last`, and not above `key`.
    void set_fence(node_view const& from, std::size_t last, key_bytes key) {
        std::array<std::byte, node::key_size_max> below;
        std::size_t const size = from.copy_key(last, below);
        std::size_t const same = common_prefix({below.data(), size}, key);
        if (same >= key.size()) { from.corrupt("order of keys"); }
        fence_size_ = same + 1;
        std::copy_n(key.data(), fence_size_, fence_.data());
    }

    std::size_t position_ = 0;
    std::size_t fence_size_ = 0;
    std::array<std::byte, node::key_size_max> fence_;
};

/// Two neighbours in one node.
template <std::size_t PageSize>
class node_merge {
    using node = btree_page<std::byte, PageSize>;
    using node_view = btree_page<std::byte const, PageSize>;

public:
    /// Whether both have room in one page, with `spare` bytes left free. Errors: corrupt_page.
    [[nodiscard]] bool make(node_view const& left, node_view const& right, std::size_t spare) {
        // Prefixes only become shorter: most pairs that do not fit are known without a try.
        auto const sizes = left.sizes();
        auto const once = sizes.are_fixed()
                              ? node::used_by(0, sizes)
                              : left.high().size() + right.low().size() + node::empty_size;
        if (sizes != right.sizes() || left.used() + right.used() + spare > PageSize + once) {
            return false;
        }
        left.validate();
        right.validate();
        if (left.level() != right.level() || left.tree() != right.tree() || !left.has_high() ||
            compare_keys(left.high(), right.low()) != 0) {
            right.corrupt("neighbours");
        }
        bytes_.fill(std::byte{0});
        node const to = image();
        to.reset(left.tree(), left.level(), left.low(), right.high(), right.has_high(), sizes);
        return node_split<PageSize>::append(to, left, 0, left.count()) &&
               node_split<PageSize>::append(to, right, 0, right.count()) &&
               to.used() + spare <= PageSize;
    }
    /// Expects: make was true.
    [[nodiscard]] node image() noexcept { return node{bytes_}; }

private:
    std::array<std::byte, PageSize> bytes_;
};

}  // namespace quire::inline QUIRE_ABI::detail
