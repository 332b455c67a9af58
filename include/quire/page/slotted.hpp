// SPDX-License-Identifier: BSL-1.0
#pragma once

/// slotted: variable-length tuples under stable numbers, in one page. Page views are built on it.
///
/// Byte map, behind the common header of 24 bytes (page_header.hpp):
///
///    24   2   slot_count    number of line pointers
///    26   2   free_upper    where tuple bytes begin, PageSize when there are none
///    28   2   free_slots    how many line pointers are free
///    30   2   zero
///    HeaderSize             slots, SlotSize bytes each, growing up: a line pointer of 4 bytes
///                           (line_pointer.hpp), and what the page view keeps beside it
///    free_upper             tuples, growing down: any order, gaps where tuples were
///
/// The end of the line pointers follows from slot_count; it is not stored.
///
/// Invariants (of a page that `validate` passes; each accessor checks those it relies on)
///   I1. HeaderSize + SlotSize * slot_count <= free_upper <= PageSize; free_slots is exact.
///   I2. A live tuple lies in [free_upper, PageSize); no two of them share a byte.
///   I3. A free or dead pointer has only its state; all other bits are zero.
/// of every operation here
///   I4. Any bytes are a legal page: a value that is read is checked, then used; loops are bounded
///       by the page. A contradiction is errc::corrupt_page, and nothing has changed.
///   I5. A tuple is written by `place` alone. The writer runs before anything moves, so it may read
///       from the same page; when it throws, only bytes of the free gap have changed.
///
/// Costs: reading a tuple and placing one where there is room are O(1); functions that look at all
/// slots walk the pointers. Compaction builds the new image in PageSize bytes of stack and copies
/// it back: no pointers are sorted to move tuples in place, and there is nothing to undo.
///
/// This class is a plain value over the span, unlike the page views. Views are implemented with it;
/// users of a page do not see it. heap_page.hpp says what the operations mean, and
/// ordered_slots.hpp adds insertion at a position. Over racy bytes (racy_byte.hpp) slots are read
/// one at a time, each number by one load: what looks at all of them needs the latch.

#include <quire/page/detail/compaction.hpp>
#include <quire/page/line_pointer.hpp>
#include <quire/page/page_header.hpp>

#include <algorithm>  // std::min
#include <array>      // std::array
#include <bit>        // std::has_single_bit
#include <cstring>    // std::memcpy, std::memmove

namespace quire::inline QUIRE_ABI {

/// The page sizes of slotted formats: offsets have 15 bits.
template <std::size_t PageSize>
concept slotted_page_size =
    std::has_single_bit(PageSize) && PageSize >= 512 && PageSize <= (std::size_t{1} << 15);

namespace detail {

/// Which bytes of a page belong to a tuple.
template <std::size_t PageSize>
class taken_bytes {
public:
    /// Takes `length` bytes at `offset`, which lie in the page. False when one was taken before.
    [[nodiscard]] bool take(std::size_t offset, std::size_t length) noexcept {
        std::uint64_t twice = 0;
        for (auto const end = offset + length; offset < end;) {
            std::size_t const bit = offset % 64;
            std::size_t const size = std::min(end - offset, 64 - bit);
            auto const mask = (~std::uint64_t{0} >> (64 - size)) << bit;
            twice |= words_[offset / 64] & mask;
            words_[offset / 64] |= mask;
            offset += size;
        }
        return twice == 0;
    }

private:
    std::array<std::uint64_t, PageSize / 64> words_{};
};

}  // namespace detail

template <viewed_byte Byte, std::size_t PageSize, std::size_t HeaderSize = 32,
          std::size_t SlotSize = line_pointer::size>
class QUIRE_POINTER slotted {
    static_assert(slotted_page_size<PageSize>,
                  "a slotted page has a power of two of bytes, from 512 to 32768");
    static_assert(HeaderSize >= 32 && HeaderSize <= PageSize / 4,
                  "line pointers begin behind the slot fields, in the first quarter of the page");
    static_assert(SlotSize == 4 || SlotSize == 8, "a slot is a line pointer, and 4 bytes or none");

public:
    using byte = Byte;
    static constexpr std::size_t page_size = PageSize;
    static constexpr std::size_t slot_size = SlotSize;
    static constexpr std::size_t slots_max = (PageSize - HeaderSize) / SlotSize;
    static constexpr std::size_t tuple_size_max = PageSize - HeaderSize - SlotSize;
    static constexpr std::size_t no_slot = std::size_t{1} << 16;

    /// The numbers of the header, checked against I1 as far as the header alone allows.
    struct bounds {
        std::size_t slots;
        std::size_t upper;
        std::size_t free_slots;
        [[nodiscard]] constexpr std::size_t gap() const noexcept { return upper - lower(slots); }
    };
    /// The slots and bytes that compaction would keep.
    struct tally {
        std::size_t slots;       ///< without the free ones at the end
        std::size_t free_slots;  ///< among those
        std::size_t bytes;       ///< of live tuples
    };
    explicit slotted(std::span<Byte, PageSize> bytes) noexcept : bytes_{bytes} {}
    slotted(slotted const&) noexcept = default;
    slotted& operator=(slotted const&) noexcept = default;
    ~slotted() = default;
    slotted(slotted<std::byte, PageSize, HeaderSize, SlotSize> const& other) noexcept
        requires std::same_as<Byte, std::byte const>
        : bytes_{other.bytes()} {}

    /// Where line pointers end when there are `slots` of them.
    [[nodiscard]] static constexpr std::size_t lower(std::size_t slots) noexcept {
        return HeaderSize + slots * SlotSize;
    }

    /// Makes the slot fields those of a page without tuples.
    void clear() const noexcept
        requires writable_page<Byte>
    {
        put_bounds({.slots = 0, .upper = PageSize, .free_slots = 0});
        store_le(bytes_.data() + 30, std::uint16_t{0});
    }

    // Reading

    [[nodiscard]] std::span<Byte, PageSize> bytes() const noexcept { return bytes_; }
    [[nodiscard]] auto header_bytes() const noexcept {
        return shared_span<Byte, PageSize>{bytes_}.template first<page_header::size>();
    }

    [[nodiscard]] bounds load_bounds() const {
        bounds const b{.slots = load_le<std::uint16_t>(bytes_.data() + 24),
                       .upper = load_le<std::uint16_t>(bytes_.data() + 26),
                       .free_slots = load_le<std::uint16_t>(bytes_.data() + 28)};
        // These two checks imply b.slots <= slots_max.
        if (b.upper > PageSize || b.upper < lower(b.slots)) { corrupt("slot_count or free_upper"); }
        if (b.free_slots > b.slots) { corrupt("free_slots"); }
        return b;
    }

    /// For page_change: all bytes behind the header; none if I1 does not hold.
    [[nodiscard]] std::span<std::byte const> body() const noexcept
        requires page_byte<Byte>
    {
        std::size_t const slots = load_le<std::uint16_t>(bytes_.data() + 24);
        std::size_t const upper = load_le<std::uint16_t>(bytes_.data() + 26);
        if (slots > slots_max || upper > PageSize || upper < lower(slots)) { return {}; }
        return bytes_.subspan(HeaderSize);
    }
    /// For page_change: the line pointers, and the live tuples whose line pointers are valid.
    template <class Fn>
    void for_each_used(Fn fn) const noexcept
        requires page_byte<Byte>
    {
        if (body().empty()) { return; }
        bounds const b{.slots = load_le<std::uint16_t>(bytes_.data() + 24),
                       .upper = load_le<std::uint16_t>(bytes_.data() + 26),
                       .free_slots = 0};
        fn(std::span<std::byte const>{bytes_.subspan(HeaderSize, b.slots * SlotSize)});
        for (std::size_t i = 0; i < b.slots; ++i) {
            auto const pointer =
                line_pointer::from_bits(load_le<std::uint32_t>(bytes_.data() + lower(i)));
            if (pointer.is_live() && is_believable(pointer, b)) {
                fn(std::span<std::byte const>{tuple(pointer)});
            }
        }
    }

    /// Line pointer `slot`, checked. Expects: `slot < b.slots`.
    [[nodiscard]] line_pointer load_pointer(std::size_t slot, bounds const& b) const {
        auto const pointer =
            line_pointer::from_bits(load_le<std::uint32_t>(bytes_.data() + lower(slot)));
        if (!is_believable(pointer, b)) { corrupt("line pointer"); }
        return pointer;
    }

    /// Whether `slot` itself is live or a redirect.
    [[nodiscard]] bool holds(slot_id slot, bounds const& b) const {
        if (slot.value() >= b.slots) { return false; }
        slot_state const state = load_pointer(slot.value(), b).state();
        return state == slot_state::live || state == slot_state::redirect;
    }
    /// Whether `slot` exists and is not free.
    [[nodiscard]] bool is_taken(slot_id slot, bounds const& b) const {
        return slot.value() < b.slots &&
               load_pointer(slot.value(), b).state() != slot_state::free;
    }

    /// The bytes of a live tuple. Expects: `load_pointer` has just returned `pointer`.
    [[nodiscard]] std::span<Byte> tuple(line_pointer pointer) const noexcept {
        return bytes_.subspan(pointer.offset(), pointer.length());
    }

    /// Line pointer `slot` if it exists, is live, not empty, and passes every check of load_bounds
    /// and load_pointer; else a free one. Throws nothing: the slower path then reports the reason.
    [[nodiscard]] line_pointer plain_pointer(std::size_t slot) const noexcept {
        std::size_t const slots = load_le<std::uint16_t>(bytes_.data() + 24);
        std::size_t const upper = load_le<std::uint16_t>(bytes_.data() + 26);
        std::size_t const free_slots = load_le<std::uint16_t>(bytes_.data() + 28);
        if (slot < slots && free_slots <= slots && lower(slots) <= upper &&
            upper <= PageSize) [[likely]] {
            auto const pointer =
                line_pointer::from_bits(load_le<std::uint32_t>(bytes_.data() + lower(slot)));
            if (pointer.is_live() && pointer.length() > 0 && pointer.offset() >= upper &&
                pointer.offset() + pointer.length() <= PageSize) [[likely]] {
                return pointer;
            }
        }
        return line_pointer::free();
    }

    /// Slot `slot` itself, live.
    /// Errors: errc::no_such_tuple.
    [[nodiscard]] std::span<Byte> live_tuple(slot_id slot) const {
        bounds const b = load_bounds();
        if (slot.value() < b.slots) {
            line_pointer const pointer = load_pointer(slot.value(), b);
            if (pointer.is_live()) { return tuple(pointer); }
        }
        fail(errc::no_such_tuple, slot.value());
    }

    /// The first live slot from `slot` on, or `no_slot`.
    [[nodiscard]] std::size_t next_live(std::size_t slot) const {
        bounds const b = load_bounds();
        for (; slot < b.slots; ++slot) {
            if (load_pointer(slot, b).is_live()) { return slot; }
        }
        return no_slot;
    }

    /// The free slot with the lowest number; a new one when there is none.
    [[nodiscard]] std::size_t lowest_free(bounds const& b) const {
        if (b.free_slots == 0) { return b.slots; }
        for (std::size_t i = 0; i < b.slots; ++i) {
            if (load_pointer(i, b).state() == slot_state::free) { return i; }
        }
        corrupt("free_slots");
    }

    /// Adds up the live tuples, except that of slot `without`.
    [[nodiscard]] tally count(bounds const& b, std::size_t without = no_slot) const {
        tally sum{.slots = 0, .free_slots = 0, .bytes = 0};
        std::size_t free_seen = 0;
        for (std::size_t i = 0; i < b.slots; ++i) {
            line_pointer const pointer = load_pointer(i, b);
            if (pointer.state() == slot_state::free) {
                ++free_seen;
                continue;
            }
            sum.slots = i + 1;
            sum.free_slots = free_seen;
            if (pointer.is_live() && i != without) { sum.bytes += pointer.length(); }
        }
        if (sum.bytes > PageSize - lower(sum.slots)) { corrupt("sum of tuples"); }
        return sum;
    }

    /// Throws errc::corrupt_page, naming what does not hold. I1 to I3.
    void validate() const {
        bounds const b = load_bounds();
        detail::taken_bytes<PageSize> taken;
        std::size_t free_seen = 0;
        for (std::size_t i = 0; i < b.slots; ++i) {
            line_pointer const pointer = load_pointer(i, b);
            if (pointer.state() == slot_state::free) { ++free_seen; }
            if (!pointer.is_live()) { continue; }
            if (!taken.take(pointer.offset(), pointer.length())) { corrupt("overlap of tuples"); }
        }
        if (free_seen != b.free_slots) { corrupt("free_slots"); }
        if (load_le<std::uint16_t>(bytes_.data() + 30) != 0) { corrupt("reserved field"); }
    }

    [[noreturn]] void corrupt(char const* what) const {
        detail::throw_page_error(errc::corrupt_page, what, header_bytes());
    }
    [[noreturn]] void fail(errc code, std::size_t slot = no_slot) const {
        detail::throw_tuple_error(code, slot, header_bytes());
    }

    // Writing

    void put_bounds(bounds const& b) const noexcept
        requires writable_page<Byte>
    {
        store_le(bytes_.data() + 24, static_cast<std::uint16_t>(b.slots));
        store_le(bytes_.data() + 26, static_cast<std::uint16_t>(b.upper));
        store_le(bytes_.data() + 28, static_cast<std::uint16_t>(b.free_slots));
    }
    void put_pointer(std::size_t slot, line_pointer pointer) const noexcept
        requires writable_page<Byte>
    {
        store_le(bytes_.data() + lower(slot), pointer.bits());
    }

    /// Writes line pointer `slot`, and updates the count of free slots; tuple bytes stay.
    /// A new slot may lie behind the last one: the slots between become free.
    /// Expects: there is room for the line pointers up to `slot`.
    void set_slot(std::size_t slot, line_pointer pointer, bounds b) const noexcept
        requires writable_page<Byte>
    {
        for (; b.slots <= slot; ++b.slots, ++b.free_slots) {
            put_pointer(b.slots, line_pointer::free());
        }
        auto const old =
            line_pointer::from_bits(load_le<std::uint32_t>(bytes_.data() + lower(slot)));
        if (old.state() == slot_state::free && b.free_slots > 0) { --b.free_slots; }
        if (pointer.state() == slot_state::free) { ++b.free_slots; }
        put_pointer(slot, pointer);
        put_bounds(b);
    }

    /// Makes `length` bytes, written by `write(std::span<std::byte> out)`, the tuple of `slot`: an
    /// existing slot, live or free, or the next new one. In place when it does not grow, else in
    /// the free gap, else by compaction. False when it does not fit; then nothing has changed.
    /// Expects: `b`, if given, is what `load_bounds` has just returned.
    template <class Writer>
    [[nodiscard]] bool place(std::size_t slot, std::size_t length, Writer&& write) const
        requires writable_page<Byte>
    {
        return place(slot, length, write, load_bounds());
    }
    template <class Writer>
    [[nodiscard]] bool place(std::size_t slot, std::size_t length, Writer&& write, bounds b) const
        requires writable_page<Byte>
    {
        if (slot != b.slots || length + SlotSize > b.gap()) {
            return replace(bytes_.data(), slot, length, write);
        }
        b.upper -= length;
        write(bytes_.subspan(b.upper, length));
        put_pointer(slot, line_pointer::live(b.upper, length));
        put_bounds({.slots = slot + 1, .upper = b.upper, .free_slots = b.free_slots});
        return true;
    }

    /// Moves all tuples to the end of the page and drops free slots behind the last used one.
    void compact() const
        requires writable_page<Byte>
    {
        // It is true: the tuples of a page fit into it, or count() has thrown.
        static_cast<void>(
            detail::rebuild(*this, no_slot, 0, [](std::span<std::byte>) {}, load_bounds()));
    }

private:
    [[nodiscard]] static constexpr bool is_believable(line_pointer pointer,
                                                      bounds const& b) noexcept {
        switch (pointer.state()) {
            [[likely]] case slot_state::live:
                if (pointer.length() == 0) { return pointer.offset() == 0; }
                return pointer.offset() >= b.upper &&
                       pointer.offset() + pointer.length() <= PageSize;
            case slot_state::free: return pointer == line_pointer::free();
            case slot_state::dead: return pointer == line_pointer::dead();
            case slot_state::redirect: return pointer.length() == 0 && pointer.target() < b.slots;
        }
        return false;
    }

    /// `place` for all other cases than a new slot in the free gap. Apart, to keep that case fast.
    template <class Writer>
    [[nodiscard, gnu::noinline]] static bool replace(std::byte* bytes, std::size_t slot,
                                                     std::size_t length, Writer& write) {
        slotted const page{std::span<std::byte, PageSize>{bytes, PageSize}};
        bounds b = page.load_bounds();
        bool const is_new = slot >= b.slots;
        line_pointer const old = is_new ? line_pointer::free() : page.load_pointer(slot, b);
        if (old.is_live() && length <= old.length()) {
            std::array<std::byte, PageSize> scratch;
            write(std::span{scratch}.first(length));
            std::memcpy(bytes + old.offset(), scratch.data(), length);
            page.put_pointer(slot, line_pointer::live(old.offset(), length));
            return true;
        }
        if (length + (is_new ? SlotSize : 0) > b.gap()) {
            return detail::rebuild(page, slot, length, write, b);
        }
        write(page.bytes_.subspan(b.upper - length, length));
        b.upper -= length;
        page.set_slot(slot, line_pointer::live(b.upper, length), b);
        return true;
    }

    std::span<Byte, PageSize> bytes_;
};

}  // namespace quire::inline QUIRE_ABI
