// SPDX-License-Identifier: BSL-1.0
#pragma once

/// report: what each compiler caught, as numbers and as the table of docs/.

#include "compile_fail/item.hpp"

#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace corpus {

struct compiler {
    std::string name;     // as in the files
    std::string command;  // as in the shell
    std::string flags;
    bool is_clang;
    std::size_t goal_percent;  // of the misuses that Rust rejects
};

struct judged_item : item {
    bool legal = false;
    std::map<std::string, bool> caught;  // by compiler
};

/// Marks of a misuse, for the table: `form: elided` and `chosen: <why>`.
inline std::string marks_of(judged_item const& one) {
    std::string marks;
    if (one.get("form") == "elided") { marks += " *elided*"; }
    if (one.has("chosen")) { marks += " *chosen*"; }
    return marks;
}

/// What catches a misuse at run time, for the table.
inline std::string nets_of(judged_item const& one) {
    std::string nets;
    for (char const* net : {"contract", "error", "checked", "poison"}) {
        if (one.has(net)) { nets += (nets.empty() ? "" : ", ") + std::string{net}; }
    }
    return nets.empty() ? "-" : nets;
}

/// A part of the corpus.
using part = bool (*)(judged_item const&);
inline bool in_all(judged_item const&) { return true; }
inline bool not_elided(judged_item const& one) { return one.get("form") != "elided"; }
inline bool not_chosen(judged_item const& one) { return !one.has("chosen"); }

/// One compiler's numbers.
struct score {
    std::size_t rejected = 0;  // by Rust
    std::size_t caught = 0;    // of those
    std::size_t legal = 0;
    std::size_t flagged = 0;

    /// Rounded down.
    [[nodiscard]] std::size_t percent() const {
        return rejected == 0 ? 0 : 100 * caught / rejected;
    }
    [[nodiscard]] std::string share() const {
        return std::to_string(caught) + " of " + std::to_string(rejected) + " (" +
               std::to_string(percent()) + " %)";
    }
    [[nodiscard]] std::string flags() const {
        return std::to_string(flagged) + " of " + std::to_string(legal);
    }
};
inline score score_of(compiler const& c, std::vector<judged_item> const& items,
                      part is_in = in_all) {
    score sum;
    for (auto const& one : items) {
        auto const at = one.caught.find(c.name);
        bool const hit = at != one.caught.end() && at->second;
        if (one.legal) {
            ++sum.legal;
            sum.flagged += hit ? 1 : 0;
        } else if (one.get("rust") == "rejects" && is_in(one)) {
            ++sum.rejected;
            sum.caught += hit ? 1 : 0;
        }
    }
    return sum;
}
inline void summarise(std::ostream& out, std::vector<judged_item> const& items,
                      std::vector<compiler> const& compilers) {
    for (auto const& c : compilers) {
        auto const sum = score_of(c, items);
        out << c.name << ": refuses " << sum.share() << " misuses that Rust rejects, "
            << score_of(c, items, not_elided).share() << " without the elided, "
            << score_of(c, items, not_chosen).share() << " without the chosen; "
            << sum.flags() << " legal uses flagged\n";
    }
}
/// The numbers as the README says them, in these words.
inline std::vector<std::string> readme_phrases(std::vector<judged_item> const& items,
                                               std::vector<compiler> const& compilers) {
    std::vector<std::string> phrases;
    for (auto const& c : compilers) {
        auto const sum = score_of(c, items);
        if (phrases.empty()) {
            phrases.push_back("Of the " + std::to_string(sum.rejected) + " misuses in");
        }
        phrases.push_back("refuses " + std::to_string(sum.caught));
    }
    return phrases;
}

/// The shares, beside the goals, and why they are missed where they are.
inline void write_shares(std::ostream& out, std::vector<judged_item> const& items,
                         std::vector<compiler> const& compilers) {
    auto const line = [&](char const* name, auto const& cell) {
        out << "| " << name << " |";
        for (auto const& c : compilers) { out << ' ' << cell(c) << " |"; }
        out << '\n';
    };
    auto const share = [&](part is_in) {
        return [&items, is_in](compiler const& c) { return score_of(c, items, is_in).share(); };
    };
    auto const is_missed = [&](compiler const& c) {
        return score_of(c, items).percent() < c.goal_percent;
    };
    line("", [](compiler const& c) { return c.name; });
    line("---", [](compiler const&) { return "---"; });
    line("refused, of all that Rust rejects", share(in_all));
    line("the goal for that", [&](compiler const& c) {
        return std::to_string(c.goal_percent) + (is_missed(c) ? " %: missed" : " %: met");
    });
    line("refused, without the *elided*", share(not_elided));
    line("refused, without the *chosen*", share(not_chosen));
    line("legal uses flagged", [&](compiler const& c) { return score_of(c, items).flags(); });

    std::map<std::string, std::size_t> chosen;  // how many, by reason
    std::size_t all_chosen = 0;
    for (auto const& one : items) {
        if (!one.has("chosen")) { continue; }
        ++chosen[one.get("chosen")];
        ++all_chosen;
    }
    std::string missed;
    for (auto const& c : compilers) {
        if (is_missed(c)) { missed += (missed.empty() ? "" : ", ") + c.name; }
    }
    out << "\nThe goals are missed on this corpus by: " << (missed.empty() ? "none" : missed)
        << ".\nThey were met until " << all_chosen
        << " misuses were added, the *chosen*, because g++ and clang 19 let\nnearly all of them "
           "pass:\n\n";
    for (auto const& [why, count] : chosen) { out << "- " << count << ": " << why << '\n'; }
    out << "\n*elided*: what a page lends is neither copied nor moved, so most ways to keep it do "
           "not compile.\nBut C++ guarantees that a value is made in its place where a function "
           "returns it, and where a\nmember, an element of an array, a capture, a static or `new` "
           "gets it. Then nothing is copied or\nmoved, and g++ has no deleted function to report. "
           "clang 19 reports only what a function returns,\nclang 22 nearly all.\n";
}

/// The document; `by_hand` is the part of it that is written by hand.
inline void write_table(std::ostream& out, std::vector<judged_item> const& items,
                        std::vector<compiler> const& compilers, std::string const& by_hand) {
    out << "# What is caught, and by what\n\n"
           "Made by `compile_fail --table` from tests/compile_fail; do not edit.\n\n"
           "The flags of each compiler:\n\n";
    for (auto const& c : compilers) {
        out << "- " << c.name << (c.is_clang ? "" : " 12") << ": "
            << (c.flags.empty() ? "no flags" : '`' + c.flags + '`') << '\n';
    }
    out << "\n`quire_borrow_check` runs clang 22 with its flags here, and `-Wunused-result`, which "
           "is\non by default.\n\n"
           "At run time, if some compiler accepts the misuse: *contract*, every build prints the\n"
           "broken rule and stops; *error*, every build throws an error that names the rule; "
           "*checked*, a\nbuild with QUIRE_CHECKED stops; *poison*, the address sanitizer reports "
           "the line. Each of these\nis a test, `ctest -R \"net: <misuse>\"`, that runs the "
           "file.\n\n"
           "*elided* and *chosen* are explained [below](#in-numbers).\n\n"
           "| group | misuse | Rust |";
    for (auto const& c : compilers) { out << ' ' << c.name << " |"; }
    out << " at run time |\n|---|---|---|";
    for (std::size_t i = 0; i < compilers.size(); ++i) { out << "---|"; }
    out << "---|\n";
    std::string uncaught;
    std::string flagged;
    for (auto const& one : items) {
        if (one.legal) {
            for (auto const& c : compilers) {
                if (!one.caught.at(c.name)) { continue; }
                flagged += "- `" + one.name() + "`, " + c.name + ": " + one.get("why") + '\n';
            }
            continue;
        }
        out << "| " << one.get("group") << " | " << one.name() << marks_of(one) << " | "
            << one.get("rust") << " |";
        for (auto const& c : compilers) { out << (one.caught.at(c.name) ? " yes |" : " - |"); }
        out << ' ' << nets_of(one) << " |\n";
        if (one.has("uncaught")) {
            uncaught += "- `" + one.name() + "`: " + one.get("uncaught") + ".\n";
        }
    }
    out << "\n## What remains uncaught, and why\n\nWhere the compiler reports nothing, nothing at "
           "run time does either:\n\n" << uncaught << "\n## Legal uses that are reported\n\n"
        << (flagged.empty() ? "None.\n" : flagged) << '\n' << by_hand << "\n## In numbers\n\n"
           "Of this corpus: it has misuses that were chosen because a compiler lets them pass, and "
           "legal uses\nthat were chosen because one reports them. It is no sample of programs: a "
           "share says how many of\nthese misuses a compiler refuses, not how many of the mistakes "
           "in a program. Percentages are\nrounded down.\n\n";
    write_shares(out, items, compilers);
}

}  // namespace corpus
