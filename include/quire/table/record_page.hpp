// SPDX-License-Identifier: BSL-1.0
#pragma once

/// record_page: the rows of a heap file that are in one page.
///
/// Byte map: the common header (page_header.hpp; kind 6, version 1), the slot fields (slotted.hpp),
/// and
///
///    32   4   heap       the number of the heap file that the page belongs to
///    36   4   zero
///    40  ..   line pointers; a live slot is a record:
///
///         0   1   form in the low 4 bits: 1 a row, 2 a row that moved here, 3 a row that moved
///                 away; above, how many bytes of padding end the record, 0 to 8
///         1   8   forms 2 and 3: the id of the row, or where it is now (record_id.hpp)
///        ..  ..   forms 1 and 2: the row; then the padding, zeros
///
/// So a record has at least 9 bytes, and each can be replaced by an address where it lies: a row
/// that outgrows its page moves, and keeps its id. Slots are free or live here, never dead or
/// redirects.
///
/// Invariants (of a page that `validate` passes; each accessor checks those it relies on)
///   I1. The layout is slotted.hpp's, and each live slot is a record as above.
///   I2. Any bytes are a legal page: a contradiction is errc::corrupt_page, and nothing changes.
///
/// This class is a plain value over the span, as slotted is. It lends nothing by itself: table.hpp
/// lends rows while it holds the page.
/// Cost: `find`, `put` where the free gap suffices, and `erase` are O(1); `free_space` is O(slots).

#include <quire/base/fetch_line.hpp>
#include <quire/borrow/page_kind.hpp>
#include <quire/page/slotted.hpp>
#include <quire/table/detail/own_header.hpp>
#include <quire/table/record_id.hpp>

#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI {

enum class record_form : std::uint8_t {
    row = 1,
    moved_here = 2,
    moved_away = 3,
};

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER record_page {
    static_assert(slotted_page_size<PageSize>,
                  "a record page has a power of two of bytes, from 512 to 32768");
    using header = detail::own_header<kind_no::records, 1>;
    using layout = slotted<Byte, PageSize, 40>;
    static constexpr std::size_t address_size = 1 + 8;

public:
    static constexpr std::size_t page_size = PageSize;
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    /// The largest row that any empty page takes, also one that moved there.
    static constexpr std::size_t row_size_max = layout::tuple_size_max - address_size;

    struct record {
        record_form form;
        record_id other;                 ///< of a row that moved: its id, or its address
        std::span<std::byte const> row;  ///< empty for one that moved away
    };

    explicit record_page(std::span<Byte, PageSize> bytes) noexcept : page_{bytes} {}
    record_page(record_page const&) noexcept = default;
    record_page& operator=(record_page const&) noexcept = default;
    ~record_page() = default;
    record_page(record_page<std::byte, PageSize> const& other) noexcept
        requires std::same_as<Byte, std::byte const>
        : page_{other.bytes()} {}

    /// An empty page of heap file 0.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        header::format(bytes, no);
        slotted<std::byte, PageSize, 40>{bytes}.clear();
    }
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        return header::accepts(bytes);
    }

    // Reading

    /// The heap file that the page belongs to.
    [[nodiscard]] std::uint32_t heap() const noexcept {
        return load_le<std::uint32_t>(page_.bytes().data() + 32);
    }
    /// Slot numbers are below it.
    [[nodiscard]] std::size_t slot_count() const { return page_.load_bounds().slots; }
    /// The record in `slot`, if there is one. Errors: corrupt_page.
    [[nodiscard]] std::optional<record> find(slot_id slot) const {
        auto const b = page_.load_bounds();
        if (slot.value() >= b.slots) { return std::nullopt; }
        auto const pointer = page_.load_pointer(slot.value(), b);
        if (!has_record(pointer)) { return std::nullopt; }
        return parsed(page_.tuple(pointer));
    }
    /// `fn(slot, record)` for each record, until it returns false; whether it never did. All lines
    /// of the page are fetched at once: of a page that is in no cache one line after another would
    /// be waited for.
    /// Errors: corrupt_page.
    template <class Fn>
    bool for_each(Fn&& fn) const {
        auto const b = page_.load_bounds();
        for (auto at = PageSize; at > b.upper; at -= 64) {
            detail::fetch_line(page_.bytes().data() + at - 64);
        }
        for (std::size_t slot = 0; slot < b.slots; ++slot) {
            auto const pointer = page_.load_pointer(slot, b);
            if (!has_record(pointer)) { continue; }
            if (!fn(slot_id{slot}, parsed(page_.tuple(pointer)))) { return false; }
        }
        return true;
    }
    /// The largest record that `put` would take in a new slot now.
    [[nodiscard]] std::size_t free_space() const {
        auto const kept = page_.count(page_.load_bounds());
        std::size_t const used = layout::lower(kept.slots + (kept.free_slots == 0)) + kept.bytes;
        return used > PageSize ? 0 : PageSize - used;
    }
    /// The slot that a new record of `size` bytes gets, if it has room. Errors: corrupt_page.
    [[nodiscard]] std::optional<slot_id> room_for(std::size_t size) const {
        auto const b = page_.load_bounds();
        auto const slot = page_.lowest_free(b);
        if (size + layout::slot_size > b.gap()) {
            auto const kept = page_.count(b);
            auto const slots = slot < kept.slots ? kept.slots : slot + 1;
            if (layout::lower(slots) + kept.bytes + size > PageSize) { return std::nullopt; }
        }
        return slot_id{slot};
    }
    /// Whether a record of `size` bytes can replace the one in `slot`. Expects: there is one.
    [[nodiscard]] bool can_hold(slot_id slot, std::size_t size) const {
        auto const b = page_.load_bounds();
        auto const rest = page_.count(b, slot.value());
        return layout::lower(rest.slots) + rest.bytes + size <= PageSize;
    }
    /// What a row of `size` bytes takes as a record.
    [[nodiscard]] static constexpr std::size_t size_of(record_form form,
                                                       std::size_t size) noexcept {
        auto const whole = (form == record_form::row ? 1 : address_size) + size;
        return whole < address_size ? address_size : whole;
    }

    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps every invariant.
    void validate() const {
        header::validate(page_.bytes());
        page_.validate();
        if (load_le<std::uint32_t>(page_.bytes().data() + 36) != 0) {
            page_.corrupt("reserved field");
        }
        for (std::size_t i = 0; i < slot_count(); ++i) { static_cast<void>(find(slot_id{i})); }
    }

    // Writing

    void set_heap(std::uint32_t number) const noexcept
        requires writable_page<Byte>
    {
        store_le(page_.bytes().data() + 32, number);
    }
    /// Makes a row the record of `slot`, which exists or is what `room_for` returned;
    /// `write(std::span<std::byte> out)` writes its `size` bytes. False when there is no room.
    template <class Writer>
    [[nodiscard]] bool put(slot_id slot, record_form form, record_id other, std::size_t size,
                           Writer&& write) const
        requires writable_page<Byte>
    {
        auto const whole = size_of(form, size);
        return page_.place(slot.value(), whole, [&](std::span<std::byte> out) {
            std::size_t const begin = form == record_form::row ? 1 : address_size;
            auto const padding = out.size() - begin - size;
            store_le(out.data(), static_cast<std::uint8_t>(static_cast<std::size_t>(form) |
                                                           padding << 4));
            if (begin > 1) { store_le(out.data() + 1, other.bits()); }
            write(out.subspan(begin, size));
            std::memset(out.data() + begin + size, 0, padding);
        });
    }
    /// Replaces the record of `slot` by the address of where its row is now.
    /// Expects: there is a record. It always has room.
    void put_address(slot_id slot, record_id now) const
        requires writable_page<Byte>
    {
        bool const done =
            put(slot, record_form::moved_away, now, 0, [](std::span<std::byte>) {});
        QUIRE_EXPECTS(done, "every record has the size of an address at least");
    }
    /// Expects: there is a record in `slot`.
    void erase(slot_id slot) const
        requires writable_page<Byte>
    {
        page_.set_slot(slot.value(), line_pointer::free(), page_.load_bounds());
    }

    [[nodiscard]] std::span<Byte, PageSize> bytes() const noexcept { return page_.bytes(); }
    [[noreturn]] void corrupt(char const* what) const { page_.corrupt(what); }

private:
    [[nodiscard]] bool has_record(line_pointer pointer) const {
        if (pointer.state() == slot_state::free) { return false; }
        if (!pointer.is_live()) { page_.corrupt("state of a slot"); }
        return true;
    }
    [[nodiscard]] record parsed(std::span<std::byte const> tuple) const {
        if (tuple.size() < address_size) { page_.corrupt("size of a record"); }
        auto const first = load_le<std::uint8_t>(tuple.data());
        record found{static_cast<record_form>(first & 15U), {}, {}};
        std::size_t const padding = first >> 4;
        std::size_t begin = 1;
        if (found.form == record_form::moved_here || found.form == record_form::moved_away) {
            found.other = record_id::from_bits(load_le<std::uint64_t>(tuple.data() + 1));
            begin = address_size;
        } else if (found.form != record_form::row) {
            page_.corrupt("form of a record");
        }
        if (begin + padding > tuple.size()) { page_.corrupt("padding of a record"); }
        found.row = tuple.subspan(begin, tuple.size() - begin - padding);
        if (found.form == record_form::moved_away && !found.row.empty()) {
            page_.corrupt("size of an address");
        }
        return found;
    }

    layout page_;
};

static_assert(page_kind<record_page, 512> && page_kind<record_page, 4096> &&
              page_kind<record_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
