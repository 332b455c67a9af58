// SPDX-License-Identifier: BSL-1.0
#pragma once

/// record_id: which row of a heap file: the page and the slot where it was inserted.
///
/// It is the row's as long as the row lives, also after an update that moves the row to another
/// page. After an erasure the next row may get it: code that keeps ids asks the row whether it is
/// the one that is meant, as indexes do.
///
/// It is a key and a value of trees, so an index of the user's own may keep ids.

#include <quire/page/line_pointer.hpp>
#include <quire/table/key_codec.hpp>
#include <quire/table/value_codec.hpp>

namespace quire::inline QUIRE_ABI {

struct record_id {
    page_no page;
    slot_id slot;

    /// 48 bits of page, then 16 of slot: in the order of the ids.
    [[nodiscard]] constexpr std::uint64_t bits() const noexcept {
        return page.value() << 16 | slot.value();
    }
    [[nodiscard]] static constexpr record_id from_bits(std::uint64_t bits) noexcept {
        return {bits >> 16, slot_id{bits & 0xFFFF}};
    }

    friend constexpr auto operator<=>(record_id const&, record_id const&) noexcept = default;
};

template <>
struct key_codec<record_id> {
    static constexpr std::size_t fixed_size = 8;

    static void write(key_writer& to, record_id key) { to.put_number(key.bits()); }
    [[nodiscard]] static record_id read(key_reader& from) {
        return record_id::from_bits(from.number<std::uint64_t>());
    }
    [[nodiscard]] static std::string name() { return "record"; }
};

template <>
struct value_codec<record_id> {
    static constexpr std::size_t fixed_size = 8;

    [[nodiscard]] static std::size_t size(record_id) noexcept { return 8; }
    static void encode(record_id value, std::span<std::byte> out) noexcept {
        store_le(out.data(), value.bits());
    }
    [[nodiscard]] static record_id lend(std::span<std::byte const> bytes) { return decode(bytes); }
    [[nodiscard]] static record_id decode(std::span<std::byte const> bytes) {
        return record_id::from_bits(value_codec<std::uint64_t>::decode(bytes));
    }
    [[nodiscard]] static std::string name() { return "record"; }
};

static_assert(tree_key<record_id> && tree_value<record_id>);

}  // namespace quire::inline QUIRE_ABI
