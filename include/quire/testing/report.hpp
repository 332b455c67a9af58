// SPDX-License-Identifier: BSL-1.0
#pragma once

/// report: which rules of a concept's table a model has broken, in words.
///
/// `check_policy`, `check_latch` and `check_backend` return one. They need no test framework:
///
///     auto const found = quire::testing::check_policy<my_policy>();
///     if (!found.passed()) { std::fputs(found.text().c_str(), stderr); }
///
/// A rule is named once, with what was seen when it was first broken. A rule that is broken early
/// can break later ones: read from the top.
///
/// A check tries what the model is: `checked()` names the concepts, and `unchecked()` the concepts
/// and rules that were left out, each with the reason. The author of a refinement looks there.
///
/// Threads: one at a time.

#include <quire/base/attributes.hpp>

#include <algorithm>    // std::any_of, std::find
#include <exception>    // std::exception
#include <string>       // std::string
#include <string_view>  // std::string_view
#include <vector>       // std::vector

namespace quire::inline QUIRE_ABI::testing {

class [[nodiscard("it says whether the model keeps the rules")]] report {
public:
    /// Whether no rule was seen broken.
    [[nodiscard]] bool passed() const noexcept { return broken_.empty(); }
    /// The broken rules in the order in which they were found: "rule" or "rule (what was seen)".
    [[nodiscard]] std::vector<std::string> const& broken() const noexcept QUIRE_LIFETIMEBOUND {
        return broken_;
    }
    /// Whether a broken rule has `words` in it.
    [[nodiscard]] bool names(std::string_view words) const {
        return std::any_of(broken_.begin(), broken_.end(), [&](std::string const& rule) {
            return rule.find(words) != std::string::npos;
        });
    }
    /// One line a broken rule; empty when there is none.
    [[nodiscard]] std::string text() const {
        std::string lines;
        for (auto const& rule : broken_) { lines += rule + '\n'; }
        return lines;
    }

    /// The concepts that were tried.
    [[nodiscard]] std::vector<std::string> const& checked() const noexcept QUIRE_LIFETIMEBOUND {
        return checked_;
    }
    /// What was not tried: "concept or rule (the reason)".
    [[nodiscard]] std::vector<std::string> const& unchecked() const noexcept QUIRE_LIFETIMEBOUND {
        return unchecked_;
    }

    // ---- for authors of checks --------------------------------------------------------------

    /// Thrown by `need` to leave a section.
    struct abandoned {};

    /// Notes `rule` as broken unless it `holds`.
    void expect(bool holds, std::string_view rule, std::string_view seen = {}) {
        if (holds || std::find(rules_.begin(), rules_.end(), rule) != rules_.end()) { return; }
        rules_.emplace_back(rule);
        broken_.emplace_back(rule);
        if (!seen.empty()) { broken_.back().append(" (").append(seen).append(")"); }
    }
    /// Notes `rule` as broken unless it `holds`, and then leaves the section: what follows there
    /// rests on the rule.
    void need(bool holds, std::string_view rule, std::string_view seen = {}) {
        expect(holds, rule, seen);
        if (!holds) { throw abandoned{}; }
    }
    /// Runs a part of a check. An exception that leaves it breaks `rule`.
    template <class Act>
    void section(std::string_view rule, Act&& act) {
        try {
            act();
        } catch (abandoned const&) {
        } catch (std::exception const& e) { expect(false, rule, e.what()); }
    }
    /// Notes `what` as tried, or why it was not.
    void note_checked(std::string_view what) { checked_.emplace_back(what); }
    void note_unchecked(std::string_view what, std::string_view why) {
        unchecked_.emplace_back(what).append(" (").append(why).append(")");
    }
    /// Adds the broken rules of another report.
    void add(report const& other) {
        for (std::size_t i = 0; i < other.rules_.size(); ++i) {
            if (std::find(rules_.begin(), rules_.end(), other.rules_[i]) != rules_.end()) {
                continue;
            }
            rules_.push_back(other.rules_[i]);
            broken_.push_back(other.broken_[i]);
        }
    }

private:
    std::vector<std::string> rules_;
    std::vector<std::string> broken_;  // the same rules, with what was seen
    std::vector<std::string> checked_;
    std::vector<std::string> unchecked_;
};

}  // namespace quire::inline QUIRE_ABI::testing
