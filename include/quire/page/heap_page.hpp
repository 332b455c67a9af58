// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_page: tuples in no particular order, each under a slot number that stays.
///
/// Byte map: the common header (page_header.hpp), then the slotted layout (slotted.hpp); 32 bytes
/// of header in all. Page sizes: powers of two from 512 bytes to 32 KiB.
///
/// One template views shared pages (`std::byte const`) and exclusive ones (`std::byte`). It holds
/// the span, works out everything else at each call, and so is never stale itself; what it lends
/// is: a tuple or row ends where the page is next changed.
///
/// States of a slot, and who changes them
///
///     (new) --insert--> live        free --insert--> live
///     live  --erase---> free, or dead if a redirect names the slot
///     live  --kill----> dead        dead --reclaim-> free, unless a redirect names it
///     live, free --move-> free (or dead), live
///     any   --redirect-> redirect   redirect --erase, kill--> free or dead, dead
///
///   A redirect is a second name: `contains`, `tuple`, `row`, `update` and `edit` follow it;
///   `erase`, `kill` and `move` mean the slot itself; iteration and `size` pass over it.
///
/// Invariants
///   I1. A number means one tuple from its insert until that is erased, or reclaimed after a kill:
///       compaction, and updates that move the tuple, keep it.
///   I2. An operation that fails changes nothing: neither what the page holds nor any number.
///   I3. Any bytes are a legal page: no member has undefined behaviour for any content. What
///       contradicts itself is errc::corrupt_page with the page's own number, no file.
///   I4. Bytes and values given to insert, update and edit may lie in this very page.
///
/// Expected outcomes are in the return types (no room; nothing there); asking for what is not there
/// by `tuple`, `row`, `update`, `edit`, `move` throws errc::no_such_tuple. No member allocates,
/// but for what `edit` decodes.
/// Cost: reading a tuple is O(1). Insert and update are O(1) where the free gap suffices and no
/// slot waits for reuse, else O(slots + bytes). erase, reclaim, size and free_space are O(slots).

#include <quire/base/page_kind.hpp>
#include <quire/page/live_range.hpp>
#include <quire/page/redirects.hpp>
#include <quire/page/tuple_codec.hpp>

#include <optional>  // std::optional
#include <utility>   // std::forward

namespace quire::inline QUIRE_ABI {

namespace detail {

template <class T>
struct row_item {
    template <class Layout>
    [[nodiscard]] auto operator()(Layout const& layout, slot_id slot) const {
        using view = typename tuple_codec<T>::template view<typename Layout::byte>;
        return view{layout.live_tuple(slot), slot};
    }
};

template <class T>
concept tuple_bytes = std::convertible_to<T const&, std::span<std::byte const>>;

}  // namespace detail

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER heap_page : pinned {
    static_assert(slotted_page_size<PageSize>,
                  "a heap page has a power of two of bytes, from 512 to 32768");
    using layout = slotted<Byte, PageSize>;
    static constexpr bool is_mutable = std::same_as<Byte, std::byte>;

public:
    static constexpr std::uint8_t version = 1;
    /// The largest tuple that a page of this size can hold, alone.
    static constexpr std::size_t tuple_size_max = layout::tuple_size_max;
    /// The most redirects in a row that `tuple` follows and `redirect` makes.
    static constexpr std::size_t redirects_max = redirects<layout>::steps_max;

    explicit heap_page(std::span<Byte, PageSize> bytes) noexcept : page_{bytes} {}
    /// From a mutable view to a const one, as std::span converts.
    heap_page(heap_page<std::byte, PageSize> const& other) noexcept
        requires(!is_mutable)
        : page_{other.page_} {}

    /// Makes `bytes` an empty heap page number `no`; nothing of what was there stays.
    static void format(std::span<std::byte, PageSize> bytes, page_no no) noexcept {
        std::memset(bytes.data(), 0, PageSize);
        page_header{.kind = kind_no::heap, .version = version, .number = no.value()}.store(
            bytes.template first<page_header::size>());
        slotted<std::byte, PageSize>{bytes}.clear();
    }

    /// Whether the header names this kind and a version that this code knows.
    [[nodiscard]] static bool accepts(std::span<std::byte const, PageSize> bytes) noexcept {
        auto const header = page_header::load(bytes.template first<page_header::size>());
        return header.kind == kind_no::heap && header.version == version;
    }

    // What the page says of itself

    /// Errors: errc::corrupt_page when the bytes are no page number.
    [[nodiscard]] page_no number() const {
        std::uint64_t const number = header().number;
        if (!page_no::fits(number)) { page_.corrupt("own number"); }
        return number;
    }
    [[nodiscard]] std::uint64_t lsn() const noexcept { return header().lsn; }
    /// Line pointers in the page, in whatever state: slot numbers are below it.
    [[nodiscard]] std::size_t slot_count() const { return page_.load_bounds().slots; }
    /// Live tuples.
    [[nodiscard]] std::size_t size() const {
        std::size_t live = 0;
        for (std::size_t i = page_.next_live(0); i != layout::no_slot; i = page_.next_live(i + 1)) {
            ++live;
        }
        return live;
    }
    /// The largest tuple that an insert would take now, after compaction if need be. 0 also when
    /// there is not even room for its line pointer.
    [[nodiscard]] std::size_t free_space() const {
        auto const kept = page_.count(page_.load_bounds());
        std::size_t const used = layout::lower(kept.slots + (kept.free_slots == 0)) + kept.bytes;
        return used > PageSize ? 0 : PageSize - used;
    }

    /// Throws errc::corrupt_page, naming what is wrong, unless the page keeps every invariant.
    /// Cost: O(slots + bytes).
    void validate() const {
        if (!accepts(page_.bytes())) { page_.corrupt("kind or version"); }
        if (header().flags != 0) { page_.corrupt("flags"); }
        static_cast<void>(number());
        page_.validate();
        chains().validate();
    }

    // Reading

    /// Whether `tuple(slot)` gives one.
    [[nodiscard]] bool contains(slot_id slot) const {
        auto const b = page_.load_bounds();
        return slot.value() < b.slots && chains().follow(slot.value(), b).pointer.is_live();
    }

    /// The tuple in `slot`, or where its redirects lead.
    /// Errors: errc::no_such_tuple.
    [[nodiscard]] byte_view<Byte> tuple(slot_id slot) const& QUIRE_LIFETIMEBOUND QUIRE_LENDS(lent) {
        return byte_view<Byte>{bytes_of(slot)};
    }
    byte_view<Byte> tuple(slot_id) const&& = delete;

    /// The tuple as a `T`, to be read and set in place: a `tuple_codec<T>::view<Byte>`. Its slot is
    /// the one asked for, also where a redirect led elsewhere.
    /// Errors: errc::no_such_tuple; errc::row_mismatch when the tuple is no T.
    template <class T>
        requires detail::ends_its_loan<T, Byte>
    [[nodiscard]] auto row(slot_id slot) const& QUIRE_LIFETIMEBOUND QUIRE_LENDS(lent) {
        return typename tuple_codec<T>::template view<Byte>{bytes_of(slot), slot};
    }
    template <class T>
    [[nodiscard]] auto row(slot_id slot) const& QUIRE_LIFETIMEBOUND {
        if constexpr (detail::has_tuple_codec<T>()) {
            return typename tuple_codec<T>::template view<Byte>{bytes_of(slot), slot};
        }
    }
    template <class T>
    auto row(slot_id) const&& = delete;

    /// The live slots, in the order of their numbers.
    [[nodiscard]] live_range<layout, detail::slot_item> slots() const& noexcept
        QUIRE_LIFETIMEBOUND QUIRE_LENDS(lent) {
        return live_range<layout, detail::slot_item>{page_};
    }
    live_range<layout, detail::slot_item> slots() const&& = delete;

    /// The live tuples as rows of `T`, likewise: `for (auto row : page.rows<user>())`.
    template <class T>
    [[nodiscard]] auto rows() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS(lent) {
        if constexpr (detail::has_tuple_codec<T>()) {
            return live_range<layout, detail::row_item<T>>{page_};
        }
    }
    template <class T>
    auto rows() const&& = delete;

    // Writing

    void set_lsn(std::uint64_t lsn) noexcept
        requires is_mutable
    {
        store_le(page_.bytes().data() + page_header::lsn_offset, lsn);
    }

    /// Adds a tuple; compacts when only that makes room. Nothing when the page is full.
    /// Errors: errc::tuple_too_large when no page of this size could hold it.
    [[nodiscard("nothing was inserted when the page is full")]] std::optional<slot_id> insert(
        std::span<std::byte const> tuple)
        requires is_mutable
    QUIRE_UNLENT(lent) {
        return insert_with(tuple.size(), copy_of(tuple));
    }
    /// The same for a value of a type with a tuple_codec.
    template <class T>
        requires is_mutable && (!detail::tuple_bytes<T>)
    [[nodiscard("nothing was inserted when the page is full")]] std::optional<slot_id> insert(
        T const& value) QUIRE_UNLENT(lent) {
        if constexpr (detail::has_tuple_codec<T>()) {
            return insert_with(tuple_codec<T>::size(value), encoder_of(value));
        }
        return std::nullopt;
    }

    /// Replaces a tuple, which keeps its slot. False when the page has no room for the new one.
    /// Errors: errc::no_such_tuple; errc::tuple_too_large as above.
    [[nodiscard("nothing was changed when it does not fit")]] bool update(
        slot_id slot, std::span<std::byte const> tuple)
        requires is_mutable
    QUIRE_UNLENT(lent) {
        return update_with(slot, tuple.size(), copy_of(tuple));
    }
    template <class T>
        requires is_mutable && (!detail::tuple_bytes<T>)
    [[nodiscard("nothing was changed when it does not fit")]] bool update(slot_id slot,
                                                                          T const& value)
        QUIRE_UNLENT(lent) {
        if constexpr (detail::has_tuple_codec<T>()) {
            return update_with(slot, tuple_codec<T>::size(value), encoder_of(value));
        }
        return false;
    }

    /// Decodes the row into a `T`, calls `fn(T&)`, and writes it back when that returns. Nothing
    /// is changed when it throws, or when the row no longer fits (false).
    /// Errors: errc::no_such_tuple, errc::row_mismatch, errc::tuple_too_large, and those of `fn`.
    template <class T, class Fn>
        requires is_mutable
    [[nodiscard("nothing was changed when it does not fit")]] bool edit(slot_id slot, Fn&& fn)
        QUIRE_UNLENT(lent) {
        if constexpr (detail::has_tuple_codec<T>()) {
            if constexpr (detail::is_editable_by<T, Fn>()) {
                T value = tuple_codec<T>::decode(bytes_of(slot));
                std::forward<Fn>(fn)(value);
                return update(slot, value);
            }
        }
        return false;
    }

    /// Removes the tuple or the redirect in `slot`. Whether there was one.
    bool erase(slot_id slot)
        requires is_mutable
    QUIRE_UNLENT(lent) {
        auto const b = page_.load_bounds();
        if (!holds(slot, b)) { return false; }
        page_.set_slot(slot.value(), chains().vacant(slot.value(), b), b);
        return true;
    }

    /// Like `erase`, but keeps the number from being given out again, until `reclaim`.
    bool kill(slot_id slot)
        requires is_mutable
    QUIRE_UNLENT(lent) {
        auto const b = page_.load_bounds();
        if (!holds(slot, b)) { return false; }
        page_.set_slot(slot.value(), line_pointer::dead(), b);
        return true;
    }

    /// Lets the number of a dead slot be given out again. Whether it does: not while a redirect
    /// names the slot.
    bool reclaim(slot_id slot)
        requires is_mutable
    QUIRE_UNLENT(lent) {
        auto const b = page_.load_bounds();
        if (slot.value() >= b.slots ||
            page_.load_pointer(slot.value(), b).state() != slot_state::dead ||
            chains().is_named(slot.value(), b)) {
            return false;
        }
        page_.set_slot(slot.value(), line_pointer::free(), b);
        return true;
    }

    /// Gives the live tuple of `from` the number `to`, a free slot or a new one. False when `to` is
    /// taken or there is no room for the line pointers up to it. `from` is then as after `erase`.
    /// Errors: errc::no_such_tuple when `from` itself is not live.
    [[nodiscard("nothing was moved when the slot is taken")]] bool move(slot_id from, slot_id to)
        requires is_mutable
    QUIRE_UNLENT(lent) {
        static_cast<void>(page_.live_tuple(from));
        auto b = page_.load_bounds();
        line_pointer const left = chains().vacant(from.value(), b);
        if (to.value() >= layout::slots_max || is_taken(to, b)) { return false; }
        if (to.value() >= b.slots && layout::lower(to.value() + 1U) > b.upper) {
            if (layout::lower(to.value() + 1U) + page_.count(b).bytes > PageSize) { return false; }
            page_.compact();
            b = page_.load_bounds();
        }
        page_.set_slot(to.value(), page_.load_pointer(from.value(), b), b);
        page_.set_slot(from.value(), left, page_.load_bounds());
        return true;
    }

    /// Makes `from`, an existing slot in whatever state, another name of what `to` names; a tuple
    /// of its own is dropped. False when `from` does not exist, when it would close a circle, or
    /// when a chain would have more than `redirects_max` redirects.
    /// Errors: errc::no_such_tuple when `to` names no tuple.
    [[nodiscard("there is no redirect when it would be circular or too long")]] bool redirect(
        slot_id from, slot_id to)
        requires is_mutable
    QUIRE_UNLENT(lent) {
        static_cast<void>(bytes_of(to));
        auto const b = page_.load_bounds();
        if (from.value() >= b.slots || !chains().allows(from.value(), to.value(), b)) {
            return false;
        }
        page_.set_slot(from.value(), line_pointer::redirect(to.value()), b);
        return true;
    }

    /// Makes the free space one piece, and forgets free slots behind the last used one. Tuples that
    /// were lent have moved; their slots have not.
    void compact()
        requires is_mutable
    QUIRE_UNLENT(lent) {
        page_.compact();
    }

    [[no_unique_address]] page_loan lent;

private:
    template <page_byte, std::size_t>
    friend class heap_page;

    [[nodiscard]] page_header header() const noexcept {
        return page_header::load(page_.header_bytes());
    }
    [[nodiscard]] error failure(errc code) const {
        return detail::page_error(code, "tuple", page_.header_bytes());
    }

    [[nodiscard]] redirects<layout> chains() const noexcept { return redirects<layout>{page_}; }

    /// The live slot that `slot` leads to.
    [[nodiscard]] typename redirects<layout>::end find(slot_id slot) const {
        auto const b = page_.load_bounds();
        if (slot.value() < b.slots) {
            auto const end = chains().follow(slot.value(), b);
            if (end.pointer.is_live()) { return end; }
        }
        throw failure(errc::no_such_tuple);
    }
    [[nodiscard]] std::span<Byte> bytes_of(slot_id slot) const {
        return page_.tuple(find(slot).pointer);
    }

    template <class Writer>
    std::optional<slot_id> insert_with(std::size_t length, Writer&& write) {
        if (length > tuple_size_max) { throw failure(errc::tuple_too_large); }
        std::size_t const slot = page_.lowest_free(page_.load_bounds());
        if (!page_.place(slot, length, write)) { return std::nullopt; }
        return slot_id{slot};
    }
    template <class Writer>
    bool update_with(slot_id slot, std::size_t length, Writer&& write) {
        auto const end = find(slot);
        if (length > tuple_size_max) { throw failure(errc::tuple_too_large); }
        return page_.place(end.slot, length, write);
    }

    /// memmove: who passes bytes that an erase gave up long ago may name the free gap itself.
    [[nodiscard]] static auto copy_of(std::span<std::byte const> tuple) noexcept {
        return [tuple](std::span<std::byte> out) noexcept {
            if (!tuple.empty()) { std::memmove(out.data(), tuple.data(), tuple.size()); }
        };
    }
    template <class T>
    [[nodiscard]] static auto encoder_of(T const& value) noexcept {
        return [&value](std::span<std::byte> out) { tuple_codec<T>::encode(value, out); };
    }

    /// Whether `slot` itself is live or a redirect.
    [[nodiscard]] bool holds(slot_id slot, typename layout::bounds const& b) const {
        if (slot.value() >= b.slots) { return false; }
        slot_state const state = page_.load_pointer(slot.value(), b).state();
        return state == slot_state::live || state == slot_state::redirect;
    }
    [[nodiscard]] bool is_taken(slot_id slot, typename layout::bounds const& b) const {
        return slot.value() < b.slots &&
               page_.load_pointer(slot.value(), b).state() != slot_state::free;
    }

    layout page_;
};

static_assert(page_kind<heap_page, 512> && page_kind<heap_page, 4096> &&
              page_kind<heap_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
