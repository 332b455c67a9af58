// SPDX-License-Identifier: BSL-1.0
#pragma once

/// row_writes: one row of a table is added, changed or erased, with its entries in all indexes.
///
/// In one change: pages are held first, of the row and of each index, and refusals come then; after
/// that bytes are changed, and nothing fails. Where a page has no room the change ends without
/// having changed anything, room is made, and it is tried again. How that is done `steps` knows
/// (table_steps.hpp).

#include <quire/table/detail/key_order.hpp>
#include <quire/table/detail/record_heap.hpp>
#include <quire/table/value_codec.hpp>

#include <optional>  // std::optional

namespace quire::inline QUIRE_ABI::detail {

/// Whatever row has the id.
struct any_row {};

template <class Row, class Heap, class Indexes>
class row_writes {
    using rows = value_codec<Row>;
    using edits_type = typename Indexes::edits;

public:
    row_writes(Heap& heap, Indexes& indexes) noexcept : heap_{heap}, indexes_{indexes} {}

    /// Errors: duplicate_key, tuple_too_large.
    template <class Steps>
    record_id insert(Steps steps, Row const& row) {
        auto const size = size_of(row);
        edits_type edits;
        typename Heap::target target{heap_, steps.may_be_undone};
        while (true) {
            steps.choose(target, record_form::row, size);
            std::optional<record_id> at;
            bool fits = false;
            steps.run([&](auto& changes) {
                at = heap_.hold_room(changes, target, record_form::row, size);
                if (!at) { return; }
                edits.template plan<Row>(indexes_, nullptr, &row, *at);
                fits = edits.prepare(changes, indexes_);
                if (!fits) { return; }
                heap_.put(changes, *at, size, writer_of(row));
                edits.apply(changes, indexes_);
            });
            if (!at) { continue; }
            if (fits) { return *at; }
            steps.make_room(edits);
        }
    }
    /// Whether there is such a row, of which `is(row)` is true. Errors: likewise, and those of
    /// `fn(Row&)`.
    template <class Steps, class Fn, class Is = any_row>
    bool update(Steps steps, record_id id, Fn& fn, Is const& is = {}) {
        static_assert(takes_in_place<Row, Fn>(),
                      "update writes back the row that it lends to fn, and this fn changes a copy "
                      "or nothing: take it by reference, [](order& row) { ... }");
        enum class result : std::uint8_t { absent, done, no_room, no_room_in_index };
        edits_type edits;
        typename Heap::target target{heap_, steps.may_be_undone};
        std::size_t size = 0;
        while (true) {
            auto result = result::absent;
            steps.run([&](auto& changes) {
                result = result::absent;
                auto const where = hold(changes, id, is);
                if (!where) { return; }
                std::size_t size_before = 0;
                auto const before = heap_.with_row(changes, *where, [&](key_bytes row) {
                    size_before = row.size();
                    return rows::decode(row);
                });
                Row after = before;
                fn(after);
                size = size_of(after);
                std::optional<record_id> to;
                if (!heap_.can_replace(changes, *where, size)) {
                    result = result::no_room;
                    if (!target.has_page()) { return; }
                    to = heap_.hold_room(changes, target, record_form::moved_here, size);
                    if (!to) { return; }
                }
                result = result::no_room_in_index;
                edits.plan(indexes_, &before, &after, id);
                if (!edits.prepare(changes, indexes_)) { return; }
                bool const leaves_room = to || size < size_before;
                if (leaves_room) { doubt_room(steps, *where); }
                if (to) {
                    heap_.move(changes, *where, *to, size, writer_of(after));
                } else {
                    heap_.replace(changes, *where, size, writer_of(after));
                }
                edits.apply(changes, indexes_);
                if (leaves_room) { note_room(steps, changes, *where); }
                result = result::done;
            });
            if (result == result::absent) { return false; }
            if (result == result::done) { break; }
            if (result == result::no_room) {
                steps.choose(target, record_form::moved_here, size);
            } else {
                steps.make_room(edits);
            }
        }
        steps.tidy(edits);
        return true;
    }
    /// Whether there was such a row, of which `is(row)` was true.
    template <class Steps, class Is = any_row>
    bool erase(Steps steps, record_id id, Is const& is = {}) {
        edits_type edits;
        bool was_there = false;
        steps.run([&](auto& changes) {
            auto const where = hold(changes, id, is);
            was_there = where.has_value();
            if (!was_there) { return; }
            if constexpr (Indexes::count > 0) {
                auto const row = heap_.with_row(
                    changes, *where, [](key_bytes bytes) { return rows::decode(bytes); });
                edits.template plan<Row>(indexes_, &row, nullptr, id);
                static_cast<void>(edits.prepare(changes, indexes_));
            }
            doubt_room(steps, *where);
            heap_.erase(changes, *where);
            edits.apply(changes, indexes_);
            note_room(steps, changes, *where);
        });
        if (was_there) { steps.tidy(edits); }
        return was_there;
    }

private:
    /// Before something goes from a row's pages: in a change that may be undone.
    template <class Steps>
    void doubt_room([[maybe_unused]] Steps const& steps, typename Heap::location const& where) {
        if constexpr (Steps::may_be_undone) {
            heap_.note_room_made(where.now.page);
            if (where.has_moved()) { heap_.note_room_made(where.id.page); }
        }
    }
    /// After that: in another.
    template <class Steps, class Changes>
    void note_room([[maybe_unused]] Steps const& steps, Changes& changes,
                   typename Heap::location const& where) {
        if constexpr (!Steps::may_be_undone) {
            heap_.note_room(changes, where.now.page);
            if (where.has_moved()) { heap_.note_room(changes, where.id.page); }
        }
    }
    template <class Changes, class Is>
    [[nodiscard]] auto hold(Changes& changes, record_id id, Is const& is) const {
        auto where = heap_.hold(changes, id);
        if constexpr (!std::same_as<Is, any_row>) {
            if (where && !heap_.with_row(changes, *where, is)) { where.reset(); }
        }
        return where;
    }
    /// Errors: tuple_too_large.
    [[nodiscard]] static std::size_t size_of(Row const& row) {
        auto const size = rows::size(row);
        if (size > Heap::row_size_max) {
            throw error{errc::tuple_too_large, "a row of a table",
                        {.why = std::to_string(size) + " bytes as stored, at most " +
                                std::to_string(Heap::row_size_max)}};
        }
        return size;
    }
    [[nodiscard]] static auto writer_of(Row const& row) noexcept {
        return [&row](std::span<std::byte> out) { rows::encode(row, out); };
    }

    Heap& heap_;
    Indexes& indexes_;
};

}  // namespace quire::inline QUIRE_ABI::detail
