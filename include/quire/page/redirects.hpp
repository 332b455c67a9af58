// SPDX-License-Identifier: BSL-1.0
#pragma once

/// redirects: slots that name other slots of the same page, in short chains.
///
/// A redirect lets a tuple be found by a number it was not inserted under: the old number stays
/// valid for code that kept it, while the tuple is stored under the new one.
///
/// Invariants
///   I1. A redirect names an existing slot that is not free; after at most `steps_max` redirects a
///       chain reaches a slot that is not a redirect: live or dead.
///   I2. A slot that a redirect names becomes dead, not free, when it loses its tuple: its number
///       must not be given to another tuple while a redirect still leads there.
///   I3. A walk ends after `steps_max` redirects, whatever the bytes are: errc::corrupt_page.
///
/// Cost: following is O(1). Which redirects name a slot is stored nowhere, so finding them walks
/// the page. A count of redirects in the header would save that walk for pages without any, and
/// would be one more field that a corrupt page can have wrong.

#include <quire/page/slotted.hpp>


namespace quire::inline QUIRE_ABI {

template <class Layout>
class QUIRE_POINTER redirects {
public:
    using bounds = typename Layout::bounds;
    static constexpr std::size_t steps_max = 4;

    /// Where a chain ends.
    struct end {
        std::size_t slot;
        line_pointer pointer;
    };

    explicit redirects(Layout page) noexcept : page_{page} {}

    /// Walks from `slot` to the first slot that is not a redirect; it need not be live.
    /// Expects: `slot < b.slots`.
    [[nodiscard]] end follow(std::size_t slot, bounds const& b) const {
        for (std::size_t steps = 0; steps <= steps_max; ++steps) {
            line_pointer const pointer = page_.load_pointer(slot, b);
            if (pointer.state() != slot_state::redirect) { return {slot, pointer}; }
            slot = pointer.target();
        }
        page_.corrupt("redirects");
    }

    /// Whether a redirect names `slot`.
    [[nodiscard]] bool is_named(std::size_t slot, bounds const& b) const {
        for (std::size_t i = 0; i < b.slots; ++i) {
            line_pointer const pointer = page_.load_pointer(i, b);
            if (pointer.state() == slot_state::redirect && pointer.target() == slot) {
                return true;
            }
        }
        return false;
    }

    /// The state of a slot after it lost its tuple or redirect (I2).
    [[nodiscard]] line_pointer vacant(std::size_t slot, bounds const& b) const {
        return is_named(slot, b) ? line_pointer::dead() : line_pointer::free();
    }

    /// Whether `from` may become a redirect to `to`: there is no circle, and no chain through it
    /// becomes too long. Expects: both exist, and `follow(to, b)` has returned.
    [[nodiscard]] bool allows(std::size_t from, std::size_t to, bounds const& b) const {
        auto const onward = steps_between(to, from, b);
        if (onward.arrives) { return false; }
        std::size_t longest = 0;
        for (std::size_t i = 0; i < b.slots; ++i) {
            auto const inward = steps_between(i, from, b);
            if (inward.arrives && inward.steps > longest) { longest = inward.steps; }
        }
        return longest + 1 + onward.steps <= steps_max;
    }

    /// Throws errc::corrupt_page where I1 does not hold. Expects: the layout was validated.
    void validate() const {
        bounds const b = page_.load_bounds();
        for (std::size_t i = 0; i < b.slots; ++i) {
            if (page_.load_pointer(i, b).state() == slot_state::redirect &&
                follow(i, b).pointer.state() == slot_state::free) {
                page_.corrupt("target of a redirect");
            }
        }
    }

private:
    struct walk {
        std::size_t steps;
        bool arrives;
    };
    /// Follows redirects from `slot` to `goal`, or to the end of the chain.
    [[nodiscard]] walk steps_between(std::size_t slot, std::size_t goal, bounds const& b) const {
        for (std::size_t steps = 0; steps <= steps_max; ++steps) {
            if (slot == goal) { return {steps, true}; }
            line_pointer const pointer = page_.load_pointer(slot, b);
            if (pointer.state() != slot_state::redirect) { return {steps, false}; }
            slot = pointer.target();
        }
        page_.corrupt("redirects");
    }

    Layout page_;
};

}  // namespace quire::inline QUIRE_ABI
