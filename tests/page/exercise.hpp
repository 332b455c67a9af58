// SPDX-License-Identifier: BSL-1.0
#pragma once

/// exercise: all that can be asked of a heap page, and done to it, whatever its bytes are.
///
/// The tests of hostile pages and the fuzz targets give the bytes and a stream of choices. After
/// each operation the promises of heap_page.hpp are looked at:
///
///   an operation that throws, or says no, has changed nothing
///   one that succeeds on a page that validates leaves one that validates, in which every slot that
///   it did not name holds what it held, and the slot it did name holds what it was given
///   an insert into a page that validates succeeds exactly when free_space() says so

#include <quire/page/heap_page.hpp>

#include "page/exercise_layout.hpp"
#include "page/exercise_rows.hpp"

#include <algorithm>

namespace quire_test {

/// A value whose codec is a full specialisation, and refuses to be written.
struct refusal {
    std::size_t length;
};

}  // namespace quire_test

template <>
struct quire::tuple_codec<quire_test::refusal> {
    template <quire::page_byte Byte>
    struct view {
        explicit view(std::span<Byte>, quire::slot_id) {
            throw quire::error{quire::errc::row_mismatch, "a refusal"};
        }
    };
    static std::size_t size(quire_test::refusal const& value) { return value.length; }
    static void encode(quire_test::refusal const&, std::span<std::byte>) {
        throw quire::error{quire::errc::row_mismatch, "a refusal"};
    }
};

namespace quire_test {

template <std::size_t N>
class heap_exercise {
    using page_type = quire::heap_page<std::byte, N>;
    using shared_page = quire::heap_page<std::byte const, N>;
    using layout = quire::slotted<std::byte const, N>;
    using slot_id = quire::slot_id;
    using slot_state = quire::slot_state;

public:
    heap_exercise(std::span<std::byte, N> bytes, choices& choose, outcome& out)
        : bytes_{bytes}, choose_{choose}, out_{out} {}

    /// Asks for everything that is about the page, and for `slots` of the slots.
    void read(std::size_t slots) {
        shared_page const page{bytes_};
        out_.ask([&] { return page.accepts(bytes_); });
        out_.ask([&] { return page.number().value(); });
        out_.ask([&] { return page.lsn(); });
        out_.ask([&] { return page.slot_count(); });
        out_.ask([&] { return page.size(); });
        out_.ask([&] { return page.free_space(); });
        out_.ask([&] { return page.validate(), 0; });
        walk(page);
        for (std::size_t i = 0; i < slots; ++i) { read_slot(page, some_slot()); }
    }

    /// One operation, and what must hold after it.
    void change() {
        std::vector<std::byte> const before{bytes_.begin(), bytes_.end()};
        page_type page{bytes_};
        if (choose_.chance(1, 64)) { return format(page); }
        subject_ = other_ = layout::no_slot;
        bool const was_valid = is_valid([&] { page.validate(); });
        done_ = false;
        bool const answered = out_.ask([&] { return operate(page, was_valid); });
        if (!done_) {
            require(std::memcmp(bytes_.data(), before.data(), N) == 0,
                    "an operation that fails changes nothing");
        } else if (was_valid) {
            require(answered, "what was done to a valid page can be looked at");
            require(is_valid([&] { page.validate(); }), "a valid page stays valid");
            layout const old{std::span<std::byte const, N>{before.data(), N}};
            require(digest_others(old) == digest_others(layout{bytes_}),
                    "an operation leaves the other slots as they were");
        }
    }

    /// Walks over slots and rows of a page that changes between the steps of the walk.
    void walk_and_change() {
        shared_page const page{bytes_};
        auto const slots = page.slots();
        auto const rows = page.template rows<record>();
        out_.ask([&] {
            auto slot = slots.begin();
            auto row = rows.begin();
            std::size_t steps = 0;
            for (; slot != slots.end() && row != rows.end(); ++slot, row++, ++steps) {
                require(steps < layout::slots_max, "a walk ends");
                out_.ask([&] { return (*slot).value(); });
                damage_byte();
                out_.ask([&] { return read_record(*row); });
                damage_byte();
            }
            return steps;
        });
    }

private:
    [[nodiscard]] std::size_t some_number() {
        return choose_.chance(7, 8) ? choose_.below(12) : choose_.below(65536);
    }
    [[nodiscard]] slot_id some_slot() { return slot_id{some_number()}; }
    void damage_byte() {
        std::size_t const at = choose_.below(choose_.chance(3, 4) ? 64 : N);
        bytes_[at] ^= static_cast<std::byte>(1U << choose_.below(8));
    }

    // ---- reading

    void walk(shared_page const& page) {
        out_.ask([&] {
            std::size_t count = 0;
            for (auto slot : page.slots()) {
                count += page.contains(slot) ? 1 : layout::no_slot;
            }
            require(count == page.size(), "a walk over slots meets the live ones");
            return count;
        });
        out_.ask([&] {
            std::uint64_t sum = 0;
            for (auto const& row : page.template rows<record>()) { sum += read_record(row); }
            return sum;
        });
        out_.ask([&] {
            for (auto const& row : page.template rows<specimen>()) {
                auto const tuple = page.tuple(row.slot());
                read_columns<specimen>(row, tuple.unguarded_span(), out_);
            }
            return 0;
        });
    }
    void read_slot(shared_page const& page, slot_id slot) {
        bool there = false;
        bool const known = out_.ask([&] { return there = page.contains(slot); });
        bool const lent = out_.ask([&] {
            auto const tuple = page.tuple(slot);
            read_view(tuple, tuple.unguarded_span(), choose_, out_);
            return tuple.size();
        });
        require(!lent || !known || there, "contains says whether there is a tuple");
        if (!lent) { return; }
        out_.ask([&] { return read_record(page.template row<record>(slot)); });
        auto const tuple = page.tuple(slot);
        read_row<record>(tuple.unguarded_span(), out_);
        read_row<specimen>(tuple.unguarded_span(), out_);
        out_.ask([&] {
            auto const row = page.template row<specimen>(slot);
            read_columns<specimen>(row, tuple.unguarded_span(), out_);
            return row.slot().value();
        });
    }

    // ---- looking behind the page

    [[nodiscard]] std::uint64_t digest_others(layout const& page) const {
        auto const b = page.load_bounds();
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < b.slots; ++i) {
            auto const pointer = page.load_pointer(i, b);
            if (i == subject_ || i == other_ || pointer.state() == slot_state::free) { continue; }
            sum += (i + 1) * (pointer.is_live() ? digest(page.tuple(pointer)) + 7 : pointer.bits());
        }
        return sum;
    }
    [[nodiscard]] slot_state state_of(std::size_t slot) const {
        layout const page{bytes_};
        auto const b = page.load_bounds();
        return slot < b.slots ? page.load_pointer(slot, b).state() : slot_state::free;
    }
    /// The slot that `slot` leads to; itself where it leads nowhere.
    [[nodiscard]] std::size_t end_of(std::size_t slot) const {
        layout const page{bytes_};
        auto const b = page.load_bounds();
        if (slot >= b.slots) { return slot; }
        return quire::redirects<layout>{page}.follow(slot, b).slot;
    }
    [[nodiscard]] std::vector<std::byte> copy_of(page_type const& page, slot_id slot) const {
        auto const tuple = page.tuple(slot);
        std::vector<std::byte> copy(tuple.size());
        tuple.copy_to(copy);
        return copy;
    }
    /// The bytes of a tuple in this very page, no longer lent.
    [[nodiscard]] std::span<std::byte const> own_bytes(page_type const& page, slot_id slot) const {
        auto const tuple = page.tuple(slot);
        return {tuple.unguarded_span().data(), tuple.size()};
    }
    void expect_tuple(page_type const& page, slot_id slot, std::span<std::byte const> wanted,
                      bool was_valid) const {
        if (was_valid) {
            require(std::ranges::equal(copy_of(page, slot), wanted), "a tuple is what was given");
        }
    }

    // ---- changing

    /// Marks an operation as one that succeeded, before anything else is asked.
    bool did(bool succeeded) { return done_ = succeeded; }

    /// `length`: of the tuple that it may take the place of.
    [[nodiscard]] std::vector<std::byte> some_tuple(page_type const& page, std::size_t length = 0) {
        length = choose_.chance(1, 2) ? length + choose_.below(3) : choose_.below(48);
        switch (choose_.below(8)) {
            case 0: length = page.free_space(); break;
            case 1: length = page.free_space() + 1; break;
            case 2: length = choose_.below(N); break;
            case 3: length = page.tuple_size_max + choose_.below(2); break;
            default: break;
        }
        return std::vector<std::byte>(length, static_cast<std::byte>(choose_.below(256)));
    }
    [[nodiscard]] std::size_t some_letters() { return choose_.chance(3, 4) ? 12 : N / 4; }

    bool operate(page_type& page, bool was_valid) {
        switch (choose_.below(14)) {
            case 0: return insert(page, some_tuple(page), was_valid);
            case 1: return insert_own(page, was_valid);
            case 2: return insert_value(page, was_valid);
            case 3: return update(page, some_slot(), was_valid);
            case 4: return update_own(page, was_valid);
            case 5: return update_value(page, was_valid);
            case 6: return edit(page, was_valid);
            case 7: return erase(page);
            case 8: return kill(page);
            case 9: return reclaim(page);
            case 10: return move(page, was_valid);
            case 11: return redirect(page, was_valid);
            case 12: return compact(page);
            default: return write_in_place(page);
        }
    }

    bool insert(page_type& page, std::span<std::byte const> tuple, bool was_valid) {
        std::size_t const room = was_valid ? page.free_space() : 0;
        auto const slot = page.insert(tuple);
        require(!was_valid || tuple.empty() || slot.has_value() == (tuple.size() <= room),
                "an insert succeeds exactly when there is room");
        if (!did(slot.has_value())) { return false; }
        subject_ = slot->value();
        expect_tuple(page, *slot, tuple, was_valid);
        return true;
    }
    bool insert_own(page_type& page, bool was_valid) {
        slot_id const from = some_slot();
        auto const wanted = copy_of(page, from);
        auto const slot = page.insert(own_bytes(page, from));
        if (!did(slot.has_value())) { return false; }
        subject_ = slot->value();
        expect_tuple(page, *slot, wanted, was_valid);
        return true;
    }
    bool insert_value(page_type& page, bool was_valid) {
        std::vector<std::byte> wanted;
        std::optional<slot_id> slot;
        std::size_t const how = choose_.below(8);
        if (how == 0) {
            slot = page.insert(refusal{choose_.below(N)});
            require(!slot, "a codec that throws is heard");
        } else if (how < 4) {
            auto const value = some_specimen(choose_, some_letters());
            wanted = row_of(value);
            slot = page.insert(value);
        } else {
            auto const value = some_record(choose_, some_letters());
            wanted = row_of(value);
            slot = page.insert(value);
        }
        if (!did(slot.has_value())) { return false; }
        subject_ = slot->value();
        expect_tuple(page, *slot, wanted, was_valid);
        return true;
    }

    bool update(page_type& page, slot_id slot, bool was_valid) {
        auto const tuple = some_tuple(page, page.contains(slot) ? own_bytes(page, slot).size() : 0);
        if (!did(page.update(slot, tuple))) { return false; }
        subject_ = end_of(slot.value());
        expect_tuple(page, slot, tuple, was_valid);
        return true;
    }
    bool update_own(page_type& page, bool was_valid) {
        slot_id const from = some_slot();
        slot_id const to = some_slot();
        auto const wanted = copy_of(page, from);
        auto const whole = own_bytes(page, from);
        std::size_t const skipped = whole.empty() ? 0 : choose_.below(whole.size());
        if (!did(page.update(to, whole.subspan(skipped)))) { return false; }
        subject_ = end_of(to.value());
        expect_tuple(page, to, std::span{wanted}.subspan(skipped), was_valid);
        return true;
    }
    bool update_value(page_type& page, bool was_valid) {
        slot_id const slot = some_slot();
        std::vector<std::byte> wanted;
        bool done = false;
        std::size_t const how = choose_.below(8);
        if (how == 0) {
            done = page.update(slot, refusal{choose_.below(N)});
            require(!done, "a codec that throws is heard");
        } else if (how < 4) {
            auto const value = some_specimen(choose_, some_letters());
            wanted = row_of(value);
            done = page.update(slot, value);
        } else {
            auto const value = some_record(choose_, some_letters());
            wanted = row_of(value);
            done = page.update(slot, value);
        }
        if (!did(done)) { return false; }
        subject_ = end_of(slot.value());
        expect_tuple(page, slot, wanted, was_valid);
        return true;
    }
    bool edit(page_type& page, bool was_valid) {
        slot_id const slot = some_slot();
        bool const gives_up = choose_.chance(1, 8);
        std::size_t const longer = choose_.below(some_letters());
        std::vector<std::byte> wanted;
        bool const done = page.template edit<record>(slot, [&](record& value) {
            value.text += std::string(longer, 'e');
            value.number = ~value.number;
            if (gives_up) { throw quire::error{quire::errc::row_mismatch, "an editor"}; }
            wanted = row_of(value);
        });
        if (!did(done)) { return false; }
        subject_ = end_of(slot.value());
        expect_tuple(page, slot, wanted, was_valid);
        return true;
    }

    bool erase(page_type& page) {
        subject_ = some_number();
        if (!did(page.erase(slot_id{subject_}))) { return false; }
        auto const state = state_of(subject_);
        require(state == slot_state::free || state == slot_state::dead, "an erased slot is empty");
        return true;
    }
    bool kill(page_type& page) {
        subject_ = some_number();
        if (!did(page.kill(slot_id{subject_}))) { return false; }
        require(state_of(subject_) == slot_state::dead, "a killed slot is dead");
        return true;
    }
    bool reclaim(page_type& page) {
        subject_ = some_number();
        if (!did(page.reclaim(slot_id{subject_}))) { return false; }
        require(state_of(subject_) == slot_state::free, "a reclaimed slot is free");
        return true;
    }
    bool move(page_type& page, bool was_valid) {
        slot_id const from = some_slot();
        slot_id const to{choose_.chance(1, 2) ? some_number() : choose_.below(N / 3)};
        std::vector<std::byte> wanted;
        if (page.contains(from)) { wanted = copy_of(page, from); }
        if (!did(page.move(from, to))) { return false; }
        subject_ = from.value();
        other_ = to.value();
        require(state_of(other_) == slot_state::live, "a moved tuple has its new number");
        require(state_of(subject_) != slot_state::live, "a moved tuple has no other number");
        expect_tuple(page, to, wanted, was_valid);
        return true;
    }
    bool redirect(page_type& page, bool was_valid) {
        slot_id const from = some_slot();
        slot_id const to = some_slot();
        if (!did(page.redirect(from, to))) { return false; }
        subject_ = from.value();
        require(page.contains(to) && state_of(subject_) == slot_state::redirect,
                "a redirect leads to a tuple");
        if (was_valid) {
            require(end_of(subject_) == end_of(to.value()), "a redirect is another name");
        }
        return true;
    }
    bool compact(page_type& page) {
        std::size_t const room = page.free_space();
        page.compact();
        did(true);
        layout const now{bytes_};
        auto const b = now.load_bounds();
        require(page.free_space() == room, "compaction neither finds room nor loses it");
        require(now.count(b).bytes == N - b.upper && now.count(b).slots == b.slots,
                "a compacted page has one gap and no free slots at the end");
        return true;
    }
    bool write_in_place(page_type& page) {
        std::size_t const how = choose_.below(4);
        if (how == 0) {
            std::uint64_t const lsn = choose_.bits();
            page.set_lsn(lsn);
            did(true);
            require(page.lsn() == lsn, "the log sequence number is what was set");
            return true;
        }
        slot_id const slot = some_slot();
        if (!page.contains(slot)) { return false; }
        subject_ = end_of(slot.value());
        did(true);
        write_tuple(page, slot);
        return true;
    }
    void write_tuple(page_type& page, slot_id slot) {
        {
            auto const tuple = page.tuple(slot);
            if (tuple.size() >= 4) { tuple.store(choose_.below(tuple.size() - 3), 0x01020304U); }
            change_row<record>(tuple.unguarded_span(), choose_, out_);
            change_row<specimen>(tuple.unguarded_span(), choose_, out_);
        }
        out_.ask([&] {
            auto row = page.template row<record>(slot);
            row.template set<&record::number>(7);
            require(row.template get<&record::number>() == 7, "a column reads as what was set");
            return 0;
        });
    }
    void format(page_type& page) {
        std::size_t const number = choose_.below(65536);
        page.format(bytes_, number);
        page.validate();
        require(page.number().value() == number && page.slot_count() == 0 && page.size() == 0 &&
                    page.free_space() == page.tuple_size_max,
                "a new page is empty");
    }

    std::span<std::byte, N> bytes_;
    choices& choose_;
    outcome& out_;
    bool done_ = false;
    std::size_t subject_ = layout::no_slot;
    std::size_t other_ = layout::no_slot;
};

}  // namespace quire_test
