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
};

struct judged_item : item {
    bool legal = false;
    std::map<std::string, bool> caught;  // by compiler
};

/// What catches a misuse at run time, for the table.
inline std::string nets_of(judged_item const& one) {
    std::string nets;
    for (char const* net : {"contract", "error", "checked", "poison"}) {
        if (one.has(net)) { nets += (nets.empty() ? "" : ", ") + std::string{net}; }
    }
    return nets.empty() ? "-" : nets;
}

/// One compiler's numbers.
struct score {
    std::size_t rejected = 0;  // by Rust
    std::size_t caught = 0;    // of those
    std::size_t legal = 0;
    std::size_t flagged = 0;
};
inline score score_of(compiler const& c, std::vector<judged_item> const& items) {
    score sum;
    for (auto const& one : items) {
        auto const at = one.caught.find(c.name);
        bool const hit = at != one.caught.end() && at->second;
        if (one.legal) {
            ++sum.legal;
            sum.flagged += hit ? 1 : 0;
        } else if (one.get("rust") == "rejects") {
            ++sum.rejected;
            sum.caught += hit ? 1 : 0;
        }
    }
    return sum;
}
inline void summarise(std::ostream& out, std::vector<judged_item> const& items,
                      std::vector<compiler> const& compilers, std::string const& bullet) {
    for (auto const& c : compilers) {
        auto const sum = score_of(c, items);
        auto const percent = sum.rejected == 0 ? 0 : 100 * sum.caught / sum.rejected;
        out << bullet << c.name << ": " << sum.caught << " of " << sum.rejected
            << " misuses that Rust rejects (" << percent << " %), " << sum.flagged << " of "
            << sum.legal << " legal uses flagged\n";
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

inline void write_table(std::ostream& out, std::vector<judged_item> const& items,
                 std::vector<compiler> const& compilers) {
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
        out << "| " << one.get("group") << " | " << one.name() << " | " << one.get("rust") << " |";
        for (auto const& c : compilers) { out << (one.caught.at(c.name) ? " yes |" : " - |"); }
        out << ' ' << nets_of(one) << " |\n";
        if (one.has("uncaught")) {
            uncaught += "- `" + one.name() + "`: " + one.get("uncaught") + ".\n";
        }
    }
    out << "\n## What remains uncaught, and why\n\nWhere the compiler reports nothing, nothing at "
           "run time does either:\n\n" << uncaught << "\n## Legal uses that are reported\n\n"
        << (flagged.empty() ? "None.\n" : flagged) << "\n## In numbers\n\n"
           "Of this corpus: it has misuses that were chosen because a compiler lets them pass, and "
           "legal uses\nthat were chosen because one reports them. It is no sample of programs."
           "\n\n";
    summarise(out, items, compilers, "- ");
}

}  // namespace corpus
