// SPDX-License-Identifier: BSL-1.0
#pragma once

/// node_entries: the fences and entries of a node of a tree, as btree_page.hpp describes them, each
/// looked at with the numbers of the header that were loaded before.
///
/// Several looks at a node load and check its header once. Without a latch that also makes them see
/// one header. Each look checks what it relies on: errc::corrupt_page.

#include <quire/page/ordered_slots.hpp>
#include <quire/table/detail/key_order.hpp>

namespace quire::inline QUIRE_ABI::detail {

template <viewed_byte Byte, std::size_t PageSize>
class node_entries : public slotted<Byte, PageSize, 40, 8> {
    using base = slotted<Byte, PageSize, 40, 8>;

public:
    static constexpr std::size_t level_at = 36;
    static constexpr std::size_t prefix_at = 38;
    static constexpr std::size_t fences = 2;  ///< slots
    static constexpr std::size_t key_size_max = (PageSize - 64) / 8;
    static constexpr std::size_t child_size = 6;

    using base::base;

    /// Where a key is, or would be inserted.
    struct key_place {
        std::size_t position;
        bool found;
    };
    /// What every look needs, loaded once.
    struct shape : base::bounds {
        std::size_t entries;
        std::size_t prefix;
    };

    [[nodiscard]] shape load_shape() const {
        shape now{this->load_bounds(), 0, load_le<std::uint16_t>(this->bytes().data() + prefix_at)};
        if (now.slots < fences) { this->corrupt("fences"); }
        now.entries = now.slots - fences;
        if (now.prefix > low(now).size()) { this->corrupt("prefix_length"); }
        return now;
    }
    [[nodiscard]] std::span<Byte> low(shape const& now) const {
        auto const pointer = this->load_pointer(0, now);
        if (!pointer.is_live() || pointer.length() > key_size_max) { this->corrupt("low fence"); }
        return this->tuple(pointer);
    }
    [[nodiscard]] line_pointer high_pointer(shape const& now) const {
        auto const pointer = this->load_pointer(1, now);
        if (pointer.is_live() ? pointer.length() > key_size_max
                              : pointer.state() != slot_state::dead) {
            this->corrupt("high fence");
        }
        return pointer;
    }
    [[nodiscard]] bool holds(key_bytes key, shape const& now) const {
        return compare_keys(low(now), key) <= 0 && is_below_high(key, now);
    }
    [[nodiscard]] key_place find(key_bytes key, shape const& now) const {
        auto const rest = key.subspan(now.prefix < key.size() ? now.prefix : key.size());
        auto const head = head_of(rest);
        auto const heads = [&](auto is_before) {
            return count_tags(*this, fences, now.entries, is_before);  // how many are before
        };
        std::size_t first = heads([head](auto there) { return there < head; });
        if (first == now.entries || tag(*this, fences + first) != head) { return {first, false}; }
        std::size_t end = first + 1;
        if (end < now.entries && tag(*this, fences + end) == head) {
            end = heads([head](auto there) { return there <= head; });
        }
        while (first < end) {
            std::size_t const middle = first + (end - first) / 2;
            auto const order = compare_keys(suffix(middle, now), rest);
            if (order == 0) { return {middle, true}; }
            if (order < 0) {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        return {first, false};
    }
    [[nodiscard]] std::span<Byte> value(std::size_t position, shape const& now) const {
        auto const tuple = entry(position, now);
        return tuple.subspan(2 + key_length(tuple));
    }
    [[nodiscard]] page_no child(std::size_t position, shape const& now) const {
        auto const bytes = value(position, now);
        auto const level = load_le<std::uint8_t>(this->bytes().data() + level_at);
        if (level == 0 || bytes.size() != child_size) { this->corrupt("child"); }
        return load_le<std::uint32_t>(bytes.data()) |
               std::uint64_t{load_le<std::uint16_t>(bytes.data() + 4)} << 32;
    }
    [[nodiscard]] bool is_below_high(key_bytes key, shape const& now) const {
        auto const pointer = high_pointer(now);
        return !pointer.is_live() || compare_keys(this->tuple(pointer), key) > 0;
    }
    [[nodiscard]] std::size_t checked(std::size_t position, shape const& now) const {
        if (position >= now.entries) { this->corrupt("position"); }
        return position;
    }
    /// Expects: position < now.entries.
    [[nodiscard]] std::span<Byte> entry(std::size_t position, shape const& now) const {
        auto const pointer = this->load_pointer(fences + position, now);
        if (!pointer.is_live() || pointer.length() < 2) { this->corrupt("entry"); }
        return this->tuple(pointer);
    }
    [[nodiscard]] std::size_t key_length(std::span<Byte> entry) const {
        std::size_t const length = load_le<std::uint16_t>(entry.data());
        if (length > entry.size() - 2) { this->corrupt("key length"); }
        return length;
    }
    [[nodiscard]] std::span<Byte> suffix(std::size_t position, shape const& now) const {
        auto const tuple = entry(position, now);
        return tuple.subspan(2, key_length(tuple));
    }

    static void copy_bytes(std::span<Byte> from, std::span<std::byte> to) noexcept {
        if constexpr (racy_page<Byte>) {
            for (std::size_t i = 0; i < from.size(); ++i) { to[i] = from[i].load(); }
        } else if (!from.empty()) {
            std::memcpy(to.data(), from.data(), from.size());
        }
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
