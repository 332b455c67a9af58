// SPDX-License-Identifier: BSL-1.0
#pragma once

/// exercise_redirects: chains of redirects beside what they should be.
///
/// A page has `slots` slots, each free, dead, live or a redirect to any number. What `redirects`
/// says of them is compared with a plain walk over these numbers: where a chain ends, who is named,
/// and whether one more redirect would still leave every chain short and open.

#include <quire/page/heap_page.hpp>

#include "page/exercise_layout.hpp"

#include <optional>  // std::optional

namespace quire_test {

class redirects_exercise {
    static constexpr std::size_t page_size = 512;
    using layout = quire::slotted<std::byte, page_size>;
    using chains = quire::redirects<layout>;
    using line_pointer = quire::line_pointer;
    using slot_state = quire::slot_state;

public:
    /// Line pointers by choice. `far`: some redirects lead where no slot is.
    redirects_exercise(choices& choose, bool far, outcome& out) : bytes_(page_size), out_{out} {
        std::size_t const slots = choose.between(1, 10);
        std::size_t free_slots = 0;
        layout const page{span()};
        for (std::size_t i = 0; i < slots; ++i) {
            auto pointer = line_pointer::live(page_size - 1, 1);
            switch (choose.below(8)) {
                case 0: pointer = line_pointer::free(); ++free_slots; break;
                case 1: pointer = line_pointer::dead(); break;
                case 2: pointer = line_pointer::live(0, 0); break;
                case 3: break;
                default: pointer = line_pointer::redirect(choose.below(slots + (far ? 1 : 0)));
            }
            page.put_pointer(i, pointer);
        }
        page.put_bounds({.slots = slots, .upper = page_size - 1, .free_slots = free_slots});
    }

    /// Asks for all slots and all pairs of slots.
    void compare() {
        layout const page{span()};
        chains const asked{page};
        auto const b = page.load_bounds();
        bool all_end = true;
        for (std::size_t i = 0; i < b.slots; ++i) {
            auto const wanted = walk(i);
            bool const ends = out_.ask([&] {
                auto const end = asked.follow(i, b);
                require(wanted == end.slot, "a chain ends where its redirects lead");
                return end.slot;
            });
            require(ends == wanted.has_value(), "a chain ends, or is too long");
            bool const is_redirect = at(i).state() == slot_state::redirect;
            bool const is_lost = is_redirect && ends && at(*wanted).state() == slot_state::free;
            all_end = all_end && ends && !is_lost;
        }
        for (std::size_t i = 0; i < b.slots; ++i) { compare_names(asked, i, b, all_end); }
        require(out_.ask([&] { return asked.validate(), 0; }) == all_end,
                "redirects validate when each leads to a slot that is not free");
    }

private:
    [[nodiscard]] std::span<std::byte, page_size> span() {
        return std::span<std::byte, page_size>{bytes_.data(), page_size};
    }
    [[nodiscard]] line_pointer at(std::size_t slot) const {
        return line_pointer::from_bits(
            quire::load_le<std::uint32_t>(bytes_.data() + layout::lower(slot)));
    }
    [[nodiscard]] std::size_t slots() const {
        return quire::load_le<std::uint16_t>(bytes_.data() + 24);
    }
    /// The end of the chain; nothing when it is too long, a circle, or leads to no slot. `from`, if
    /// given, leads to `to`.
    [[nodiscard]] std::optional<std::size_t> walk(std::size_t slot, std::size_t from = page_size,
                                                  std::size_t to = 0) const {
        for (std::size_t steps = 0;; ++steps) {
            if (slot >= slots()) { return std::nullopt; }
            bool const redirected = slot == from;
            if (!redirected && at(slot).state() == slot_state::redirect &&
                at(slot).target() >= slots()) {
                return std::nullopt;
            }
            if (!redirected && at(slot).state() != slot_state::redirect) { return slot; }
            if (steps == chains::steps_max) { return std::nullopt; }
            slot = redirected ? to : at(slot).target();
        }
    }

    void compare_names(chains const& asked, std::size_t slot, layout::bounds const& b,
                       bool all_end) {
        bool named = false;
        for (std::size_t i = 0; i < b.slots; ++i) {
            named = named || (at(i).state() == slot_state::redirect && at(i).target() == slot);
        }
        out_.ask([&] {
            require(asked.is_named(slot, b) == named, "a slot is named by a redirect to it");
            auto const vacant = named ? line_pointer::dead() : line_pointer::free();
            require(asked.vacant(slot, b) == vacant, "a named slot becomes dead");
            return 0;
        });
        if (!walk(slot)) { return; }
        for (std::size_t from = 0; from < b.slots; ++from) {
            out_.ask([&] {
                bool const allowed = asked.allows(from, slot, b);
                require(!all_end || allowed == stays_short(from, slot),
                        "a redirect is allowed when every chain stays short and open");
                return allowed;
            });
        }
    }
    [[nodiscard]] bool stays_short(std::size_t from, std::size_t to) const {
        for (std::size_t i = 0; i < slots(); ++i) {
            if (!walk(i, from, to)) { return false; }
        }
        return true;
    }

    std::vector<std::byte> bytes_;
    outcome& out_;
};

}  // namespace quire_test
