// SPDX-License-Identifier: BSL-1.0
#pragma once

/// node_check: whether a node of a tree keeps the invariants of btree_page.hpp, by asking it.

#include <quire/page/page_header.hpp>
#include <quire/table/detail/overflow_place.hpp>

#include <array>  // std::array

namespace quire::inline QUIRE_ABI::detail {

template <class Node>
class node_check {
public:
    explicit node_check(Node const& page) noexcept : page_{page} {}

    /// Throws errc::corrupt_page, which names what is wrong. The slots are checked by slotted.
    void validate() const {
        std::span<std::byte const, Node::page_size> const bytes = page_.bytes();
        if (!Node::accepts(bytes)) { page_.corrupt("kind or version"); }
        if (page_header::load(bytes.template first<page_header::size>()).flags != 0) {
            page_.corrupt("flags");
        }
        if (page_.level() > Node::level_max) { page_.corrupt("level"); }
        if (bytes[37] != std::byte{page_.sizes().are_fixed()}) { page_.corrupt("layout"); }
        validate_fences();
        page_.sizes().are_fixed() ? validate_block() : validate_keys();
    }

private:
    void validate_fences() const {
        key_bytes const low = page_.low();
        key_bytes const high = page_.high();
        bool const is_limited = page_.has_high();
        if (is_limited && compare_keys(low, high) >= 0) { page_.corrupt("high fence"); }
        if (!page_.has_heads_of(low, high)) { page_.corrupt("head of a fence"); }
        auto const sizes = page_.sizes();
        if (sizes.are_fixed() && (low.size() > sizes.key || high.size() > sizes.key)) {
            page_.corrupt("fence longer than a key");
        }
        if (sizes.are_fixed() && page_.used() != Node::used_by(page_.count(), sizes)) {
            page_.corrupt("size of the block");
        }
        if (page_.prefix_size() != (is_limited ? common_prefix(low, high) : 0)) {
            page_.corrupt("prefix_length");
        }
    }
    void validate_keys() const {
        std::size_t const count = page_.count();
        bool const is_inner = page_.level() > 0;
        if (is_inner && count == 0) { page_.corrupt("inner node without children"); }
        auto const prefix = page_.prefix_size();
        key_bytes before;
        std::size_t i = 0;
        page_.for_each(0, [&](auto const& one) {
            if (one.head != head_of(one.suffix)) { page_.corrupt("head of a key"); }
            if (prefix + one.suffix.size() + one.value.size() > Node::entry_size_max) {
                page_.corrupt("size of an entry");
            }
            if (i == 0) { validate_between_fences(0); }
            if (i > 0 && compare_keys(before, one.suffix) >= 0) { page_.corrupt("order of keys"); }
            if (is_inner) { static_cast<void>(page_.child(i)); }
            if (one.overflows && !overflow_place::load(one.value)) {
                page_.corrupt("place of a value");
            }
            before = one.suffix;
            ++i;
            return true;
        });
        if (count > 0) { validate_between_fences(count - 1); }  // all others are between both
    }
    void validate_block() const {
        auto const count = page_.count();
        auto const block = page_.block();
        if (!block.is_ascending()) { page_.corrupt("order of keys"); }
        if (!block.begins_with(page_.low().first(page_.prefix_size()))) {
            page_.corrupt("prefix of a key");
        }
        if (count > 0) {
            validate_between_fences(0);
            validate_between_fences(count - 1);
        }
        if (!block.has_right_hints()) { page_.corrupt("hints"); }
    }
    void validate_between_fences(std::size_t position) const {
        std::array<std::byte, Node::key_size_max> bytes;
        key_bytes const key{bytes.data(), page_.copy_key(position, bytes)};
        bool const is_first_child = page_.level() > 0 && position == 0;
        if (!page_.holds(key) || (is_first_child && compare_keys(page_.low(), key) != 0)) {
            page_.corrupt("key beyond a fence");
        }
    }

    Node const& page_;
};

}  // namespace quire::inline QUIRE_ABI::detail
