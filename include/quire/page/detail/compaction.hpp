// SPDX-License-Identifier: BSL-1.0
#pragma once

/// compaction: a slotted page without the gaps between its tuples, and with one tuple more.
///
/// It first builds the image of all tuples; then, when nothing can fail any more, it writes the
/// page. Slots stay where they are, with what a page view keeps beside their line pointers.
/// Cost: PageSize bytes of stack, a copy of all tuples and a copy back.

#include <quire/page/line_pointer.hpp>

#include <array>    // std::array
#include <cstring>  // std::memcpy
#include <span>     // std::span

namespace quire::inline QUIRE_ABI::detail {

template <class Page, class Fn>
void for_each_live(Page const& page, std::size_t slots, typename Page::bounds const& b,
                   std::size_t without, Fn&& fn) {
    for (std::size_t i = 0; i < slots && i < b.slots; ++i) {
        if (i == without) { continue; }
        line_pointer const pointer = page.load_pointer(i, b);
        if (pointer.is_live()) { fn(i, pointer); }
    }
}

/// Makes `length` bytes, written by `write`, the tuple of `slot`, and moves all others together.
/// With `no_slot` it only compacts. False when it does not fit; then nothing has changed.
template <class Page, class Writer>
[[nodiscard]] bool rebuild(Page const& page, std::size_t slot, std::size_t length, Writer&& write,
                           typename Page::bounds const& b) {
    constexpr std::size_t size = Page::page_size;
    auto kept = page.count(b, slot);
    if (slot != Page::no_slot && slot >= kept.slots) {
        kept.free_slots += slot - kept.slots;
        kept.slots = slot + 1;
    } else if (slot != Page::no_slot && page.load_pointer(slot, b).state() == slot_state::free) {
        --kept.free_slots;
    }
    if (Page::lower(kept.slots) + kept.bytes + length > size) { return false; }

    std::array<std::byte, size> image;
    write(std::span{image}.last(length));
    std::byte* const bytes = page.bytes().data();
    std::size_t upper = size - length;
    for_each_live(page, kept.slots, b, slot, [&](std::size_t, line_pointer pointer) {
        upper -= pointer.length();
        std::memcpy(image.data() + upper, bytes + pointer.offset(), pointer.length());
    });

    std::size_t at = size - length;
    for_each_live(page, kept.slots, b, slot, [&](std::size_t i, line_pointer pointer) {
        at -= pointer.length();
        page.put_pointer(i, line_pointer::live(at, pointer.length()));
    });
    if (slot != Page::no_slot) {
        page.put_pointer(slot, line_pointer::live(size - length, length));
    }
    std::memcpy(bytes + upper, image.data() + upper, size - upper);
    page.put_bounds({.slots = kept.slots, .upper = upper, .free_slots = kept.free_slots});
    return true;
}

}  // namespace quire::inline QUIRE_ABI::detail
