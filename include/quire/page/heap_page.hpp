// SPDX-License-Identifier: BSL-1.0
#pragma once

/// heap_page: tuples in no particular order, each under a slot number that does not change.
///
/// Byte map: the common header (page_header.hpp), then the slotted layout (slotted.hpp); 32 bytes
/// of header in all. Page sizes: powers of two from 512 bytes to 32 KiB.
///
/// One template views shared pages (`std::byte const`) and exclusive ones (`std::byte`). It holds
/// the span and computes everything else at each call, so the view itself is never stale. What it
/// lends can become stale: a tuple or row must end before the page is next changed.
///
/// States of a slot, and the functions that change them
///
///     (new) --insert--> live        free --insert--> live
///     live  --erase---> free, or dead if a redirect names the slot
///     live  --kill----> dead        dead --reclaim-> free, unless a redirect names it
///     live, free --move-> free (or dead), live
///     any   --redirect-> redirect   redirect --erase, kill--> free or dead, dead
///
///   A redirect is a second name: `contains`, `tuple`, `row`, `update` and `edit` follow it;
///   `erase`, `kill` and `move` act on the slot itself; iteration and `size` skip it.
///
/// Invariants
///   I1. A number names one tuple from its insert until the tuple is erased, or reclaimed after a
///       kill: compaction, and updates that move the tuple, keep the number.
///   I2. An operation that fails changes nothing: neither what the page holds nor any number.
///   I3. Any bytes are a legal page: no member has undefined behaviour for any content. A page that
///       contradicts itself is errc::corrupt_page with the page's own number, and no file.
///   I4. `insert(other.tuple(s))` takes what another page lends. A span given to insert and update
///       may lie in this page, but not under a view that is still lent.
///
/// Expected outcomes are in the return types (no room; nothing there). `tuple`, `row`, `update`,
/// `edit` and `move` throw errc::no_such_tuple when the slot has no tuple. No member allocates,
/// except for what `edit` decodes.
/// Cost: reading a tuple is O(1). Insert and update are O(1) where the free gap suffices and no
/// slot waits for reuse, else O(slots + bytes). erase, reclaim, size and free_space are O(slots).

#include <quire/borrow/page_kind.hpp>
#include <quire/page/live_range.hpp>
#include <quire/page/page_change.hpp>
#include <quire/page/redirects.hpp>
#include <quire/page/tuple_codec.hpp>

#include <optional>  // std::optional
#include <utility>   // std::forward

namespace quire::inline QUIRE_ABI {

template <page_byte Byte, std::size_t PageSize>
class QUIRE_POINTER heap_page : public lender {
    static_assert(slotted_page_size<PageSize>,
                  "a heap page has a power of two of bytes, from 512 to 32768");
    using layout = slotted<Byte, PageSize>;

public:
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t first_field_at = page_header::kind_offset;
    /// The largest tuple that a page of this size can hold, alone.
    static constexpr std::size_t tuple_size_max = layout::tuple_size_max;
    /// The most redirects in a row that `tuple` follows and `redirect` makes.
    static constexpr std::size_t redirects_max = redirects<layout>::steps_max;

    explicit heap_page(std::span<Byte, PageSize> bytes) noexcept : page_{bytes} {}
    /// From a mutable view to a const one, as std::span converts.
    heap_page(heap_page<std::byte, PageSize> const& other QUIRE_LIFETIMEBOUND) noexcept
        requires(!writable_page<Byte>)
        : page_{other.page_} {
        join(other);
    }
    heap_page(heap_page<std::byte, PageSize> const&&) QUIRE_REFUSED_AS_VIEW_OF_TEMPORARY_PAGE;
    heap_page(heap_page const&) QUIRE_REFUSED_TO_MOVE;

    /// Makes `bytes` an empty heap page number `no`; no earlier byte remains.
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

    // The page as a whole

    /// The page's own number. Errors: errc::corrupt_page when the bytes are no page number.
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
    /// The largest tuple that an insert would take now, after compaction if necessary. Also 0 when
    /// there is no room for its line pointer.
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

    /// Whether `slot` names a tuple, itself or by redirects.
    [[nodiscard]] bool contains(slot_id slot) const {
        auto const b = page_.load_bounds();
        return slot.value() < b.slots && chains().follow(slot.value(), b).pointer.is_live();
    }

    /// The tuple in `slot`, or in the slot that its redirects lead to.
    /// Errors: errc::no_such_tuple.
    [[nodiscard]] byte_view<Byte> tuple(slot_id slot) const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return byte_view<Byte>{bytes_of(slot), *this};
    }
    /// The tuple in `slot`, mutable: lent only while nothing else of the page is lent.
    [[nodiscard]] byte_view<Byte> tuple(slot_id slot) const& QUIRE_LIFETIMEBOUND
        requires writable_page<Byte>
    QUIRE_LENDS_ALONE { return byte_view<Byte>{bytes_of(slot), *this}; }
    name_the_page_first tuple(slot_id) const&& QUIRE_REFUSED_ON_TEMPORARIES;

    /// The tuple as a `T`, to be read and set in place: a `tuple_codec<T>::view<Byte>`. Its slot is
    /// `slot`, even when a redirect led to another slot.
    /// Errors: errc::no_such_tuple; errc::row_mismatch when the tuple is no T.
    template <class T>
        requires detail::keeps_its_loan<T, Byte>
    [[nodiscard]] auto row(slot_id slot) const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return typename tuple_codec<T>::template view<Byte>{bytes_of(slot), place_of(slot),
                                                            borrow{*this, lending::shared}};
    }
    template <class T>
    [[nodiscard]] auto row(slot_id slot) const& QUIRE_LIFETIMEBOUND {
        if constexpr (detail::has_tuple_codec<T>()) {
            return typename tuple_codec<T>::template view<Byte>{bytes_of(slot), place_of(slot)};
        }
    }
    template <class T>
    name_the_page_first row(slot_id) const&& QUIRE_REFUSED_ON_TEMPORARIES;
    template <class T, std::integral Number>
    a_slot_is_a_slot_id row(Number) const QUIRE_REFUSED(
        "a row is found by the quire::slot_id that its insert returned, or one made from a number");
    say_the_type_of_the_row row(slot_id) const QUIRE_REFUSED_WITHOUT_TYPE;

    /// The live slots, in the order of their numbers.
    [[nodiscard]] live_range<layout, detail::slot_item> slots() const& noexcept
        QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        return live_range<layout, detail::slot_item>{page_, *this};
    }
    name_the_page_first slots() const&& QUIRE_REFUSED_ON_TEMPORARIES;

    /// The live tuples as rows of `T`, in slot order: `for (auto row : page.rows<user>())`.
    template <class T>
    [[nodiscard]] auto rows() const& QUIRE_LIFETIMEBOUND QUIRE_LENDS {
        if constexpr (detail::has_tuple_codec<T>()) {
            return live_range<layout, detail::row_item<T>>{page_, *this};
        }
    }
    template <class T>
    name_the_page_first rows() const&& QUIRE_REFUSED_ON_TEMPORARIES;
    say_the_type_of_the_row rows() const QUIRE_REFUSED_WITHOUT_TYPE;

    // Writing

    void set_lsn(std::uint64_t lsn) noexcept
        requires writable_page<Byte>
    {
        store_le(page_.bytes().data() + page_header::lsn_offset, lsn);
    }

    /// Adds a tuple; compacts if that is needed to make room. Nothing when the page is full.
    /// Errors: errc::tuple_too_large when no page of this size could hold it.
    [[nodiscard("nothing was inserted when the page is full")]] std::optional<slot_id> insert(
        std::span<std::byte const> tuple)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        return insert_with(tuple.size(), detail::copy_of(tuple));
    }
    /// Adds a value of a type with a tuple_codec. Expects: what the codec expects of a value; in a
    /// described struct, each described enum is one of its enumerators.
    template <class T>
        requires writable_page<Byte> && (!detail::tuple_bytes<T>)
    [[nodiscard("nothing was inserted when the page is full")]] std::optional<slot_id> insert(
        T const& value) QUIRE_CHANGES {
        if constexpr (detail::becomes_a_tuple<T>()) {
            return insert_with(tuple_codec<T>::size(value), detail::encoder_of(value));
        }
        return std::nullopt;
    }

    /// Replaces a tuple, which keeps its slot. False when the page has no room for the new one.
    /// Errors: errc::no_such_tuple; errc::tuple_too_large as above.
    [[nodiscard("nothing was changed when it does not fit")]] bool update(
        slot_id slot, std::span<std::byte const> tuple)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        return update_with(slot, tuple.size(), detail::copy_of(tuple));
    }
    template <class T>
        requires writable_page<Byte> && (!detail::tuple_bytes<T>)
    [[nodiscard("nothing was changed when it does not fit")]] bool update(slot_id slot,
                                                                          T const& value)
        QUIRE_CHANGES {
        if constexpr (detail::becomes_a_tuple<T>()) {
            return update_with(slot, tuple_codec<T>::size(value), detail::encoder_of(value));
        }
        return false;
    }

    /// Decodes the row into a `T`, calls `fn(T&)`, and writes it back when `fn` returns. Nothing is
    /// changed when it throws, or when the row no longer fits (false). Expects: as for `insert`.
    /// Errors: errc::no_such_tuple, errc::row_mismatch, errc::tuple_too_large, and those of `fn`.
    template <class T, class Fn>
        requires writable_page<Byte>
    [[nodiscard("nothing was changed when it does not fit")]] bool edit(slot_id slot, Fn&& fn)
        QUIRE_CHANGES {
        if constexpr (detail::has_tuple_codec<T>()) {
            if constexpr (detail::is_editable_by<T, Fn>()) {
                T value = detail::decoded<T>(bytes_of(slot), place_of(slot));
                std::forward<Fn>(fn)(value);
                return update(slot, value);
            }
        }
        return false;
    }

    say_the_type_of_the_row edit(slot_id, ...)
        requires writable_page<Byte>
    QUIRE_REFUSED_WITHOUT_TYPE;

    /// Removes the tuple or the redirect in `slot`. True if there was one.
    bool erase(slot_id slot)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        page_change const change{*this, page_};
        auto const b = page_.load_bounds();
        if (!page_.holds(slot, b)) { return false; }
        page_.set_slot(slot.value(), chains().vacant(slot.value(), b), b);
        return true;
    }

    /// Removes what `erase` removes, but the number is not given out again until `reclaim`.
    bool kill(slot_id slot)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        page_change const change{*this, page_};
        auto const b = page_.load_bounds();
        if (!page_.holds(slot, b)) { return false; }
        page_.set_slot(slot.value(), line_pointer::dead(), b);
        return true;
    }

    /// Lets the number of a dead slot be given out again. False when the slot is not dead, and
    /// while a redirect names it.
    bool reclaim(slot_id slot)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        page_change const change{*this, page_};
        auto const b = page_.load_bounds();
        if (slot.value() >= b.slots ||
            page_.load_pointer(slot.value(), b).state() != slot_state::dead ||
            chains().is_named(slot.value(), b)) {
            return false;
        }
        page_.set_slot(slot.value(), line_pointer::free(), b);
        return true;
    }

    /// Gives the live tuple of `from` the number `to`, a free slot or a new one, and leaves `from`
    /// as `erase` does. False when `to` is taken or the line pointers up to it have no room.
    /// Errors: errc::no_such_tuple when `from` itself is not live.
    [[nodiscard("nothing was moved when the slot is taken")]] bool move(slot_id from, slot_id to)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        page_change const change{*this, page_};
        static_cast<void>(page_.live_tuple(from));
        auto b = page_.load_bounds();
        line_pointer const left = chains().vacant(from.value(), b);
        if (to.value() >= layout::slots_max || page_.is_taken(to, b)) { return false; }
        if (to.value() >= b.slots && layout::lower(to.value() + 1U) > b.upper) {
            if (layout::lower(to.value() + 1U) + page_.count(b).bytes > PageSize) { return false; }
            page_.compact();
            b = page_.load_bounds();
        }
        page_.set_slot(to.value(), page_.load_pointer(from.value(), b), b);
        page_.set_slot(from.value(), left, page_.load_bounds());
        return true;
    }

    /// Makes `from`, an existing slot in any state, another name of the tuple that `to` names; a
    /// tuple of its own is removed. False when `from` does not exist, when a circle would arise, or
    /// when a chain would have more than `redirects_max` redirects.
    /// Errors: errc::no_such_tuple when `to` names no tuple.
    [[nodiscard("there is no redirect when it would be circular or too long")]] bool redirect(
        slot_id from, slot_id to)
        requires writable_page<Byte>
    QUIRE_CHANGES {
        page_change const change{*this, page_};
        static_cast<void>(bytes_of(to));
        auto const b = page_.load_bounds();
        if (from.value() >= b.slots || !chains().allows(from.value(), to.value(), b)) {
            return false;
        }
        page_.set_slot(from.value(), line_pointer::redirect(to.value()), b);
        return true;
    }

    /// Makes the free space one piece, and drops free slots behind the last used one. Tuples move;
    /// their slot numbers stay.
    void compact()
        requires writable_page<Byte>
    QUIRE_CHANGES {
        page_change const change{*this, page_};
        page_.compact();
    }

    QUIRE_REFUSED_ON_SHARED(set_lsn);
    QUIRE_REFUSED_ON_SHARED(insert);
    QUIRE_REFUSED_ON_SHARED(update);
    QUIRE_REFUSED_ON_SHARED(edit);
    QUIRE_REFUSED_ON_SHARED(erase);
    QUIRE_REFUSED_ON_SHARED(kill);
    QUIRE_REFUSED_ON_SHARED(reclaim);
    QUIRE_REFUSED_ON_SHARED(move);
    QUIRE_REFUSED_ON_SHARED(redirect);
    QUIRE_REFUSED_ON_SHARED(compact);

private:
    template <page_byte, std::size_t>
    friend class heap_page;

    [[nodiscard]] auto header() const noexcept { return page_header::load(page_.header_bytes()); }
    [[nodiscard]] redirects<layout> chains() const noexcept { return redirects<layout>{page_}; }
    [[nodiscard]] tuple_place place_of(slot_id slot) const { return {slot, page_.bytes()}; }
    /// The live slot that `slot` leads to.
    [[nodiscard]] typename redirects<layout>::end find(slot_id slot) const {
        auto const b = page_.load_bounds();
        if (slot.value() < b.slots) {
            auto const end = chains().follow(slot.value(), b);
            if (end.pointer.is_live()) { return end; }
        }
        page_.fail(errc::no_such_tuple, slot.value());
    }
    /// Its bytes. Most slots are not redirects: those that may be take a separate, slower path.
    [[nodiscard]] std::span<Byte> bytes_of(slot_id slot) const {
        line_pointer const pointer = page_.plain_pointer(slot.value());
        if (pointer.is_live()) [[likely]] { return page_.tuple(pointer); }
        return follow(page_.bytes().data(), slot);
    }
    [[nodiscard, gnu::cold, gnu::noinline]] static std::span<Byte> follow(Byte* bytes,
                                                                          slot_id slot) {
        heap_page const page{std::span<Byte, PageSize>{bytes, PageSize}};
        return page.page_.tuple(page.find(slot).pointer);
    }

    template <class Writer>
    std::optional<slot_id> insert_with(std::size_t length, Writer&& write) {
        page_change const change{*this, page_};
        if (length > tuple_size_max) { page_.fail(errc::tuple_too_large); }
        auto const b = page_.load_bounds();
        std::size_t const slot = page_.lowest_free(b);
        if (!page_.place(slot, length, write, b)) { return std::nullopt; }
        return slot_id{slot};
    }
    template <class Writer>
    bool update_with(slot_id slot, std::size_t length, Writer&& write) {
        page_change const change{*this, page_};
        auto const end = find(slot);
        if (length > tuple_size_max) { page_.fail(errc::tuple_too_large, slot.value()); }
        return page_.place(end.slot, length, write, page_.load_bounds());
    }

    layout page_;
};

static_assert(page_kind<heap_page, 512> && page_kind<heap_page, 4096> &&
              page_kind<heap_page, 32768>);

}  // namespace quire::inline QUIRE_ABI
