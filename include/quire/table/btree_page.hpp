// SPDX-License-Identifier: BSL-1.0
#pragma once

/// btree_page: a node of a B+tree, leaf or inner: entries of a key and a value, ordered by key.
///
/// Byte map: the common header (page_header.hpp), the slot fields (slotted.hpp), and
///
///    32   4   tree            the number of the tree that the node belongs to
///    36   1   level           0 for a leaf; an inner node is one above its children
///    37   1   layout          0: entries of any size; 1: a block of entries of one size
///    38   2   prefix_length   bytes that both fences, and so all keys, begin with
///    40  ..   slots of 8 bytes: a line pointer, and a tag: the head of the key that is there
///
///   slot 0    the low fence: a key; every key of the node is that or above
///   slot 1    the high fence: every key is below it; a dead slot when there is no limit, and then
///             its tag is 0, and the prefix empty
///
///  Layout 0
///   slot 2..  the entries, ascending: 2 bytes of key length, the key without the prefix, the
///             value. In an inner node the value is a child's page number, 6 bytes, and the key is
///             the child's low fence. The tag is the head of the key behind the prefix.
///             In a leaf the length's highest bit means: the value is in overflow pages, and these
///             bytes, 14 of them, say which (detail/overflow_chain.hpp)
///
///  Layout 1, of leaves whose keys all have one size, and whose values have one; together at most
///  a 16th of the page, and never more than 160 bytes (entry_block.hpp)
///   slot 2    the block, at the end of the page: whole keys, and values. It has room for as many
///             entries as (PageSize - 128 - twice the size of a key) bytes have. Its tag: 2 bytes
///             number of entries, 1 byte size of a key, 1 byte size of a value
///    64  64   hints           heads of 16 keys behind the prefix, for a search: of those at
///                             distance, 2 x distance, ..., which is a 17th of the number of
///                             entries, rounded down; zeros where that is 0
///   Fences are no longer than a key, and lie between hints and block.
///
/// A key is bytes, ordered as std::memcmp orders them (key_codec.hpp makes them from typed keys).
///
/// Invariants (of a page that `validate` passes; each accessor checks those it relies on)
///   I1. The fences are ascending, and the prefix is what they have in common.
///   I2. Keys ascend strictly and lie between the fences; tags are their heads (key_order.hpp).
///   I3. The first key of an inner node is its low fence; its values are page numbers.
///   I4. Any bytes are a legal page: a contradiction is errc::corrupt_page.
///   I5. A node that says "tree t, level l, and my fences hold the key" is where the key belongs,
///       however a reader came there. So descents need no latch, and nothing tells them of splits.
///
/// A node can always be split so that both halves take one entry more, with any fences: that is why
/// a key has at most an eighth of a page, and key and value at most a quarter.
///
/// This class is a plain value over the span, as slotted is. It lends nothing by itself: btree.hpp
/// lends keys and values while it holds the page.

#include <quire/borrow/page_kind.hpp>
#include <quire/table/detail/node_check.hpp>
#include <quire/table/detail/node_edit.hpp>
#include <quire/table/detail/node_entries.hpp>

#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI {

template <viewed_byte Byte, std::size_t PageSize>
class QUIRE_POINTER btree_page {
    static_assert(slotted_page_size<PageSize>,
                  "a node of a tree has a power of two of bytes, from 512 to 32768");
    using layout = detail::node_entries<Byte, PageSize>;
    static constexpr std::size_t fences = layout::fences;
    using key_bytes = detail::key_bytes;

public:
    static constexpr std::size_t page_size = PageSize;
    static constexpr std::uint8_t version = 2;
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    static constexpr std::size_t key_size_max = layout::key_size_max;
    /// Of a key and its value together.
    static constexpr std::size_t entry_size_max = PageSize / 4 - 22;
    static constexpr std::size_t child_size = layout::child_size;
    static constexpr std::size_t level_max = 40;
    /// What an entry in a slot takes beside the bytes of its key and value.
    static constexpr std::size_t entry_overhead = layout::slot_size + 2;
    /// Of a node without entries and fences.
    static constexpr std::size_t empty_size = layout::lower(fences);

    /// Where a key is, or would be inserted: its position, and whether it was found.
    using place = detail::key_place;
    using entry_sizes = detail::entry_sizes;
    /// Of a key and its value in a block.
    static constexpr std::size_t block_entry_max = layout::block_entry_max;

    explicit btree_page(std::span<Byte, PageSize> bytes) noexcept : page_{bytes} {}
    btree_page(btree_page const&) noexcept = default;
    btree_page& operator=(btree_page const&) noexcept = default;
    ~btree_page() = default;
    btree_page(btree_page<std::byte, PageSize> const& other) noexcept
        requires std::same_as<Byte, std::byte const>
        : page_{other.page_} {}

    /// An empty leaf of tree 0, without fences.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
        page_header{.kind = kind_no::btree, .version = version, .number = no.value()}.store(
            bytes.template first<page_header::size>());
        btree_page<std::byte, PageSize>{bytes}.reset(0, 0, {}, {}, false);
    }
    [[nodiscard]] static bool accepts(shared_span<Byte, PageSize> bytes) noexcept {
        auto const header = page_header::load(bytes.template first<page_header::size>());
        return header.kind == kind_no::btree && header.version == version;
    }

    // Reading

    [[nodiscard]] std::uint32_t tree() const noexcept { return load_le<std::uint32_t>(at(32)); }
    [[nodiscard]] std::size_t level() const noexcept { return load_le<std::uint8_t>(at(36)); }
    /// Entries.
    [[nodiscard]] std::size_t count() const { return page_.load_shape().entries; }
    /// Of a leaf with a block.
    [[nodiscard]] entry_sizes sizes() const { return page_.load_shape().sizes; }

    /// Whether the fences hold `key`: low <= key < high.
    [[nodiscard]] bool holds(key_bytes key) const {
        auto const now = page_.load_shape();
        page_.prefetch(now);
        return page_.holds(key, now);
    }
    /// Whether the keys that come before `key` end in this node: low < key <= high.
    [[nodiscard]] bool holds_before(key_bytes key) const {
        auto const now = page_.load_shape();
        if (detail::compare_keys(page_.low(now), key) >= 0) { return false; }
        auto const pointer = page_.high_pointer(now);
        return !pointer.is_live() || detail::compare_keys(page_.tuple(pointer), key) >= 0;
    }
    [[nodiscard]] bool is_below_high(key_bytes key) const {
        return page_.is_below_high(key, page_.load_shape());
    }
    [[nodiscard]] bool has_high() const {
        auto const now = page_.load_shape();
        return page_.high_pointer(now).is_live();
    }
    [[nodiscard]] std::span<Byte> low() const {
        auto const now = page_.load_shape();
        return page_.low(now);
    }
    /// Nothing when there is no limit: see has_high.
    [[nodiscard]] std::span<Byte> high() const {
        auto const now = page_.load_shape();
        auto const pointer = page_.high_pointer(now);
        return pointer.is_live() ? page_.tuple(pointer) : std::span<Byte>{};
    }

    /// The first entry whose key is `key` or above. Expects: the fences hold `key`, or all keys of
    /// the node are below or above it anyway.
    [[nodiscard]] place find(key_bytes key) const { return page_.find(key, page_.load_shape()); }

    /// The key at `position` behind the prefix. Expects: position < count().
    [[nodiscard]] std::span<Byte> suffix(std::size_t position) const {
        auto const now = page_.load_shape();
        return page_.suffix(page_.checked(position, now), now);
    }
    /// Copies the key at `position`; its size. Expects: position < count(); `out` has room for
    /// key_size_max bytes.
    [[nodiscard]] std::size_t copy_key(std::size_t position, std::span<std::byte> out) const {
        auto const now = page_.load_shape();
        auto const rest = page_.suffix(page_.checked(position, now), now);
        if (now.prefix + rest.size() > key_size_max || out.size() < key_size_max) {
            corrupt("key length");
        }
        auto const fence = page_.low(now);
        if (now.prefix > fence.size()) { corrupt("prefix_length"); }
        page_.copy_bytes(fence.first(now.prefix), out);
        page_.copy_bytes(rest, out.subspan(now.prefix));
        return now.prefix + rest.size();
    }
    using stored_value = detail::stored_value<Byte>;
    /// What the node has of the value at `position`. Expects: position < count().
    [[nodiscard]] stored_value stored(std::size_t position) const {
        auto const now = page_.load_shape();
        return page_.value(page_.checked(position, now), now);
    }
    /// The value at `position`, of which the node has all. Expects: position < count().
    [[nodiscard]] std::span<Byte> value(std::size_t position) const {
        auto const [bytes, overflows] = stored(position);
        if (overflows) { corrupt("a value in overflow pages"); }
        return bytes;
    }
    /// What the node has of the value of `key`, if it is there. Expects: as find.
    [[nodiscard]] std::optional<stored_value> value_of(key_bytes key) const {
        auto const now = page_.load_shape();
        auto const where = page_.find(key, now);
        if (!where.found) { return std::nullopt; }
        return page_.value(where.position, now);
    }
    /// The child at `position` of an inner node. Expects: position < count().
    [[nodiscard]] page_no child(std::size_t position) const {
        auto const now = page_.load_shape();
        return page_.child(page_.checked(position, now), now);
    }
    /// The children behind the one that `key` leads to, as many as `out` has room for; how many.
    /// Expects: an inner node whose fences hold `key`.
    [[nodiscard]] std::size_t children_behind(key_bytes key, std::span<page_no> out) const {
        auto const now = page_.load_shape();
        auto const where = page_.find(key, now);
        auto const first = where.found ? where.position + 1 : where.position;
        std::size_t count = 0;
        while (count < out.size() && first + count < now.entries) {
            out[count] = page_.child(first + count, now);
            ++count;
        }
        return count;
    }
    /// The child that `key` leads to, if the fences hold it. Expects: an inner node.
    [[nodiscard]] std::optional<page_no> child_of(key_bytes key) const {
        auto const now = page_.load_shape();
        page_.prefetch(now);
        if (!page_.holds(key, now)) { return std::nullopt; }
        auto const where = page_.find(key, now);
        if (!where.found && where.position == 0) { corrupt("first key"); }
        return page_.child(where.found ? where.position : where.position - 1, now);
    }
    /// Copies what all keys begin with; its size. Expects: `out` has room for key_size_max bytes.
    [[nodiscard]] std::size_t copy_prefix(std::span<std::byte> out) const {
        auto const now = page_.load_shape();
        auto const fence = page_.low(now);
        if (now.prefix > fence.size()) { corrupt("prefix_length"); }
        page_.copy_bytes(fence.first(now.prefix), out);
        return now.prefix;
    }
    /// An entry where it stands: head, suffix, value; in a block also the whole key.
    using parts = typename layout::parts;
    /// `fn(parts)` for each entry from `first` on, until it returns false. Expects: fn does not
    /// change the page. Errors: corrupt_page.
    template <class Fn>
    void for_each(std::size_t first, Fn fn) const {
        page_.for_each(first, fn);
    }
    /// The position of the child whose range holds `key`. Expects: an inner node that holds it.
    [[nodiscard]] std::size_t child_for(key_bytes key) const {
        auto const where = find(key);
        if (where.found) { return where.position; }
        if (where.position == 0) { corrupt("first key"); }
        return where.position - 1;
    }
    /// Of the child that the keys before `key` end in. Expects: holds_before(key).
    [[nodiscard]] std::size_t child_before(key_bytes key) const {
        auto const where = find(key);
        if (where.position == 0) { corrupt("first key"); }
        return where.position - 1;
    }

    /// How many bytes all keys begin with.
    [[nodiscard]] std::size_t prefix_size() const { return page_.load_shape().prefix; }
    /// The head of the key at `position` behind the prefix. Expects: position < count().
    [[nodiscard]] std::uint32_t head(std::size_t position) const {
        auto const now = page_.load_shape();
        static_cast<void>(page_.checked(position, now));
        return now.has_block() ? page_.block(now).head(position) : tag(page_, fences + position);
    }
    /// Whether heads ascend, and keys of one head: what a search relies on. Expects: no block.
    [[nodiscard]] bool is_searchable() const { return page_.is_searchable(); }
    /// Bytes in use, slots included; at most PageSize.
    [[nodiscard]] std::size_t used() const
        requires page_byte<Byte>
    {
        auto const now = page_.load_shape();
        if (now.has_block()) { return PageSize + now.entries * now.sizes.sum() - now.block_size; }
        return layout::lower(now.slots) + page_.count(now).bytes;
    }
    /// Likewise of a leaf with a block of so many entries: it has room if that is at most PageSize.
    [[nodiscard]] static constexpr std::size_t used_by(std::size_t entries,
                                                       entry_sizes sizes) noexcept {
        return PageSize + entries * sizes.sum() - layout::size_of_block(sizes);
    }
    /// What an entry takes in this node.
    [[nodiscard]] std::size_t size_of(std::size_t key_size, std::size_t value_size) const {
        auto const now = page_.load_shape();
        if (now.has_block()) { return now.sizes.sum(); }
        return entry_overhead + value_size +
               (key_size > now.prefix ? key_size - now.prefix : 0);
    }
    /// What the entry at `position` takes. Expects: position < count().
    [[nodiscard]] std::size_t size_at(std::size_t position) const {
        auto const now = page_.load_shape();
        static_cast<void>(page_.checked(position, now));
        if (now.has_block()) { return now.sizes.sum(); }
        return layout::slot_size + page_.entry(position, now).size();
    }

    // For validate.
    /// Whether the tags of the fences are right.
    [[nodiscard]] bool has_heads_of(key_bytes low, key_bytes high) const noexcept {
        return tag(page_, 0) == detail::head_of(low) && tag(page_, 1) == detail::head_of(high);
    }
    /// Expects: sizes().are_fixed().
    [[nodiscard]] detail::entry_block<Byte> block() const {
        return page_.block(page_.load_shape());
    }
    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps every invariant.
    void validate() const
        requires page_byte<Byte>
    {
        detail::node_check{*this}.validate();
        page_.validate();
    }

    // Writing. What is written keeps I1 to I3 if the caller does what is expected.

    /// Makes this an empty node. The number in the header stays.
    /// Expects: sizes only of a leaf, together at most block_entry_max; then fences are no longer
    /// than a key.
    void reset(std::uint32_t tree, std::size_t level, key_bytes low, key_bytes high,
               bool has_high, entry_sizes sizes = {}) const noexcept
        requires writable_page<Byte>
    {
        bool const has_block = sizes.are_fixed();
        page_.clear();
        store_le(at(32), tree);
        store_le(at(36), static_cast<std::uint8_t>(level));
        store_le(at(37), std::uint8_t{0});
        auto const prefix = has_high ? detail::common_prefix(low, high) : 0;
        store_le(at(38), static_cast<std::uint16_t>(prefix));
        if (has_block) { page_.begin_block(sizes); }
        bool fits = page_.place(0, low.size(), detail::node_edit<PageSize>::copier(low));
        if (has_high) {
            fits = fits && page_.place(1, high.size(), detail::node_edit<PageSize>::copier(high));
        } else {
            page_.set_slot(1, line_pointer::dead(), page_.load_bounds());
        }
        put_tag(page_, 0, detail::head_of(low));
        put_tag(page_, 1, has_high ? detail::head_of(high) : 0);
        QUIRE_EXPECTS(fits, "both fences of a node fit into it");
    }

    /// Takes over everything that `other` has but its header.
    void take(btree_page<std::byte const, PageSize> const& other) const noexcept
        requires writable_page<Byte>
    {
        std::memcpy(at(page_header::size), other.bytes().data() + page_header::size,
                    PageSize - page_header::size);
    }

    /// Inserts an entry; `write(std::span<std::byte> out)` writes what the node has of its value,
    /// `value_size` bytes. False when the node has no room.
    /// Expects: the place of `key`, which the fences hold; it keeps key_size_max, entry_size_max.
    /// Errors, of all three: corrupt_page, also for sizes that are not those of the block.
    template <class Writer>
    [[nodiscard]] bool insert(std::size_t position, key_bytes key, std::size_t value_size,
                              Writer&& write, bool overflows = false) const
        requires writable_page<Byte>
    {
        return detail::node_edit<PageSize>{page_}.insert(position, key, value_size, write,
                                                         overflows);
    }
    [[nodiscard]] bool insert_child(std::size_t position, key_bytes key, page_no child) const
        requires writable_page<Byte>
    {
        return insert(position, key, child_size, [child](std::span<std::byte> out) {
            store_le(out.data(), static_cast<std::uint32_t>(child.value()));
            store_le(out.data() + 4, static_cast<std::uint16_t>(child.value() >> 32));
        });
    }
    /// Replaces the value at `position`. False when the node has no room for the new one.
    template <class Writer>
    [[nodiscard]] bool replace(std::size_t position, std::size_t value_size, Writer&& write,
                               bool overflows = false) const
        requires writable_page<Byte>
    {
        return detail::node_edit<PageSize>{page_}.replace(position, value_size, write, overflows);
    }
    void erase(std::size_t position) const
        requires writable_page<Byte>
    {
        detail::node_edit<PageSize>{page_}.erase(position);
    }
    /// Appends entries [first, last) of a node whose block has the same sizes: false if there is no
    /// such, and nothing has changed then. Expects: there is room.
    [[nodiscard]] bool append_block(btree_page<std::byte const, PageSize> const& from,
                                    std::size_t first, std::size_t last) const
        requires writable_page<Byte>
    {
        return detail::node_edit<PageSize>{page_}.append(from.page_, first, last);
    }

    [[nodiscard]] std::span<Byte, PageSize> bytes() const noexcept { return page_.bytes(); }
    [[noreturn]] void corrupt(char const* what) const { page_.corrupt(what); }

private:
    template <viewed_byte, std::size_t>
    friend class btree_page;

    [[nodiscard]] Byte* at(std::size_t offset) const noexcept {
        return page_.bytes().data() + offset;
    }
    layout page_;
};

static_assert(racy_page_kind<btree_page, 512> && racy_page_kind<btree_page, 4096> &&
              racy_page_kind<btree_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
