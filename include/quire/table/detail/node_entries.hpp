// SPDX-License-Identifier: BSL-1.0
#pragma once

/// node_entries: the fences and entries of a node of a tree, as btree_page.hpp describes them, each
/// looked at with the numbers of the header that were loaded before.
///
/// Several looks at a node load and check its header once. Without a latch that also makes them see
/// one header. Each look checks what it relies on: errc::corrupt_page.

#include <quire/page/ordered_slots.hpp>
#include <quire/table/detail/entry_block.hpp>

namespace quire::inline QUIRE_ABI::detail {

/// What a leaf has of a value: the value, or where its overflow pages are (overflow_chain.hpp).
template <class Byte>
struct stored_value {
    std::span<Byte> bytes;
    bool overflows = false;
};

template <viewed_byte Byte, std::size_t PageSize>
class node_entries : public slotted<Byte, PageSize, 40, 8> {
    using base = slotted<Byte, PageSize, 40, 8>;

public:
    static constexpr std::size_t level_at = 36;
    static constexpr std::size_t layout_at = 37;
    static constexpr std::size_t prefix_at = 38;
    static constexpr std::size_t fences = 2;  ///< slots
    static constexpr std::size_t block_slot = fences;
    static constexpr std::size_t hints_at = base::lower(block_slot + 1);
    static constexpr std::size_t hints_end = hints_at + entry_block<Byte>::hints_size;
    static constexpr std::size_t key_size_max = (PageSize - 64) / 8;
    static constexpr std::size_t child_size = 6;
    /// Of the length of a key: its value is in overflow pages.
    static constexpr std::size_t overflow_bit = 0x8000;
    /// Of a key and its value in a block.
    static constexpr std::size_t block_entry_max = entry_block<Byte>::entry_size_max(PageSize);
    static_assert(block_entry_max <= 255, "sizes in a block are numbers of one byte");

    using base::base;

    /// What every look needs, loaded once.
    struct shape : base::bounds {
        std::size_t entries;
        std::size_t prefix;
        entry_sizes sizes{};     ///< if the entries are a block,
        std::size_t block_size;  ///< which is at the end of the page

        [[nodiscard]] bool has_block() const noexcept { return sizes.are_fixed(); }
        [[nodiscard]] bool is_full() const noexcept {
            return (entries + 1) * sizes.sum() > block_size;
        }
    };

    [[nodiscard]] shape load_shape() const {
        shape now{this->load_bounds(), 0, load_le<std::uint16_t>(at(prefix_at)), {}, 0};
        if (now.slots < fences) { this->corrupt("fences"); }
        now.entries = now.slots - fences;
        if (load_le<std::uint8_t>(at(layout_at)) != 0) { return take_block(now), now; }
        if (now.prefix > 0 && now.prefix > low(now).size()) { this->corrupt("prefix_length"); }
        return now;
    }

    // The block. What is expected of all: now.has_block(), sizes.are_fixed().

    /// How many bytes a block of a node has.
    [[nodiscard]] static constexpr std::size_t size_of_block(entry_sizes sizes) noexcept {
        auto const room = PageSize - hints_end - 2 * sizes.key;
        return room / sizes.sum() * sizes.sum();
    }
    [[nodiscard]] entry_block<Byte> block(shape const& now) const noexcept {
        return {at(hints_at), this->bytes().last(now.block_size), now.sizes, now.prefix,
                now.entries};
    }
    /// Makes the node, which has no slots yet, one with an empty block.
    void begin_block(entry_sizes sizes) const noexcept
        requires writable_page<Byte>
    {
        auto const size = size_of_block(sizes);
        auto const upper = PageSize - size;
        store_le(at(layout_at), std::uint8_t{1});
        this->set_slot(block_slot, line_pointer::live(upper, size),
                       {.slots = 0, .upper = upper, .free_slots = 0});
        put_numbers(0, sizes);
        std::memset(at(hints_at), 0, entry_block<Byte>::hints_size);
    }
    void put_count(shape now, std::size_t count) const noexcept
        requires writable_page<Byte>
    {
        put_numbers(count, now.sizes);
        now.entries = count;
        block(now).put_hints();
    }

    // All nodes

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
    /// Whether the fences hold `key`: by their heads in most cases, since those are in the first
    /// line of the page.
    [[nodiscard]] bool holds(key_bytes key, shape const& now) const {
        return (tag(*this, 0) < head_of(key) || compare_keys(low(now), key) <= 0) &&
               is_below_high(key, now);
    }
    /// Fetches what a search is likely to look at.
    void prefetch(shape const& now) const noexcept {
        if (now.has_block()) { return fetch_line(at(hints_at)); }
        prefetch_slots(*this, fences, now.entries);
    }
    [[nodiscard]] key_place find(key_bytes key, shape const& now) const {
        if (now.has_block()) { return block(now).find(key); }
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
    /// Expects, of all that have a position: position < now.entries.
    [[nodiscard]] stored_value<Byte> value(std::size_t position, shape const& now) const {
        if (now.has_block()) { return {block(now).value(position)}; }
        auto const found = split(entry(position, now));
        return {found.value, found.overflows};
    }
    [[nodiscard]] page_no child(std::size_t position, shape const& now) const {
        auto const bytes = value(position, now).bytes;
        auto const level = load_le<std::uint8_t>(at(level_at));
        if (level == 0 || bytes.size() != child_size) { this->corrupt("child"); }
        return load_le<std::uint32_t>(bytes.data()) |
               std::uint64_t{load_le<std::uint16_t>(bytes.data() + 4)} << 32;
    }
    [[nodiscard]] bool is_searchable() const {
        auto const now = load_shape();
        for (std::size_t i = 1; i < now.entries; ++i) {
            auto const head = tag(*this, fences + i);
            auto const before = tag(*this, fences + i - 1);
            if (before > head) { return false; }
            if (before == head && compare_keys(suffix(i - 1, now), suffix(i, now)) >= 0) {
                return false;
            }
        }
        return true;
    }
    [[nodiscard]] bool is_below_high(key_bytes key, shape const& now) const {
        auto const pointer = high_pointer(now);
        return !pointer.is_live() || tag(*this, 1) > head_of(key) ||
               compare_keys(this->tuple(pointer), key) > 0;
    }
    [[nodiscard]] std::size_t checked(std::size_t position, shape const& now) const {
        if (position >= now.entries) { this->corrupt("position"); }
        return position;
    }
    /// Expects: it has no block.
    [[nodiscard]] std::span<Byte> entry(std::size_t position, shape const& now) const {
        auto const pointer = this->load_pointer(fences + position, now);
        if (!pointer.is_live() || pointer.length() < 2) { this->corrupt("entry"); }
        return this->tuple(pointer);
    }
    /// An entry that is no part of a block.
    struct key_and_value {
        std::span<Byte> suffix;
        std::span<Byte> value;
        bool overflows;
    };
    [[nodiscard]] key_and_value split(std::span<Byte> entry) const {
        std::size_t const bits = load_le<std::uint16_t>(entry.data());
        std::size_t const length = bits & ~overflow_bit;
        if (length > entry.size() - 2) { this->corrupt("key length"); }
        return {entry.subspan(2, length), entry.subspan(2 + length), bits != length};
    }
    /// The key behind the prefix.
    [[nodiscard]] std::span<Byte> suffix(std::size_t position, shape const& now) const {
        if (now.has_block()) { return block(now).key(position).subspan(now.prefix); }
        return split(entry(position, now)).suffix;
    }

    /// An entry where it stands.
    struct parts {
        std::uint32_t head;      ///< of its key
        std::span<Byte> suffix;  ///< the key without the prefix
        std::span<Byte> value;
        std::span<Byte> key;  ///< the whole key in a block; else nothing
        bool overflows = false;
    };
    /// `fn(parts)` for each entry from `first` on, until it returns false.
    template <class Fn>
    void for_each(std::size_t first, Fn& fn) const {
        auto const now = load_shape();
        if (now.has_block()) {
            auto const entries = block(now);
            for (bool more = true; more && first < now.entries; ++first) {
                auto const key = entries.key(first);
                more = fn(parts{entries.head(first), key.subspan(now.prefix),
                                entries.value(first), key});
            }
            return;
        }
        for (std::size_t i = first; i < first + ahead && i < now.entries; ++i) { fetch(i); }
        for (; first < now.entries; ++first) {
            if (first + ahead < now.entries) { fetch(first + ahead); }
            auto const found = split(entry(first, now));
            if (now.prefix + found.suffix.size() > key_size_max) { this->corrupt("key length"); }
            parts const one{tag(*this, fences + first), found.suffix, found.value, {},
                            found.overflows};
            if (!fn(one)) { return; }
        }
    }

    static void copy_bytes(std::span<Byte> from, std::span<std::byte> to) noexcept {
        if constexpr (racy_page<Byte>) {
            for (std::size_t i = 0; i < from.size(); ++i) { to[i] = from[i].load(); }
        } else if (!from.empty()) {
            std::memcpy(to.data(), from.data(), from.size());
        }
    }

private:
    /// How many entries a walk fetches ahead: they lie in any order.
    static constexpr std::size_t ahead = 12;

    void fetch(std::size_t position) const noexcept {
        auto const bits = load_le<std::uint32_t>(at(base::lower(fences + position)));
        fetch_line(at(line_pointer::from_bits(bits).offset() % PageSize));
    }
    [[nodiscard]] Byte* at(std::size_t offset) const noexcept {
        return this->bytes().data() + offset;
    }
    void put_numbers(std::size_t count, entry_sizes sizes) const noexcept {
        put_tag(*this, block_slot,
                static_cast<std::uint32_t>(count | sizes.key << 16 | sizes.value << 24));
    }
    void take_block(shape& now) const {
        if (now.slots != block_slot + 1) { this->corrupt("block of entries"); }
        auto const numbers = tag(*this, block_slot);
        auto const pointer = line_pointer::from_bits(load_le<std::uint32_t>(at(base::lower(2))));
        now.entries = numbers & 0xFFFF;
        now.sizes = {.key = numbers >> 16 & 0xFF, .value = numbers >> 24};
        now.block_size = pointer.length();
        bool const is_right = load_le<std::uint16_t>(at(level_at)) == 0x0100 &&  // a leaf
                              pointer.is_live() && pointer.offset() >= now.upper &&
                              now.upper >= hints_end &&
                              pointer.offset() + now.block_size == PageSize &&
                              now.entries * now.sizes.sum() <= now.block_size &&
                              now.sizes.are_fixed() && now.prefix <= now.sizes.key &&
                              now.sizes.sum() <= block_entry_max;
        if (!is_right) { this->corrupt("block of entries"); }
    }
};

}  // namespace quire::inline QUIRE_ABI::detail
