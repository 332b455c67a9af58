// SPDX-License-Identifier: BSL-1.0
#pragma once

/// entry_block: the entries of a leaf whose keys all have one size, and whose values have one, too.
///
///    keys     from the front of the block up, ascending
///    values   from its end down, in the same order
///    hints    behind the page's slots, 16 x 4 bytes: heads of keys at equal distances, which cut
///             the keys into 17 parts (btree_page.hpp has the exact form)
///
/// No entry has a pointer or a length, so 8 bytes of key and 8 of value take 16, and they lie in
/// the order of a walk. The price: an insertion moves all keys and values behind it. So blocks are
/// for small entries (entry_size_max), and larger ones have slots.
///
/// Why hints: a search in a leaf that is in no cache waits for one line of the page after another.
/// The hints are in the line behind the page's header. They leave one part of the keys, whose first
/// and last lines, and those of their values, are fetched at once.
///
/// Heads are the first four bytes behind the prefix that all keys of the node have in common.
///
/// It is a plain value over bytes that node_entries.hpp has checked: the entries lie there.

#include <quire/base/fetch_line.hpp>
#include <quire/table/detail/key_order.hpp>

#include <algorithm>  // std::min
#include <cstring>    // std::memcpy, std::memmove

namespace quire::inline QUIRE_ABI::detail {

/// How many bytes each key has, and each value; nothing when they differ.
struct entry_sizes {
    std::size_t key = 0;
    std::size_t value = 0;

    [[nodiscard]] constexpr bool are_fixed() const noexcept { return key > 0; }
    [[nodiscard]] constexpr std::size_t sum() const noexcept { return key + value; }
    friend constexpr bool operator==(entry_sizes const&, entry_sizes const&) = default;
};

/// Where a key is, or would be inserted.
struct key_place {
    std::size_t position;
    bool found;
};

template <viewed_byte Byte>
class entry_block {
public:
    /// The most that a key and its value may have together, in a page of so many bytes. A 16th of
    /// it: a block has at least ten entries, so the halves of a split are about equally large.
    [[nodiscard]] static constexpr std::size_t entry_size_max(std::size_t page_size) noexcept {
        return std::min(page_size / 16, std::size_t{160});
    }
    static constexpr std::size_t hints = 16;
    static constexpr std::size_t hints_size = 4 * hints;

    /// Expects: `count` entries have room in the block.
    entry_block(Byte* hint_bytes, std::span<Byte> block, entry_sizes sizes, std::size_t prefix,
                std::size_t count) noexcept
        : hints_{hint_bytes},
          keys_{block.data()},
          end_{block.data() + block.size()},
          sizes_{sizes},
          prefix_{prefix},
          count_{count} {}

    /// Expects, of all: position < count, or <= count to insert; the block has room.
    [[nodiscard]] std::span<Byte> key(std::size_t position) const noexcept {
        return {key_at(position), sizes_.key};
    }
    [[nodiscard]] std::span<Byte> value(std::size_t position) const noexcept {
        return {end_ - (position + 1) * sizes_.value, sizes_.value};
    }
    /// Of a key behind the prefix.
    [[nodiscard]] std::uint32_t head(std::size_t position) const noexcept {
        auto* const at = key_at(position) + prefix_;
        auto const size = sizes_.key - prefix_;
        if (size >= 4) { return load_be<std::uint32_t>(at); }
        return static_cast<std::uint32_t>(leading_bytes(at, size) >> 32);
    }
    /// The first key that is `key` or above, which may have any size.
    [[nodiscard]] key_place find(key_bytes key) const noexcept {
        auto const among = narrow(head_of(key.subspan(std::min(prefix_, key.size()))));
        if (sizes_.key == 8) {
            return find_in(among, key, 0, [](Byte* at) { return load_be<std::uint64_t>(at); });
        }
        std::size_t const skipped = sizes_.key > 8 ? std::min(prefix_, sizes_.key - 8) : 0;
        return find_in(among, key, skipped, [size = sizes_.key - skipped](Byte* at) {
            return leading_bytes(at, size);
        });
    }
    [[nodiscard]] bool has_right_hints() const noexcept {
        for (std::size_t i = 0; i < hints; ++i) {
            if (load_le<std::uint32_t>(hints_ + 4 * i) != right_hint(i)) { return false; }
        }
        return true;
    }
    /// Whether each key is above the one before it.
    [[nodiscard]] bool is_ascending() const noexcept {
        bool ascends = true;
        for (std::size_t i = 1; i < count_; ++i) {
            ascends &= sizes_.key == 8 ? load_be<std::uint64_t>(key_at(i - 1)) <
                                             load_be<std::uint64_t>(key_at(i))
                                       : compare_keys(key(i - 1), key(i)) < 0;
        }
        return ascends;
    }
    /// Whether all keys begin with `prefix`. Expects: they ascend, and it is no longer than a key.
    [[nodiscard]] bool begins_with(key_bytes prefix) const noexcept {
        auto const begins = [&](std::size_t i) {
            return compare_keys(key(i).first(prefix.size()), prefix) == 0;
        };
        return count_ == 0 || (begins(0) && begins(count_ - 1));
    }

    // Writing. The hints are those of before until `put_hints`, of a block with the new count.

    void insert(std::size_t position, key_bytes key, key_bytes value) const noexcept
        requires writable_page<Byte>
    {
        auto const behind = count_ - position;
        auto* const at = key_at(position);
        std::memmove(at + sizes_.key, at, behind * sizes_.key);
        std::memcpy(at, key.data(), sizes_.key);
        auto* const last = end_ - count_ * sizes_.value;
        std::memmove(last - sizes_.value, last, behind * sizes_.value);
        set_value(position, value);
    }
    void set_value(std::size_t position, key_bytes value) const noexcept
        requires writable_page<Byte>
    {
        if (!value.empty()) {
            std::memcpy(this->value(position).data(), value.data(), value.size());
        }
    }
    void erase(std::size_t position) const noexcept
        requires writable_page<Byte>
    {
        auto const behind = count_ - position - 1;
        auto* const at = key_at(position);
        std::memmove(at, at + sizes_.key, behind * sizes_.key);
        auto* const last = end_ - count_ * sizes_.value;
        std::memmove(last + sizes_.value, last, behind * sizes_.value);
    }
    /// Entries [first, last) of another block of the same sizes, behind those that are there.
    void append(entry_block<std::byte const> const& from, std::size_t first,
                std::size_t last) const noexcept
        requires writable_page<Byte>
    {
        if (first >= last) { return; }
        auto const count = last - first;
        std::memcpy(key_at(count_), from.key(first).data(), count * sizes_.key);
        if (sizes_.value > 0) {
            std::memcpy(value(count_ + count - 1).data(), from.value(last - 1).data(),
                        count * sizes_.value);
        }
    }
    void put_hints() const noexcept
        requires writable_page<Byte>
    {
        for (std::size_t i = 0; i < hints; ++i) { store_le(hints_ + 4 * i, right_hint(i)); }
    }

private:
    /// Positions from first on, below end.
    struct part {
        std::size_t first;
        std::size_t end;
    };

    [[nodiscard]] Byte* key_at(std::size_t position) const noexcept {
        return keys_ + position * sizes_.key;
    }
    [[nodiscard]] std::size_t hint_distance() const noexcept { return count_ / (hints + 1); }
    [[nodiscard]] std::uint32_t right_hint(std::size_t i) const noexcept {
        auto const distance = hint_distance();
        return distance == 0 ? 0 : head(distance * (i + 1));
    }
    /// The part of the keys that has the first one whose head is `wanted` or above, and all whose
    /// head is that; or that one is the next behind it. Its lines are fetched.
    [[nodiscard]] part narrow(std::uint32_t wanted) const noexcept {
        auto const distance = hint_distance();
        if (distance == 0) { return {0, count_}; }
        std::size_t below = 0;
        std::size_t not_above = 0;
        for (std::size_t i = 0; i < hints; ++i) {
            auto const hint = load_le<std::uint32_t>(hints_ + 4 * i);
            below += hint < wanted ? 1U : 0U;
            not_above += hint <= wanted ? 1U : 0U;
        }
        part const found{distance * below,
                         not_above < hints ? distance * (not_above + 1) : count_};
        fetch_line(key_at(found.first));
        fetch_line(key_at(found.end) - 1);
        fetch_line(end_ - (found.first + 1) * sizes_.value);
        fetch_line(end_ - found.end * sizes_.value);
        return found;
    }
    /// No branch depends on a key until the end: `number_at` is the first 8 bytes of one, behind
    /// those that are skipped.
    template <class Number>
    [[nodiscard]] key_place find_in(part among, key_bytes key, std::size_t skipped,
                                    Number number_at) const noexcept {
        auto const size = std::min(sizes_.key, key.size());
        auto const wanted =
            size > skipped ? leading_bytes(key.data() + skipped, size - skipped) : 0;
        auto const number = [&](std::size_t i) { return number_at(key_at(i) + skipped); };
        auto const first_not = [&](auto is_before) {
            auto first = among.first;
            for (auto left = among.end - among.first; left > 0;) {
                std::size_t const half = (left + 1) / 2;
                bool const before = is_before(number(first + half - 1));
                first += half & (std::size_t{0} - std::size_t{before});
                left -= half;
            }
            return first;
        };
        auto first = first_not([wanted](std::uint64_t there) { return there < wanted; });
        if (first == count_ || number(first) != wanted) { return {first, false}; }
        if (sizes_.key <= 8) {
            return {first + (key.size() > sizes_.key ? 1U : 0U), key.size() == sizes_.key};
        }
        auto end = first_not([wanted](std::uint64_t there) { return there <= wanted; });
        while (first < end) {
            std::size_t const middle = first + (end - first) / 2;
            auto const order = compare_keys(this->key(middle), key);
            if (order == 0) { return {middle, true}; }
            if (order < 0) {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        return {first, false};
    }

    Byte* hints_;
    Byte* keys_;
    Byte* end_;
    entry_sizes sizes_;
    std::size_t prefix_;
    std::size_t count_;
};

}  // namespace quire::inline QUIRE_ABI::detail
