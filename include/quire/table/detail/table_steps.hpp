// SPDX-License-Identifier: BSL-1.0
#pragma once

/// table_steps: how the parts of an operation on a table are done: each in a change of its own, or
/// all in one change of the caller's.
///
///   steps.run(fn)                     fn(changes), which may run several times
///   steps.choose(target, form, size)  a page for such a row, a new one if there is no other
///   steps.may_be_undone               whether what was done before may be
///   steps.make_room(edits)            in the index whose leaf had none
///   steps.tidy(edits)                 merges what became thin

#include <quire/table/detail/record_heap.hpp>

#include <concepts>  // std::invocable, std::same_as

namespace quire::inline QUIRE_ABI::detail {

/// In changes of its own: so splits, merges and new pages keep others waiting for a moment only.
template <class Heap, class Indexes>
class own_steps {
public:
    static constexpr bool may_be_undone = false;

    own_steps(Heap& heap, Indexes& indexes) noexcept : heap_{heap}, indexes_{indexes} {}

    template <class Fn>
    void run(Fn fn) {
        heap_.store().in_one_change(fn);
    }
    void choose(typename Heap::target& target, record_form form, std::size_t size) {
        heap_.choose(target, Heap::page_view::size_of(form, size), [&] { heap_.grow_early(); },
                     [&](std::size_t whole) { heap_.grow_alone(target, whole); });
    }
    template <class Edits>
    void make_room(Edits const& edits) {
        edits.make_room(indexes_);
    }
    /// What is done is done: if a leaf cannot be merged now, a later erasure will do it.
    template <class Edits>
    void tidy(Edits const& edits) {
        try {
            edits.tidy(indexes_);
        } catch (error const&) {}
    }

private:
    Heap& heap_;
    Indexes& indexes_;
};

/// In a change of the caller's, which is undone as a whole.
template <class Heap, class Indexes, class Changes>
class part_steps {
public:
    static constexpr bool may_be_undone = true;

    part_steps(Heap& heap, Indexes& indexes, Changes& changes) noexcept
        : heap_{heap}, indexes_{indexes}, changes_{changes} {}

    template <class Fn>
    void run(Fn fn) {
        fn(changes_);
    }
    void choose(typename Heap::target& target, record_form form, std::size_t size) {
        heap_.choose(target, Heap::page_view::size_of(form, size), [] {},
                     [&](std::size_t whole) { heap_.grow_in(changes_, target, whole); });
    }
    template <class Edits>
    void make_room(Edits const& edits) {
        edits.make_room_in(changes_, indexes_);
    }
    template <class Edits>
    void tidy(Edits const& edits) {
        edits.tidy_in(changes_, indexes_);
    }

private:
    Heap& heap_;
    Indexes& indexes_;
    Changes& changes_;
};

/// Whether a function that walks over rows goes on: unless it says no.
template <class Fn>
[[nodiscard]] bool goes_on(Fn fn) {
    if constexpr (std::is_void_v<decltype(fn())>) {
        fn();
        return true;
    } else {
        static_assert(std::same_as<decltype(fn()), bool>,
                      "what is lent ends with fn: fn copies what it keeps, and returns nothing, or "
                      "whether to go on");
        return fn();
    }
}

/// `fn(id, row)`, or `fn(row)`, with a row that is lent; whether to go on.
template <class Fn, class Lent>
[[nodiscard]] bool show_row(Fn& fn, record_id id, Lent const& row) {
    constexpr bool takes_id = std::invocable<Fn&, record_id, Lent const&>;
    constexpr bool takes_row = std::invocable<Fn&, Lent const&>;
    static_assert(takes_id || takes_row,
                  "fn is called with a row that is lent, a view and not the struct, or with the "
                  "row's id and that: [](auto const& row) { row.template get<&order::id>(); }, "
                  "[](quire::record_id id, auto const& row) { ... }");
    if constexpr (takes_id) {
        return goes_on([&]() -> decltype(auto) { return fn(id, row); });
    } else if constexpr (takes_row) {
        return goes_on([&]() -> decltype(auto) { return fn(row); });
    } else {
        return false;
    }
}

}  // namespace quire::inline QUIRE_ABI::detail
