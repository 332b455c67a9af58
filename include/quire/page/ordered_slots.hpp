// SPDX-License-Identifier: BSL-1.0
#pragma once

/// ordered_slots: slotted tuples in an order of the page view's own. Tree nodes are built on it.
///
/// A slot's number is a position here, not a name: insertion at a position moves the slots behind
/// it one up, and erasure one down. Tuple bytes stay where they are. A page has ordered slots or
/// slots with stable numbers (slotted.hpp), never both.
///
/// Beside its line pointer a slot of 8 bytes has a tag: 32 bits that are compared without looking
/// at the tuple, such as the first bytes of a key. It moves with the slot.
///
/// Cost: a move of the slots behind the position; `insert_at` otherwise costs what `place` does.

#include <quire/base/fetch_line.hpp>
#include <quire/page/slotted.hpp>

namespace quire::inline QUIRE_ABI {

/// Makes `length` bytes, written by `write(std::span<std::byte> out)`, the tuple at `position`. The
/// slot's tag, if slots have one, is not written: see put_tag. False when the page has no room, not
/// even after compaction; then nothing has changed.
/// Expects: position <= slot_count.
/// Errors: errc::corrupt_page; then nothing has changed.
template <class Page, class Writer>
[[nodiscard]] bool insert_at(Page const& page, std::size_t position, std::size_t length,
                             Writer&& write) {
    auto const before = page.load_bounds();
    QUIRE_EXPECTS(position <= before.slots, "a tuple is inserted before, between or behind others");
    if (!page.place(before.slots, length, write, before)) { return false; }
    auto const pointer = page.load_pointer(before.slots, page.load_bounds());
    std::byte* const at = page.bytes().data() + Page::lower(position);
    std::memmove(at + Page::slot_size, at, (before.slots - position) * Page::slot_size);
    page.put_pointer(position, pointer);
    return true;
}

/// Removes the slot at `position` and its tuple.
/// Expects: position < slot_count.
/// Errors: errc::corrupt_page; then nothing has changed.
template <class Page>
void erase_at(Page const& page, std::size_t position) {
    auto b = page.load_bounds();
    QUIRE_EXPECTS(position < b.slots, "the slot that is erased exists");
    auto const pointer = page.load_pointer(position, b);
    // The last tuple placed gives its bytes back to the gap at once.
    if (pointer.is_live() && pointer.offset() == b.upper) { b.upper += pointer.length(); }
    if (pointer.state() == slot_state::free) { --b.free_slots; }
    std::byte* const at = page.bytes().data() + Page::lower(position);
    std::memmove(at, at + Page::slot_size, (b.slots - position - 1) * Page::slot_size);
    --b.slots;
    page.put_bounds(b);
}

/// What stands beside the line pointer of `slot`. Expects: the slot exists.
template <class Page>
    requires(Page::slot_size == 8)
[[nodiscard]] std::uint32_t tag(Page const& page, std::size_t slot) noexcept {
    return load_le<std::uint32_t>(page.bytes().data() + Page::lower(slot) + line_pointer::size);
}
/// How many of the `count` tags from `slot` on `is_before` is true for: for ascending tags those at
/// the beginning. No branch depends on a tag, since half of those would be predicted wrongly.
/// Expects: the slots exist.
template <class Page, class IsBefore>
    requires(Page::slot_size == 8)
[[nodiscard]] std::size_t count_tags(Page const& page, std::size_t slot, std::size_t count,
                                     IsBefore is_before) noexcept {
    auto const first = slot;
    for (; count > 1;) {
        std::size_t const half = count / 2;
        bool const is_behind = is_before(tag(page, slot + half - 1));
        slot += half & (std::size_t{0} - std::size_t{is_behind});
        count -= half;
    }
    return slot - first + (count == 1 && is_before(tag(page, slot)) ? 1U : 0U);
}
/// Fetches the lines that a search among these slots is likely to need. It would wait for them one
/// after the other.
template <class Page>
void prefetch_slots(Page const& page, std::size_t slot, std::size_t count) noexcept {
    auto const* const at = page.bytes().data() + Page::lower(slot);
    for (std::size_t eighth = 1; eighth < 8; ++eighth) {
        detail::fetch_line(at + count * eighth / 8 * Page::slot_size);
    }
}
template <class Page>
    requires(Page::slot_size == 8)
void put_tag(Page const& page, std::size_t slot, std::uint32_t value) noexcept {
    store_le(page.bytes().data() + Page::lower(slot) + line_pointer::size, value);
}

}  // namespace quire::inline QUIRE_ABI
