// SPDX-License-Identifier: BSL-1.0
#pragma once

/// hostile: good pages of several makes, and what damages them believably.
///
/// Random bytes are no page at the first look. What gets further is a good page with few things
/// wrong: a bit, a number in the header, a line pointer that points somewhere else.

#include "page/exercise_rows.hpp"
#include "page/page_buffer.hpp"

#include <array>    // std::array
#include <utility>  // std::pair

namespace quire_test {

/// How a good page is made.
enum class page_make { empty, full, slots, records, specimens };
inline constexpr std::array page_makes{page_make::empty, page_make::full, page_make::slots,
                                       page_make::records, page_make::specimens};
inline constexpr std::array page_make_names{"empty", "full", "slots", "records", "specimens"};

/// Numbers of the page's `slots` that are dead, free and redirects; the page validates.
template <std::size_t N>
void vary_slots(quire::heap_page<std::byte, N>& page, choices& choose, std::size_t slots) {
    auto const some = [&] { return quire::slot_id{choose.below(slots)}; };
    page.erase(some());
    page.kill(some());
    for (int i = 0; i < 3; ++i) {
        auto const to = some();
        if (page.contains(to)) { static_cast<void>(page.redirect(some(), to)); }
    }
    page.erase(some());
}

template <std::size_t N>
[[nodiscard]] page_buffer<N> good_page(page_make make, choices& choose) {
    auto buffer = make_heap_page<N>();
    quire::heap_page page{buffer.span()};
    std::size_t const letters = N / 48;
    if (make == page_make::full) {
        while (page.free_space() > 0) {
            std::size_t const most = std::min<std::size_t>(page.free_space(), N / 8);
            auto const text = choose.text(choose.between(1, most));
            static_cast<void>(page.insert(bytes_of(text)));
        }
    } else if (make != page_make::empty) {
        bool full = false;
        for (int i = 0; i < 12 && !full; ++i) {
            bool const big = make == page_make::specimens;
            full = !(big ? page.insert(some_specimen(choose, letters))
                         : page.insert(some_record(choose, letters)));
        }
    }
    if (make == page_make::slots) {
        static_cast<void>(page.insert(bytes_of("")));
        vary_slots(page, choose, page.slot_count());
    }
    page.validate();
    return buffer;
}

template <std::size_t N>
[[nodiscard]] page_buffer<N> good_page(choices& choose) {
    return good_page<N>(page_makes[choose.below(page_makes.size())], choose);
}

/// Any line pointer that might stand in a page of `N` bytes.
template <std::size_t N>
[[nodiscard]] quire::line_pointer some_pointer(choices& choose) {
    using quire::line_pointer;
    switch (choose.below(8)) {
        case 0: return line_pointer::free();
        case 1: return line_pointer::dead();
        case 2:
        case 3: return line_pointer::redirect(choose.below(12));
        case 4: return line_pointer::from_bits(static_cast<std::uint32_t>(choose.bits()));
        default: return line_pointer::live(choose.between(N / 4, N - 1), choose.below(N / 4));
    }
}

/// Writes over the header what lets a page past the first look, and counts its free slots.
template <std::size_t N>
void repair(std::span<std::byte, N> bytes) {
    using quire::load_le;
    std::byte* const at = bytes.data();
    auto header = quire::page_header::load(bytes.template first<24>());
    header.kind = quire::kind_no::heap;
    header.version = 1;
    header.flags = 0;
    header.number &= quire::page_no::max;
    header.store(bytes.template first<24>());
    std::size_t const slots = std::min<std::size_t>(load_le<std::uint16_t>(at + 24), (N - 32) / 4);
    std::uint16_t free_slots = 0;
    for (std::size_t i = 0; i < slots; ++i) {
        if (load_le<std::uint32_t>(at + 32 + 4 * i) == 0) { ++free_slots; }
    }
    quire::store_le(at + 28, free_slots);
    quire::store_le(at + 30, std::uint16_t{0});
}

/// One thing that becomes wrong, or nearly so.
template <std::size_t N>
void damage(std::span<std::byte, N> bytes, choices& choose) {
    std::byte* const at = bytes.data();
    switch (choose.below(6)) {
        case 0:
        case 1: {
            // Where it hurts: header and line pointers twice as often as the rest.
            std::size_t const byte = choose.below(choose.chance(2, 3) ? 72 : N);
            bytes[byte] ^= static_cast<std::byte>(1U << choose.below(8));
            break;
        }
        case 2: {
            std::size_t const slots = choose.below(12);
            quire::store_le(at + 24, static_cast<std::uint16_t>(slots));
            quire::store_le(at + 26,
                            static_cast<std::uint16_t>(choose.between(32 + 4 * slots, N)));
            quire::store_le(at + 28, static_cast<std::uint16_t>(choose.below(slots + 1)));
            break;
        }
        case 3:
        case 4:
            quire::store_le(at + 32 + 4 * choose.below(12), some_pointer<N>(choose).bits());
            break;
        default: {
            // Two slots with one tuple.
            auto const bits = quire::load_le<std::uint32_t>(at + 32 + 4 * choose.below(12));
            quire::store_le(at + 32 + 4 * choose.below(12), bits);
            break;
        }
    }
}

/// A page of any bytes, or a good one with some things wrong.
template <std::size_t N>
[[nodiscard]] page_buffer<N> hostile_page(choices& choose) {
    if (choose.chance(1, 8)) {
        page_buffer<N> buffer;
        for (auto& b : buffer.bytes()) { b = static_cast<std::byte>(choose.below(256)); }
        return buffer;
    }
    auto buffer = good_page<N>(choose);
    std::size_t const times = choose.between(1, 4);
    for (std::size_t i = 0; i < times; ++i) { damage<N>(buffer.span(), choose); }
    if (choose.chance(1, 2)) { repair<N>(buffer.span()); }
    return buffer;
}

}  // namespace quire_test
