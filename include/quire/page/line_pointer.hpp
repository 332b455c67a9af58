// SPDX-License-Identifier: BSL-1.0
#pragma once

/// line_pointer: where a slot's tuple is, or the slot's state without one, in 32 bits.
///
/// A slot's number is the name of a tuple that other data keeps (an index, a row id); its line
/// pointer is where the tuple is in the page now. Compaction rewrites pointers, never numbers.
///
///     bits 0-1    state
///     bits 2-16   live: offset of the first byte in the page     redirect: number of the slot
///     bits 17-31  live: length in bytes                          else zero
///
/// States
///     free      no tuple; an insert may take the number
///     live      a tuple: [offset, offset + length). A tuple of no bytes has offset 0
///     dead      no tuple and no storage, but the number is not given out until it is reclaimed
///     redirect  another slot of the page has the tuple
///
/// Fifteen bits are enough for pages up to 32 KiB: no tuple begins at 32768.

#include <quire/base/contract.hpp>

#include <compare>   // std::strong_ordering
#include <concepts>  // std::integral
#include <cstddef>   // std::size_t
#include <cstdint>   // std::uint32_t

namespace quire::inline QUIRE_ABI {

/// A tuple's number in its page. An insert returns it; no number converts to it implicitly.
class slot_id {
public:
    constexpr slot_id() noexcept = default;
    template <std::integral I>
    constexpr explicit slot_id(I number) noexcept : value_{static_cast<std::uint16_t>(number)} {
        QUIRE_EXPECTS(number >= I{0} && static_cast<std::uint64_t>(number) <= 0xFFFF,
                      "a slot number lies between 0 and 65535");
    }

    [[nodiscard]] constexpr std::uint16_t value() const noexcept { return value_; }

    friend constexpr auto operator<=>(slot_id, slot_id) noexcept = default;

private:
    std::uint16_t value_ = 0;
};

enum class slot_state : std::uint8_t { free = 0, live = 1, dead = 2, redirect = 3 };

/// A slot's 32 bits. Any bits make one: the code that reads a page checks it (slotted.hpp).
class line_pointer {
public:
    static constexpr std::size_t size = 4;
    static constexpr std::size_t field_max = (std::size_t{1} << 15) - 1;

    [[nodiscard]] static constexpr line_pointer free() noexcept {
        return line_pointer{slot_state::free, 0, 0};
    }
    [[nodiscard]] static constexpr line_pointer dead() noexcept {
        return line_pointer{slot_state::dead, 0, 0};
    }
    /// Expects: both fit in 15 bits; the offset of an empty tuple is not kept.
    [[nodiscard]] static constexpr line_pointer live(std::size_t offset,
                                                     std::size_t length) noexcept {
        return line_pointer{slot_state::live, length == 0 ? 0 : offset, length};
    }
    [[nodiscard]] static constexpr line_pointer redirect(std::size_t slot) noexcept {
        return line_pointer{slot_state::redirect, slot, 0};
    }
    [[nodiscard]] static constexpr line_pointer from_bits(std::uint32_t bits) noexcept {
        line_pointer pointer = free();
        pointer.bits_ = bits;
        return pointer;
    }

    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    [[nodiscard]] constexpr slot_state state() const noexcept {
        return static_cast<slot_state>(bits_ & 3U);
    }
    [[nodiscard]] constexpr bool is_live() const noexcept { return state() == slot_state::live; }
    [[nodiscard]] constexpr std::size_t offset() const noexcept { return (bits_ >> 2) & field_max; }
    [[nodiscard]] constexpr std::size_t length() const noexcept { return bits_ >> 17; }
    /// The slot that a redirect names.
    [[nodiscard]] constexpr std::size_t target() const noexcept { return offset(); }

    friend constexpr bool operator==(line_pointer, line_pointer) noexcept = default;

private:
    constexpr line_pointer(slot_state state, std::size_t middle, std::size_t upper) noexcept
        : bits_{static_cast<std::uint32_t>(state) | static_cast<std::uint32_t>(middle << 2) |
                static_cast<std::uint32_t>(upper << 17)} {
        QUIRE_EXPECTS(middle <= field_max && upper <= field_max,
                      "offset and length of a line pointer fit in 15 bits");
    }

    std::uint32_t bits_;
};

static_assert(sizeof(line_pointer) == line_pointer::size);

}  // namespace quire::inline QUIRE_ABI
